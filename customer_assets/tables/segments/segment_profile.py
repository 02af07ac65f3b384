"""---
description: One row per k-means segment with its size and its worth, with intervals.
key: [segment]
columns:
  segment: {type: varchar, description: Name of the segment or rule.}
  segment_rank: {type: bigint, description: Place of the name in the source's list.}
  n_customers: {type: bigint, description: Customers in the segment.}
  customer_share: {type: double, description: Share of all segmented customers.}
  customer_share_low: {type: double, description: Low end of its 95 % interval (Wilson).}
  customer_share_high: {type: double, description: High end of the interval.}
  value_measure:
    type: varchar
    description: 'The column that says what a customer is worth; null: none does.'
  value: {type: "decimal(18,4)", description: Sum of it over the segment's customers.}
  value_share: {type: double, description: Share of the sum over all segments.}
  value_share_low: {type: double, description: Low end of its 95 % interval.}
  value_share_high: {type: double, description: High end of the interval.}
  mean_value: {type: double, description: Mean value of a customer.}
  mean_value_low: {type: double, description: Low end of its 95 % interval (normal).}
  mean_value_high: {type: double, description: High end of the interval.}
  median_value: {type: double, description: Median value of a customer.}
checks:
  - expect_column_values_to_be_between: {column: customer_share, min_value: 0, max_value: 1}
  - unexpected_rows_expectation:
      name: shares_sum_to_one
      description: The shares of all segments sum to one, of customers and of value.
      unexpected_rows_query: >-
        select * from (select sum(customer_share) as customers, sum(value_share) as worth from
        {batch}) as sums where abs(customers - 1) > 1e-6 or abs(worth - 1) > 1e-6
---
"""

import polars as pl

from customer_assets.intervals import Z
from customer_assets.segments.groups import half_width, share_interval
from customer_assets.segments.known_customers import known_customers, value_of
from customer_assets.sources import Segments


def compute(
    customer_segments: pl.LazyFrame,
    rfm: pl.LazyFrame | None = None,
    customers: pl.LazyFrame | None = None,
    rfem: pl.LazyFrame | None = None,
    *,
    segments: Segments,
) -> pl.DataFrame:
    valued = (
        known_customers(rfm, customers, rfem)
        .select("customer_id", value_of(segments))
        .join(customer_segments, on="customer_id", how="inner")
        .sort("customer_id")
        .with_columns(pl.col("value").cast(pl.Float64).alias("number"))
        .collect()
        # A join leaves a chunk per thread, and the last digit of a sum depends on where they end.
        .rechunk()
    )
    total = float(valued["value"].sum() or 0)
    number = pl.col("number")
    sizes = valued.group_by("segment", "segment_rank").agg(
        pl.len().cast(pl.Int64).alias("n_customers"),
        pl.col("value").drop_nulls().sum().cast(pl.Decimal(18, 4)).alias("value"),
        pl.col("value").count().alias("n_valued"),
        number.mean().alias("mean_value"),
        number.median().alias("median_value"),
        half_width(number).alias("half"),
        (number**2).sum().alias("squares"),
    )
    # A share of the value is a ratio of two sums over the same customers: its error is that of
    # the sum of the residuals (Cochran 1977, ch. 6).
    all_squares = float((valued["number"] ** 2).sum() or 0)
    share = pl.col("value").cast(pl.Float64) / total if total else pl.lit(None, pl.Float64)
    n = pl.lit(float(valued.height))
    spread = (
        (1 - share) ** 2 * pl.col("squares") + share**2 * (all_squares - pl.col("squares"))
    ).sqrt()
    value_half = Z * spread / total if total else pl.lit(None, pl.Float64)
    low, high = share_interval(pl.col("n_customers").cast(pl.Float64), n)
    is_valued = pl.col("n_valued") > 0
    return sizes.select(
        "segment",
        "segment_rank",
        "n_customers",
        (pl.col("n_customers") / n).alias("customer_share"),
        low.alias("customer_share_low"),
        high.alias("customer_share_high"),
        pl.lit(segments.value, pl.String).alias("value_measure"),
        pl.when(is_valued).then("value").alias("value"),
        pl.when(is_valued).then(share).alias("value_share"),
        pl.when(is_valued).then((share - value_half).clip(0, 1)).alias("value_share_low"),
        pl.when(is_valued).then((share + value_half).clip(0, 1)).alias("value_share_high"),
        "mean_value",
        (pl.col("mean_value") - pl.col("half")).alias("mean_value_low"),
        (pl.col("mean_value") + pl.col("half")).alias("mean_value_high"),
        "median_value",
    ).sort("segment_rank")
