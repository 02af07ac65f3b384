"""One SQL file, one table: reads `sql/<layer>/<table>.sql` and says what follows from it.

A file is a `/* --- ... --- */` YAML header and one plain SELECT. From the file alone follow the
table's description, its inputs, parameters, column lineage and code version. A file below
`sql/<layer>/<source>/` belongs to that source and replaces the shared file of the same name.
"""

import datetime as dt
import functools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope

from customer_assets import settings
from customer_assets.warehouse.header import (
    Header,
    ModelError,
    check_places,
    demand,
    read_header,
)
from customer_assets.warehouse.model import Lineage, Model, model_fields
from customer_assets.warehouse.table import Layer, Table
from customer_assets.warehouse.versions import (
    definition_parts,
    parsed,
    parsed_text,
    shown_path,
    sql_parts,
)

if TYPE_CHECKING:
    import duckdb

    from customer_assets.warehouse.engine import DuckDBEngine, Output, Relation

_HEADER = re.compile(r"\A\s*/\*\s*(?P<header>---[ \t]*\n.*?\n\s*---)\s*\*/", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class SqlModel(Model):
    """A table and the SELECT that computes it.

    `parameters` gives the DuckDB types of the variables that the SELECT asks for.
    """

    language: ClassVar[str] = "sql"

    sql: str

    def own_parts(self, parameters: Mapping[str, Any]) -> dict[str, str]:
        return {
            **sql_parts(shown_path(self.path), self.sql, macros()),
            **definition_parts(self.definitions, parameters),
        }

    def outputs(
        self,
        engine: "DuckDBEngine",
        inputs: Mapping[str, "Relation"],
        parameters: Mapping[str, Any],
        new_file: Callable[[], Path],
        days: Sequence[dt.date] | None = None,
    ) -> dict[str, "Output"]:
        return engine.run(self, inputs, parameters, new_file, days)

    def lineage(self, schemas: Mapping[str, Mapping[str, str]]) -> Lineage:
        return column_lineage(self, schemas)


def read_model(path: Path, layer: Layer, owner: str | None = None) -> SqlModel:
    """Read one SQL file.

    Raises ModelError, naming file and line, where the header or the statement is wrong.
    """
    text = path.read_text(encoding="utf-8")
    match = _HEADER.match(text)
    if match is None:
        raise ModelError(f"{path}:1: the file must start with a /* --- ... --- */ header")
    first_line = text[: match.start("header")].count("\n") + 1
    header = read_header(path, match["header"], first_line)
    first_line += 1
    sql = text[match.end() :].strip().removesuffix(";")
    statement = parse_statement(path, sql, text[: match.end()].count("\n") + 1)

    used, declared = variables(statement), set(header.parameters)
    demand(path, first_line, "parameters", used - declared, "the header does not describe")
    demand(path, first_line, "parameters", declared - used, "the SQL does not use")
    if not header.key:
        raise ModelError(f"{path}:{first_line}: key: name the columns that tell rows apart")
    if not header.attributes:
        selected, columns = set(statement.named_selects), set(header.columns)
        demand(path, first_line, "columns", selected - columns, "the header does not describe")
        demand(path, first_line, "columns", columns - selected, "the SQL does not select")
    table = header.table(path.stem, layer)
    check_places(path, first_line, table)
    return sql_model(path, table, sql, header, owner)


def sql_model(
    path: Path, table: Table, sql: str, header: Header, owner: str | None = None
) -> SqlModel:
    """Return the model of a checked header and a statement, whose inputs follow from its text."""
    # An input that only the header names is read by a check.
    inputs = tuple(sorted({*tables_read(parsed(sql)), *header.inputs}))
    compares = _compared_table(inputs) if table.ledger else None
    return SqlModel(
        path=path,
        table=table,
        sql=sql,
        inputs=inputs if compares is None else (compares,),
        parameters=header.parameters,
        owner=owner,
        compares=compares,
        **model_fields(header),
    )


def column_lineage(model: SqlModel, schemas: Mapping[str, Mapping[str, str]]) -> Lineage:
    """Return for each column the (table, column) pairs that its value comes from.

    `schemas` gives the column types of the inputs. A column that only counts rows, or is a
    constant, comes from none.
    """
    inputs = tuple((name, tuple(columns.items())) for name, columns in schemas.items())
    return _lineage_of(model.sql, tuple(model.table.columns), inputs)


@functools.lru_cache(maxsize=1024)
def _lineage_of(
    sql: str, columns: tuple[str, ...], inputs: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
) -> Lineage:
    """Work out the lineage of a text, in a process once: it takes longer than to run it."""
    origins: dict[str, list[tuple[str, str]]] = {}
    schema: dict[str, object] = {name: dict(types) for name, types in inputs}
    # Qualified once: sqlglot would do it again for every column.
    statement = qualify(
        parsed(sql).copy(),
        schema=schema,
        dialect="duckdb",
        validate_qualify_columns=False,
        identify=False,
    )
    scope = build_scope(statement)
    for column in columns:
        node = lineage(
            column,
            sql,
            scope=scope,
            schema=schema,
            dialect="duckdb",
            trim_selects=False,
            copy=False,
        )
        leaves = {
            (leaf.source.name, leaf.name.rsplit(".", 1)[-1].strip('"'))
            for leaf in node.walk()
            if isinstance(leaf.source, exp.Table)
        }
        origins[column] = sorted(leaf for leaf in leaves if leaf[0] in schema)
    return origins


def parse_statement(path: Path, sql: str, first_line: int) -> exp.Query:
    """Return the one SELECT that a text holds. Raises ModelError with the line where it is none."""
    try:
        statements = parsed_text(sql)
    except sqlglot.ParseError as error:
        detail = error.errors[0]
        line = first_line + (detail["line"] or 1)
        raise ModelError(f"{path}:{line}: {detail['description']}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise ModelError(f"{path}:{first_line}: one SELECT is wanted after the header")
    return statements[0]


def tables_read(statement: exp.Expr) -> tuple[str, ...]:
    # `with events as (select ... from events)` names a CTE after the table that it imports.
    names = []
    ctes = {cte.alias for cte in statement.find_all(exp.CTE)}
    for table in statement.find_all(exp.Table):
        select = table.find_ancestor(exp.CTE)
        imports_itself = select is not None and select.alias == table.name
        if table.name and (table.name not in ctes or imports_itself):
            names.append(table.name)
    return tuple(sorted(set(names)))


@functools.cache
def macros() -> dict[str, str]:
    """Return the macros of `sql/macros.sql` by name, each as the statement that makes it."""
    file = settings.SQL_ROOT / "macros.sql"
    statements = sqlglot.parse(file.read_text(encoding="utf-8"), dialect="duckdb")
    return {
        each.this.this.name.lower(): each.sql(dialect="duckdb", comments=False)
        for each in statements
        if isinstance(each, exp.Create)
    }


def load_macros(connection: "duckdb.DuckDBPyConnection") -> None:
    """Make the macros of `sql/macros.sql` known to a connection."""
    for statement in macros().values():
        connection.execute(statement)


def columns_asked_of(sql: str, table: str, columns: Collection[str]) -> set[str]:
    """Return those of a table's columns that a statement may read: named beside it, or by `*`."""
    asked: set[str] = set()
    if not columns:
        return asked
    for select in parsed(sql).find_all(exp.Select):
        sources = [select.args.get("from_"), *select.args.get("joins", [])]
        if not any(each and each.this.name == table for each in sources):
            continue
        if select.is_star:
            asked |= set(columns)
        asked |= {column.name for column in select.find_all(exp.Column)}
    return asked & set(columns)


def _compared_table(inputs: tuple[str, ...]) -> str | None:
    """Return `x` where the inputs are `x_before` and `x_after`."""
    names = {name.removesuffix("_before").removesuffix("_after") for name in inputs}
    return names.pop() if len(inputs) == 2 and len(names) == 1 else None


def variables(statement: exp.Query) -> set[str]:
    return {
        str(call.expressions[0].name)
        for call in statement.find_all(exp.Anonymous)
        if call.name.lower() == "getvariable"
    }
