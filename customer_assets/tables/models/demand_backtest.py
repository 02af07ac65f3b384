"""---
description: >-
  One row per kind of thing, model, past week and thing: the demand that would have been forecast
  for the weeks after it, knowing nothing of them, beside what was asked for. Which products are A
  products is known of the whole log, so those that grew are among them: the backtest is a little
  harder than the days to come.
key: [demand_kind, model, origin_date, thing]
requires: [purchase, value, item]
columns:
  demand_kind: {type: varchar, description: 'item, category, hour or shop.'}
  thing: {type: varchar, description: 'Item, category, or weekday and hour.'}
  model:
    type: varchar
    description: >-
      seasonal_naive; smoothing_10, _20 and _30, by the weight of the last week in percent; of
      intermittent demand croston and tsb.
  origin_date: {type: date, description: First day of the last week that is known.}
  horizon_weeks: {type: bigint, description: Weeks after it that are forecast together.}
  demand_class:
    type: varchar
    description: >-
      regular or intermittent: asked for in fewer than one of 1.32 weeks since the first; as known
      then.
  value: {type: double, description: Forecast of the units of these weeks.}
  low:
    type: double
    description: >-
      Lower end of its 80 % prediction interval, by the errors of its class known then; null with
      fewer than six weeks or 50 errors of them.
  high: {type: double, description: Upper end of the interval.}
  reorder_point: {type: double, description: Units that suffice at the service level.}
  actual_units: {type: double, description: Units that were asked for.}
checks:
  - expect_column_values_to_be_between: {column: value, min_value: 0}
---
"""

import polars as pl

from customer_assets.learning import demand


def compute(
    demand_weekly: pl.LazyFrame, *, demand_lead_weeks: int, demand_service_level: float
) -> pl.DataFrame:
    return demand.demand_backtest(
        demand_weekly.collect(),
        demand_lead_weeks=demand_lead_weeks,
        demand_service_level=demand_service_level,
    )
