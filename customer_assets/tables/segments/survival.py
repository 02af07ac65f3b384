"""---
description: >-
  One row per group of customers (all, month of the first order, segment) and day after the first
  order on which one of them ordered again: the share that has not by then, by Kaplan and Meier, who
  count everybody for as long as he was seen. Groups of fewer than 30 customers are left out.
key: [kind, group_name, days]
requires: [purchase]
columns:
  kind:
    type: varchar
    description: >-
      all, cohort (month of the first order) or segment (as of today: who is in it follows in part
      from having come back).
  group_name: {type: varchar, description: 'Month or segment; all for all.'}
  n_customers: {type: bigint, description: Customers of the group.}
  days: {type: bigint, description: Days after that of the first order.}
  n_at_risk:
    type: bigint
    description: Customers seen for so many days who had not ordered again before.
  n_ordered: {type: bigint, description: Those of them who ordered again on the day.}
  survival: {type: double, description: Share that has not ordered again by the end of the day.}
  survival_low:
    type: double
    description: Low end of its 95 % interval (Greenwood, on the scale of the log of the log).
  survival_high: {type: double, description: High end of the interval.}
  median_days:
    type: bigint
    description: >-
      First day by which half of the group has ordered again; null where the log does not show it.
checks:
  - expect_column_values_to_be_between: {column: survival, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between: {column: n_at_risk, min_value: 1}
---
"""

import datetime as dt

import polars as pl

from customer_assets.intervals import FEWEST_CUSTOMERS
from customer_assets.segments.survival import second_orders, survival_curve


def compute(
    orders: pl.LazyFrame,
    customer_segments: pl.LazyFrame | None = None,
    *,
    last_complete_day: str,
) -> pl.DataFrame | list[dict]:
    customers = second_orders(orders, dt.date.fromisoformat(last_complete_day))
    month = pl.col("first_date").dt.strftime("%Y-%m")
    members = [
        customers.with_columns(kind=pl.lit("all"), group_name=pl.lit("all")),
        customers.with_columns(month.alias("group_name"), kind=pl.lit("cohort")),
    ]
    if customer_segments is not None:
        segments = customer_segments.select("customer_id", pl.col("segment").alias("group_name"))
        of_segment = customers.join(segments.collect(), on="customer_id")
        members.append(of_segment.with_columns(kind=pl.lit("segment")))
    everybody = pl.concat(members, how="diagonal").sort("kind", "group_name", "customer_id")
    curves = [
        survival_curve(group).with_columns(kind=pl.lit(kind), group_name=pl.lit(name))
        for (kind, name), group in everybody.group_by("kind", "group_name", maintain_order=True)
        if group.height >= FEWEST_CUSTOMERS and group["has_ordered_again"].any()
    ]
    return pl.concat(curves) if curves else []
