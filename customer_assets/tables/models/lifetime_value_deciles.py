"""---
description: >-
  One row per measure, days ahead and decile of the customers, those with the most to expect first:
  what is expected of a customer of the decile, and which share of what is expected of all. Nothing
  of horizons that customer_lifetime_value does not tell.
key: [measure, days_ahead, decile]
requires: [purchase, value]
columns:
  measure: {type: varchar, description: 'value: money; purchases: days with a purchase.'}
  days_ahead: {type: bigint, description: Days ahead.}
  decile:
    type: bigint
    description: 1 has the most to expect; of fewer than ten customers some are empty, and absent.
  n_customers: {type: bigint, description: Customers of the decile.}
  mean: {type: double, description: Mean of what is expected of them.}
  share: {type: double, description: Their share of the sum over all; null where that is 0.}
checks:
  - expect_column_values_to_be_between: {column: decile, min_value: 1, max_value: 10}
  - expect_column_values_to_be_between: {column: share, min_value: 0, max_value: 1}
---
"""

import polars as pl

from customer_assets.learning.lifetime_value import HORIZONS_DAYS


def compute(customer_lifetime_value: pl.LazyFrame) -> pl.DataFrame:
    names = [(what, days) for what in ("purchases", "value") for days in HORIZONS_DAYS]
    customers = customer_lifetime_value.select(
        "customer_id", *(pl.col(f"{what}_{days}_days").cast(pl.Float64) for what, days in names)
    ).collect()
    return pl.concat(_deciles(customers, what, days) for what, days in names)


def _deciles(customers: pl.DataFrame, what: str, days: int) -> pl.DataFrame:
    expected = pl.col(f"{what}_{days}_days")
    ranked = customers.filter(expected.is_not_null()).sort(
        expected, "customer_id", descending=[True, False]
    )
    # Places from 0: a decile begins where a tenth of all is full.
    decile = ((pl.int_range(pl.len()) + 1) * 10 - 1) // pl.len().clip(1) + 1
    return (
        ranked.group_by(decile.clip(1, 10).cast(pl.Int64).alias("decile"), maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("n_customers"),
            expected.mean().alias("mean"),
            expected.sum().alias("total"),
        )
        .select(
            pl.lit(what).alias("measure"),
            pl.lit(days, pl.Int64).alias("days_ahead"),
            "decile",
            "n_customers",
            "mean",
            (pl.col("total") / pl.col("total").sum()).fill_nan(None).alias("share"),
        )
    )
