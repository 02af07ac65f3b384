"""---
description: >-
  One row per segment or rule, text column of customers and value that is more frequent in the
  group than among all, beyond chance; the three with the most excess. Of the rows at most 5 % are
  expected to be chance (exact tests, Benjamini and Hochberg over all values of all groups).
key: [kind, segment, attribute, place]
columns:
  kind: {type: varchar, description: segment (by k-means) or rule (by a condition of the source).}
  segment: {type: varchar, description: Name of the segment or rule.}
  segment_rank:
    type: bigint
    description: 'Its place: segments as the source lists them, then rules.'
  attribute: {}
  place: {type: bigint, description: 1 is the value with the largest excess of its share.}
  value: {type: varchar, description: The value.}
  n_customers: {type: bigint, description: Customers of the group who have it.}
  share: {type: double, description: Their share of those whose value is known.}
  share_low: {type: double, description: Low end of its 95 % interval (Wilson).}
  share_high: {type: double, description: High end of the interval.}
  all_share: {type: double, description: Share among all customers.}
  lift: {type: double, description: 'share / all_share, above 1.'}
checks:
  - expect_column_values_to_be_between: {column: share, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between: {column: lift, min_value: 1, strict_min: true}
---
"""

from typing import Any

import polars as pl

from customer_assets.intervals import more_than_chance
from customer_assets.segments.groups import groups, share_interval

_MOST_VALUES = 3


def compute(
    customer_segments: pl.LazyFrame,
    customers: pl.LazyFrame,
    rule_segments: pl.LazyFrame | None = None,
) -> pl.DataFrame | list[dict[str, Any]]:
    kinds = customers.collect_schema()
    names = [name for name, kind in kinds.items() if kind == pl.String and name != "customer_id"]
    texts = customers.select("customer_id", *names).sort("customer_id").collect()
    members = groups(customer_segments, rule_segments).join(texts, on="customer_id")
    found = []
    for name in names:
        all_values = texts[name].drop_nulls().value_counts(name="n_all").rename({name: "value"})
        found.append(
            members.select("kind", "segment", "segment_rank", pl.col(name).alias("value"))
            .filter(pl.col("value").is_not_null())
            .group_by("kind", "segment", "segment_rank", "value")
            .agg(pl.len().cast(pl.Int64).alias("n_customers"))
            .join(all_values, on="value")
            .with_columns(
                pl.lit(name).alias("attribute"),
                pl.col("n_customers").sum().over("kind", "segment").alias("n_known"),
                pl.lit(texts[name].count(), pl.Int64).alias("n_all_known"),
                (pl.col("n_all") / texts[name].count()).alias("all_share"),
            )
        )
    if not found:
        return []
    share = pl.col("n_customers") / pl.col("n_known")
    low, high = share_interval(
        pl.col("n_customers").cast(pl.Float64), pl.col("n_known").cast(pl.Float64)
    )
    excess = (pl.col("share") - pl.col("all_share")).round(12)
    compared = pl.concat(found)
    n_values = compared.n_unique(["attribute", "value"])
    n_comparisons = n_values * members.n_unique(["kind", "segment"])
    is_more = more_than_chance(
        n_comparisons,
        *(compared[name].to_numpy() for name in ("n_customers", "n_known", "n_all", "n_all_known")),
    )
    return (
        compared.filter(is_more)
        .with_columns(share.alias("share"), low.alias("share_low"), high.alias("share_high"))
        .with_columns((pl.col("share") / pl.col("all_share")).alias("lift"), excess.alias("excess"))
        .sort("excess", "value", descending=[True, False])
        .with_columns(
            (pl.int_range(pl.len()) + 1).over("kind", "segment", "attribute").alias("place")
        )
        .filter(pl.col("place") <= _MOST_VALUES)
        .drop("n_all", "n_all_known", "n_known", "excess")
        .sort("kind", "segment_rank", "attribute", "place")
    )
