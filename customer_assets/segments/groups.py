"""The groups of customers: k-means segments and rules, and how sure a figure of a group is.

Intervals are of 95 %. They say how sure a figure is if the customers are a sample of many alike;
not how sure it is who belongs to a group, which is in segment_stability.
"""

import polars as pl

from customer_assets.intervals import Z, wilson


def groups(
    customer_segments: pl.LazyFrame, rule_segments: pl.LazyFrame | None = None
) -> pl.DataFrame:
    """Return kind, segment, segment_rank and customer_id of the members of every group.

    A customer is in one k-means segment, and in any number of rules. Ranks of rules go on after
    those of segments, in the order of their names.
    """
    members = customer_segments.select(
        pl.lit("segment").alias("kind"), "segment", "segment_rank", "customer_id"
    ).collect()
    if rule_segments is None:
        return members
    n_segments = members["segment_rank"].max() or 0
    rules = rule_segments.select(
        pl.lit("rule").alias("kind"),
        pl.col("rule").alias("segment"),
        (pl.col("rule").rank("dense") + n_segments).cast(pl.Int64).alias("segment_rank"),
        "customer_id",
    )
    return pl.concat([members, rules.collect()])


def share_interval(part: pl.Expr, of: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Return the ends of Wilson's interval of a share, null where there is nobody."""
    low, high = (pl.when(of > 0).then(end.clip(0, 1)) for end in wilson(part, of))
    return low, high


def half_width(of: pl.Expr) -> pl.Expr:
    """Return half of the width of the normal interval of a mean."""
    return Z * of.std() / of.count().sqrt()
