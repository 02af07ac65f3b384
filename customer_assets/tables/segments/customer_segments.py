"""---
description: >-
  One row per customer with the k-means group that the customer belongs to, by the columns that
  the source names; of a log, the customers who bought. Without rows where there are fewer than 30.
key: [customer_id]
requires: [segments]
columns:
  customer_id: {type: source, description: Who.}
  segment: {type: varchar, description: Name of the segment.}
  segment_rank:
    type: bigint
    description: >-
      Place of the name in the source's list; without naming rules that is the rank by mean
      value of a customer, 1 the highest.
checks:
  - expect_column_values_to_not_be_null: {column: segment}
  - expect_column_values_to_be_between: {column: segment_rank, min_value: 1}
---
"""

import polars as pl

from customer_assets.segments.kmeans import grouped
from customer_assets.segments.known_customers import known_customers
from customer_assets.sources import Segments


def compute(
    rfm: pl.LazyFrame | None = None,
    customers: pl.LazyFrame | None = None,
    rfem: pl.LazyFrame | None = None,
    *,
    segments: Segments,
) -> pl.DataFrame:
    return grouped(known_customers(rfm, customers, rfem).collect(), segments)
