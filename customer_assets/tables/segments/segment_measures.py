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
  mean_low:
    type: double
    description: Low end of its 95 % interval (corrected for skewness; of yes-or-no Wilson's).
  mean_high: {type: double, description: High end of the interval.}
  median: {type: double, description: Median.}
  tenth: {type: double, description: A tenth of the customers are below.}
  ninetieth: {type: double, description: A tenth of the customers are above.}
  all_mean: {type: double, description: Mean over all customers.}
  ratio_to_all: {type: double, description: mean / all_mean; null where that is 0.}
  difference:
    type: double
    description: >-
      mean less the mean of all other customers; null where there are none. Two intervals that
      overlap say nothing of it, its own does.
  difference_low: {}
  difference_high: {}
checks:
  - expect_column_values_to_be_between: {column: n_known, min_value: 1}
  - expect_column_values_to_not_be_null: {column: mean}
---
"""

from typing import Any

import polars as pl

from customer_assets.segments.groups import (
    Sums,
    difference_interval,
    groups,
    mean_interval,
    share_interval,
)
from customer_assets.segments.known_customers import known_customers, measures

_POWERS = ("power_1", "power_2", "power_3")


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
    types = known.collect_schema()
    names = measures(types)
    # A join leaves a chunk per thread, and the last digit of a mean depends on where they end.
    numbers = known.select("customer_id", pl.col(names).cast(pl.Float64)).collect().rechunk()
    members = (
        groups(customer_segments, rule_segments)
        .join(numbers, on="customer_id", how="inner")
        .sort("customer_id")
    )
    found = [
        _of_measure(name, members, numbers[name], is_share=types[name] == pl.Boolean)
        for name in names
        if numbers[name].count()
    ]
    if not found:
        return []
    return (
        pl.concat(found)
        .with_columns(
            pl.when(pl.col("all_mean") != 0)
            .then(pl.col("mean") / pl.col("all_mean"))
            .alias("ratio_to_all")
        )
        .sort("kind", "segment_rank", "measure")
    )


def _of_measure(
    name: str, members: pl.DataFrame, of_all: pl.Series, *, is_share: bool
) -> pl.DataFrame:
    """Return a row per group of which a measure is known, beside all others."""
    middle = float(of_all.mean())  # type: ignore[arg-type]
    of = pl.col(name)
    powers = [((of - middle) ** power).sum().alias(f"power_{power}") for power in (1, 2, 3)]
    rows = (
        members.group_by("kind", "segment", "segment_rank", maintain_order=True)
        .agg(
            pl.lit(name).alias("measure"),
            of.count().cast(pl.Int64).alias("n_known"),
            of.mean().alias("mean"),
            of.median().alias("median"),
            of.quantile(0.1, "linear").alias("tenth"),
            of.quantile(0.9, "linear").alias("ninetieth"),
            *powers,
        )
        .filter(pl.col("n_known") > 0)
    )
    everybody = of_all.drop_nulls().to_frame().select(pl.len().alias("n_known"), *powers)
    ours, all_sums = (
        Sums(*(frame[column].to_numpy() for column in ("n_known", *_POWERS)))
        for frame in (rows, everybody)
    )
    low, high = mean_interval(ours)
    gap, gap_low, gap_high = difference_interval(ours, all_sums.without(ours))
    ends = {
        "mean_low": middle + low,
        "mean_high": middle + high,
        "difference": gap,
        "difference_low": gap_low,
        "difference_high": gap_high,
    }
    told = rows.drop(_POWERS).with_columns(
        pl.lit(middle).alias("all_mean"),
        *(pl.Series(column, end).fill_nan(None) for column, end in ends.items()),
    )
    if is_share:
        known = pl.col("n_known").cast(pl.Float64)
        wilson_low, wilson_high = share_interval(pl.col("mean") * known, known)
        told = told.with_columns(wilson_low.alias("mean_low"), wilson_high.alias("mean_high"))
    return told
