"""Customers grouped by k-means, as in the Online Retail case study: the groups and their names.

The arithmetic of a single k-means stands here once; `stability` repeats it, `identity` compares
its groups with those of an earlier refresh.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.intervals import FEWEST_CUSTOMERS
from customer_assets.sources import Naming, Segments

if TYPE_CHECKING:
    import numpy as np
    from sklearn.cluster import KMeans

    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Ints = np.ndarray[Any, np.dtype[np.int64]]

# Of more customers a sample says how many groups there should be, and how stable they are.
SAMPLE_ROWS = 10_000


def coordinates(customers: pl.DataFrame, segments: Segments) -> "Floats":
    """Return the customers' standardised places, one column per column of the configuration.

    log1p of each value's size with its sign, unless switched off; a missing value counts as the
    median. Raises ValueError for a column that is not there or is no number.
    """
    import numpy as np
    from sklearn.preprocessing import StandardScaler

    columns = segments.columns or []
    wrong = [
        name
        for name in columns
        if name not in customers.columns or not customers.schema[name].is_numeric()
    ]
    if wrong or not columns:
        raise ValueError(f"segments: columns: {', '.join(wrong) or 'none'}: no such number")
    values = pl.col(columns).cast(pl.Float64)
    filled = customers.select(values.fill_null(values.median()).fill_null(0.0)).to_numpy()
    if segments.transform == "log1p":
        filled = np.sign(filled) * np.log1p(np.abs(filled))
    scaled: Floats = StandardScaler().fit_transform(filled) if len(filled) else filled
    return scaled


def fitted(places: "Floats", n_groups: int, n_init: int, random_state: int) -> "KMeans":
    """Return scikit-learn's k-means of these places, on one thread.

    With more threads partial sums are added in another order, which is enough to move customers
    between groups; it is also slower at the size of customer tables.
    """
    from sklearn.cluster import KMeans

    with one_thread():
        return KMeans(n_clusters=n_groups, n_init=n_init, random_state=random_state).fit(places)


@contextmanager
def one_thread() -> Iterator[None]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def ranks_of(labels: "Ints", customers: pl.DataFrame, segments: Segments) -> dict[int, int]:
    """Return for the label of each k-means group the place of its name, from 0.

    k-means numbers its groups by chance, so their means decide: see `Segments.naming`.
    """
    clustered = customers.with_columns(pl.Series("cluster", labels).cast(pl.Int64))
    value = pl.col(segments.value).cast(pl.Float64) if segments.value else pl.lit(0.0)
    used = sorted({c for n in segments.naming.values() for c in (*n.highest, *n.lowest)})
    numbers = pl.col(used).cast(pl.Float64)
    standardised = (numbers - numbers.mean()) / pl.max_horizontal(numbers.std(), 1e-12)
    means = (
        clustered.with_columns(value.alias("__value"))
        .with_columns(*([standardised] if used else []))
        .group_by("cluster")
        .agg(pl.col("__value").mean(), *(pl.col(name).mean() for name in used))
        .sort("__value", "cluster", descending=[True, False], nulls_last=True)
    )
    left = means.to_dicts()
    names = segments.names[: len(left)]
    places: dict[int, int] = {}
    for place, name in enumerate(names):
        if name not in segments.naming:
            continue
        chosen = max(left, key=partial(_fits, segments.naming[name]))
        left.remove(chosen)
        places[chosen["cluster"]] = place
    open_places = [at for at, name in enumerate(names) if name not in segments.naming]
    places |= {row["cluster"]: at for row, at in zip(left, open_places, strict=True)}
    return places


def _fits(naming: Naming, means: Mapping[str, Any]) -> float:
    """Return how well a group with these standardised means fits a name."""
    gains = sum(means[column] or 0.0 for column in naming.highest)
    return float(gains - sum(means[column] or 0.0 for column in naming.lowest))


def grouped(customers: pl.DataFrame, segments: Segments) -> pl.DataFrame:
    """Return customer_id, segment and segment_rank of each customer.

    Rows are drawn by their place: they have to stand in the order of customer_id. With fewer
    different customers than names, the last names stay unused. Of fewer than FEWEST_CUSTOMERS there
    are no groups, and no rows.
    """
    import numpy as np

    if customers.height < FEWEST_CUSTOMERS:
        customers = customers.clear()
    places = coordinates(customers, segments)
    n_groups = min(len(segments.names), len(np.unique(places, axis=0)))
    if n_groups == 0:
        nothing = pl.lit(None, pl.String).alias("segment"), pl.lit(None, pl.Int64)
        return customers.select("customer_id", nothing[0], nothing[1].alias("segment_rank"))
    labels = fitted(places, n_groups, segments.n_init, segments.random_state).labels_
    ranks = ranks_of(labels, customers, segments)
    return customers.select("customer_id").with_columns(
        pl.Series("segment", [segments.names[ranks[label]] for label in labels.tolist()]),
        pl.Series("segment_rank", [ranks[label] + 1 for label in labels.tolist()], pl.Int64),
    )


def sample_of(n_rows: int, limit: int, random_state: int) -> "Ints":
    """Return so many row numbers at most, drawn once and for all, in ascending order."""
    import numpy as np

    if n_rows <= limit:
        return np.arange(n_rows, dtype=np.int64)
    drawn = np.random.default_rng(random_state).choice(n_rows, limit, replace=False)
    return np.sort(drawn).astype(np.int64)
