"""Intervals of estimates, each method once. SQL has its own in `sql/macros.sql`."""

import math

# The 97.5 % quantile of the standard normal distribution, to all digits of a double.
Z = 1.959963984540054


def wilson(n_yes: float, n: float) -> tuple[float, float]:
    """Return the ends of the 95 % interval of a share of at least one trial.

    E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference (1927).
    """
    share, spread = n_yes / n, Z * Z / n
    middle = share + spread / 2
    half = Z * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    return (middle - half) / (1 + spread), (middle + half) / (1 + spread)
