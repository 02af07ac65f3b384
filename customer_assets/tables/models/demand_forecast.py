"""---
description: >-
  One row per category or item of class A and coming week: the units to expect, where the model of
  demand_metrics beats the last week again; others have no row.
key: [kind, thing, horizon]
requires: [purchase, value, item]
columns:
  kind: {type: varchar, description: 'all, category or item.'}
  thing: {type: varchar, description: "The category, or the item's id; all for everything."}
  model: {type: varchar, description: The model that demand_metrics chose.}
  origin_date: {type: date, description: First day of the last complete week.}
  horizon: {type: bigint, description: Weeks from the last known one to the one forecast.}
  target_date: {type: date, description: First day of the week forecast.}
  value: {type: "decimal(18,4)", description: Units to expect.}
  low:
    type: "decimal(18,4)"
    description: Lower end of the 80% prediction interval; null with fewer than 10 past errors.
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

from typing import Any

import polars as pl

from customer_assets.learning import demand


def compute(demand_weekly: pl.LazyFrame) -> list[dict[str, Any]]:
    return demand.demand_forecast(demand_weekly.collect())
