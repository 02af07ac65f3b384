"""---
description: >-
  One row per segment and item or category that is typical of it: bought by a larger share of the
  segment's customers than of all, beyond chance; the five of each kind with the most excess buyers.
  Of the rows at most 5 % are expected to be chance (exact tests, Benjamini and Hochberg over all
  things of all segments that five customers bought). A segment without one has no rows.
key: [segment, kind, place]
requires: [purchase, item]
columns:
  segment: {type: varchar, description: Name of the segment.}
  kind: {type: varchar, description: item or category.}
  place: {type: bigint, description: 1 has the most buyers beyond the share of all.}
  product: {}
  product_name: {}
  n_buyers: {type: bigint, description: Customers of the segment who bought it.}
  buyer_share: {type: double, description: Share of the segment's customers.}
  buyer_share_low: {type: double, description: Low end of the 95 % interval of the share (Wilson).}
  buyer_share_high: {type: double, description: High end of the interval.}
  all_buyer_share: {type: double, description: Share of all segmented customers who bought it.}
  lift: {type: double, description: "buyer_share / all_buyer_share, above 1."}
checks:
  - expect_column_values_to_be_between: {column: n_buyers, min_value: 5}
  - expect_column_values_to_be_between: {column: lift, min_value: 1, strict_min: true}
---
"""

import polars as pl

from customer_assets.intervals import more_than_chance
from customer_assets.segments.groups import share_interval

# Fewer buyers than five say nothing about a segment.
_FEWEST_BUYERS = 5
_MOST_PRODUCTS = 5


def compute(
    events: pl.LazyFrame, customer_segments: pl.LazyFrame, *, purchase_event: str
) -> pl.DataFrame:
    members = customer_segments.select("customer_id", "segment")
    purchases = events.filter(pl.col("event_type") == purchase_event)
    bought = pl.concat(
        [
            _buyers(purchases, "item", "item_id", pl.col("item_name").max()),
            _buyers(purchases, "category", "category_id", pl.lit(None, pl.String)),
        ]
    )
    sizes = members.group_by("segment").agg(pl.len().cast(pl.Int64).alias("n_segment"))
    thing = ["kind", "product"]
    compared = (
        bought.join(members, on="customer_id")
        .group_by("segment", *thing)
        .agg(pl.len().cast(pl.Int64).alias("n_buyers"), pl.col("product_name").max())
        .with_columns(
            pl.col("product_name").max().over(thing),
            pl.col("n_buyers").sum().over(thing).alias("n_all_buyers"),
        )
        .filter(pl.col("n_all_buyers") >= _FEWEST_BUYERS)
        .join(sizes.with_columns(pl.col("n_segment").sum().alias("n_all")), on="segment")
        .sort("segment", *thing)
        .collect()
    )
    n_comparisons = compared.n_unique(thing) * sizes.collect().height
    is_more = more_than_chance(
        n_comparisons,
        *(compared[name].to_numpy() for name in ("n_buyers", "n_segment", "n_all_buyers", "n_all")),
    )
    share, all_share = (
        pl.col("n_buyers") / pl.col("n_segment"),
        pl.col("n_all_buyers") / pl.col("n_all"),
    )
    low, high = share_interval(
        pl.col("n_buyers").cast(pl.Float64), pl.col("n_segment").cast(pl.Float64)
    )
    excess = (pl.col("n_segment") * (share - all_share)).round(9)
    return (
        compared.filter(is_more)
        .filter(pl.col("n_buyers") >= _FEWEST_BUYERS)
        .with_columns(excess.alias("excess"))
        .sort("segment", "kind", "excess", "product", descending=[False, False, True, False])
        .with_columns((pl.int_range(pl.len()) + 1).over("segment", "kind").alias("place"))
        .filter(pl.col("place") <= _MOST_PRODUCTS)
        .select(
            "segment",
            "kind",
            "place",
            "product",
            "product_name",
            "n_buyers",
            share.alias("buyer_share"),
            low.alias("buyer_share_low"),
            high.alias("buyer_share_high"),
            all_share.alias("all_buyer_share"),
            (share / all_share).alias("lift"),
        )
    )


def _buyers(purchases: pl.LazyFrame, kind: str, column: str, name: pl.Expr) -> pl.LazyFrame:
    """Return one row per customer and thing bought."""
    return (
        purchases.filter(pl.col(column).is_not_null() & pl.col("customer_id").is_not_null())
        .group_by("customer_id", pl.col(column).cast(pl.String).alias("product"))
        .agg(name.alias("product_name"))
        .select("customer_id", pl.lit(kind).alias("kind"), "product", "product_name")
    )
