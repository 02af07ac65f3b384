"""A kind of statement: what it says, how it is tested, and where it does not hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import polars as pl

from customer_assets import settings
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.sql_model import load_macros, read_model

Draws = np.ndarray[Any, np.dtype[np.bool_]]
Random = np.random.Generator


@dataclass(frozen=True)
class Statement:
    """`simulate` returns of so many draws whether the interval covered what was planted."""

    kind: str
    where: str
    how: str
    not_where: str
    simulate: Callable[[int, Random], Draws]
    level: float = 0.95
    # The share of draws that must be covered, both ends included.
    lowest: float = 0.93
    highest: float = 0.97
    # How many draws a second are cheap enough for every run of the tests.
    quick_draws: int = 200


def covers(low: Any, high: Any, truth: Any) -> Draws:
    return np.asarray((np.asarray(low) <= truth) & (truth <= np.asarray(high)), dtype=bool)


def sql_table(
    table: str, frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]
) -> pl.DataFrame:
    """Return what the SQL of `<layer>/<table>` makes of frames by name."""
    layer, _, name = table.partition("/")
    model = read_model(settings.SQL_ROOT / layer / f"{name}.sql", layer)
    with duckdb.connect(config={"threads": 1}) as connection:
        load_macros(connection)
        for parameter, column in model.parameters.items():
            value = literal(parameters.get(parameter))
            connection.execute(f"set variable {parameter} = cast({value} as {column.type})")
        for given, frame in frames.items():
            connection.register(f"{given}_rows", frame.to_arrow())
            connection.execute(f"create table {quoted(given)} as from {quoted(f'{given}_rows')}")
        key = ", ".join(map(quoted, model.table.key))
        return connection.sql(f"select * from ({model.sql}) as made order by {key}").pl()
