"""How stable the k-means groups are: other random starts, and other customers of the same kind.

Sizes and memberships of the groups over many runs, each run's groups named as the published ones
are. Adjusted Rand index: Hubert and Arabie 1985. Jaccard index per group: Hennig 2007.
"""

from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.intervals import FEWEST_CUSTOMERS
from customer_assets.segments.kmeans import (
    SAMPLE_ROWS,
    coordinates,
    fitted,
    one_thread,
    ranks_of,
    sample_of,
)
from customer_assets.sources import Segments

if TYPE_CHECKING:
    import numpy as np

    from customer_assets.segments.kmeans import Ints

    Bools = np.ndarray[Any, np.dtype[np.bool_]]

N_RUNS = 20
# A group is called stable where in nine runs of ten it is not larger or smaller by more than this
# share, and it keeps its members: a mean Jaccard index of .75 is Hennig's own limit. The worst of
# all runs would only be worse the more there are.
_RUNS_SHARE, _SIZE_TOLERANCE = 0.9, 0.1
_MIN_JACCARD = 0.75
# Fewer starts than the reference has can only widen the ranges.
_RESAMPLE_STARTS = 3


def segment_stability(everybody: pl.DataFrame, segments: Segments) -> list[dict[str, Any]]:
    """Return one row per way of repeating the k-means and segment.

    `seeds`: random states 0 to 19, all else equal. `bootstrap`: customers drawn with
    replacement, then everybody assigned to the nearest centroid. On at most SAMPLE_ROWS customers;
    of fewer than FEWEST_CUSTOMERS nothing is said.
    """
    import numpy as np
    from sklearn.metrics import adjusted_rand_score

    if everybody.height < FEWEST_CUSTOMERS:
        return []
    rows = sample_of(everybody.height, SAMPLE_ROWS, segments.random_state)
    customers = everybody[rows]
    places = coordinates(customers, segments)
    n_groups = min(len(segments.names), len(np.unique(places, axis=0)))
    if n_groups < 2:
        return []

    def named(labels: "Ints") -> "Ints":
        ranks = ranks_of(labels, customers, segments)
        return np.array([ranks[label] for label in range(n_groups)])[labels]

    def of_seed(seed: int) -> "Ints":
        return named(fitted(places, n_groups, segments.n_init, seed).labels_)

    def of_resample(seed: int) -> "Ints | None":
        drawn = np.random.default_rng(seed).integers(0, len(places), len(places))
        if len(np.unique(places[drawn], axis=0)) < n_groups:
            return None
        model = fitted(places[drawn], n_groups, _RESAMPLE_STARTS, seed)
        with one_thread():
            labels: Ints = model.predict(places)
        # A group that nobody of the original customers is nearest to has no means to name it by.
        return named(labels) if len(np.unique(labels)) == n_groups else None

    reference = of_seed(segments.random_state)
    found: list[dict[str, Any]] = []
    for method, one_run in (("seeds", of_seed), ("bootstrap", of_resample)):
        runs = [run for run in map(one_run, range(N_RUNS)) if run is not None]
        agreement = [float(adjusted_rand_score(reference, run)) for run in runs]
        for place in range(n_groups):
            members = reference == place
            sizes = [int((run == place).sum()) for run in runs]
            jaccard = [_jaccard(members, run == place) for run in runs]
            found.append(
                {
                    "method": method,
                    "segment": segments.names[place],
                    "segment_rank": place + 1,
                    "n_runs": len(runs),
                    "n_compared": len(places),
                    "n_customers": int(members.sum()),
                    "n_customers_low": min(sizes, default=None),
                    "n_customers_high": max(sizes, default=None),
                    "mean_jaccard": float(np.mean(jaccard)) if runs else None,
                    "mean_rand": float(np.mean(agreement)) if runs else None,
                    "lowest_rand": min(agreement, default=None),
                    "is_stable": _is_stable(int(members.sum()), sizes, jaccard),
                }
            )
    return found


def _jaccard(first: "Bools", second: "Bools") -> float:
    return float((first & second).sum() / max((first | second).sum(), 1))


def _is_stable(n_customers: int, sizes: list[int], jaccard: list[float]) -> bool:
    import numpy as np

    if not sizes:
        return False
    wide = float(np.quantile(np.abs(np.array(sizes) - n_customers), _RUNS_SHARE))
    is_same_size = wide <= _SIZE_TOLERANCE * n_customers
    return bool(is_same_size and sum(jaccard) / len(jaccard) >= _MIN_JACCARD)
