"""The seam through which every transform runs: a model, its inputs, its parameters, its output.

DuckDB is behind it, in process, larger than memory. Nothing else opens a connection to
transform data. Does not belong here: what is published (`manifest`), what is checked
(`quality`).
"""

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
from polars.io.plugins import register_io_source

from customer_assets.warehouse.manifest import WHOLE
from customer_assets.warehouse.model import Model
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.sql_model import SqlModel, columns_asked_of, load_macros
from customer_assets.warehouse.table import Table
from customer_assets.warehouse.versions import digest

if TYPE_CHECKING:
    from customer_assets.warehouse.python_model import PythonModel

# Whole numbers as differences; over them LZ4 is as small as zstd and read a fifth faster. A
# dictionary of many values takes longer to write, and no less room or time to read.
PARQUET = "format parquet, parquet_version v2, compression lz4_raw, dictionary_size_limit 1000"
_ENUM = re.compile(r"ENUM\((?:'(?:[^']|'')*'(?:, )?)*\)")
# Rows of an input that a function is given at a time.
_BATCH_ROWS = 250_000


class EngineError(RuntimeError):
    """A model that ran but gave another table than its header promises."""


class RemoteError(EngineError):
    """Another engine did not compute a table. The text names where it is, and says what to do."""


@dataclass(frozen=True)
class Relation:
    """The published files of an input table, or of some of its partitions."""

    table: Table
    files: Sequence[Path]
    rows: int = 0


@dataclass(frozen=True)
class Output:
    """A computed Parquet file that is not published yet.

    `content_hash` is equal for equal rows, however the file is laid out: where its row groups
    end depends on what else was computed in the same step. `computed_by` says what computed the
    rows, if it was not DuckDB.
    """

    path: Path
    rows: int
    content_hash: str
    columns_read: Mapping[str, Sequence[str]] = field(default_factory=dict)
    computed_by: Mapping[str, Any] = field(default_factory=dict)


class DuckDBEngine:
    """Runs models on one DuckDB connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        load_macros(connection)

    def run(
        self,
        model: SqlModel,
        inputs: Mapping[str, Relation],
        parameters: Mapping[str, Any],
        new_file: Callable[[], Path],
        days: Sequence[dt.date] | None = None,
    ) -> dict[str, Output]:
        """Compute a model and write its rows in key order, one file per day or one in all.

        Returns the files by partition key; a day without rows has an empty file. Raises
        EngineError where names or types of the result differ from the header.
        """
        return self.seal(model, self.statement(model, inputs, parameters), new_file, days)

    def seal(
        self,
        model: SqlModel,
        statement: str,
        new_file: Callable[[], Path],
        days: Sequence[dt.date] | None = None,
    ) -> dict[str, Output]:
        """Write the rows of a statement as those of a model, in the manner of `run`."""
        table = model.table
        if table.partition_by is None or days is None:
            _, ordered = self._ordered(model, statement, table.key)
            return {WHOLE: self.write(ordered, new_file())}
        return self._run_days(model, table, statement, new_file, days)

    def statement(
        self, model: SqlModel, inputs: Mapping[str, Relation], parameters: Mapping[str, Any]
    ) -> str:
        """Make a model's inputs and parameters known, and return the SELECT of its columns."""
        self.view_for(model.sql, inputs)
        self.set_variables(model, parameters)
        columns = ", ".join(quoted(name) for name in model.table.stored_columns)
        return f"select {columns} from (\n{model.sql}\n) as result"

    def compute(
        self,
        model: "PythonModel",
        inputs: Mapping[str, Relation],
        parameters: Mapping[str, Any],
        new_file: Callable[[], Path],
    ) -> dict[str, Output]:
        """Run a model's function over lazy frames and write what it returns in key order.

        The columns of the inputs that it read are noted. Raises ModelError where the result has
        other columns than the header.
        """
        read: dict[str, set[str]] = {name: set() for name in inputs}
        frames = {name: self.lazy_frame(inputs[name], read[name]) for name in inputs}
        result = model.frame(frames, parameters)
        table = model.table
        self.connection.register("computed", result.to_arrow())
        columns = _cast((name, column.type) for name, column in table.columns.items())
        order = _order(table.key)
        output = self.write(f"select {columns} from computed order by {order}", new_file())
        self.connection.unregister("computed")
        noted = {name: sorted(columns) for name, columns in read.items()}
        return {WHOLE: replace(output, columns_read=noted)}

    def lazy_frame(self, relation: Relation, read: set[str]) -> pl.LazyFrame:
        """Return a table's rows in key order as a lazy frame; `read` is told what is read of it."""
        rows = relation_sql(relation)
        order = f" order by {_order(relation.table.key)}" if relation.table.key else ""
        schema = self.connection.execute(f"select * from ({rows}) limit 0").pl().schema

        def scan(
            columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _: int | None
        ) -> Iterator[pl.DataFrame]:
            wanted = list(schema) if columns is None else columns
            read.update(wanted)
            selected = ", ".join(quoted(name) for name in wanted)
            limit = "" if n_rows is None else f" limit {n_rows}"
            # Polars may read two inputs at once: a cursor each.
            with self.connection.cursor() as cursor:
                cursor.execute(f"select {selected} from ({rows}){order}{limit}")
                # In batches, so that rows that are filtered out take no room.
                for batch in cursor.to_arrow_reader(_BATCH_ROWS):
                    frame = pl.DataFrame(pl.from_arrow(batch))
                    yield frame if predicate is None else frame.filter(predicate)

        return register_io_source(scan, schema=schema)

    def set_variables(self, model: Model, parameters: Mapping[str, Any]) -> None:
        """Give the model's parameters as the variables that its SQL asks for."""
        for name, column in model.parameters.items():
            if name not in parameters:
                raise EngineError(f"{model.path}: parameter {name} has no value")
            value = literal(parameters[name])
            if column is not None:
                value = f"cast({value} as {column.type})"
                self.connection.execute(f"set variable {quoted(name)} = {value}")

    def view_for(self, sql: str, inputs: Mapping[str, Relation]) -> None:
        """Make a view of each input, of which a statement has the derived columns it reads."""
        for name, relation in inputs.items():
            if derived := relation.table.derived:
                # DuckDB computes the window behind a derived column even where nobody reads it.
                asked = columns_asked_of(sql, name, derived)
                relation = replace(relation, table=relation.table.deriving(asked))
            few = [n for n, c in relation.table.stored_columns.items() if c.categorical]
            self.view(name, relation, self._enum(relation, columns_asked_of(sql, name, few)))

    def view(
        self, name: str, relation: Relation, kinds: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.connection.execute(
            f"create or replace temp view {quoted(name)} as {relation_sql(relation, kinds)}"
        )

    def _enum(self, relation: Relation, names: Collection[str]) -> dict[str, str]:
        """Make an ENUM of the values that some columns of a relation have.

        Returns the columns with its name. Where no column of its rows is text, DuckDB sorts them
        a quarter faster; to a statement an ENUM is text, in the same order.
        """
        if not names or not relation.files:
            return {}
        source, kind = _files_sql(relation), quoted(f"values of {relation.table.name}")
        of_columns = [f"select {quoted(name)} from {source}" for name in names]
        # An ENUM without a value is none.
        values = " union ".join(["select '' as value", *of_columns])
        self.connection.execute(
            f"create or replace temp type {kind} as enum "
            f"(from ({values}) where value is not null order by value)"
        )
        return dict.fromkeys(names, kind)

    def write(self, statement: str, path: Path) -> Output:
        """Write the rows of a statement to a Parquet file."""
        self._copy(statement, path)
        return Output(path, *_rows_and_hash(self.connection, path))

    def _copy(self, statement: str, path: Path) -> None:
        self.connection.execute(f"copy ({statement}) to {literal(str(path))} ({PARQUET})")

    def _run_days(
        self,
        model: SqlModel,
        table: Table,
        statement: str,
        new_file: Callable[[], Path],
        days: Sequence[dt.date],
    ) -> dict[str, Output]:
        day = quoted(str(table.partition_by))
        # One sort for all days; a scan of one day then reads just its stretch, in order.
        of_days = f"{statement} where {_is_one_of(day, days)}"
        columns, chunk = self._ordered(model, of_days, [str(table.partition_by), *table.key])
        if len(days) == 1:
            # Nothing to part: rows need not be held in a table until their file is written.
            return {days[0].isoformat(): self.write(chunk, new_file())}
        self.connection.execute(f"create or replace temp table chunk as {chunk}")
        found = self.connection.execute(
            f"select {day}, {_content(columns)} from chunk group by {day}"
        ).fetchall()
        contents = {d: (rows, content) for d, rows, content in found}
        outputs = {}
        for d in days:
            path = new_file()
            self._copy(f"select * from chunk where {day} = date '{d.isoformat()}'", path)
            rows, content = contents.get(d, (0, None))
            outputs[d.isoformat()] = Output(path, rows, _content_hash(columns, rows, content))
        self.connection.execute("drop table chunk")
        return outputs

    def _ordered(
        self, model: SqlModel, statement: str, order: Sequence[str]
    ) -> tuple[list[tuple[str, str]], str]:
        """Return names and types of the result, and the statement of its rows in order.

        Raises EngineError: they are not the header's.
        """
        described = self.check_schema(model, statement)
        stored = [(name, _stored_type(kind)) for name, kind in described]
        ordered = f"{statement} order by {_order(order)}"
        if others := [column for column in stored if column not in described]:
            ordered = f"select * replace ({_cast(others)}) from ({ordered})"
        return stored, ordered

    def check_schema(self, model: SqlModel, statement: str) -> list[tuple[str, str]]:
        """Return names and types of the result. Raises EngineError: they are not the header's."""
        described = self._describe(statement)
        computed = {name: _stored_type(kind).lower() for name, kind in described}
        wrong = [
            f"{name} is {computed[name]}, the header says {column.type}"
            for name, column in model.table.stored_columns.items()
            if computed[name] != column.type
        ]
        if wrong:
            raise EngineError(f"{model.path}: {'; '.join(wrong)}: cast it in the final select")
        return described

    def _describe(self, statement: str) -> list[tuple[str, str]]:
        return [
            (row[0], row[1]) for row in self.connection.execute(f"describe {statement}").fetchall()
        ]


def _cast(columns: Iterable[tuple[str, str]]) -> str:
    """Return columns by name, each as a type."""
    return ", ".join(f"cast({quoted(n)} as {kind}) as {quoted(n)}" for n, kind in columns)


def _stored_type(kind: str) -> str:
    """Return the type as which values are stored: an ENUM has served when rows are sorted."""
    return _ENUM.sub("VARCHAR", kind)


def content_hash(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    """Return the hash of the rows of a Parquet file, by names and types, in whatever order."""
    return _rows_and_hash(connection, path)[1]


def _rows_and_hash(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[int, str]:
    file = f"read_parquet({literal(str(path))}, hive_partitioning = false)"
    described = connection.execute(f"describe from {file}").fetchall()
    columns = [(row[0], row[1]) for row in described]
    found = connection.execute(f"select {_content(columns)} from {file}").fetchall()
    rows, content = found[0]
    return rows, _content_hash(columns, rows, content)


def relation_sql(relation: Relation, kinds: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a SELECT over exactly the given files, with the table's columns in their order.

    `kinds` gives the types as which stored columns are read, where these are not their own.
    """
    table = relation.table
    if not relation.files:
        return _nothing(table)
    source = _files_sql(relation)
    if kinds:
        source = f"(select * replace ({_cast(kinds.items())}) from {source})"
    columns = ", ".join(
        f"{table.derived[name]} as {quoted(name)}" if name in table.derived else quoted(name)
        for name in table.columns
    )
    return f"select {columns} from {source}"


def _files_sql(relation: Relation) -> str:
    """Return a relation of the stored columns of some files."""
    files = ", ".join(literal(str(path)) for path in relation.files)
    # Told the columns, DuckDB need not open each file to plan a statement. Files of an earlier
    # definition may lack one: what is missing is null.
    stored = relation.table.stored_columns
    told = {literal(name): literal(column.type) for name, column in stored.items()}
    schema = ", ".join(
        f"{name}: {{name: {name}, type: {kind}, default_value: null}}"
        for name, kind in told.items()
    )
    return f"read_parquet([{files}], hive_partitioning = false, schema = map {{{schema}}})"


def _nothing(table: Table) -> str:
    nulls = ", ".join(f"null::{c.type} as {quoted(n)}" for n, c in table.columns.items())
    return f"select {nulls} where false"


def _is_one_of(column: str, days: Sequence[dt.date]) -> str:
    first, last = min(days), max(days)
    # A range is settled by the statistics of the files, a list is compared row by row.
    condition = f"{column} between date '{first}' and date '{last}'"
    if len(set(days)) <= (last - first).days:
        listed = ", ".join(f"date '{day}'" for day in days)
        condition += f" and {column} in ({listed})"
    return condition


def _content(columns: Sequence[tuple[str, str]]) -> str:
    """Return what is selected of rows to know their content: their number and the sum of hashes."""
    return f"count(*), sum(hash({', '.join(quoted(name) for name, _ in columns)}))"


def _content_hash(columns: Sequence[tuple[str, str]], rows: int, content: int | None) -> str:
    return digest([*(f"{name} {kind}" for name, kind in columns), str(rows), str(content)])


def _order(columns: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(quoted(name) for name in columns))
