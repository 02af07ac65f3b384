"""---
description: >-
  One row per coming day and hour with orders to expect, for a rota; empty where no model of
  rota_metrics beats the same hour a week ago.
key: [target_date, hour]
requires: [purchase, value]
columns:
  target_date: {type: date, description: 'Day, business time.'}
  weekday: {type: bigint, description: 'ISO weekday: 1 is Monday, 7 is Sunday.'}
  hour: {type: bigint, description: 'Hour of the day, business time, 0 to 23.'}
  model: {type: varchar, description: The model that rota_metrics chose.}
  value: {type: "decimal(18,4)", description: Orders to expect.}
  low: {type: "decimal(18,4)", description: Lower end of the 80% prediction interval.}
  high: {type: "decimal(18,4)", description: Upper end of the prediction interval.}
  interval_level:
checks:
  - expect_column_values_to_be_between: {column: value, min_value: 0}
---
"""

from typing import Any

import polars as pl

from customer_assets.learning import rota


def compute(orders: pl.LazyFrame, sales_calendar: pl.LazyFrame) -> list[dict[str, Any]]:
    return rota.rota_forecast(orders.select("ordered_at").collect(), sales_calendar.collect())
