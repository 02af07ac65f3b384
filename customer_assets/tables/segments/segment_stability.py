"""---
description: >-
  One row per way of repeating the k-means (other random starts; customers drawn again) and
  segment, with the range of its size over the runs and how far its members stay the same. On a
  sample where there are many customers; without rows where there are fewer than 30.
key: [method, segment]
requires: [segments]
columns:
  method:
    type: varchar
    description: >-
      seeds (random states 0 to 19) or bootstrap (customers drawn with replacement, everybody
      assigned to the nearest centroid).
  segment: {type: varchar, description: Name of the segment.}
  segment_rank: {type: bigint, description: Its place in the source's list.}
  n_runs: {type: bigint, description: Runs.}
  n_compared: {type: bigint, description: Customers in each run.}
  n_customers: {type: bigint, description: 'Size of the segment among them, as configured.'}
  n_customers_low: {type: bigint, description: Smallest size over the runs.}
  n_customers_high: {type: bigint, description: Largest size over the runs.}
  mean_jaccard:
    type: double
    description: >-
      Mean over the runs of the customers in both the segment and the run's segment of that
      name, as a share of those in either.
  mean_rand:
    type: double
    description: >-
      Mean adjusted Rand index of all groups of a run: 1 is the same grouping, 0 no more alike
      than by chance.
  lowest_rand: {type: double, description: Lowest adjusted Rand index.}
  is_stable:
    type: boolean
    description: >-
      Whether in nine runs of ten the size differs by no more than a tenth, and the mean Jaccard
      index is at least .75.
checks:
  - expect_column_values_to_be_between: {column: mean_jaccard, min_value: 0, max_value: 1}
  - unexpected_rows_expectation:
      name: segments_are_stable
      severity: warn
      description: >-
        Every segment keeps its size within a tenth, and its members, over other random starts
        and over customers drawn again.
      unexpected_rows_query: select * from {batch} where not is_stable
---
"""

from typing import Any

import polars as pl

from customer_assets.segments.known_customers import known_customers
from customer_assets.segments.stability import segment_stability
from customer_assets.sources import Segments


def compute(
    rfm: pl.LazyFrame | None = None,
    customers: pl.LazyFrame | None = None,
    rfem: pl.LazyFrame | None = None,
    *,
    segments: Segments,
) -> list[dict[str, Any]]:
    return segment_stability(known_customers(rfm, customers, rfem).collect(), segments)
