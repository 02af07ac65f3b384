"""Intervals of estimates, each method once. SQL has its own in `sql/macros.sql`."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

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
