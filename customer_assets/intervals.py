"""Intervals of estimates, each method once. SQL has its own in `sql/macros.sql`."""

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

# The 97.5 % quantile of the standard normal distribution, to all digits of a double.
Z = 1.959963984540054

# A grouping with its shares and its stability, a curve or a trend of fewer customers than this says
# more of chance than of them, and is not told.
FEWEST_CUSTOMERS = 30
# Money is uneven: of fewer buyers an interval of what they are worth holds too seldom
# (docs/evidence.md), and none is told.
FEWEST_BUYERS = 100

Number = TypeVar("Number", float, "pl.Expr", "np.ndarray")


def wilson(n_yes: Number, n: Number) -> tuple[Number, Number]:
    """Return the ends of the 95 % interval of a share of at least one trial, or of a column's.

    E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference (1927).
    """
    share = n_yes / n
    middle = share + Z**2 / (2 * n)
    half = Z * (share * (1 - share) / n + Z**2 / (4 * n**2)) ** 0.5
    scale = 1 + Z**2 / n
    return (middle - half) / scale, (middle + half) / scale


def difference(
    estimate: Number,
    low: Number,
    high: Number,
    other: Number,
    other_low: Number,
    other_high: Number,
) -> tuple[Number, Number, Number]:
    """Return by how much an estimate is higher than an independent one, and the ends of it.

    From the intervals of the two, which need not be even. Of shares, R. G. Newcombe, Interval
    Estimation for the Difference Between Independent Proportions (1998), method 10; of others,
    G. Y. Zou and A. Donner, Construction of Confidence Limits about Effect Measures (2008).
    """
    gap = estimate - other
    below = ((estimate - low) ** 2 + (other_high - other) ** 2) ** 0.5
    above = ((high - estimate) ** 2 + (other - other_low) ** 2) ** 0.5
    return gap, gap - below, gap + above


def skewed(
    estimate: "np.ndarray", variance: "np.ndarray", third: "np.ndarray"
) -> tuple["np.ndarray", "np.ndarray"]:
    """Return the ends of the 95 % interval of estimates that are sums over many customers.

    `variance` and `third` are the second and third cumulant of each estimate. Money is skewed, and
    a normal interval around its mean lies too low: Hall's transformation undoes that. nan where
    the variance is not known. P. Hall, On the Removal of Skewness by Transformation (1992).
    """
    import numpy as np

    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        error = np.sqrt(variance)
        # A sample's is at most 1; more is rounding around numbers that are all alike.
        skewness = np.nan_to_num(third / error**3).clip(-1, 1)
        # Below a millionth the cube root loses its digits, and the interval is the normal one.
        safe = np.where(np.abs(skewness) < 1e-6, 1e-6, skewness)

        def moved(quantile: float) -> "np.ndarray":
            return 3 / safe * (np.cbrt(1 + safe * (quantile - safe / 6)) - 1)

        return estimate - error * moved(Z), estimate - error * moved(-Z)


# Of the differences that are told, at most this share is expected to be chance.
FALSE_DISCOVERY_RATE = 0.05


def more_than_chance(
    n_comparisons: int,
    part: "np.ndarray",
    of: "np.ndarray",
    all_part: "np.ndarray",
    n_all: "np.ndarray",
) -> "np.ndarray":
    """Return which groups have surely more of something than the others of the population.

    `part` of the `of` members of a group have it, and `all_part` of `n_all` in the population, the
    group among them: arrays of one length. `n_comparisons` counts also those left out because
    nobody of the group has it. Exact (hypergeometric), and corrected for their number: Benjamini
    and Hochberg, Controlling the False Discovery Rate (1995), at FALSE_DISCOVERY_RATE.
    """
    import numpy as np
    from scipy.stats import false_discovery_control, hypergeom

    if not len(part):
        return np.zeros(0, dtype=bool)
    found = hypergeom.sf(part - 1, n_all, all_part, of).clip(0, 1)
    p_values = np.concatenate([found, np.ones(n_comparisons - len(found))])
    return false_discovery_control(p_values)[: len(found)] <= FALSE_DISCOVERY_RATE
