"""Which cell is asked about: a table, a column, and a condition that a person typed.

The condition runs on that person's own machine, against views in memory. It is still read as one
expression over the table's columns, so that a slip of the pen is an error that says what is wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from customer_assets.suggestions import alternatives
from customer_assets.warehouse.table import Table


class CellError(ValueError):
    """A cell that there is not. The text says what is wrong, and what there is instead."""


@dataclass(frozen=True)
class Cell:
    """A column of some rows of a table; `condition` is SQL that chooses the rows."""

    table: str
    column: str
    condition: str


def read_cell(tables: Mapping[str, Table], table: str, where: str, column: str) -> Cell:
    """Return the cell that the words of a command mean. Raises CellError."""
    if table not in tables:
        raise CellError(f"no table is named {table!r}{alternatives(table, sorted(tables))}")
    columns = tables[table].columns
    if column not in columns:
        raise CellError(f"{table} has no column {column!r}{alternatives(column, columns)}")
    return Cell(table, column, _condition(tables[table], where))


def _condition(table: Table, where: str) -> str:
    if not where.strip():
        return "true"
    try:
        statements = sqlglot.parse(f"select * from cell where ({where}\n)", dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        raise CellError(f"--where is no condition that can be read: {where!r}") from error
    (select, *rest) = statements
    condition = select.args["where"].this if isinstance(select, exp.Select) else None
    plain = {"expressions", "from", "from_", "where", "kind", "hint", "distinct"}
    more = {name for name, part in select.args.items() if part} - plain if select else set()
    if rest or more or not isinstance(condition, exp.Paren):
        raise CellError(f"--where is more than one condition: {where!r}")
    if condition.find(exp.Query):
        raise CellError("--where is a condition on one row: it cannot hold another select")
    unknown = {each.name for each in condition.find_all(exp.Column)} - set(table.columns)
    if unknown:
        raise CellError(
            f"{table.name} has no column {', '.join(sorted(unknown))}; "
            f"it has {', '.join(table.columns)}"
        )
    return condition.this.sql(dialect="duckdb")
