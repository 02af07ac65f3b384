"""---
description: >-
  One row per refresh and customer whose segment changed at it, with the segment's name carried
  over from refresh to refresh by the nearest centroids.
key: [refresh, customer_id]
ledger: true
columns:
  refresh: {type: bigint, description: 'Number of the refresh that changed a member, from 1.'}
  as_of:
    type: timestamp
    description: Last purchase that the refresh knew, business time; null for a customer table.
  customer_id: {type: source, description: Who.}
  segment:
    type: varchar
    description: >-
      Segment from now on, by the name that its group had at the refresh before; null where the
      customer is in none any more.
  today_segment:
    type: varchar
    description: The same group's name in customer_segments, by the means of its day.
  value:
    type: "decimal(18,4)"
    description: >-
      Value of the customer, by the column that the source names as value: their worth at the
      refresh, of who is gone the last one known.
  definition: {type: varchar, description: Hash of the segments' definition at the refresh.}
checks:
  - expect_column_values_to_be_between: {column: refresh, min_value: 1}
---
"""

import polars as pl

from customer_assets.segments.identity import last_refresh, matched_names, members_at
from customer_assets.segments.known_customers import known_customers, value_of
from customer_assets.sources import Segments
from customer_assets.warehouse.versions import digest


def compute(
    customer_segments: pl.LazyFrame,
    segment_members: pl.LazyFrame,
    rfm: pl.LazyFrame | None = None,
    customers: pl.LazyFrame | None = None,
    rfem: pl.LazyFrame | None = None,
    *,
    segments: Segments,
) -> pl.DataFrame:
    """Return the customers whose segment is another one than at the last refresh.

    At the first refresh that is everybody; where nothing changed, nobody.
    """
    ledger = segment_members.collect()
    known = (
        known_customers(rfm, customers, rfem)
        .join(customer_segments.select("customer_id", "segment"), on="customer_id")
        .collect()
    )
    before = members_at(ledger)
    definition = digest([segments.model_dump_json()])[:12]
    names = {name: name for name in known["segment"].unique()}
    if definition in ledger.sort("refresh")["definition"].tail(1):
        names = matched_names(known, before.select("customer_id", "segment"), segments)
    as_of = known["last_order_at"].max() if "last_order_at" in known.columns else None
    today = known.select(
        "customer_id",
        pl.col("segment").alias("today_segment"),
        pl.col("segment").replace_strict(names, return_dtype=pl.String),
        value_of(segments),
    )
    earlier = before.select("customer_id", earlier_segment="segment", earlier_value="value")
    both = today.join(earlier, on="customer_id", how="full", coalesce=True)
    changed = both.filter(pl.col("segment").ne_missing(pl.col("earlier_segment")))
    return changed.select(
        pl.lit(last_refresh(ledger) + 1, pl.Int64).alias("refresh"),
        pl.lit(as_of, pl.Datetime("us")).alias("as_of"),
        "customer_id",
        "segment",
        "today_segment",
        pl.coalesce("value", "earlier_value").alias("value"),
        pl.lit(definition).alias("definition"),
    ).sort("customer_id")
