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
  value_share_low:
    type: double
    description: Low end of its 95 % interval (linearised ratio, corrected for skewness).
  value_share_high: {type: double, description: High end of the interval.}
  mean_value: {type: double, description: Mean value of a customer.}
  mean_value_low:
    type: double
    description: Low end of its 95 % interval (corrected for skewness).
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

from typing import TYPE_CHECKING

import polars as pl

from customer_assets.intervals import skewed
from customer_assets.segments.groups import Sums, mean_interval, share_interval
from customer_assets.segments.known_customers import known_customers, value_of
from customer_assets.sources import Segments

if TYPE_CHECKING:
    import numpy as np


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
    number = pl.col("number")
    sizes = valued.group_by("segment", "segment_rank", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("n_customers"),
        pl.col("value").drop_nulls().sum().cast(pl.Decimal(18, 4)).alias("value"),
        pl.col("value").count().alias("n_valued"),
        number.mean().alias("mean_value"),
        number.median().alias("median_value"),
        *((number**power).sum().alias(f"power_{power}") for power in (1, 2, 3)),
    )
    of_segment = Sums(
        *(sizes[name].to_numpy() for name in ("n_valued", "power_1", "power_2", "power_3"))
    )
    mean_low, mean_high = mean_interval(of_segment)
    share, share_low, share_high = _value_shares(of_segment)
    n = pl.lit(float(valued.height))
    low, high = share_interval(pl.col("n_customers").cast(pl.Float64), n)
    ends = {
        "value_share": share,
        "value_share_low": share_low.clip(0, 1),
        "value_share_high": share_high.clip(0, 1),
        "mean_value_low": mean_low,
        "mean_value_high": mean_high,
    }
    sizes = sizes.with_columns(pl.Series(name, end).fill_nan(None) for name, end in ends.items())
    is_valued = pl.col("n_valued") > 0
    return sizes.select(
        "segment",
        "segment_rank",
        "n_customers",
        (pl.col("n_customers") / n).alias("customer_share"),
        low.alias("customer_share_low"),
        high.alias("customer_share_high"),
        pl.lit(segments.value, pl.String).alias("value_measure"),
        *(
            pl.when(is_valued).then(name).alias(name)
            for name in ("value", "value_share", "value_share_low", "value_share_high")
        ),
        "mean_value",
        "mean_value_low",
        "mean_value_high",
        "median_value",
    ).sort("segment_rank")


def _value_shares(of: Sums) -> tuple["np.ndarray", "np.ndarray", "np.ndarray"]:
    """Return each segment's share of the sum over all, and the ends of its interval.

    A share of the value is a ratio of two sums over the same customers: its error is that of the
    sum of the residuals (Cochran, Sampling Techniques, 1977, ch. 6).
    """
    import numpy as np

    total = of.first.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        share = of.first / total
        squares = (1 - share) ** 2 * of.second + share**2 * (of.second.sum() - of.second)
        cubes = (1 - share) ** 3 * of.third - share**3 * (of.third.sum() - of.third)
        return share, *skewed(share, squares / total**2, cubes / total**3)
