"""---
description: >-
  One row per period kind, model, past origin and horizon: the forecast that would have been
  made, knowing nothing after the origin, beside what was sold.
key: [period, model, origin_date, horizon]
requires: [purchase, value]
columns:
  period: {type: varchar, description: 'What is forecast: day or week.'}
  model: {type: varchar, description: 'One of seasonal_naive, exponential_smoothing, lightgbm.'}
  origin_date: {type: date, description: Last day known (for weeks the first day of that week).}
  horizon: {type: bigint, description: Periods from the last known one to the one forecast.}
  target_date: {type: date, description: The day forecast (for weeks its first day).}
  is_open:
    type: boolean
    description: False on a holiday and on a weekday known to be closed at the origin.
  value:
    type: "decimal(18,4)"
    description: Forecast of the revenue; 0 where the source is known to be closed.
  low:
    type: "decimal(18,4)"
    description: >-
      Lower end of the 80% prediction interval from errors known at the origin (of weeks as
      shares of the forecast); null with fewer than 10 of them.
  high: {type: "decimal(18,4)", description: Upper end of the prediction interval.}
  interval_level:
  actual: {type: "decimal(18,4)", description: Revenue that came.}
checks:
  - expect_column_pair_values_a_to_be_greater_than_b:
      column_A: target_date
      column_B: origin_date
  - expect_column_values_to_be_between: {column: value, min_value: 0}
---
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from customer_assets.learning.forecast_backtest import forecast_backtest


def compute(
    sales_calendar: pl.LazyFrame,
    *,
    holidays: Sequence[str],
) -> list[dict[str, Any]]:
    return forecast_backtest(sales_calendar.collect(), holidays=holidays)
