"""---
description: >-
  One row per refresh that changed a segment's members, segment before and segment after it,
  with the customers; who stays counts too, so customers are conserved: those from a segment are
  its members before, those to it its members after.
key: [refresh, from_segment, to_segment]
ledger: true
columns:
  refresh: {type: bigint, description: 'Number of the refresh that changed a member, from 1.'}
  as_of:
    type: timestamp
    description: Last purchase that the refresh knew, business time; null for a customer table.
  from_segment: {type: varchar, description: Segment before; null for new customers.}
  to_segment: {type: varchar, description: Segment after; null for customers who are gone.}
  n_customers: {type: bigint, description: Customers who went this way.}
  value:
    type: "decimal(18,4)"
    description: >-
      What they are worth, by the column that the source names as value: their worth at the
      refresh, of who is gone the last one known.
checks:
  - expect_column_values_to_be_between: {column: n_customers, min_value: 1}
  - expect_column_values_to_be_between: {column: refresh, min_value: 2}
---
"""

from typing import Any

import polars as pl

from customer_assets.segments.identity import last_refresh, members_at
from customer_assets.segments.known_customers import known_customers, value_of
from customer_assets.sources import Segments


def compute(
    segment_members: pl.LazyFrame,
    segment_moves: pl.LazyFrame,
    rfm: pl.LazyFrame | None = None,
    customers: pl.LazyFrame | None = None,
    rfem: pl.LazyFrame | None = None,
    *,
    segments: Segments,
) -> pl.DataFrame | list[dict[str, Any]]:
    """Return how many customers went from which segment to which at the last refresh.

    The first refresh has nothing to compare with; one that is written down already adds nothing.
    """
    members = segment_members.collect()
    refresh = last_refresh(members)
    if refresh <= max(1, last_refresh(segment_moves.select("refresh").collect())):
        return []
    values = (
        known_customers(rfm, customers, rfem)
        .select("customer_id", value_of(segments).alias("value_today"))
        .collect()
    )
    before = members_at(members, refresh - 1).select("customer_id", "segment", "value")
    after = members_at(members, refresh).select("customer_id", "segment", "value")
    both = (
        before.rename({"segment": "from_segment", "value": "value_before"})
        .join(after.rename({"segment": "to_segment"}), on="customer_id", how="full", coalesce=True)
        .join(values, on="customer_id", how="left")
    )
    as_of = members.filter(pl.col("refresh") == refresh)["as_of"][0]
    return (
        both.group_by("from_segment", "to_segment")
        .agg(
            pl.len().cast(pl.Int64).alias("n_customers"),
            pl.coalesce("value_today", "value", "value_before").sum().alias("value"),
        )
        .select(
            pl.lit(refresh, pl.Int64).alias("refresh"),
            pl.lit(as_of, pl.Datetime("us")).alias("as_of"),
            "from_segment",
            "to_segment",
            "n_customers",
            pl.col("value").cast(pl.Decimal(18, 4)),
        )
        .sort("from_segment", "to_segment", nulls_last=True)
    )
