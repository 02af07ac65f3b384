"""One SQL file, one table: reads `sql/<layer>/<table>.sql` and says what follows from it.

A file is a `/* --- ... --- */` YAML header and one plain SELECT. From the file alone follow the
table's description, its inputs, parameters, column lineage and code version. A file below
`sql/<layer>/<source>/` belongs to that source and replaces the shared file of the same name.
"""

import datetime as dt
import functools
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import sqlglot
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlglot import exp
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope

from customer_assets.warehouse.manifest import digest
from customer_assets.warehouse.table import Column, Layer, Table

# The parser in C reads a header ten times faster; some builds of PyYAML lack it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_HEADER = re.compile(r"\A\s*/\*\s*---[ \t]*\n(?P<yaml>.*?)\n\s*---\s*\*/", re.DOTALL)

# Parameters that move with the calendar: they are data, not a definition.
MOVING_PARAMETERS = frozenset({"last_complete_day", "complete_until_ts"})

# What a source may offer and a model may need.
Capability = Literal["purchase", "value", "item", "view", "funnel", "country", "category", "bots"]


class SqlModelError(ValueError):
    """A SQL file that cannot become a table. The text names file and line."""


class Neighbours(BaseModel):
    """How far around its own day a partition reads a daily input.

    `days` are the first and the last day, counted from its own. `further_while` is a condition
    on rows of the input: while some row of the last day fulfils it, the following day is read
    too. `until` gives the exact last day for models that are built; `days` is then the widest
    case. Dagster knows of `days` only.
    """

    model_config = ConfigDict(extra="forbid")

    days: tuple[int, int] = (0, 0)
    further_while: str | None = None
    until: Callable[[dt.date], dt.date] | None = Field(default=None, exclude=True)


class _Header(BaseModel):
    """The YAML header of a SQL file: a `Table` without what its place in `sql/` says."""

    model_config = ConfigDict(extra="forbid")

    description: str
    columns: dict[str, Column]
    key: list[str] = Field(min_length=1)
    partition_by: str | None = None
    ledger: bool = False
    checks: list[dict[str, dict[str, Any]]] = []
    owner: str = "team:data"
    inputs: dict[str, Neighbours] = {}
    parameters: dict[str, Column] = {}
    requires: list[Capability] = []
    attributes: bool = Field(
        default=False, description="The source's own attributes follow the columns."
    )


@dataclass(frozen=True)
class SqlModel:
    """A table and the SELECT that computes it. `source` is set where only that one has it."""

    path: Path
    table: Table
    sql: str
    inputs: tuple[str, ...]
    neighbours: Mapping[str, Neighbours]
    parameters: Mapping[str, Column]
    requires: frozenset[str]
    attributes: bool
    source: str | None
    # The table whose previous and present rows a ledger of changes compares.
    compares: str | None = None

    @property
    def name(self) -> str:
        return self.table.name

    def code_version(self, parameters: Mapping[str, Any]) -> str:
        """Return a hash of the SQL, the header and the definitions that it reads."""
        definitions = sorted(set(self.parameters) - MOVING_PARAMETERS)
        values = (f"{name}={parameters.get(name)!r}" for name in definitions)
        return digest([self.sql, self.table.model_dump_json(), *values])[:12]


def read_model(path: Path, layer: Layer, source: str | None = None) -> SqlModel:
    """Read one SQL file.

    Raises SqlModelError, naming file and line, where the header or the statement is wrong.
    """
    text = path.read_text()
    match = _HEADER.match(text)
    if match is None:
        raise SqlModelError(f"{path}:1: the file must start with a /* --- ... --- */ header")
    first_line = text[: match.start("yaml")].count("\n") + 1
    header = _parse_header(path, match["yaml"], first_line)
    sql = text[match.end() :].strip().removesuffix(";")
    statement = _parse_sql(path, sql, text[: match.end()].count("\n") + 1)

    # An input that only the header names is read by a check.
    inputs = tuple(sorted({*_tables_read(statement), *header.inputs}))
    compares = _compared_table(inputs) if header.ledger else None
    used = _variables(statement)
    declared = set(header.parameters)
    _demand(path, first_line, "parameters", used - declared, "the header does not describe")
    _demand(path, first_line, "parameters", declared - used, "the SQL does not use")
    if not header.attributes:
        selected = set(statement.named_selects)
        columns = set(header.columns)
        _demand(path, first_line, "columns", selected - columns, "the header does not describe")
        _demand(path, first_line, "columns", columns - selected, "the SQL does not select")
    placed = set(header.key) | ({header.partition_by} if header.partition_by else set())
    _demand(path, first_line, "key or partition_by", placed - set(header.columns), "is no column")

    table_fields = set(Table.model_fields) & set(_Header.model_fields)
    return SqlModel(
        path=path,
        table=Table(name=path.stem, layer=layer, **header.model_dump(include=table_fields)),
        sql=sql,
        inputs=inputs if compares is None else (compares,),
        neighbours=header.inputs,
        parameters=header.parameters,
        requires=frozenset(header.requires),
        attributes=header.attributes,
        source=source,
        compares=compares,
    )


def read_models(sql_root: Path, source: str) -> dict[str, SqlModel]:
    """Return every model that may serve a source, by table name: shared ones and its own."""
    models: dict[str, SqlModel] = {}
    # What lies under `raw` makes rows of landed files, and no table.
    layers = (path for path in sql_root.iterdir() if path.is_dir() and path.name != "raw")
    for folder in sorted(layers):
        for path in sorted(folder.glob("*.sql")):
            models[path.stem] = _read_cached(path, folder.name, None, path.stat().st_mtime_ns)
        for path in sorted((folder / source).glob("*.sql")):
            models[path.stem] = _read_cached(path, folder.name, source, path.stat().st_mtime_ns)
    return models


@functools.lru_cache(maxsize=512)
def _read_cached(path: Path, layer: Layer, source: str | None, modified: int) -> SqlModel:
    return read_model(path, layer, source)


def column_lineage(
    model: SqlModel, schemas: Mapping[str, Mapping[str, str]]
) -> dict[str, list[tuple[str, str]]]:
    """Return for each column the (table, column) pairs that its value comes from.

    `schemas` gives the column types of the inputs. A column that only counts rows, or is a
    constant, comes from none.
    """
    origins: dict[str, list[tuple[str, str]]] = {}
    schema: dict[str, object] = {name: dict(columns) for name, columns in schemas.items()}
    # Qualified once: sqlglot would do it again for every column.
    statement = qualify(
        sqlglot.parse_one(model.sql, dialect="duckdb"),
        schema=schema,
        dialect="duckdb",
        validate_qualify_columns=False,
        identify=False,
    )
    scope = build_scope(statement)
    for column in model.table.columns:
        node = lineage(
            column,
            model.sql,
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


def _parse_header(path: Path, text: str, first_line: int) -> _Header:
    try:
        return _Header.model_validate(yaml.load(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        line = first_line + (error.problem_mark.line if error.problem_mark else 0)
        raise SqlModelError(f"{path}:{line}: the header is no YAML: {error.problem}") from error
    except ValidationError as error:
        node = yaml.compose(text)
        problems = [
            f"{path}:{first_line + _line_of(node, problem['loc'])}: "
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise SqlModelError("\n".join(problems)) from error


def _line_of(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """Return the line, from 0, of the deepest node on the way to a location."""
    line = node.start_mark.line if node else 0
    for step in location:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(step)]
            if not found:
                break
            line, node = found[0][0].start_mark.line, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line
        else:
            break
    return line


def _parse_sql(path: Path, sql: str, first_line: int) -> exp.Query:
    try:
        statements = sqlglot.parse(sql, dialect="duckdb")
    except sqlglot.ParseError as error:
        detail = error.errors[0]
        line = first_line + (detail["line"] or 1)
        raise SqlModelError(f"{path}:{line}: {detail['description']}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise SqlModelError(f"{path}:{first_line}: one SELECT is wanted after the header")
    return statements[0]


def _tables_read(statement: exp.Query) -> tuple[str, ...]:
    # `with events as (select ... from events)` names a CTE after the table that it imports.
    names = []
    ctes = {cte.alias for cte in statement.find_all(exp.CTE)}
    for table in statement.find_all(exp.Table):
        select = table.find_ancestor(exp.CTE)
        imports_itself = select is not None and select.alias == table.name
        if table.name and (table.name not in ctes or imports_itself):
            names.append(table.name)
    return tuple(sorted(set(names)))


def columns_asked_of(sql: str, table: str, columns: Collection[str]) -> set[str]:
    """Return those of a table's columns that a statement may read: named beside it, or by `*`."""
    asked: set[str] = set()
    for select in sqlglot.parse_one(sql, dialect="duckdb").find_all(exp.Select):
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


def _variables(statement: exp.Query) -> set[str]:
    return {
        str(call.expressions[0].name)
        for call in statement.find_all(exp.Anonymous)
        if call.name.lower() == "getvariable"
    }


def _demand(path: Path, line: int, part: str, wrong: set[str], problem: str) -> None:
    if wrong:
        raise SqlModelError(f"{path}:{line}: {part}: {', '.join(sorted(wrong))}: {problem}")
