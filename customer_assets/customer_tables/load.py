"""One landed file into rows of its raw table, and the rows that are none.

Reading is the business of `ingest.readers`; here is asked what a row must have, and whether a row
was lost on the way. Which files are read, and what is staged of them, is the business of `staging`.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from customer_assets.customer_tables.headers import find_columns
from customer_assets.customer_tables.raw_tables import SOURCE_FILE
from customer_assets.customer_tables.values import text_sql, value_sql
from customer_assets.ingest import readers
from customer_assets.ingest.plain import FileRefusedError
from customer_assets.ingest.reading import Reading
from customer_assets.sources import CustomerTableSource
from customer_assets.sources.customer_table import ReadColumn
from customer_assets.warehouse.quoting import literal, quoted

_SCANNED, _REJECTED = "customer_rows_scanned", "customer_rows_rejected"


@dataclass(frozen=True)
class Loaded:
    """What became of a landed file."""

    rows_loaded: int
    rows_rejected: int
    encoding: str | None
    delimiter: str | None
    notes: list[str]


@dataclass(frozen=True)
class Target:
    """The tables of the connection that take the rows of an input, and rejected ones."""

    rows: str
    rejected: str


def load_file(
    connection: duckdb.DuckDBPyConnection,
    source: CustomerTableSource,
    table: str,
    path: Path,
    file: str,
    scratch: Path,
    target: Target,
) -> Loaded:
    """Read one landed file of an input and add its rows to the target.

    Raises:
        FileRefusedError: nothing of the file can be used, or a column is missing; says why.
        OSError: it cannot be read.
    """
    columns = source.read_columns(table)
    wanted = [spelling for column in columns.values() for spelling in column.spellings]
    file_format = source.tables[table].format
    reading = readers.open_file(connection, path, file_format, wanted, scratch)
    positions, notes = find_columns(columns, reading.names, reading.absent)
    faults = _faults_sql(columns, source.tables[table].key)
    try:
        n_rejected = _scan(connection, reading, positions, faults)
    except _UnsoundReadError:
        reading = reading.carefully()
        try:
            n_rejected = _scan(connection, reading, positions, faults)
        except _UnsoundReadError as error:
            raise FileRefusedError(f"it cannot be read: {error}") from error
    n_loaded = _count(connection, f"{_SCANNED} where _fault is null")
    if n_rejected and not n_loaded:
        reason = connection.execute(f"select mode(reason) from {_REJECTED}").fetchall()[0][0]
        raise FileRefusedError(f"none of its {n_rejected} rows can be read: {reason}")
    names = ", ".join(quoted(name) for name in columns)
    connection.execute(
        f"insert into {quoted(target.rows)} by name select {names}, {literal(file)} as "
        f"{SOURCE_FILE} from {_SCANNED} where _fault is null"
    )
    connection.execute(
        f"insert into {quoted(target.rejected)} by name select {literal(file)} as file, row, "
        f"column_name, reason, raw_text from {_REJECTED}"
    )
    for scanned in (_SCANNED, _REJECTED):
        connection.execute(f"drop table {scanned}")
    return Loaded(n_loaded, n_rejected, reading.encoding, reading.delimiter, notes)


def locate_rows(
    connection: duckdb.DuckDBPyConnection,
    source: CustomerTableSource,
    table: str,
    path: Path,
    scratch: Path,
    wanted: str,
) -> list[tuple[int, int, str]]:
    """Find rows of an input's raw table again in the landed file that they were loaded from.

    `wanted` names a table of the connection with a number `_id` and the columns of the raw table,
    but for source_file; no two rows are equal. Returns `_id`, the place of the row in the file
    (counted as in rejected_rows) and its text, one for each landed row that is equal to it.
    """
    columns = source.read_columns(table)
    spellings = [spelling for column in columns.values() for spelling in column.spellings]
    reading = readers.open_file(connection, path, source.tables[table].format, spellings, scratch)
    positions, _ = find_columns(columns, reading.names, reading.absent)

    def locate(reading: Reading) -> list[tuple[int, int, str]] | None:
        fields = ", ".join(
            f"{reading.fields[i]} as {quoted(name)}" for name, i in positions.items()
        )
        rows = (
            f"select {fields}, _row, {reading.raw} as _raw from ({reading.scan}) "
            "where _fault is null"
        )
        return readers.locate(connection, reading, rows, list(positions), wanted)

    try:
        found = locate(reading)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        found = None
    n_wanted = _count(connection, quoted(wanted))
    if found is None or len({row[0] for row in found}) < n_wanted:
        found = locate(reading.carefully())
    return found or []


class _UnsoundReadError(Exception):
    """A file of which the engine lost rows, or at which it stopped."""


def _scan(
    connection: duckdb.DuckDBPyConnection,
    reading: Reading,
    positions: dict[str, int],
    faults: list[tuple[str, str, str]],
) -> int:
    """Read the rows and the rejected ones into tables of the connection; count the latter."""
    fields = ", ".join(f"{reading.fields[i]} as {quoted(name)}" for name, i in positions.items())
    reasons = " ".join(f"when {wrong} then {literal(reason)}" for _, reason, wrong in faults)
    at_fault = " ".join(f"when {wrong} then {literal(column)}" for column, _, wrong in faults)
    reading.prepare(connection)
    with _engine_errors():
        connection.execute(
            f"create or replace temp table {_SCANNED} as "
            f"select * replace (coalesce(_fault, case {reasons} end) as _fault), "
            f"case when _fault is null then case {at_fault} end end as _column "
            f"from (select _row, _fault, {reading.raw} as _raw, {fields} from ({reading.scan}))"
        )
        n_malformed = reading.malformed(connection, _count(connection, _SCANNED))
        if n_malformed is None:
            raise _UnsoundReadError("rows were lost")
        located = reading.located(
            connection,
            "select _row as row, _column as column_name, _fault as reason, "
            f"null::date as event_date, _raw as raw_text from {_SCANNED} where _fault is not null",
        )
        if located is None:
            if n_malformed or _count(connection, f"{_SCANNED} where _fault is not null"):
                raise _UnsoundReadError("its rejected rows have no certain place")
            located = (
                "select null::bigint as row, null::varchar as column_name, "
                "null::varchar as reason, null::varchar as raw_text where false"
            )
        connection.execute(
            f"create or replace temp table {_REJECTED} as "
            f"select row, column_name, reason, raw_text from ({located})"
        )
    n_rejected = _count(connection, _REJECTED)
    if n_rejected != n_malformed + _count(connection, f"{_SCANNED} where _fault is not null"):
        raise _UnsoundReadError("its rejected rows could not be told apart")
    return n_rejected


def _faults_sql(columns: dict[str, ReadColumn], key: list[str]) -> list[tuple[str, str, str]]:
    """Return what a row must have: column, the reason to reject it, the condition as SQL."""
    faults = []
    for name in key:
        column, text = columns[name], text_sql(name)
        header = column.spellings[0]
        faults.append((header, f"no {name}", f"{text} is null"))
        if column.type != "varchar":
            unreadable = f"{value_sql(column, text)} is null"
            faults.append((header, f"{name} is no {column.type}", unreadable))
    return faults


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    return int(connection.execute(f"select count(*) from {rows}").fetchall()[0][0])


@contextlib.contextmanager
def _engine_errors() -> Iterator[None]:
    """Tell a file that the engine cannot read from a machine that is out of room."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        if "No space left" in str(error):
            raise
        raise _UnsoundReadError(str(error).splitlines()[0]) from error
