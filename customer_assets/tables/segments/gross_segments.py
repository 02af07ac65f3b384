"""---
description: >-
  One row per k-means segment as it would be had nothing come back: its size and its worth with
  gross money. For published figures only; nobody is acted on by it.
key: [segment]
requires: [segments, purchase, value, returns]
columns:
  segment: {type: varchar, description: Name of the segment.}
  segment_rank: {type: bigint, description: Place of the name in the source's list.}
  n_customers: {type: bigint, description: Customers in the segment.}
  customer_share: {type: double, description: Share of all segmented customers.}
  value_measure:
    type: varchar
    description: "The column that says what a customer is worth, here gross."
  value: {type: "decimal(18,4)", description: Sum of it over the segment's customers.}
  value_share: {type: double, description: Share of the sum over all segments.}
checks:
  - expect_column_values_to_be_between: {column: n_customers, min_value: 1}
---
Published studies group customers by what they bought; what is acted on goes by what stayed. Both
stand side by side in `reproduction`.
"""

import polars as pl

from customer_assets.segments.kmeans import grouped
from customer_assets.segments.known_customers import known_customers
from customer_assets.sources import Segments
from customer_assets.tables.segments.segment_profile import compute as segment_profile


def compute(
    rfm: pl.LazyFrame,
    customers: pl.LazyFrame | None = None,
    rfem: pl.LazyFrame | None = None,
    *,
    segments: Segments,
) -> pl.DataFrame:
    gross = rfm.with_columns(monetary="gross_monetary")
    found = grouped(known_customers(gross, customers, rfem).collect(), segments)
    profile = segment_profile(found.lazy(), gross, customers, rfem, segments=segments)
    return profile.select(
        "segment",
        "segment_rank",
        "n_customers",
        "customer_share",
        "value_measure",
        "value",
        "value_share",
    )
