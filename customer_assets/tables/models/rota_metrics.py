"""---
description: >-
  One row per model of the orders by hour: how far it is off over the coming two weeks, on days that
  did not choose it, and by how much less than the same hour a week ago.
key: [model]
requires: [purchase, value]
columns:
  model: {type: varchar, description: 'seasonal_naive, mean_of_4_weeks or mean_of_8_weeks.'}
  n_origins: {type: bigint, description: Moments forecast from that did not choose the model.}
  wape: {type: double, description: Sum of absolute errors by hour as a share of all orders.}
  mae_gain: {type: double, description: Orders of a day that it is less off than the naive one.}
  mae_gain_low:
    type: double
    description: Lower end of its 95 % interval (means of blocks of two weeks).
  mae_gain_high: {type: double, description: Upper end of that interval.}
  coverage: {type: double, description: Share of hours inside their 80% interval.}
  is_champion: {type: boolean, description: Whether it is used; the naive one is not forecast by.}
  is_sure: {type: boolean, description: Whether the interval of its gain is above 0.}
checks:
  - expect_column_values_to_be_between: {column: coverage, min_value: 0, max_value: 1}
---
"""

from typing import Any

import polars as pl

from customer_assets.learning import rota


def compute(orders: pl.LazyFrame, sales_calendar: pl.LazyFrame) -> list[dict[str, Any]]:
    return rota.rota_metrics(orders.select("ordered_at").collect(), sales_calendar.collect())
