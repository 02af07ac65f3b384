"""How closely the features of a question hang together, and with its label: phi_K and ranks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.learning.profiled import (
    CATEGORIES,
    TEXT,
    Profiled,
    profiled,
    sampled,
)
from customer_assets.sources.questions import Question

if TYPE_CHECKING:
    import numpy as np


_CODES = 8


def feature_correlation(
    customer_features: pl.DataFrame,
    *,
    questions: Mapping[str, Question],
) -> list[dict[str, Any]]:
    """Return for each question how each two features, the label among them, hang together."""
    found = []
    for name, question in questions.items():
        described = profiled(customer_features, question)
        drawn = Profiled(question, sampled(described.rows), described.kinds)
        names = [n for n in drawn.kinds if drawn.is_varied(n)]
        codes = {n: codes_of(drawn.values(n)) for n in names}
        if drawn.label.n_unique() > 1:
            codes[question.label] = drawn.label.to_numpy().astype(int)
        ranked = spearman({n: drawn.values(n) for n in names if drawn.kinds[n] != TEXT})
        pairs = [(a, b) for a in codes for b in codes if a < b]
        for a, b in pairs:
            both = {"phik": phik(codes[a], codes[b]), "spearman": ranked.get((a, b))}
            found.append({"question": name, "feature": a, "other": b} | both)
            found.append({"question": name, "feature": b, "other": a} | both)
    return found


def codes_of(values: pl.Series) -> "np.ndarray":
    """Return small whole numbers for the values of a feature; missing is a value of its own.

    Numbers go into groups of about equal size, text keeps its most frequent values.
    """
    import numpy as np

    if values.dtype == pl.String:
        frequent = (
            values.drop_nulls()
            .value_counts(sort=True, name="n")
            .sort(["n", values.name], descending=[True, False])
        )
        known = {value: code for code, value in enumerate(frequent[values.name][:CATEGORIES])}
        codes = [-1 if v is None else known.get(v, CATEGORIES) for v in values]
    else:
        known_values = values.drop_nulls()
        distinct = known_values.unique().sort().to_numpy()
        if len(distinct) <= _CODES:
            edges = distinct[:-1]
        else:
            cuts = np.linspace(0, 1, _CODES + 1)[1:-1]
            edges = np.unique(np.quantile(known_values.to_numpy(), cuts))
        placed = np.searchsorted(edges, values.fill_null(0).to_numpy())
        codes = np.where(values.is_null().to_numpy(), -1, placed).tolist()
    return np.unique(codes, return_inverse=True)[1]


def phik(first: "np.ndarray", second: "np.ndarray") -> float:
    """Return the phi_K of two coded features, 0 (independent) to 1.

    Source: Baak, Koopman, Snoek, Klous, A new correlation coefficient between categorical, ordinal
    and interval variables with Pearson characteristics, 2020; with its correction for noise.
    """
    import numpy as np
    from phik.phik import phik_from_hist2d

    n_codes = int(second.max()) + 1
    flat = np.bincount(first * n_codes + second, minlength=(int(first.max()) + 1) * n_codes)
    return round(float(phik_from_hist2d(flat.reshape(-1, n_codes).astype(float))), 6)


def spearman(values: Mapping[str, pl.Series]) -> dict[tuple[str, str], float]:
    """Return the rank correlation of each two features over the customers who have both."""
    if not values:
        return {}
    matrix = (
        pl.DataFrame(dict(values)).to_pandas().corr(method="spearman", min_periods=30).to_numpy()
    )
    return {
        (a, b): round(float(matrix[i, j]), 6)
        for i, a in enumerate(values)
        for j, b in enumerate(values)
        if matrix[i, j] == matrix[i, j]
    }
