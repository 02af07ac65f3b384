"""The end of the way: the rows of landed files, found again by what they hold.

A raw table keeps of each row the file that it came from, and not its place there: numbering rows
would nearly double the cost of reading them. So the file is read once more, here, where somebody
asks. It must be the file that was loaded.
"""

import datetime as dt
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from customer_assets import customer_tables, ingest, settings
from customer_assets.ingest import FileRefusedError
from customer_assets.pipeline import AnyPipeline
from customer_assets.sources import CustomerTableSource, EventLogSource
from customer_assets.warehouse.engine import relation_sql
from customer_assets.warehouse.manifest import file_hash
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.source_warehouse import SourceWarehouse

_WANTED = "explain_wanted"
_EPOCH = dt.datetime(1970, 1, 1)


@dataclass
class LandedRows:
    """Rows of landed files: the columns of their raw table, then file, row and raw_text.

    `rows` holds a frame by raw table. A file that cannot be searched is named in `problems`.
    """

    rows: dict[str, pl.DataFrame] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def n_rows(self) -> int:
        return sum(frame.height for frame in self.rows.values())


@dataclass(frozen=True)
class _File:
    """A landed file as it is named now, and as its rows name it."""

    name: str
    named_in_rows: str
    content_hash: str
    bytes: int
    modified_at: dt.datetime
    table: str


def find_landed_rows(
    pipeline: AnyPipeline,
    warehouse: SourceWarehouse,
    landing: Path,
    found: Mapping[str, Sequence[str]],
) -> LandedRows:
    """Return the landed rows behind the rows of raw tables; `found` names their relations."""
    result = LandedRows()
    connection = warehouse.engine.connection
    for table in (name for name in pipeline.raw_tables if name in found):
        columns_there = warehouse.tables[table].columns
        if {"file", "row", "raw_text"} <= set(columns_there):
            # A rejected row was given its place when it was.
            result.rows[table] = warehouse.query(f"select * from {found[table][0]}")
        if "source_file" not in columns_there:
            continue
        stored = list(warehouse.tables[table].stored_columns)
        rows = _with_copies(pipeline, warehouse, connection, table, found[table][0])
        frames = []
        for file in _files(pipeline, warehouse, table):
            columns = ", ".join(quoted(name) for name in stored if name != "source_file")
            connection.execute(
                f"create or replace temp table {_WANTED} as "
                f"select row_number() over () as _id, * from (select distinct {columns} "
                f"from {rows} where source_file = {literal(file.named_in_rows)})"
            )
            if not connection.execute(f"select 1 from {_WANTED} limit 1").fetchone():
                continue
            problem = _problem(landing / file.name, file)
            places: list[tuple[int, int, str]] = []
            if problem is None:
                try:
                    places = _locate(pipeline, connection, landing, file)
                except (FileRefusedError, ingest.LandingError, OSError, duckdb.Error) as error:
                    problem = f"it cannot be searched: {str(error).splitlines()[0]}"
            if problem is not None:
                result.problems.append(f"{file.name}: {problem}")
            frames.append(_placed(connection, file.name, places))
        if frames:
            result.rows[table] = pl.concat(frames)
    return result


def _with_copies(
    pipeline: AnyPipeline,
    warehouse: SourceWarehouse,
    connection: duckdb.DuckDBPyConnection,
    table: str,
    rows: str,
) -> str:
    """Return the rows together with the copies that were removed for them."""
    source = pipeline.source
    if not isinstance(source, EventLogSource) or source.duplicates == "keep":
        return rows
    stored = warehouse.tables[table].stored_columns
    key = source.key or [name for name in stored if name != "source_file"]
    found = connection.execute(f"select distinct event_date from {rows}").fetchall()
    relation = relation_sql(warehouse.relation(table, [row[0] for row in found]))
    same = " and ".join(
        f"every.{quoted(name)} is not distinct from used.{quoted(name)}"
        for name in dict.fromkeys(["event_date", *key])
    )
    connection.execute(
        f"create or replace temp table explain_copies as select every.* from ({relation}) as every "
        f"where exists (select 1 from {rows} as used where {same})"
    )
    return "explain_copies"


def _files(pipeline: AnyPipeline, warehouse: SourceWarehouse, table: str) -> list[_File]:
    """Return the landed files of a raw table, also those that were renamed since."""
    landed = warehouse.frame("landed_files").rows(named=True)
    if not isinstance(pipeline.source, EventLogSource):
        return [
            _File(
                row["file"],
                row["file"],
                row["content_hash"],
                row["bytes"],
                row["modified_at"],
                row["table_name"],
            )
            for row in landed
            if row["status"] == "loaded" and f"raw_{row['table_name']}" == table
        ]
    store = warehouse.store(table)
    pieces = {key.split("/")[1]: piece for key, piece in store.manifest().pieces.items()}
    files = []
    for row in landed:
        piece = pieces.get(row["loaded_hash"] or "")
        if piece is None:
            continue
        named = warehouse.query(
            f"select source_file from read_parquet({literal(piece.file(store.folder))}, "
            "hive_partitioning = false) limit 1"
        ).item()
        files.append(
            _File(row["file"], named, row["content_hash"], row["bytes"], row["modified_at"], table)
        )
    return files


def _problem(path: Path, file: _File) -> str | None:
    try:
        status = path.stat()
    except OSError as error:
        return f"it is not there any more ({error.strerror})"
    modified = _EPOCH + dt.timedelta(microseconds=status.st_mtime_ns // 1000)
    if (status.st_size, modified) == (file.bytes, file.modified_at):
        return None
    if file_hash(path) == file.content_hash:
        return None
    return "it is not the file that was loaded: refresh the source"


def _locate(
    pipeline: AnyPipeline, connection: duckdb.DuckDBPyConnection, landing: Path, file: _File
) -> list[tuple[int, int, str]]:
    source, path = pipeline.source, landing / file.name
    settings.spill_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="explain-", dir=settings.spill_folder()) as scratch:
        if isinstance(source, CustomerTableSource):
            return customer_tables.locate_rows(
                connection, source, file.table, path, Path(scratch), _WANTED
            )
        landed_us = round((file.modified_at - _EPOCH) / dt.timedelta(microseconds=1))
        return ingest.locate_rows(
            connection,
            source,
            path,
            file.named_in_rows,
            landed_us,
            Path(scratch),
            _WANTED,
            ingest.rows_sql(pipeline.name, source, landing),
        )


def _placed(
    connection: duckdb.DuckDBPyConnection, file: str, places: Sequence[tuple[int, int, str]]
) -> pl.DataFrame:
    schema: dict[str, Any] = {"_id": pl.Int64, "row": pl.Int64, "raw_text": pl.String}
    found = pl.DataFrame(list(places), schema=schema, orient="row")
    wanted = connection.execute(f"select * from {_WANTED}").pl()
    return (
        wanted.join(found, on="_id", how="left")
        .drop("_id")
        .with_columns(pl.lit(file).alias("file"))
        .sort("row", nulls_last=True)
        .select(pl.exclude("row", "raw_text"), "row", "raw_text")
    )
