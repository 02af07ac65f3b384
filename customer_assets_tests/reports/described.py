"""Rows made up from what a table's description says: a test names the columns that it is about."""

import datetime as dt
import functools
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from customer_assets import settings
from customer_assets.warehouse.places import read_models
from customer_assets.warehouse.table import Table

_TYPES: Mapping[str, pl.DataType] = {
    "boolean": pl.Boolean(),
    "bigint": pl.Int64(),
    "source": pl.Int64(),
    "double": pl.Float64(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us"),
    "varchar": pl.String(),
}


@functools.cache
def described() -> Mapping[str, Table]:
    """Return the tables that all event logs share, as their headers describe them."""
    found = read_models(settings.table_roots(), "", "event_log")
    return {name: model.table for name, model in found.items()}


def rows(table: str, /, n: int = 3, **given: Any) -> pl.DataFrame:
    """Return rows of a table; `given` are columns by name, a list or one value for all rows.

    Others are made up: numbers that grow, months in a row, texts that may do harm; the ends of an
    interval, `<column>_low` and `<column>_high`, lie around it. Raises KeyError for a column that
    the table does not have.
    """
    columns = described()[table].columns
    if unknown := given.keys() - columns.keys():
        raise KeyError(f"{table} has no column {', '.join(sorted(unknown))}")
    n = next((len(values) for values in given.values() if isinstance(values, list)), n)
    made: dict[str, pl.Series] = {}
    for name, column in columns.items():
        values = given.get(name, [_value(name, column.type, at) for at in range(n)])
        values = values if isinstance(values, list) else [values] * n
        made[name] = pl.Series(name, values, _type(column.type), strict=False)
    return pl.DataFrame(made)


def _type(kind: str) -> pl.DataType:
    if found := re.fullmatch(r"decimal\((\d+),(\d+)\)", kind):
        return pl.Decimal(int(found[1]), int(found[2]))
    return _TYPES[kind]


def _value(name: str, kind: str, at: int) -> Any:
    aside = -0.05 if name.endswith("_low") else 0.05 if name.endswith("_high") else 0.0
    if kind.startswith("decimal"):
        return Decimal(100 * (1 + at)) + Decimal(str(100 * aside))
    return {
        "boolean": True,
        "bigint": 40 + at,
        "source": 40 + at,
        "double": 0.2 + 0.1 * at + aside,
        "date": dt.date(2024, 1 + at % 12, 1),
        "timestamp": dt.datetime(2024, 1 + at % 12, 1, 9),
        "varchar": f"{name} <b>{at}</b>",
    }[kind]
