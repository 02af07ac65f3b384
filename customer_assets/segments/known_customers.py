"""Everything that the tables know of a customer today, as one frame: what groups are made of.

Rows are the customers who bought, of a log without purchases all of them, of a customer table
those that it lists. Where two tables have a column of the same name, the first one counts.
"""

from collections.abc import Iterable, Mapping

import polars as pl

from customer_assets.sources import Segments

# The first one that is there says who a customer is.
BASE_TABLES = ("rfm", "customers", "rfem")
SCORE_COLUMNS = {"probability": "double", "decile": "bigint", "score_rank": "bigint"}

_ID, _CUT_OFF = "customer_id", "cut_off_ts"
_NUMBERS = ("bigint", "double", "boolean", "decimal(18,4)", "integer")


def known_customers(
    rfm: pl.LazyFrame | None = None,
    customers: pl.LazyFrame | None = None,
    rfem: pl.LazyFrame | None = None,
    customer_features: pl.LazyFrame | None = None,
    model_scores: pl.LazyFrame | None = None,
) -> pl.LazyFrame:
    """Return one row per customer, ordered by customer_id.

    Each question of `model_scores` gives the columns `<question>_probability`, `_decile` and
    `_score_rank`. Raises ValueError where no table says who the customers are.
    """
    base = [table for table in (rfm, customers, rfem) if table is not None]
    if not base:
        raise ValueError(f"none of {', '.join(BASE_TABLES)} is there: who are the customers?")
    known = base[0].sort(_ID)
    for more in (*base[1:], customer_features):
        if more is not None:
            known = _with_new_columns(known, _newest(more))
    if model_scores is not None:
        scores = model_scores.select("question", _ID, *SCORE_COLUMNS).collect()
        for (question,), of_question in sorted(scores.group_by("question")):
            names = {column: f"{question}_{column}" for column in SCORE_COLUMNS}
            known = _with_new_columns(known, of_question.lazy().select(_ID, *names).rename(names))
    return known


def _newest(table: pl.LazyFrame) -> pl.LazyFrame:
    """Return the rows of the newest cut-off, without the column that says when it is."""
    if _CUT_OFF not in table.collect_schema():
        return table
    return table.filter(pl.col(_CUT_OFF) == pl.col(_CUT_OFF).max()).drop(_CUT_OFF)


def _with_new_columns(known: pl.LazyFrame, more: pl.LazyFrame) -> pl.LazyFrame:
    there = known.collect_schema()
    new = [name for name in more.collect_schema() if name not in there]
    return known.join(more.select(_ID, *new), on=_ID, how="left", maintain_order="left")


def value_of(segments: Segments) -> pl.Expr:
    """Return what a customer is worth, as money; null where the source does not say."""
    value = pl.col(segments.value) if segments.value else pl.lit(None)
    return value.cast(pl.Decimal(18, 4)).alias("value")


def known_types(
    tables: Mapping[str, Mapping[str, str]], questions: Iterable[str]
) -> dict[str, str]:
    """Return the DuckDB types of the columns that `known_customers` will have.

    `tables` are the types of the columns of tables by name.
    """
    types: dict[str, str] = {}
    for name in (*BASE_TABLES, "customer_features"):
        columns = tables.get(name, {})
        types |= {column: kind for column, kind in columns.items() if column not in types}
    types.pop(_CUT_OFF, None)
    for question in questions:
        types |= {f"{question}_{column}": kind for column, kind in SCORE_COLUMNS.items()}
    return types


def measure_types(types: Mapping[str, str]) -> list[str]:
    """Return the columns, of those types, that a mean can be taken of."""
    return [name for name, kind in types.items() if kind in _NUMBERS and name != _ID]


def measures(schema: pl.Schema) -> list[str]:
    """Return the columns that a mean can be taken of: numbers and yes-or-no, not who it is."""
    return [
        name
        for name, kind in schema.items()
        if name != _ID and (kind.is_numeric() or kind == pl.Boolean)
    ]
