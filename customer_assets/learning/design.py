"""The rows and columns a model sees: which features a question has, as a matrix of numbers.

What is fitted (imputing, scaling, encoding) belongs to `estimators`; nothing here learns.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from customer_assets.sources.questions import Question

if TYPE_CHECKING:
    import numpy as np

CUSTOMER = "customer_id"
CUT_OFF = "cut_off_ts"


@dataclass(frozen=True)
class Design:
    """The features of a question in the order of the matrix's columns.

    `categories` holds the known values of each feature that is text, in sorted order.
    """

    features: Sequence[str]
    categories: Mapping[str, Sequence[str]]

    def is_categorical(self) -> list[bool]:
        return [name in self.categories for name in self.features]

    def matrix(self, frame: pl.DataFrame) -> "np.ndarray":
        """Return float64 rows x features; missing is nan, text is its category's number.

        A value that was not known when the design was made counts as missing.
        """
        return frame.select(
            pl.col(name)
            .replace_strict(
                {value: float(code) for code, value in enumerate(self.categories[name])},
                default=None,
                return_dtype=pl.Float64,
            )
            .fill_null(float("nan"))
            if name in self.categories
            else pl.col(name).cast(pl.Float64).fill_null(float("nan"))
            for name in self.features
        ).to_numpy()


def with_cut_off(features: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with a cut-off, which is 0 for customers that are summed up once.

    In the order of cut-off and customer, so that nothing depends on the order of rows.
    """
    if CUT_OFF not in features.columns:
        features = features.with_columns(pl.lit(0, pl.Int64).alias(CUT_OFF))
    return features.sort(CUT_OFF, CUSTOMER)


def design_of(features: pl.DataFrame, question: Question, dropped: Collection[str] = ()) -> Design:
    """Return the features of a question: every usable column that says nothing about later.

    Labels, keys, excluded and `dropped` columns are left out, and columns of one value.
    Raises ValueError where the question excludes a column that is not there.
    """
    unknown = sorted(set(question.exclude) - set(features.columns))
    if unknown:
        raise ValueError(f"exclude: customer_features has no column {', '.join(unknown)}")
    asked = asked_about(features, question)
    left_out = {CUSTOMER, CUT_OFF, question.label, *question.exclude, *dropped}
    usable = [
        name
        for name, dtype in features.schema.items()
        if name not in left_out
        and (dtype.is_numeric() or dtype in (pl.Boolean, pl.String))
        and asked[name].drop_nulls().n_unique() > 1
    ]
    categories = {
        name: asked[name].drop_nulls().unique().sort().to_list()
        for name in usable
        if features.schema[name] == pl.String
    }
    return Design(usable, categories)


def asked_about(features: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return the customers that a question is about.

    Raises ValueError where it names a column that customer_features does not have.
    """
    for option in ("label", "among"):
        name = getattr(question, option)
        if name is not None and name not in features.columns:
            raise ValueError(
                f"{option}: customer_features has no column {name!r}; there are "
                f"{', '.join(features.columns)}"
            )
    return features.filter(pl.col(question.among)) if question.among else features


def labelled(features: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return the customers that a question is about whose answer is known."""
    return asked_about(features, question).filter(pl.col(question.label).is_not_null())


def newest(rows: pl.DataFrame) -> "np.ndarray":
    """Return which rows are of the last cut-off."""
    # As an expression, which has an answer for no rows too.
    return rows.select(pl.col(CUT_OFF) == pl.col(CUT_OFF).max()).to_series().to_numpy()


def answers(features: pl.DataFrame, question: Question) -> tuple[float, int, int]:
    """Return the share of known answers that are yes, and at the last cut-off that has any how
    many are known and how many are yes."""
    known = labelled(features, question)
    of_all, at_end = labels(known, question), labels(known.filter(newest(known)), question)
    return (float(of_all.mean()) if len(of_all) else 0.0), len(at_end), int(at_end.sum())


def labels(frame: pl.DataFrame, question: Question) -> "np.ndarray":
    return frame[question.label].cast(pl.Int8).to_numpy()
