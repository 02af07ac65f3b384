"""---
description: >-
  One row per segment or rule and measure of its customers (what they buy, do, and are predicted
  to do), with the mean, its interval, and the same of all customers.
key: [kind, segment, measure]
columns:
  kind: {type: varchar, description: segment (by k-means) or rule (by a condition of the source).}
  segment: {type: varchar, description: Name of the segment or rule.}
  segment_rank:
    type: bigint
    description: 'Its place: segments as the source lists them, then rules.'
  measure:
    type: varchar
    description: Column of rfm, rfem, customers, customer_features or model_scores.
  n_known: {type: bigint, description: Customers of the group of whom it is known.}
  mean: {type: double, description: Mean; of a yes-or-no measure the share of yes.}
  mean_low: {type: double, description: Low end of its 95 % interval (normal).}
  mean_high: {type: double, description: High end of the interval.}
  median: {type: double, description: Median.}
  tenth: {type: double, description: A tenth of the customers are below.}
  ninetieth: {type: double, description: A tenth of the customers are above.}
  all_mean: {type: double, description: Mean over all customers.}
  ratio_to_all: {type: double, description: mean / all_mean; null where that is 0.}
checks:
  - expect_column_values_to_be_between: {column: n_known, min_value: 1}
  - expect_column_values_to_not_be_null: {column: mean}
---
"""

from typing import Any

import polars as pl

from customer_assets.segments.groups import groups, half_width
from customer_assets.segments.known_customers import known_customers, measures


def compute(
    customer_segments: pl.LazyFrame,
    rfm: pl.LazyFrame | None = None,
    customers: pl.LazyFrame | None = None,
    rfem: pl.LazyFrame | None = None,
    customer_features: pl.LazyFrame | None = None,
    model_scores: pl.LazyFrame | None = None,
    rule_segments: pl.LazyFrame | None = None,
) -> pl.DataFrame | list[dict[str, Any]]:
    known = known_customers(rfm, customers, rfem, customer_features, model_scores)
    names = measures(known.collect_schema())
    # A join leaves a chunk per thread, and the last digit of a mean depends on where they end.
    numbers = known.select("customer_id", pl.col(names).cast(pl.Float64)).collect().rechunk()
    members = (
        groups(customer_segments, rule_segments)
        .join(numbers, on="customer_id", how="inner")
        .sort("customer_id")
    )
    found = []
    for name in names:
        if not numbers[name].count():
            continue
        of = pl.col(name)
        found.append(
            members.group_by("kind", "segment", "segment_rank")
            .agg(
                pl.lit(name).alias("measure"),
                of.count().cast(pl.Int64).alias("n_known"),
                of.mean().alias("mean"),
                (of.mean() - half_width(of)).alias("mean_low"),
                (of.mean() + half_width(of)).alias("mean_high"),
                of.median().alias("median"),
                of.quantile(0.1, "linear").alias("tenth"),
                of.quantile(0.9, "linear").alias("ninetieth"),
            )
            .with_columns(pl.lit(numbers[name].mean(), pl.Float64).alias("all_mean"))
        )
    if not found:
        return []
    return (
        pl.concat(found)
        .with_columns(
            pl.when(pl.col("all_mean") != 0)
            .then(pl.col("mean") / pl.col("all_mean"))
            .alias("ratio_to_all")
        )
        .filter(pl.col("n_known") > 0)
        .sort("kind", "segment_rank", "measure")
    )
