"""How the values of each feature are spread, and the share of yes among them."""

from collections.abc import Collection, Mapping
from typing import Any

import polars as pl

from customer_assets.learning.profiled import (
    profiled,
)
from customer_assets.sources.questions import Question

_BINS = 12
# The bin of customers without a value.
MISSING = "missing"


def feature_bins(
    customer_features: pl.DataFrame,
    dropped: Mapping[str, Collection[str]],
    *,
    questions: Mapping[str, Question],
) -> list[dict[str, Any]]:
    """Return how the values of each kept feature are spread, and the share of yes in each bin."""
    found: list[dict[str, Any]] = []
    for name, question in questions.items():
        described = profiled(customer_features, question)
        for feature in described.kinds:
            if feature not in dropped.get(name, ()):
                bins = spread(described.values(feature), described.label)
                found += [{"question": name, "feature": feature} | row for row in bins]
    return found


def spread(values: pl.Series, label: pl.Series) -> list[dict[str, Any]]:
    """Return the bins of a feature from low to high, the missing values last.

    Up to twelve bins of equal width between the 1st and 99th percentile, of equal width in
    log(1 + x) where the tail is long; few different values have a bin each, rare texts share one.
    """
    import numpy as np

    frame = pl.DataFrame({"value": values, "label": label})
    known = frame.drop_nulls("value")
    if values.dtype == pl.String:
        counted = (
            known["value"].value_counts(name="n").sort(["n", "value"], descending=[True, False])
        )
        frequent = counted["value"][: _BINS - 1]
        place = known["value"].replace_strict(
            {v: i for i, v in enumerate(frequent)}, default=len(frequent), return_dtype=pl.Int64
        )
        texts = {i: str(v) for i, v in enumerate(frequent)} | {len(frequent): "all others"}
        edges = None
    else:
        distinct = known["value"].unique().sort().to_list()
        edges = distinct if len(distinct) <= _BINS else _edges(known["value"])
        inner = edges[1:-1] if len(distinct) > _BINS else edges[1:]
        codes = np.searchsorted(np.asarray(inner), known["value"].to_numpy(), side="right")
        place = pl.Series("place", codes, dtype=pl.Int64)
        texts = {}
    binned = (
        known.with_columns(place.alias("place"))
        .group_by("place")
        .agg(
            pl.len().alias("n"),
            pl.col("label").mean().alias("yes"),
            pl.col("value").min().alias("low"),
            pl.col("value").max().alias("high"),
        )
    )
    rows = [
        _bin(at, len(values), row["n"], row["yes"])
        | (
            {"text": texts[row["place"]]}
            if edges is None
            else {"low": row["low"], "high": row["high"], "text": _range(row["low"], row["high"])}
        )
        for at, row in enumerate(binned.sort("place").iter_rows(named=True), 1)
    ]
    missing = frame.filter(pl.col("value").is_null())
    if len(missing):
        yes = missing["label"].mean()
        rows.append(_bin(len(rows) + 1, len(values), len(missing), yes) | {"text": MISSING})
    return rows


def _edges(values: pl.Series) -> list[float]:
    import numpy as np

    low, high = (float(values.quantile(q, "linear") or 0) for q in (0.01, 0.99))
    middle = float(values.quantile(0.5, "linear") or 0)
    # A long tail would leave all but a few customers in the first bin.
    if low >= 0 and high > 5 * max(middle, 1e-9):
        return list(np.expm1(np.linspace(np.log1p(low), np.log1p(high), _BINS + 1)))
    return list(np.linspace(low, high, _BINS + 1))


def _bin(number: int, n_rows: int, n: int, yes: Any) -> dict[str, Any]:
    return {
        "bin": number,
        "n_customers": n,
        "customer_share": n / n_rows,
        "positive_share": yes,
        "low": None,
        "high": None,
    }


def _range(low: float, high: float) -> str:
    return f"{low:,.4g}" if low == high else f"{low:,.4g} to {high:,.4g}"
