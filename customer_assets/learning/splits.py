"""Which rows a question is tuned on, compared on and judged on: no row judges what it taught.

An event log has rows at several cut-offs. It is tuned on the earlier ones, whose label windows
have closed when the judging ones begin, and this search decides in which order models are tried;
they are cross-validated on the last cut-off and judged there by a model of the earlier ones
(`out_of_time`). Where few customers say
yes, the last few cut-offs judge together. A customer table has one moment: a quarter of its
customers, kept apart, judges (`holdout`). Where there are very many customers, models learn from a
part of them and are cross-validated on it; all the others judge too.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from customer_assets.learning.design import CUSTOMER, CUT_OFF, labels
from customer_assets.learning.profiled import sampled
from customer_assets.sources.questions import Question

if TYPE_CHECKING:
    import numpy as np

CROSS_VALIDATION = "cross_validation"
OUT_OF_TIME = "out_of_time"
HOLDOUT = "holdout"
BACKTEST = "backtest"
_HOLDOUT_SHARE = 0.25
# More rows teach a model little, and cost as much again. Where so few of them would give the rarer
# answer, there are more, at most so many times.
MOST_ROWS = 100_000
_FEWEST_OF_RARER, _MOST_TIMES = 2_000, 10
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
    """The splits of a question's labelled rows; only training rows and `compared` are bounded."""

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
    at, taught = rows[CUT_OFF].to_numpy(), teaching(rows, question)
    cut_offs = np.unique(at)
    for first in cut_offs[:0:-1]:
        judging, before = at >= first, (at < first) & taught
        compared = judging & taught
        if _is_enough(label[compared], question):
            if not _is_enough(label[before], question):
                break
            backtest = [
                Split(BACKTEST, (at < t) & taught, at == t)
                for t in cut_offs[cut_offs < first][-MOST_BACKTESTS:]
                if _is_enough(label[(at < t) & taught], question) and 0 < label[at == t].mean() < 1
            ]
            return Splits(rows, label, compared, Split(OUT_OF_TIME, before, judging), backtest)
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
    return Splits(rows, label, taught, Split(HOLDOUT, ~is_test & taught, is_test), [])


def teaching(rows: pl.DataFrame, question: Question) -> "np.ndarray":
    """Return which labelled rows models learn from: all rows of some customers, or of everybody.

    Those of the lowest MD5 of their id, so that the same customers teach in every run.
    """
    import numpy as np

    label = labels(rows, question)
    rarer = min(label.sum(), len(label) - label.sum())
    usual = MOST_ROWS / len(label)
    share = min(max(usual, _FEWEST_OF_RARER / max(rarer, 1)), _MOST_TIMES * usual)
    if share >= 1:
        return np.ones(len(label), dtype=bool)
    customers = rows.select(CUSTOMER).unique(maintain_order=True)
    taken = sampled(customers, round(share * len(customers)))
    return rows[CUSTOMER].is_in(taken[CUSTOMER].implode()).to_numpy()


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
