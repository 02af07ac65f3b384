"""---
description: >-
  One row per item of class A whose model of demand_metrics beats the last week again: the stock at
  which to order again, so that it lasts until the delivery as often as the source asks.
key: [thing]
requires: [purchase, value, item]
parameters:
  lead_weeks: {type: bigint, description: Weeks from an order to its delivery.}
  service_level: {type: double, description: Share of deliveries before which stock shall last.}
columns:
  thing: {type: varchar, description: The item's id.}
  model: {type: varchar, description: The model that demand_metrics chose.}
  lead_weeks: {type: bigint, description: Weeks from an order to its delivery.}
  service_level: {type: double, description: Share of deliveries before which stock shall last.}
  expected_quantity: {type: double, description: Units to expect until the delivery.}
  reorder_point:
    type: double
    description: >-
      Stock at which to order again: that and what past errors ask for; null where there are too
      few of them for the service level.
  n_origins: {type: bigint, description: Past moments at which the same was tried.}
  achieved_share: {type: double, description: Share of them whose demand it covered.}
  achieved_share_low:
    type: double
    description: >-
      Lower end of its 95 % interval (Wilson; lead times that overlap count as one).
  achieved_share_high: {type: double, description: Upper end of that interval.}
  is_kept: {type: boolean, description: Whether the interval does not lie below the service level.}
checks:
  - expect_column_values_to_be_between: {column: reorder_point, min_value: 0}
  - expect_column_values_to_be_between: {column: achieved_share, min_value: 0, max_value: 1}
---
"""

from typing import Any

import polars as pl

from customer_assets.learning import demand


def compute(
    demand_weekly: pl.LazyFrame, *, lead_weeks: int, service_level: float
) -> list[dict[str, Any]]:
    return demand.reorder_points(
        demand_weekly.collect(), lead_weeks=lead_weeks, service_level=service_level
    )
