"""Landed files of every kind as text rows.

Nothing that a file holds enters the SQL text: its columns are known by position, and the file by
a link whose name this room chose. What the columns mean is the business of `mapping`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from customer_assets import settings
from customer_assets.ingest.plain import BeyondLimitError, FileRefusedError, plain_text, unzipped
from customer_assets.ingest.reading import Reading, bounded_sql, columns_sql, first_line
from customer_assets.ingest.text_readers import csv_reading, json_reading, line_reading
from customer_assets.sources import FileFormat
from customer_assets.warehouse.quoting import literal, quoted

_TYPES = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xlsx",
    ".ods": "xlsx",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_COMPRESSIONS = (".gz", ".zst")
_LOCATED = "landed_rows_located"


def open_file(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    file_format: FileFormat,
    wanted: Sequence[str] | None,
    scratch: Path,
) -> Reading:
    """Return the reading of a landed file; `wanted` are the column names that are looked for.

    Null: nobody knows yet.

    Raises:
        FileRefusedError: it is no file of the kind that its name or the format says, or it
            is more than a file may be.
        OSError: it cannot be read.
    """
    reading = _opened(connection, path, file_format, wanted, scratch)
    if len(reading.names) > (most := settings.most_columns()):
        raise BeyondLimitError(
            f"it has {len(reading.names):,} columns, more than {most:,}: is it what it should be? "
            "CUSTOMER_ASSETS_MOST_COLUMNS takes more"
        )
    return reading


def _opened(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    file_format: FileFormat,
    wanted: Sequence[str] | None,
    scratch: Path,
) -> Reading:
    with path.open("rb") as file:
        if file.read(4) == b"PK\x03\x04":
            path = unzipped(path, scratch)
    kind = _kind(path, file_format)
    if kind == "parquet":
        return _parquet(connection, path, scratch)
    if kind == "xlsx":
        from customer_assets.ingest.spreadsheets import sheet_reading

        return sheet_reading(path, file_format, scratch)
    packing = path.suffix.lower() if path.suffix.lower() in _COMPRESSIONS else ""
    link = _link(path, scratch, f"landed{packing}")
    by_line = kind in ("jsonl", "lines")
    plain = plain_text(link, file_format.encodings, scratch, quotes_mean=not by_line)
    if kind == "jsonl":
        return json_reading(plain, wanted, scratch)
    if kind == "lines":
        return line_reading(plain, scratch)
    delimiter = "\t" if kind == "tsv" else None
    return csv_reading(plain, file_format, delimiter, wanted or [], scratch)


def locate(
    connection: duckdb.DuckDBPyConnection,
    reading: Reading,
    rows: str,
    columns: Sequence[str],
    wanted: str,
) -> list[tuple[int, int, str]] | None:
    """Return where the rows of a landed file stand that are equal to wanted ones.

    `rows` is a SELECT of the columns, `_row` and `_raw` over the scan of the reading; `wanted`
    names a table of the columns and a number `_id`. Returns `_id`, place and text of each; None:
    the rows can only be told apart by a careful reading.
    """
    same = " and ".join(
        f"rows.{quoted(name)} is not distinct from wanted.{quoted(name)}" for name in columns
    )
    reading.prepare(connection)
    connection.execute(
        f"create or replace temp table {_LOCATED} as select rows._row, rows._raw, wanted._id "
        f"from ({rows}) as rows join {quoted(wanted)} as wanted on {same}"
    )
    # As rejected rows are located, with the number riding in the place of the reason.
    located = reading.located(
        connection,
        f"select _row as row, '{_LOCATED}' as column_name, _id::varchar as reason, "
        f"null::date as event_date, _raw as raw_text from {_LOCATED}",
    )
    if located is None:
        return None
    return connection.execute(
        f"select reason::bigint, row, raw_text from ({located}) "
        f"where column_name = '{_LOCATED}' order by row"
    ).fetchall()


def _kind(path: Path, file_format: FileFormat) -> str:
    if file_format.type != "auto":
        return file_format.type
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSIONS:
        suffixes.pop()
    with path.open("rb") as file:
        if file.read(4) == b"PAR1":
            return "parquet"
    return _TYPES.get(suffixes[-1] if suffixes else "", "csv")


def _link(path: Path, scratch: Path, name: str) -> Path:
    """Return a link whose name holds no character that means something to a glob."""
    link = scratch / name
    link.unlink(missing_ok=True)
    link.symlink_to(path.resolve())
    return link


@dataclass(frozen=True)
class ParquetReading:
    """A Parquet file: its columns as text, rows counted from 1."""

    path: Path
    names: Sequence[str]
    fields: Sequence[str]
    rows: int
    encoding: None = None
    delimiter: None = None
    absent: frozenset[str] = frozenset()

    @property
    def columns(self) -> Sequence[str]:
        return self.names

    @property
    def scan(self) -> str:
        columns = columns_sql(len(self.names))
        return (
            f"select file_row_number + 1 as _row, null::varchar as _fault, {columns} "
            f"from read_parquet({literal(self.path)}) as t({columns})"
        )

    @property
    def unchecked_scan(self) -> str:
        return self.scan

    @property
    def raw(self) -> str:
        return "null::varchar"

    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        pass

    def malformed(self, connection: duckdb.DuckDBPyConnection, rows: int) -> int | None:
        return 0 if rows == self.rows else None

    def located(self, connection: duckdb.DuckDBPyConnection, rejected: str) -> str | None:
        return (
            f"with rejected as materialized ({rejected}), "
            f"texts as (select file_row_number + 1 as row, {bounded_sql('to_json(t)::varchar')} "
            f"as raw_text from read_parquet({literal(self.path)}) as t "
            "where file_row_number + 1 in (select row from rejected)) "
            "select rejected.* exclude (raw_text), texts.raw_text "
            "from rejected join texts on rejected.row = texts.row"
        )

    def carefully(self) -> Reading:
        raise FileRefusedError("it is a damaged Parquet file: its rows are not those it announces")


def _parquet(connection: duckdb.DuckDBPyConnection, path: Path, scratch: Path) -> ParquetReading:
    link = _link(path, scratch, "landed.parquet")
    try:
        relation = connection.sql(f"from read_parquet({literal(link)})")
        names, types = relation.columns, relation.types
        (rows,) = connection.execute(
            f"select sum(num_rows)::bigint from parquet_file_metadata({literal(link)})"
        ).fetchone() or (0,)
    except duckdb.Error as error:
        raise FileRefusedError(f"it is no readable Parquet file ({first_line(error)})") from error
    fields = [value_text(f"_c{i}", str(kind)) for i, kind in enumerate(types)]
    return ParquetReading(link, names, fields, rows or 0)


def value_text(column: str, kind: str) -> str:
    """Return SQL for the text of a typed value; a whole number is written without a point."""
    if kind in ("DOUBLE", "FLOAT"):
        text = (
            f"case when {column} = trunc({column}) and abs({column}) < 1e15 "
            f"then {column}::bigint::varchar when not isnan({column}) then {column}::varchar end"
        )
    elif kind == "TIMESTAMP WITH TIME ZONE":
        text = f"timezone('UTC', {column})::varchar || 'Z'"
    elif kind.startswith("TIMESTAMP"):
        text = f"{column}::timestamp::varchar"
    elif kind.endswith("[]") or kind.startswith(("STRUCT", "MAP")):
        text = f"to_json({column})::varchar"
    else:
        text = f"{column}::varchar"
    return f"nullif({text}, '')"
