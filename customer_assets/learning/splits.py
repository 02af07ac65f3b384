"""Which rows a question is tuned on, compared on and judged on: no row judges what it taught.

An event log has rows at several cut-offs. It is tuned on the earlier ones, whose label windows
have closed when the judging ones begin, and this search decides in which order models are tried;
they are cross-validated on the last cut-off and judged there by a model of the earlier ones
(`out_of_time`). Where few customers say
yes, the last few cut-offs judge together. A customer table has one moment: a quarter of its
customers, kept apart, judges (`holdout`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from customer_assets.learning.design import CUSTOMER, CUT_OFF, labels
from customer_assets.sources.questions import Question

if TYPE_CHECKING:
    import numpy as np

CROSS_VALIDATION = "cross_validation"
OUT_OF_TIME = "out_of_time"
HOLDOUT = "holdout"
BACKTEST = "backtest"
_HOLDOUT_SHARE = 0.25
# Earlier cut-offs that the best model and the baselines are tested at as well.
MOST_BACKTESTS = 6


@dataclass(frozen=True)
class Split:
    """Training and test rows, as boolean masks over the labelled rows."""

    name: str
    train: "np.ndarray"
    test: "np.ndarray"


@dataclass(frozen=True)
class Splits:
    """The splits of a question's labelled rows."""

    rows: pl.DataFrame
    label: "np.ndarray"
    compared: "np.ndarray"
    judged: Split
    backtest: list[Split]

    @property
    def tuning(self) -> "np.ndarray":
        return self.judged.train


def splits_of(rows: pl.DataFrame, question: Question) -> Splits | None:
    """Return the splits of labelled rows, or None where there are too few of either answer.

    Each fold of each training set must hold a few customers of both kinds.
    """
    import numpy as np
    from sklearn.model_selection import train_test_split

    label = labels(rows, question)
    if not _is_enough(label, question):
        return None
    at = rows[CUT_OFF].to_numpy()
    cut_offs = np.unique(at)
    for first in cut_offs[:0:-1]:
        compared, before = at >= first, at < first
        if _is_enough(label[compared], question):
            if not _is_enough(label[before], question):
                break
            backtest = [
                Split(BACKTEST, at < t, at == t)
                for t in cut_offs[cut_offs < first][-MOST_BACKTESTS:]
                if _is_enough(label[at < t], question) and 0 < label[at == t].mean() < 1
            ]
            return Splits(rows, label, compared, Split(OUT_OF_TIME, before, compared), backtest)
    # One moment, or too little before it: some of the customers are kept apart.
    customers, row_of = np.unique(rows[CUSTOMER].to_numpy(), return_inverse=True)
    ever = np.bincount(row_of, weights=label) > 0
    _, apart = train_test_split(
        np.arange(len(customers)),
        test_size=_HOLDOUT_SHARE,
        stratify=ever,
        random_state=question.random_state,
    )
    is_test = np.isin(row_of, apart)
    everybody = np.ones(len(label), dtype=bool)
    return Splits(rows, label, everybody, Split(HOLDOUT, ~is_test, is_test), [])


def _is_enough(label: "np.ndarray", question: Question) -> bool:
    positive = int(label.sum())
    return min(positive, len(label) - positive) >= 4 * question.folds


def bounded(mask: "np.ndarray", most: int, seed: int) -> "np.ndarray":
    """Return the numbers of the rows of a mask, at most so many, drawn with a seed."""
    import numpy as np

    numbers = np.flatnonzero(mask)
    if len(numbers) > most:
        numbers = np.sort(np.random.default_rng(seed).choice(numbers, most, replace=False))
    return numbers
