"""How stable the k-means groups are: other random starts, and other customers of the same kind.

Sizes and memberships of the groups over many runs, each run's groups named as the published ones
are. Adjusted Rand index: Hubert and Arabie 1985. Jaccard index per group: Hennig 2007.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.segments.kmeans import (
    SAMPLE_ROWS,
    coordinates,
    fitted,
    one_thread,
    ranks_of,
    sample_of,
)
from customer_assets.segments.known_customers import BASE_TABLES, known_customers
from customer_assets.sources import Segments
from customer_assets.warehouse.source_warehouse import PythonModel
from customer_assets.warehouse.table import Column, Table

if TYPE_CHECKING:
    import numpy as np

    from customer_assets.segments.kmeans import Ints

    Bools = np.ndarray[Any, np.dtype[np.bool_]]

N_RUNS = 20
# A group is called stable where no run makes it larger or smaller by more than this share, and
# it keeps its members: a mean Jaccard index of .75 is Hennig's own limit.
_SIZE_TOLERANCE = 0.1
_MIN_JACCARD = 0.75
# Fewer starts than the reference has can only widen the ranges.
_RESAMPLE_STARTS = 3


def segment_stability(
    frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]
) -> pl.DataFrame:
    """Return one row per way of repeating the k-means and segment.

    `seeds`: random states 0 to 19, all else equal. `bootstrap`: customers drawn with
    replacement, then everybody assigned to the nearest centroid. On at most SAMPLE_ROWS customers.
    """
    import numpy as np
    from sklearn.metrics import adjusted_rand_score

    segments: Segments = parameters["segments"]
    everybody = known_customers(frames)
    rows = sample_of(everybody.height, SAMPLE_ROWS, segments.random_state)
    customers = everybody[rows]
    places = coordinates(customers, segments)
    n_groups = min(len(segments.names), len(np.unique(places, axis=0)))
    if n_groups < 2:
        return pl.DataFrame(schema=_SCHEMA)

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
    found = []
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
    return pl.DataFrame(found, schema=_SCHEMA)


def _jaccard(first: "Bools", second: "Bools") -> float:
    return float((first & second).sum() / max((first | second).sum(), 1))


def _is_stable(n_customers: int, sizes: list[int], jaccard: list[float]) -> bool:
    if not sizes:
        return False
    widest = max(abs(size - n_customers) for size in sizes)
    is_same_size = widest <= _SIZE_TOLERANCE * n_customers
    return bool(is_same_size and sum(jaccard) / len(jaccard) >= _MIN_JACCARD)


_SCHEMA: dict[str, Any] = {
    "method": pl.String,
    "segment": pl.String,
    "segment_rank": pl.Int64,
    "n_runs": pl.Int64,
    "n_compared": pl.Int64,
    "n_customers": pl.Int64,
    "n_customers_low": pl.Int64,
    "n_customers_high": pl.Int64,
    "mean_jaccard": pl.Float64,
    "mean_rand": pl.Float64,
    "lowest_rand": pl.Float64,
    "is_stable": pl.Boolean,
}

SEGMENT_STABILITY = PythonModel(
    table=Table(
        name="segment_stability",
        layer="segments",
        description=(
            "One row per way of repeating the k-means (other random starts; customers drawn "
            "again) and segment, with the range of its size over the runs and how far its "
            "members stay the same. On a sample where there are many customers."
        ),
        columns={
            "method": Column(
                type="varchar",
                description="seeds (random states 0 to 19) or bootstrap (customers drawn with "
                "replacement, everybody assigned to the nearest centroid).",
            ),
            "segment": Column(type="varchar", description="Name of the segment."),
            "segment_rank": Column(type="bigint", description="Its place in the source's list."),
            "n_runs": Column(type="bigint", description="Runs."),
            "n_compared": Column(type="bigint", description="Customers in each run."),
            "n_customers": Column(
                type="bigint", description="Size of the segment among them, as configured."
            ),
            "n_customers_low": Column(type="bigint", description="Smallest size over the runs."),
            "n_customers_high": Column(type="bigint", description="Largest size over the runs."),
            "mean_jaccard": Column(
                type="double",
                description="Mean over the runs of the customers in both the segment and the "
                "run's segment of that name, as a share of those in either.",
            ),
            "mean_rand": Column(
                type="double",
                description="Mean adjusted Rand index of all groups of a run: 1 is the same "
                "grouping, 0 no more alike than by chance.",
            ),
            "lowest_rand": Column(type="double", description="Lowest adjusted Rand index."),
            "is_stable": Column(
                type="boolean",
                description="Whether no run's size differs by more than a tenth and the mean "
                "Jaccard index is at least .75.",
            ),
        },
        key=["method", "segment"],
        checks=[
            {
                "expect_column_values_to_be_between": {
                    "column": "mean_jaccard",
                    "min_value": 0,
                    "max_value": 1,
                }
            },
            {
                "unexpected_rows_expectation": {
                    "name": "segments_are_stable",
                    "severity": "warn",
                    "description": "Every segment keeps its size within a tenth, and its members, "
                    "over other random starts and over customers drawn again.",
                    "unexpected_rows_query": "select * from {batch} where not is_stable",
                }
            },
        ],
    ),
    inputs=("customer_segments",),
    optional_inputs=BASE_TABLES,
    compute=segment_stability,
    parameters=("segments",),
)
