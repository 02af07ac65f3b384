"""Intervals of estimates, each method once. SQL has its own in `sql/macros.sql`."""

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import polars as pl

# The 97.5 % quantile of the standard normal distribution, to all digits of a double.
Z = 1.959963984540054

Number = TypeVar("Number", float, "pl.Expr")


def wilson(n_yes: Number, n: Number) -> tuple[Number, Number]:
    """Return the ends of the 95 % interval of a share of at least one trial, or of a column's.

    E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference (1927).
    """
    share = n_yes / n
    middle = share + Z**2 / (2 * n)
    half = Z * (share * (1 - share) / n + Z**2 / (4 * n**2)) ** 0.5
    scale = 1 + Z**2 / n
    return (middle - half) / scale, (middle + half) / scale
