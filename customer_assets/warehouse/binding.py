"""Whether statements and checks fit the tables that they read, told while definitions load.

Each statement is bound over empty views of its inputs, so that a column that does not exist, or a
type other than the header's, is an error with file and line before anything runs. What was bound
once is remembered by its text and the types around it: an unchanged tree costs next to nothing.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import duckdb

from customer_assets.quality import checks_of
from customer_assets.warehouse.connection import connect
from customer_assets.warehouse.header import ModelError
from customer_assets.warehouse.manifest import write_atomically
from customer_assets.warehouse.model import Model
from customer_assets.warehouse.quoting import quoted
from customer_assets.warehouse.sql_model import SqlModel, load_macros
from customer_assets.warehouse.table import Table
from customer_assets.warehouse.versions import canonical_sql, digest

_KEPT = 4096
_bound: dict[str, None] = {}


def check_checks(models: Iterable[Model], raw_tables: Mapping[str, Table]) -> None:
    """Raise ModelError where a check names an expectation, argument or column that is not there."""
    for model in models:
        try:
            checks_of(model.table)
        except ValueError as error:
            line = _line_in(model.path, re.search(r"check (\w+)", str(error)))
            raise ModelError(f"{model.path}:{line}: {error}") from error
    for table in raw_tables.values():
        checks_of(table)


def bind(models: Iterable[Model], tables: Mapping[str, Table], remembered: Path) -> None:
    """Bind every statement, and every query of a check, that was not bound before.

    Raises ModelError, naming file and line.
    """
    open_models = []
    for model in models:
        key = _key(model, tables)
        if key not in _bound:
            open_models.append((key, model))
    if not open_models:
        return
    known = _remembered(remembered)
    new: dict[str, None] = {}
    with connect(threads=1) as connection:
        load_macros(connection)
        for key, model in open_models:
            if key not in known:
                _bind(connection, model, tables)
                new[key] = None
    _bound.update(dict.fromkeys(key for key, _ in open_models))
    if new:
        remembered.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(remembered, json.dumps([*known, *new][-_KEPT:]))


def _remembered(file: Path) -> dict[str, None]:
    try:
        return dict.fromkeys(json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _key(model: Model, tables: Mapping[str, Table]) -> str:
    seen = [_inputs(model, name, tables[name]) for name in model.inputs]
    text = canonical_sql(model.sql) if isinstance(model, SqlModel) else ""
    queries = [query for _, query in _queries(model.table)]
    conditions = [f"{n} {near.further_while}" for n, near in model.neighbours.items()]
    asked = [f"{n} {column.type}" for n, column in model.parameters.items() if column]
    own = _empty(model.table)
    return digest([text, own, *map(str, seen), *queries, *conditions, *asked])[:16]


def _inputs(model: Model, name: str, table: Table) -> dict[str, str]:
    """Return the views by which a model sees an input, each with its empty SELECT."""
    if model.compares == name:
        return {f"{name}_{when}": _empty(table) for when in ("before", "after")}
    return {name: _empty(table)}


@cache
def _nulls(columns: tuple[tuple[str, str], ...]) -> str:
    selected = ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in columns)
    return f"select {selected} where false"


def _empty(table: Table) -> str:
    return _nulls(tuple((name, column.type) for name, column in table.columns.items()))


def _bind(connection: duckdb.DuckDBPyConnection, model: Model, tables: Mapping[str, Table]) -> None:
    views = {"audited": _empty(model.table)}
    for name in model.inputs:
        views |= _inputs(model, name, tables[name])
    for name, empty in views.items():
        connection.execute(f"create or replace temp view {quoted(name)} as {empty}")
    if isinstance(model, SqlModel):
        for name, column in model.parameters.items():
            if column is not None:
                connection.execute(f"set variable {quoted(name)} = null::{column.type}")
        described = _described(connection, model, model.sql, first_line(model))
        computed = {name: kind.lower() for name, kind in described}
        wrong = [
            f"{name} is {computed.get(name, 'not selected')}, the header says {column.type}"
            for name, column in model.table.columns.items()
            if computed.get(name) != column.type
        ]
        if wrong:
            raise ModelError(f"{model.path}:1: {'; '.join(wrong)}: cast it in the final select")
    for name, near in model.neighbours.items():
        if near.further_while:
            statement = f"select 1 from {quoted(name)} where {near.further_while}"
            line = _line_in(model.path, re.search("(further_while)", "further_while"))
            _described(connection, model, statement, line)
    for check, query in _queries(model.table):
        line = _line_in(model.path, re.search(r"(.+)", check))
        _described(connection, model, query, line)
    for name in views:
        connection.execute(f"drop view {quoted(name)}")


def _described(
    connection: duckdb.DuckDBPyConnection, model: Model, statement: str, first_line: int
) -> list[tuple[str, str]]:
    try:
        described = connection.execute(f"describe {statement}").fetchall()
    except duckdb.Error as error:
        text = str(error)
        at = re.search(r"LINE (\d+):", text)
        line = first_line + (int(at[1]) - 1 if at and model.path.suffix == ".sql" else 0)
        said = " ".join(text.split("LINE ")[0].split())
        raise ModelError(f"{model.path}:{line}: {model.name}: {said}") from error
    return [(row[0], row[1]) for row in described]


def _queries(table: Table) -> list[tuple[str, str]]:
    """Return the queries of a table's checks by the names of these, over the view `audited`."""
    return [
        (str(arguments.get("name", "unexpected_rows_query")), query.format(batch="audited"))
        for entry in table.checks
        for arguments in entry.values()
        if isinstance(query := arguments.get("unexpected_rows_query"), str)
    ]


def first_line(model: SqlModel) -> int:
    """Return the line of a file on which a statement begins; of a built one, the first."""
    if model.path.suffix != ".sql":
        return 1
    text = model.path.read_text(encoding="utf-8")
    return text[: text.index("--- */") if "--- */" in text else 0].count("\n") + 2


def _line_in(path: Path, found: re.Match[str] | None) -> int:
    """Return the first line of a file that holds a word; the first one, where none does."""
    if found is not None and path.is_file():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if found[1] in line:
                return number
    return 1
