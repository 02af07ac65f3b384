"""The groups of customers: k-means segments and rules, and how sure a figure of a group is.

Intervals are of 95 %. They say how sure a figure is if the customers are a sample of many alike;
not how sure it is who belongs to a group, which is in segment_stability.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from customer_assets.intervals import difference, skewed, wilson

if TYPE_CHECKING:
    import numpy as np


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


@dataclass(frozen=True)
class Sums:
    """How many numbers there are, and the sums of them, of their squares and of their cubes.

    Arrays, one place per group; of numbers that are taken from about their mean.
    """

    n: "np.ndarray"
    first: "np.ndarray"
    second: "np.ndarray"
    third: "np.ndarray"

    def without(self, part: "Sums") -> "Sums":
        return Sums(
            self.n - part.n,
            self.first - part.first,
            self.second - part.second,
            self.third - part.third,
        )

    def cumulants_of_mean(self) -> tuple["np.ndarray", "np.ndarray", "np.ndarray"]:
        """Return the mean, and the variance and third cumulant of it, unbiased; nan of one."""
        import numpy as np

        n = self.n.astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self.first / n
            squares = np.maximum(self.second - n * mean**2, 0)
            cubes = self.third - 3 * mean * self.second + 2 * n * mean**3
            # Two numbers have no skewness.
            third = np.where(n > 2, cubes / (n - 1) / (n - 2) / n, 0.0)
            return mean, squares / (n - 1) / n, third


def mean_interval(of: Sums) -> tuple["np.ndarray", "np.ndarray"]:
    """Return the ends of the intervals of means."""
    return skewed(*of.cumulants_of_mean())


def difference_interval(
    ours: Sums, theirs: Sums
) -> tuple["np.ndarray", "np.ndarray", "np.ndarray"]:
    """Return by how much means are higher than others of other customers, and the ends of it."""
    our_mean, their_mean = (sums.cumulants_of_mean()[0] for sums in (ours, theirs))
    return difference(our_mean, *mean_interval(ours), their_mean, *mean_interval(theirs))
