"""---
description: >-
  One row per period kind, coming day or week, and model: the revenue to expect after the last
  complete day or week, with its prediction interval.
key: [period, target_date, model]
requires: [purchase, value]
columns:
  period: {type: varchar, description: 'What is forecast: day or week.'}
  target_date: {type: date, description: The day forecast (for weeks its first day).}
  model: {type: varchar, description: 'One of seasonal_naive, exponential_smoothing, lightgbm.'}
  is_champion: {type: boolean, description: Whether it is the model that forecast_metrics chose.}
  origin_date:
    type: date
    description: >-
      Last complete day (for weeks the first day of that week); a partial one after it is not
      used.
  horizon: {type: bigint, description: Periods from the last known one to the one forecast.}
  is_open: {type: boolean, description: False on a holiday and on a weekday without trade.}
  value:
    type: "decimal(18,4)"
    description: Forecast of the revenue; 0 where the source is known to be closed.
  low: {type: "decimal(18,4)", description: Lower end of the prediction interval.}
  high: {type: "decimal(18,4)", description: Upper end of the prediction interval.}
  interval_level:
checks:
  - expect_column_values_to_be_between: {column: value, min_value: 0}
  - expect_column_pair_values_a_to_be_greater_than_b:
      column_A: high
      column_B: value
      or_equal: true
---
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from customer_assets.learning.forecast import sales_forecast


def compute(
    sales_calendar: pl.LazyFrame,
    forecast_backtest: pl.LazyFrame,
    forecast_metrics: pl.LazyFrame,
    *,
    holidays: Sequence[str],
) -> list[dict[str, Any]]:
    return sales_forecast(
        sales_calendar.collect(),
        forecast_backtest.collect(),
        forecast_metrics.collect(),
        holidays=holidays,
    )
