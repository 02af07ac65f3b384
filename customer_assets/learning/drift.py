"""Whether customers have changed since a champion was trained: the population stability index.

Sources: Siddiqi, Credit Risk Scorecards, 2006: below .1 no change, above .25 a major one; Yurdakul,
Statistical Properties of Population Stability Index, 2018: what few customers show of it by chance.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.learning.design import CUSTOMER, CUT_OFF, newest, with_cut_off
from customer_assets.learning.store import ModelStore

if TYPE_CHECKING:
    import numpy as np

SCORE = "(score)"
_BINS = 10
_MAJOR = 0.25
# An empty bin would make the index infinite.
_FLOOR = 1e-4


def bins_of(values: "np.ndarray", is_categorical: bool) -> "np.ndarray":
    """Return the inner edges of ten groups of about equal size, or between categories."""
    import numpy as np

    known = values[~np.isnan(values)]
    if not len(known):
        return np.array([])
    if is_categorical:
        return np.arange(known.max() + 1) + 0.5
    return np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1]))


def bin_shares(values: "np.ndarray", edges: "np.ndarray") -> "np.ndarray":
    """Return the share of rows in each bin, the missing ones last."""
    import numpy as np

    # Equal values are in one bin: a value on an edge belongs below it.
    numbers = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))
    return np.bincount(numbers, minlength=len(edges) + 2) / max(len(values), 1)


def stability_index(
    before: "np.ndarray", after: "np.ndarray", n_before: int, n_after: int
) -> float:
    """Return the population stability index of two distributions over the same bins.

    Less what it is by chance where nothing has changed: a chi-square over the bins, by the number
    of rows that each distribution is of.
    """
    import numpy as np

    n_bins = int(((before > 0) | (after > 0)).sum())
    chance = max(n_bins - 1, 0) * (1 / max(n_before, 1) + 1 / max(n_after, 1))
    before, after = np.maximum(before, _FLOOR), np.maximum(after, _FLOOR)
    return max(float(((after - before) * np.log(after / before)).sum()) - chance, 0.0)


def only_growing(features: pl.DataFrame, names: Sequence[str]) -> set[str]:
    """Return the features that never fall from one cut-off to the next, of no customer.

    Of ages and of totals of a lifetime it is known that they grow: that is no drift.
    """
    numbers = [n for n in names if features.schema[n].is_numeric() or n in _flags(features)]
    steps = features.sort(CUSTOMER, CUT_OFF).select(
        pl.col(name).cast(pl.Float64).diff().over(CUSTOMER) for name in numbers
    )
    rises = steps.select((pl.all().min() >= 0) & (pl.all().max() > 0)).row(0, named=True)
    return {name for name, is_rising in rises.items() if is_rising}


def _flags(features: pl.DataFrame) -> set[str]:
    return {name for name, kind in features.schema.items() if kind == pl.Boolean}


def model_drift(
    customer_features: pl.DataFrame,
    model_scores: pl.DataFrame,
    *,
    model_store: ModelStore,
) -> list[dict[str, Any]]:
    """Return the stability index of each feature, and of the score, of each champion.

    Compares the rows that the champion learned from with those that it scores now. What only grows
    takes no part.
    """
    import numpy as np

    features = with_cut_off(customer_features)
    now_there = features.filter(newest(features))
    found = []
    scored = model_scores.group_by("question", "version", maintain_order=True)
    for (question, version), scores in scored:
        card = model_store.card(str(question), str(version))
        matrix = card.design.matrix(
            now_there.join(scores.select(CUSTOMER), on=CUSTOMER, how="semi")
        )
        growing = only_growing(features, card.features)
        now = {name: matrix[:, i] for i, name in enumerate(card.features) if name not in growing}
        then = {name: (card.bin_edges[name], card.bin_shares[name]) for name in card.features}
        # Null where only ranks are published, whose distribution is always the same.
        if scores["probability"].null_count() == 0:
            now[SCORE] = scores.sort(CUSTOMER)["probability"].to_numpy()
            then[SCORE] = (card.score_edges, card.score_shares)
        for name, values in now.items():
            edges, shares = (np.asarray(part, dtype=float) for part in then[name])
            now_shares = bin_shares(values, edges)
            index = stability_index(shares, now_shares, card.n_rows, len(values))
            found.append(
                {
                    "question": question,
                    "feature": name,
                    "stability_index": index,
                    "has_drifted": index > _MAJOR,
                }
            )
    return found
