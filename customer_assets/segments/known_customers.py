"""Everything that the tables know of a customer today, as one frame: what groups are made of.

Rows are the customers who bought, of a log without purchases all of them, of a customer table
those that it lists. Where two tables have a column of the same name, the first one counts.
"""

from collections.abc import Iterable, Mapping

import polars as pl

from customer_assets.warehouse.table import Table

# The first one that is there says who a customer is.
BASE_TABLES = ("rfm", "customers", "rfem")
FEATURES = "customer_features"
SCORES = "model_scores"
TABLES = (*BASE_TABLES, FEATURES, SCORES)
SCORE_COLUMNS = {"probability": "double", "decile": "bigint", "score_rank": "bigint"}

_ID, _CUT_OFF = "customer_id", "cut_off_ts"
_NUMBERS = ("bigint", "double", "boolean", "decimal(18,4)", "integer")


def known_customers(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return one row per customer, ordered by customer_id.

    Each question of `model_scores` gives the columns `<question>_probability`, `_decile` and
    `_score_rank`. Raises ValueError where no table says who the customers are.
    """
    base = next((frames[name] for name in BASE_TABLES if name in frames), None)
    if base is None:
        raise ValueError(f"none of {', '.join(BASE_TABLES)} is there: who are the customers?")
    known = base.sort(_ID)
    for name in (*BASE_TABLES, FEATURES):
        if name in frames and frames[name] is not base:
            known = _with_new_columns(known, newest(frames[name]))
    if SCORES in frames:
        for (question,), scores in sorted(frames[SCORES].group_by("question")):
            names = {column: f"{question}_{column}" for column in SCORE_COLUMNS}
            known = _with_new_columns(known, scores.select(_ID, *names).rename(names))
    return known


def newest(features: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the newest cut-off, without the column that says when it is."""
    if _CUT_OFF not in features.columns:
        return features
    return features.filter(pl.col(_CUT_OFF) == pl.col(_CUT_OFF).max()).drop(_CUT_OFF)


def known_types(tables: Mapping[str, Table], questions: Iterable[str]) -> dict[str, str]:
    """Return the DuckDB types of the columns that `known_customers` will have."""
    types: dict[str, str] = {}
    for name in (*BASE_TABLES, FEATURES):
        columns = tables[name].columns if name in tables else {}
        types |= {c: said.type for c, said in columns.items() if c not in types}
    types.pop(_CUT_OFF, None)
    for question in questions:
        types |= {f"{question}_{column}": kind for column, kind in SCORE_COLUMNS.items()}
    return types


def measure_types(types: Mapping[str, str]) -> list[str]:
    """Return the columns, of those types, that a mean can be taken of."""
    return [name for name, kind in types.items() if kind in _NUMBERS and name != _ID]


def measures(known: pl.DataFrame) -> list[str]:
    """Return the columns that a mean can be taken of: numbers and yes-or-no, not who it is."""
    return [
        name
        for name, kind in known.schema.items()
        if name != _ID and (kind.is_numeric() or kind == pl.Boolean)
    ]


def _with_new_columns(known: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    new = [name for name in more.columns if name not in known.columns]
    return known.join(more.select(_ID, *new), on=_ID, how="left", maintain_order="left")
