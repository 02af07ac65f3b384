"""---
description: >-
  One row per kind of thing, class of demand and model: how far its forecasts were off. The model is
  chosen on the earlier half of the past weeks and judged on the later half, against seasonal_naive.
key: [demand_kind, demand_class, model]
requires: [purchase, value, item]
columns:
  demand_kind: {type: varchar, description: 'item, category, hour or shop.'}
  demand_class: {type: varchar, description: regular or intermittent.}
  model:
    type: varchar
    description: >-
      seasonal_naive; smoothing_10, _20 and _30, by the weight of the last week in percent; of
      intermittent demand croston and tsb.
  n_things: {type: bigint, description: Things that were forecast.}
  n_origins: {type: bigint, description: Weeks forecast from.}
  n_forecasts: {type: bigint, description: Forecasts judged.}
  wape_chosen_by:
    type: double
    description: Sum of absolute errors per unit asked for in the earlier half.
  wape: {type: double, description: The same in the later half.}
  coverage: {type: double, description: Share of actual units inside their 80 % interval.}
  service: {type: double, description: Share of actual units that the reorder point would have met.}
  service_level: {type: double, description: Share that it is to meet.}
  n_intervals: {type: bigint, description: Intervals that coverage and service rest on.}
  is_champion: {type: boolean, description: Whether it is chosen for its kind and class.}
  difference:
    type: double
    description: WAPE of the champion less that of seasonal_naive in the later half.
  difference_low: {type: double, description: 'Low end of its 95 % interval, by thing and time.'}
  difference_high: {type: double, description: High end of the interval.}
  is_shown: {type: boolean, description: Whether the champion surely beats seasonal_naive.}
  decision: {type: varchar, description: Why.}
checks:
  - unexpected_rows_expectation:
      name: forecasts_that_are_shown_hold_what_they_say
      severity: warn
      blocks: false
      description: >-
        Of the champions that are shown, intervals cover 80 % and reorder points the service level,
        to seven points.
      unexpected_rows_query: >-
        select * from {batch} where is_shown and is_champion
        and (coverage < 0.73 or service < service_level - 0.07)
---
"""

from typing import Any

import polars as pl

from customer_assets.learning import demand


def compute(demand_backtest: pl.LazyFrame, *, demand_service_level: float) -> list[dict[str, Any]]:
    return demand.demand_metrics(
        demand_backtest.collect(), demand_service_level=demand_service_level
    )
