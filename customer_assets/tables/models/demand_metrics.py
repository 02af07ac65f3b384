"""---
description: >-
  One row per category and item of class A, and one of all: the model of its weekly demand, chosen
  on the earlier weeks of a backtest, and how it does on later ones against the last week again.
key: [kind, thing]
requires: [purchase, value, item]
columns:
  kind: {type: varchar, description: 'all, category or item.'}
  thing: {type: varchar, description: "The category, or the item's id; all for everything."}
  model:
    type: varchar
    description: 'seasonal_naive, mean_of_8_weeks, exponential_smoothing, croston or tsb.'
  n_origins: {type: bigint, description: Moments forecast from that did not choose the model.}
  sold_share: {type: double, description: 'Weeks with a sale; where few, demand is intermittent.'}
  mean_quantity: {type: double, description: Units of the four weeks after these moments.}
  mae: {type: double, description: Mean absolute error of the total of four coming weeks.}
  naive_mae: {type: double, description: The same of the last week again.}
  mae_gain: {type: double, description: By how much the error is smaller.}
  mae_gain_low:
    type: double
    description: Lower end of its 95 % interval (means of blocks of four weeks).
  mae_gain_high: {type: double, description: Upper end of that interval.}
  coverage: {type: double, description: Share of the next week's demand inside its 80% interval.}
  n_intervals: {type: bigint, description: Intervals that coverage rests on.}
  is_shown: {type: boolean, description: Whether it beats the naive one and so is forecast.}
  is_sure: {type: boolean, description: Whether its interval says so too.}
  decision: {type: varchar, description: Why it is shown or not.}
checks:
  - expect_column_values_to_not_be_null: {column: decision}
  - expect_column_values_to_be_between: {column: coverage, min_value: 0, max_value: 1}
---
"""

from typing import Any

import polars as pl

from customer_assets.learning import demand


def compute(demand_weekly: pl.LazyFrame) -> list[dict[str, Any]]:
    return demand.demand_metrics(demand_weekly.collect())
