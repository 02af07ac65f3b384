"""---
description: >-
  One row per product, category, hour of the week and the shop: what will be asked for in the weeks
  to come, and how much suffices at the service level. Figures are there only where the model of its
  kind and class surely beats seasonal_naive in the backtest.
key: [demand_kind, thing]
requires: [purchase, value, item]
columns:
  demand_kind: {type: varchar, description: 'item, category, hour or shop.'}
  thing: {type: varchar, description: 'Item, category, or weekday (1 is Monday) and hour.'}
  thing_name: {type: varchar, description: What it is called.}
  demand_class: {type: varchar, description: regular or intermittent.}
  model: {type: varchar, description: Model that demand_metrics chose.}
  first_week: {type: date, description: First day of the first week forecast.}
  horizon_weeks:
    type: bigint
    description: 'Weeks forecast together: `demand.lead_weeks` of the source; of hours, one.'
  weekly_units: {type: double, description: 'Mean of a week, of the last twelve.'}
  value: {type: double, description: 'Units to expect in these weeks; of hours, orders.'}
  low: {type: double, description: Lower end of the prediction interval.}
  high: {type: double, description: Upper end of the prediction interval.}
  interval_level:
  reorder_point:
    type: double
    description: >-
      Units in stock at which to order again, where a delivery takes these weeks: what is asked for
      until then is met as often as service_level says. Of hours, the orders to be staffed for.
  service_level: {type: double, description: '`demand.service_level` of the source.'}
  service:
    type: double
    description: Share of the past forecasts of its class that such a reorder point met.
  is_shown: {type: boolean, description: Whether its model surely beats seasonal_naive.}
  decision: {type: varchar, description: Why.}
checks:
  - expect_column_values_to_be_between: {column: value, min_value: 0}
  - unexpected_rows_expectation:
      unexpected_rows_query: select * from {batch} where not (low <= value and value <= high)
---
"""

import polars as pl

from customer_assets.learning import demand


def compute(
    demand_weekly: pl.LazyFrame,
    demand_backtest: pl.LazyFrame,
    demand_metrics: pl.LazyFrame,
    *,
    demand_lead_weeks: int,
    demand_service_level: float,
) -> pl.DataFrame:
    return demand.demand_forecast(
        demand_weekly.collect(),
        demand_backtest.collect(),
        demand_metrics.collect(),
        demand_lead_weeks=demand_lead_weeks,
        demand_service_level=demand_service_level,
    )
