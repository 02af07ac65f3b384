"""The ingest of a source: the files that are there against what is published.

Reads what is new or changed, stages pieces for the caller to check and publish, and says which
pieces go with files that were replaced or withdrawn. Publishes nothing, and knows no Dagster.

What is published of other files is never harmed by a file that cannot be read. If such a file
stands where a good one stood, the rows of the good one stay until it is replaced by a readable
file or withdrawn, or until the configuration changes, since they can then not be made anew.
"""

import datetime as dt
import errno
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from customer_assets.ingest.day_counts import counts_sql
from customer_assets.ingest.judging import judge, read_accepted
from customer_assets.ingest.landing import Entry, LandingError, fingerprint, list_files
from customer_assets.ingest.load import Loaded, load_file
from customer_assets.ingest.mapping import MissingColumnsError, naming
from customer_assets.ingest.plain import BeyondLimitError, FileRefusedError
from customer_assets.ingest.published import LandedRow, Published, read_published
from customer_assets.ingest.raw_tables import (
    DUPLICATE,
    GONE_KEPT,
    LOADED,
    LOOKUP,
    PREVIOUS_KEPT,
    REFUSED,
    WAITING,
    tables,
)
from customer_assets.ingest.rows_sql import RowsSql, rows_sql
from customer_assets.progress import tell_detail
from customer_assets.sources import EventLogSource
from customer_assets.sources.columns import kind_of
from customer_assets.warehouse.engine import content_hash
from customer_assets.warehouse.manifest import (
    STAGING,
    WHOLE,
    Piece,
    StagedPiece,
    TableStore,
    file_hash,
    new_staged_file,
)
from customer_assets.warehouse.quoting import literal
from customer_assets.warehouse.table import Table
from customer_assets.warehouse.versions import Version, digest, python_parts

_SCRATCH = "ingest-"
_CONFIGURATION = (
    "format",
    "columns",
    "attributes",
    "kinds",
    "currency",
    "event_names",
    "default_event_type",
    "timezone",
    "first_day",
    "last_day",
    "return_when",
    "rules",
)
_DAY = dt.timedelta(days=1)
_EPOCH = dt.datetime(1970, 1, 1)


@dataclass(frozen=True)
class FileReport:
    """What became of one landed file; rows are those of its content that is in the tables."""

    file: str
    status: str
    reason: str | None
    rows_landed: int
    rows_loaded: int
    rows_rejected: int


@dataclass
class Ingest:
    """What a run wants published, by table and partition key, and why.

    `dirty_days` are the event days whose rows changed, in order. `waiting` names the files that
    are still being written. `fingerprint` is that of the landing folder as it was looked at.
    """

    staged: dict[str, dict[str, StagedPiece]] = field(default_factory=dict)
    withdrawn: dict[str, list[str]] = field(default_factory=dict)
    files: list[FileReport] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    dirty_days: list[dt.date] = field(default_factory=list)
    fingerprint: str = ""


def ingest_version(source: EventLogSource, rows: RowsSql | None = None) -> str:
    """Return a digest of everything that decides what a file becomes: configuration and code."""
    settings = source.model_dump(mode="json", by_alias=True, include=set(_CONFIGURATION))
    settings["rules"] = [
        {name: rule[name] for name in ("name", "condition", "action")}
        for rule in settings["rules"]
        if rule["enabled"]
    ]
    if source.return_when is not None:
        settings["returns"] = [source.purchase_event, source.return_event]
    code = Version(python_parts(Path(__file__))).digest
    return digest([code, json.dumps(settings), *([rows.version] if rows else [])])


def prepare(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    source: EventLogSource,
    landing_folder: Path,
    warehouse_folder: Path,
    *,
    now: dt.datetime,
    run_id: str,
    tell: Callable[[str], None],
    roots: Sequence[Path] | None = None,
    staging: Path | None = None,
    may_withdraw: bool = False,
) -> Ingest:
    """Read what is new in a source's landing folder and stage it.

    The caller holds the source's writer lock and publishes the tables as one; a caller that only
    looks gives a `staging` folder of its own instead. `warehouse_folder` is the source's own; `now`
    is aware. `may_withdraw`: somebody said that files which are gone may take any share of the
    rows with them.

    Raises:
        LandingError: the landing folder cannot be read, or a mapped column is in no file.
        ValueError: a cleaning rule or a time format cannot be used.
    """
    described = tables(source)
    rows = rows_sql(name, source, landing_folder, roots)
    staging = staging or warehouse_folder / STAGING
    staging.mkdir(parents=True, exist_ok=True)
    for leftover in staging.glob(f"{_SCRATCH}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=staging) as scratch:
        run = _Run(
            connection=connection,
            name=name,
            source=source,
            warehouse_folder=warehouse_folder,
            staging=staging,
            scratch=Path(scratch),
            version=ingest_version(source, rows),
            rows_sql=rows,
            before=read_published(connection, source, warehouse_folder),
            tell=tell,
        )
        entries = list_files(landing_folder, [*source.patterns, *source.lookups.values()], now)
        run.take(entries)
        if not may_withdraw:
            run.keep_what_is_gone()
        found = run.result(described, now, run_id)
        return replace(found, fingerprint=fingerprint(entries, run.version))


@dataclass
class _Run:
    """One pass over a landing folder; `fresh` are the contents that it has read."""

    connection: duckdb.DuckDBPyConnection
    name: str
    source: EventLogSource
    warehouse_folder: Path
    staging: Path
    scratch: Path
    version: str
    before: Published
    tell: Callable[[str], None]
    rows_sql: RowsSql | None = None
    rows: dict[str, LandedRow] = field(default_factory=dict)
    fresh: dict[str, LandedRow] = field(default_factory=dict)
    events: dict[str, StagedPiece] = field(default_factory=dict)
    rejected: dict[str, StagedPiece] = field(default_factory=dict)
    counts: dict[str, StagedPiece] = field(default_factory=dict)
    lacking: list[MissingColumnsError] = field(default_factory=list)

    def take(self, entries: Sequence[Entry]) -> None:
        """Decide about every file, in the order of their names."""
        counted: dict[str, str] = {}
        for entry in entries:
            row = self._identified(entry)
            if self.rows_sql and entry.path in self.rows_sql.lookups.values():
                row = replace(row, status=LOOKUP)
            elif row.content_hash is not None:
                content = self._content(entry.file, row.content_hash)
                if content in counted:
                    same = f"its content is that of {counted[content]}"
                    row = replace(row, status=DUPLICATE, reason=same)
                else:
                    counted[content] = entry.file
                    row = self._taken(entry, row, content)
            self.rows[entry.file] = row
        self._raise_if_no_file_has_the_columns()
        # Only now it is known which contents are there, under whatever name.
        for file, row in self.rows.items():
            if row.status in (REFUSED, WAITING):
                self.rows[file] = self._with_previous_version(row)

    def keep_what_is_gone(self) -> None:
        """Keep the rows of files that are gone with more of all rows than the source lets go.

        A disk that is not mounted looks like files that were taken away. Raises LandingError where
        they would have to be read anew.
        """
        standing = {row.loaded_hash for row in self.rows.values()}
        before = self.before.contents()
        gone = {
            row.file: row
            for content, row in before.items()
            if content not in standing and row.file not in self.rows
        }
        n_rows = sum(row.rows_landed for row in before.values())
        n_gone = sum(row.rows_landed for row in gone.values())
        most = self.source.expected.withdrawn_share
        if not n_gone or n_gone <= most * n_rows:
            return
        why = (
            f"{len(gone)} of {len(before)} files are gone, with {n_gone / n_rows:.0%} of the rows: "
            "their rows stay. If they shall go, run the ingest with the tag "
            "customer_assets/accept: withdrawal "
            "or set `expected: {withdrawn_share: 1}`; if not, bring the files back (is the disk "
            "mounted?)"
        )
        self.tell(f"{self.name}: {why}")
        for file, row in gone.items():
            content = row.loaded_hash
            assert content is not None
            if not self.before.holds(content, self.version):
                raise LandingError(
                    f"{self.name}: {why}. They cannot be read anew, as other settings or "
                    "another release ask for"
                )
            self.rows[file] = replace(row, status=GONE_KEPT, reason=why)

    def result(self, described: dict[str, Table], now: dt.datetime, run_id: str) -> Ingest:
        """Return what to publish, once every file is decided about."""
        standing = {row.loaded_hash for row in self.rows.values()} - self.fresh.keys()
        gone_events = [
            key
            for key in self.before.events.pieces
            if key not in self.events and key.split("/")[1] not in standing
        ]
        gone_rejected = [
            key
            for key in self.before.rejected.pieces
            if key not in self.rejected and key not in standing
        ]
        gone_counts = [
            key
            for key in self.before.counts.pieces
            if key not in self.counts and key not in standing
        ]
        judged, released = self._judged(described, gone_counts, now)
        staged = {
            "raw_events": self.events,
            "rejected_rows": self.rejected,
            "day_counts": self.counts,
            **judged,
        }
        if arrivals := self._arrivals(gone_events, now, run_id):
            # The moment is part of what is said: what went and came back is said again.
            entry = f"{arrivals[0][-2].isoformat()}-{run_id}"
            staged["arrivals"] = {
                entry: written_piece(self.staging, described["arrivals"], arrivals, self.version)
            }
        if self.rows != self.before.files or self.version != self.before.version:
            landed = [astuple(row) for row in self.rows.values()]
            staged["landed_files"] = {
                WHOLE: written_piece(self.staging, described["landed_files"], landed, self.version)
            }
        withdrawn = {
            "raw_events": gone_events,
            "rejected_rows": gone_rejected,
            "day_counts": gone_counts,
            "held_days": released,
        }
        pieces = self.before.events.pieces
        changed = [
            key
            for key, piece in self.events.items()
            if key not in pieces or pieces[key].content_hash != piece.content_hash
        ]
        return Ingest(
            staged={table: pieces for table, pieces in staged.items() if pieces},
            withdrawn={table: keys for table, keys in withdrawn.items() if keys},
            files=[_report(row) for row in self.rows.values()],
            waiting=[file for file, row in self.rows.items() if row.status.startswith(WAITING)],
            dirty_days=sorted(
                {_day(key) for key in [*changed, *gone_events, *judged["held_days"], *released]}
            ),
        )

    def _judged(
        self, described: Mapping[str, Table], gone: Iterable[str], now: dt.datetime
    ) -> tuple[dict[str, dict[str, StagedPiece]], list[str]]:
        """Return what is new of day_findings and held_days, and the days that are held no more."""
        before = {k: p for k, p in self.before.counts.pieces.items() if k not in set(gone)}
        folder = self.warehouse_folder / "day_counts"
        files = [piece.file(folder) for key, piece in before.items() if key not in self.counts]
        files += [piece.path for piece in self.counts.values()]
        return staged_findings(
            self.connection, self.source, files, self.warehouse_folder, self.staging, described, now
        )

    def _identified(self, entry: Entry) -> LandedRow:
        row = LandedRow(
            entry.file,
            bytes=entry.bytes,
            modified_at=_timestamp(entry.modified_us),
            changed_at=_timestamp(entry.changed_us),
        )
        if entry.fault:
            return self._refused(row, entry.fault)
        if entry.waiting:
            return self._waits(row, entry.waiting)
        known = self.before.files.get(entry.file)
        if (
            known
            and known.content_hash
            and (known.bytes, known.modified_at, known.changed_at)
            == (
                row.bytes,
                row.modified_at,
                row.changed_at,
            )
        ):
            return replace(row, content_hash=known.content_hash)
        try:
            return replace(row, content_hash=file_hash(entry.path))
        except OSError as error:
            return self._refused(row, f"it cannot be read: {error.strerror}")

    def _content(self, file: str, content_hash: str) -> str:
        """Return what tells a file's rows from others: its bytes, and what its name says."""
        said = naming(self.source, file)
        return digest([content_hash, *said]) if said else content_hash

    def _taken(self, entry: Entry, row: LandedRow, content: str) -> LandedRow:
        """Return the row of a file whose content counts, which is read unless it was before."""
        if self.before.holds(content, self.version):
            known = self.before.contents()[content]
            if not _must_be_read_again(known, row):
                reason = known.reason if known.status == LOADED else None
                return replace(row.with_content_of(known), reason=reason)
        earlier = self.before.files.get(entry.file)
        if (
            earlier is not None
            and self.before.version == self.version
            and earlier.status.startswith(REFUSED)
            and not earlier.is_tried_again
            and (earlier.content_hash, earlier.modified_at) == (row.content_hash, row.modified_at)
        ):
            return replace(row, status=REFUSED, reason=earlier.reason)
        return self._read(entry, row, content)

    def _read(self, entry: Entry, row: LandedRow, content: str) -> LandedRow:
        started = time.monotonic()
        scratch = self.scratch / content
        scratch.mkdir()
        try:
            loaded = load_file(
                self.connection,
                self.source,
                entry.path,
                entry.file,
                entry.modified_us,
                scratch,
                self.rows_sql,
            )
            if entry.has_changed():
                return self._waits(row, "it changed while it was read")
            row = self._staged(row, content, entry.modified_us, loaded)
        except MissingColumnsError as error:
            self.lacking.append(error)
            return self._refused(
                row,
                f"{error}: correct the file or the columns of the source; what some files lack is "
                "`optional: true`, and files of another kind are stated under `kinds`",
            )
        except FileRefusedError as error:
            row = replace(row, is_tried_again=isinstance(error, BeyondLimitError))
            return self._refused(row, str(error))
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise
            return self._refused(row, f"it cannot be read: {error}")
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        tell_detail(
            f"{self.name}: {entry.file}: {row.rows_landed:,} rows landed, "
            f"{row.rows_rejected:,} rejected, {time.monotonic() - started:.1f} s"
            + (f" ({row.reason})" if row.reason else "")
        )
        return row

    def _staged(self, row: LandedRow, content: str, landed_us: int, loaded: Loaded) -> LandedRow:
        # Which rows are too late depends on when the file landed, and on its bytes otherwise.
        moment = [str(landed_us)] if loaded.n_late else []
        counted = self._counted(content, loaded)
        for day, found in loaded.days.items():
            key = f"{day}/{content}"
            self.events[key] = self._piece(
                "raw_events", found.path, found.rows, content, [str(day), *moment],
                self.before.events.pieces.get(key),
            )  # fmt: skip
        if loaded.rejected is not None:
            self.rejected[content] = self._piece(
                "rejected_rows", loaded.rejected, loaded.rows_rejected, content, moment,
                self.before.rejected.pieces.get(content),
            )  # fmt: skip
        self.counts[content] = counted
        kind = kind_of(self.source.kinds, row.file)
        row = replace(
            row,
            loaded_hash=content,
            reason="; ".join(loaded.notes) or None,
            rows_landed=loaded.rows_loaded + loaded.rows_rejected,
            rows_loaded=loaded.rows_loaded,
            rows_rejected=loaded.rows_rejected,
            first_date=min(loaded.days, default=None),
            last_date=max(loaded.days, default=None),
            encoding=loaded.encoding,
            delimiter=loaded.delimiter,
            time_format=loaded.time_format,
            n_repeated_times=loaded.n_repeated_times,
            n_missing_times=loaded.n_missing_times,
            n_rounded_amounts=loaded.n_rounded_amounts,
            columns=loaded.columns,
            previous_columns=self._previous_columns(row.file, content),
            kind=", ".join(kind.patterns) if kind else None,
        )
        self.fresh[content] = row
        return row

    def _previous_columns(self, file: str, content: str) -> str | None:
        earlier = self.before.files.get(file)
        if earlier is None:
            return None
        return earlier.previous_columns if earlier.loaded_hash == content else earlier.columns

    def _counted(self, content: str, loaded: Loaded) -> StagedPiece:
        path = new_staged_file(self.staging, "day_counts")
        days = [day.path for day in loaded.days.values()]
        counts = counts_sql(self.source, content, days, loaded.rejected)
        written = self.connection.execute(
            f"copy ({counts}) to {literal(path)} (format parquet)"
        ).fetchall()
        return StagedPiece(
            path,
            written[0][0],
            code_version=self.version,
            inputs=content,
            content_hash=content_hash(self.connection, path),
        )

    def _piece(
        self,
        table: str,
        path: Path,
        rows: int,
        content: str,
        particulars: Iterable[str],
        before: Piece | None,
    ) -> StagedPiece:
        store = TableStore(self.warehouse_folder / table)
        target = new_staged_file(self.staging, table)
        path.replace(target)
        known_by = digest([content, self.version, *particulars])
        if before is not None and before.rows == rows:
            # Read again by other code or settings, to the same rows: nothing follows from that.
            files = (before.file(store.folder), target)
            if len({content_hash(self.connection, file) for file in files}) == 1:
                known_by = before.content_hash
        return StagedPiece(
            target, rows, code_version=self.version, inputs=content, content_hash=known_by
        )

    def _refused(self, row: LandedRow, reason: str) -> LandedRow:
        self.tell(f"{self.name}: {row.file} is refused: {reason}")
        return replace(row, status=REFUSED, reason=reason)

    def _waits(self, row: LandedRow, reason: str) -> LandedRow:
        self.tell(f"{self.name}: {row.file} waits: {reason}")
        return replace(row, status=WAITING, reason=reason, content_hash=None)

    def _with_previous_version(self, row: LandedRow) -> LandedRow:
        previous = self.before.files.get(row.file)
        content = previous.loaded_hash if previous else None
        if previous is None or content is None:
            return row
        if any(other.loaded_hash == content for other in self.rows.values()):
            return row
        if not self.before.holds(content, self.version):
            gone = "the rows of its previous version go, as the configuration has changed since"
            return replace(row, reason=f"{row.reason}; {gone}")
        return replace(row.with_content_of(previous), status=row.status + PREVIOUS_KEPT)

    def _raise_if_no_file_has_the_columns(self) -> None:
        if not self.lacking or any(row.loaded_hash for row in self.rows.values()):
            return
        nowhere = frozenset.intersection(*(error.missing for error in self.lacking))
        known = any(row.loaded_hash for row in self.before.files.values())
        if nowhere and not known:
            names = ", ".join(repr(name) for name in sorted(nowhere))
            refused = next(row for row in self.rows.values() if row.status == REFUSED)
            raise LandingError(
                f"{self.name}: no landed file has the column {names}: correct `columns` or "
                f"`attributes` of the source, or the files ({refused.file}: {refused.reason})"
            )

    def _arrivals(
        self, gone: Iterable[str], now: dt.datetime, run_id: str
    ) -> list[tuple[Any, ...]]:
        """Return what the ledger lacks, in the order of arrivals' columns.

        The ledger is told the difference between what it says and what will be published, so
        that landed - withdrawn is raw_events by day, whatever happened before.
        """
        recorded = now.astimezone(dt.UTC).replace(tzinfo=None)
        withdrawn = set(gone)
        before = self.before.events.pieces
        after = {key: piece for key, piece in before.items() if key not in withdrawn}
        published: dict[str, Piece | StagedPiece] = {**after, **self.events}
        said = self.before.arrived
        was, now_in = self.before.contents(), {r.loaded_hash: r for r in self.rows.values()}
        rows: list[tuple[Any, ...]] = []
        for key in sorted({*said, *published}):
            n_said, piece = said.get(key, 0), published.get(key)
            n_rows = piece.rows if piece else 0
            is_other = bool(
                piece and key in before and piece.content_hash != before[key].content_hash
            )
            if n_said == n_rows and not is_other:
                continue
            content = key.split("/")[1]
            row = now_in.get(content) or was.get(content)
            file = row.file if row else None
            landed_at = row.modified_at if row else None
            if n_said:
                change = ("withdrawn", n_said, recorded)
                rows.append((_day(key), file, content, *change, recorded, run_id))
            if n_rows:
                change = ("landed", n_rows, landed_at or recorded)
                rows.append((_day(key), file, content, *change, recorded, run_id))
        return rows


def staged_findings(
    connection: duckdb.DuckDBPyConnection,
    source: EventLogSource,
    counts: Sequence[Path],
    warehouse_folder: Path,
    staging: Path,
    described: Mapping[str, Table],
    now: dt.datetime,
) -> tuple[dict[str, dict[str, StagedPiece]], list[str]]:
    """Judge the days that are over.

    Returns what is new of day_findings and held_days, and the days that are held no more.
    """
    last = source.last_complete_day(now)
    rows = judge(connection, source, counts, last, read_accepted(warehouse_folder))
    staged: dict[str, dict[str, StagedPiece]] = {}
    known_by = digest(map(str, rows))
    before = TableStore(warehouse_folder / "day_findings").manifest().pieces
    if WHOLE not in before or before[WHOLE].content_hash != known_by:
        piece = written_piece(staging, described["day_findings"], rows, "judged", known_by)
        staged["day_findings"] = {WHOLE: piece}
    held = {row[0].isoformat(): row[0] for row in rows if row[-1]}
    before = TableStore(warehouse_folder / "held_days").manifest().pieces
    staged["held_days"] = {
        key: written_piece(staging, described["held_days"], [(day,)], "judged", digest([key]))
        for key, day in held.items()
        if key not in before
    }
    return staged, [key for key in before if key not in held]


def written_piece(
    staging: Path,
    table: Table,
    rows: Sequence[tuple[Any, ...]],
    code_version: str,
    known_by: str | None = None,
) -> StagedPiece:
    """Stage rows as a file of a table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "boolean": pa.bool_(),
        "double": pa.float64(),
        "varchar": pa.string(),
        "bigint": pa.int64(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
    }
    schema = pa.schema([(name, types[each.type]) for name, each in table.columns.items()])
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(values, kind.type) for values, kind in zip(columns, schema, strict=True)]
    path = new_staged_file(staging, table.name)
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path, compression="zstd")
    return StagedPiece(path, len(rows), code_version=code_version, content_hash=known_by)


def _must_be_read_again(known: LandedRow, row: LandedRow) -> bool:
    """Say whether rows could now be, or cease to be, dated after their file landed."""
    if known.modified_at == row.modified_at:
        return False
    if known.rows_rejected or known.last_date is None or row.modified_at is None:
        return True
    return row.modified_at.date() <= known.last_date + _DAY


def _report(row: LandedRow) -> FileReport:
    rows = (row.rows_landed, row.rows_loaded, row.rows_rejected)
    return FileReport(row.file, row.status, row.reason, *rows)


def _day(key: str) -> dt.date:
    return dt.date.fromisoformat(key.split("/")[0])


def _timestamp(microseconds: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=microseconds)
