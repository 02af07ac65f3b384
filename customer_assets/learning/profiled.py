"""The customers and the features that a question's features are described on."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from customer_assets.learning.design import (
    CUSTOMER,
    CUT_OFF,
    asked_about,
    labelled,
    newest,
    with_cut_off,
)
from customer_assets.sources.questions import Question

# Correlations are measured on so many customers, always the same ones.
MOST_ROWS = 5_000
# More different texts than these are told apart no further.
CATEGORIES = 20
NUMBER, BOOLEAN, TEXT = "number", "boolean", "text"


@dataclass(frozen=True)
class Profiled:
    """The rows of a question that features are described on, and its features.

    `label` is null throughout where no answer is known yet.
    """

    question: Question
    rows: pl.DataFrame
    kinds: Mapping[str, str]

    @property
    def label(self) -> pl.Series:
        return self.rows[self.question.label].cast(pl.Float64)

    def values(self, name: str) -> pl.Series:
        """Return a feature as Float64 or, if it is text, as String."""
        return self.rows[name] if self.kinds[name] == TEXT else self.rows[name].cast(pl.Float64)

    def is_varied(self, name: str) -> bool:
        return self.rows[name].n_unique() > 1


def profiled(features: pl.DataFrame, question: Question) -> Profiled:
    """Return the customers that a question is about, at the last cut-off with an answer.

    Before there is any answer, at the last cut-off.
    """
    features = with_cut_off(features)
    rows = labelled(features, question)
    if rows.is_empty():
        rows = asked_about(features, question)
    rows = rows.filter(newest(rows))
    left_out = {CUSTOMER, CUT_OFF, question.label}
    kinds = {n: _kind(t) for n, t in rows.schema.items() if n not in left_out}
    return Profiled(question, rows, {n: kind for n, kind in kinds.items() if kind})


def _kind(dtype: pl.DataType) -> str:
    if dtype == pl.Boolean:
        return BOOLEAN
    return NUMBER if dtype.is_numeric() else TEXT if dtype == pl.String else ""


def sampled(rows: pl.DataFrame, most: int = MOST_ROWS) -> pl.DataFrame:
    """Return at most so many rows, those whose customers have the lowest MD5 of their id.

    The same customers are drawn in every run and on every machine, in the order of the rows.
    """
    if len(rows) <= most:
        return rows
    digests = [hashlib.md5(str(i).encode(), usedforsecurity=False).digest() for i in rows[CUSTOMER]]
    drawn = sorted(range(len(rows)), key=digests.__getitem__)[:most]
    return rows[sorted(drawn)]
