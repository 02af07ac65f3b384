"""The landing folder of a customer table source against what is published of it.

The inputs are one table in several parts, so a landing counts whole or not at all: while a file
of it is missing, unreadable or still being written, everything published stays as it is. The raw
tables are a function of the files that are there. Publishes nothing, and knows no Dagster.
"""

import datetime as dt
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path

import duckdb

from customer_assets.customer_tables.load import Target, load_file
from customer_assets.customer_tables.raw_tables import (
    DUPLICATE,
    LANDED_FILES,
    LOADED,
    REJECTED_ROWS,
    WAITING,
    raw_name,
    tables,
)
from customer_assets.ingest import FileReport, Ingest, LandingError
from customer_assets.ingest.landing import Entry, fingerprint, list_files
from customer_assets.ingest.plain import FileRefusedError
from customer_assets.progress import tell_detail
from customer_assets.sources import CustomerTableSource
from customer_assets.warehouse.manifest import (
    STAGING,
    WHOLE,
    StagedPiece,
    TableStore,
    file_hash,
    new_staged_file,
)
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.table import Table
from customer_assets.warehouse.versions import Version, digest, python_parts

_SCRATCH = "customer-tables-"
_EPOCH = dt.datetime(1970, 1, 1)


@dataclass(frozen=True)
class _LandedFile:
    """A row of landed_files, in the order of its columns."""

    file: str
    table_name: str
    content_hash: str | None
    bytes: int
    modified_at: dt.datetime
    status: str = LOADED
    reason: str | None = None
    rows_landed: int = 0
    rows_loaded: int = 0
    rows_rejected: int = 0
    encoding: str | None = None
    delimiter: str | None = None

    def report(self) -> FileReport:
        rows = (self.rows_landed, self.rows_loaded, self.rows_rejected)
        return FileReport(self.file, self.status, self.reason, *rows)


def customer_table_version(source: CustomerTableSource) -> str:
    """Return a digest of everything that decides what a file becomes: configuration and code."""
    said = {
        name: [
            table.model_dump(mode="json"),
            [column.model_dump() for column in source.read_columns(name).values()],
        ]
        for name, table in source.tables.items()
    }
    return digest([Version(python_parts(Path(__file__))).digest, json.dumps(said)])


def prepare(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    source: CustomerTableSource,
    landing_folder: Path,
    warehouse_folder: Path,
    *,
    now: dt.datetime,
    run_id: str,
    tell: Callable[[str], None],
    staging: Path | None = None,
    may_withdraw: bool = False,
) -> Ingest:
    """Read a source's landing folder and stage its raw tables; nothing, if nothing changed.

    The caller holds the source's writer lock and publishes the tables as one; a caller that only
    looks gives a `staging` folder of its own instead.
    `warehouse_folder` is the source's own; `now` is aware. Where a file that was loaded before is
    being written again, nothing is staged and the file is among `waiting`. An input without files
    is refused, whatever `may_withdraw` says.

    Raises:
        LandingError: an input has no file, or a file is refused; names each, with the reason.
        ValueError: the format of a date cannot be used.
    """
    staging = staging or warehouse_folder / STAGING
    run = _Run(connection, name, source, landing_folder, warehouse_folder, staging, tell)
    run.look(now)
    known = {report.file for report in run.published}
    if again := [row.file for row in run.files if row.status == WAITING and row.file in known]:
        return run.wait_for(again)
    run.demand_files_of_each_input()
    if run.is_published():
        return Ingest(files=run.published, waiting=run.waiting(), fingerprint=run.fingerprint())
    staging.mkdir(parents=True, exist_ok=True)
    for leftover in staging.glob(f"{_SCRATCH}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=staging) as scratch:
        run.read(Path(scratch))
    if again := [row.file for row in run.files if row.file in run.changed]:
        return run.wait_for(again)
    return Ingest(
        staged=run.stage(),
        files=[row.report() for row in run.files],
        waiting=run.waiting(),
        fingerprint=run.fingerprint(),
    )


@dataclass
class _Run:
    """One pass over a landing folder. `changed` are files that changed while they were read."""

    connection: duckdb.DuckDBPyConnection
    name: str
    source: CustomerTableSource
    landing_folder: Path
    warehouse_folder: Path
    staging: Path
    tell: Callable[[str], None]
    files: list[_LandedFile] = field(default_factory=list)
    published: list[FileReport] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    _entries: dict[str, Entry] = field(default_factory=dict)
    _tables: dict[str, Table] = field(default_factory=dict)
    _version: str = ""

    def look(self, now: dt.datetime) -> None:
        """List the files of every input, and what is published of files."""
        self._tables = tables(self.source)
        self._version = customer_table_version(self.source)
        self.published = self._published_files()
        problems = []
        for table, described in self.source.tables.items():
            contents: dict[str, str] = {}
            for entry in list_files(self.landing_folder, described.patterns, now):
                if entry.file in self._entries:
                    problems.append(f"{entry.file} belongs to more than one input; narrow `files`")
                elif entry.fault:
                    problems.append(f"{entry.file}: {entry.fault}")
                else:
                    self._entries[entry.file] = entry
                    self.files.append(_landed(table, entry, contents))
        self.files.sort(key=lambda row: row.file)
        self._raise(problems)

    def demand_files_of_each_input(self) -> None:
        there = {row.table_name for row in self.files if row.status == LOADED}
        problems = []
        for table in [name for name in self.source.tables if name not in there]:
            waiting = [row.file for row in self.files if row.table_name == table]
            patterns = ", ".join(self.source.tables[table].patterns)
            why = f"{waiting[0]} is still being written" if waiting else f"no file is {patterns}"
            problems.append(f"the input {table} is missing: {why}")
        if problems:
            names = sorted(path.name for path in self.landing_folder.iterdir())
            problems.append(f"the folder holds {', '.join(names[:20]) or 'nothing'}")
        self._raise(problems)

    def is_published(self) -> bool:
        """Say whether every raw table was made from just these files, by this version."""
        return all(
            piece is not None
            and not piece.damage(self._store(table).folder)
            and (piece.code_version, piece.inputs) == (self._version, self._inputs())
            for table in self._tables
            for piece in [self._store(table).manifest().pieces.get(WHOLE)]
        )

    def waiting(self) -> list[str]:
        return [row.file for row in self.files if row.status == WAITING]

    def fingerprint(self) -> str:
        entries = [entry for _, entry in sorted(self._entries.items())]
        return fingerprint(entries, self._version)

    def wait_for(self, files: Sequence[str]) -> Ingest:
        if not self.published:
            self._raise([f"{file} is still being written" for file in files])
        self.tell(f"{self.name}: nothing is read while {', '.join(files)} is still being written")
        return Ingest(files=self.published, waiting=list(files), fingerprint=self.fingerprint())

    def read(self, scratch: Path) -> None:
        """Read every file into tables of the connection."""
        for name, table in self._tables.items():
            columns = ", ".join(f"{quoted(c)} {column.type}" for c, column in table.columns.items())
            self.connection.execute(f"create or replace temp table {_landing(name)} ({columns})")
        problems = []
        for position, row in enumerate(self.files):
            if row.status != LOADED:
                continue
            try:
                self.files[position] = self._read(row, scratch / str(position))
            except (FileRefusedError, OSError) as error:
                problems.append(f"{row.file} is refused: {error}")
        self._raise(problems)

    def stage(self) -> dict[str, dict[str, StagedPiece]]:
        """Write the tables as files to be published."""
        landed = _landing(LANDED_FILES)
        marks = ", ".join("?" for _ in self._tables[LANDED_FILES].columns)
        self.connection.executemany(
            f"insert into {landed} values ({marks})", [astuple(row) for row in self.files]
        )
        staged = {}
        for name, table in self._tables.items():
            path = new_staged_file(self.staging, name)
            # In total order: equal rows give an equal file, whatever order they were read in.
            order = ", ".join(quoted(column) for column in [*table.key, *table.columns])
            written = self.connection.execute(
                f"copy (from {_landing(name)} order by {order}) to {literal(path)} "
                "(format parquet, compression zstd)"
            ).fetchall()
            self.connection.execute(f"drop table {_landing(name)}")
            staged[name] = {WHOLE: StagedPiece(path, written[0][0], self._version, self._inputs())}
        return staged

    def _read(self, row: _LandedFile, scratch: Path) -> _LandedFile:
        started = time.monotonic()
        entry = self._entries[row.file]
        scratch.mkdir()
        target = Target(rows=_landing(raw_name(row.table_name)), rejected=_landing(REJECTED_ROWS))
        loaded = load_file(
            self.connection, self.source, row.table_name, entry.path, row.file, scratch, target
        )
        if entry.has_changed():
            self.changed.add(row.file)
        reason = "; ".join(loaded.notes) or None
        tell_detail(
            f"{self.name}: {row.file}: {loaded.rows_loaded + loaded.rows_rejected:,} rows landed, "
            f"{loaded.rows_rejected:,} rejected, {time.monotonic() - started:.1f} s"
            + (f" ({reason})" if reason else "")
        )
        return replace(
            row,
            reason=reason,
            rows_landed=loaded.rows_loaded + loaded.rows_rejected,
            rows_loaded=loaded.rows_loaded,
            rows_rejected=loaded.rows_rejected,
            encoding=loaded.encoding,
            delimiter=loaded.delimiter,
        )

    def _inputs(self) -> str:
        return digest(f"{r.table_name}/{r.file}/{r.status}/{r.content_hash}" for r in self.files)

    def _store(self, table: str) -> TableStore:
        return TableStore(self.warehouse_folder / table)

    def _published_files(self) -> list[FileReport]:
        files = self._store(LANDED_FILES).files([WHOLE])
        if not files:
            return []
        found = self.connection.execute(
            "select file, status, reason, rows_landed, rows_loaded, rows_rejected "
            f"from read_parquet({literal(files[0])}) order by file"
        ).fetchall()
        return [FileReport(*row) for row in found]

    def _raise(self, problems: Sequence[str]) -> None:
        if problems:
            raise LandingError(
                f"{self.name}: nothing of the landing {self.landing_folder} is read, and what was "
                f"published stays: {'; '.join(problems)}"
            )


def _landed(table: str, entry: Entry, contents: dict[str, str]) -> _LandedFile:
    """Return the row of a file; `contents` are the files of its input so far, by content."""
    modified_at = _EPOCH + dt.timedelta(microseconds=entry.modified_us)
    row = _LandedFile(entry.file, table, None, entry.bytes, modified_at)
    if entry.waiting:
        return replace(row, status=WAITING, reason=entry.waiting)
    row = replace(row, content_hash=file_hash(entry.path))
    first = contents.setdefault(str(row.content_hash), entry.file)
    if first != entry.file:
        return replace(row, status=DUPLICATE, reason=f"its content is that of {first}")
    return row


def _landing(table: str) -> str:
    return f"landing_{table}"
