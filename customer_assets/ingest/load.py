"""One landed file into pieces: events by day, and the rows that are none.

Reads a file, checks that no row was lost on the way, and leaves Parquet files in a scratch
folder. Which files are read, and what is staged of them, is the business of `staging`.
"""

import contextlib
import datetime as dt
import shutil
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from customer_assets import settings
from customer_assets.ingest import mapping, readers
from customer_assets.ingest.mapping import EventMapping
from customer_assets.ingest.plain import BeyondLimitError, FileRefusedError
from customer_assets.ingest.raw_tables import raw_events_of, rule_columns, stored_event_columns
from customer_assets.ingest.reading import Reading
from customer_assets.ingest.rows_sql import RowsSql, rows_reading
from customer_assets.ingest.rules import condition_sql, fails
from customer_assets.ingest.times import AnyTimeFormat, FirstTimeFormat, time_formats
from customer_assets.ingest.zones import Zone, zone
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.quoting import literal, quoted

_LOT = "_lot"
# Small dictionaries and delta encoding write a third faster than the defaults, and smaller.
_PARQUET = (
    "format parquet, compression zstd, compression_level 1, parquet_version v2, "
    "dictionary_size_limit 1000"
)
# Where all that is wrong are lines that the reader made no row of.
_NO_ROWS = (
    "select null::bigint as row, null::varchar as column_name, null::varchar as reason, "
    "null::date as event_date, null::varchar as raw_text where false"
)


@dataclass(frozen=True)
class DayFile:
    """A Parquet file with the events of one day."""

    path: Path
    rows: int


@dataclass(frozen=True)
class Loaded:
    """What became of a landed file: rows landed are those in `days` plus `rows_rejected`."""

    days: dict[dt.date, DayFile]
    rejected: Path | None
    rows_rejected: int
    columns: str | None
    encoding: str | None
    delimiter: str | None
    time_format: str
    n_repeated_times: int
    n_missing_times: int
    n_rounded_amounts: int
    n_late: int
    notes: list[str]

    @property
    def rows_loaded(self) -> int:
        return sum(day.rows for day in self.days.values())


def load_file(
    connection: duckdb.DuckDBPyConnection,
    source: EventLogSource,
    path: Path,
    file: str,
    landed_us: int,
    scratch: Path,
    rows: RowsSql | None = None,
) -> Loaded:
    """Read one landed file; `landed_us` is when it landed, in epoch microseconds.

    `rows` is what makes its rows, where they do not stand in it as they are.

    Raises:
        FileRefusedError: nothing of the file can be used; the text says why.
        MissingColumnsError: it lacks mapped columns.
    """
    with _within_limits(connection):
        return _load_file(connection, source.for_file(file), path, file, landed_us, scratch, rows)


def _load_file(
    connection: duckdb.DuckDBPyConnection,
    source: EventLogSource,
    path: Path,
    file: str,
    landed_us: int,
    scratch: Path,
    rows: RowsSql | None,
) -> Loaded:
    reading, positions, notes = _opened(connection, source, path, scratch, rows)

    def load(reading: Reading) -> Loaded:
        events = _mapped(connection, source, reading, positions, file, landed_us)
        return _load(connection, events, reading, scratch, notes)

    try:
        return load(reading)
    except _UnsoundReadError:
        careful = reading.carefully()
    try:
        return load(careful)
    except _UnsoundReadError as error:
        raise FileRefusedError(f"it cannot be read: {error}") from error


def locate_rows(
    connection: duckdb.DuckDBPyConnection,
    source: EventLogSource,
    path: Path,
    file: str,
    landed_us: int,
    scratch: Path,
    wanted: str,
    rows: RowsSql | None = None,
) -> list[tuple[int, int, str]]:
    """Find rows of raw_events again in the landed file that they were loaded from.

    `wanted` names a table of the connection with a number `_id` and the stored columns of
    raw_events, but for source_file; no two rows are equal. Returns `_id`, the place of the row in
    the file (counted as in rejected_rows) and its text, one for each landed row that is equal to
    it.
    """
    source = source.for_file(file)
    reading, positions, _ = _opened(connection, source, path, scratch, rows)
    names = [name for name in stored_event_columns(source) if name != "source_file"]

    def locate(reading: Reading) -> list[tuple[int, int, str]] | None:
        events = _mapped(connection, source, reading, positions, file, landed_us)
        return readers.locate(connection, reading, events.placed(reading.scan), names, wanted)

    try:
        found = locate(reading)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        found = None
    n_wanted = connection.execute(f"select count(*) from {quoted(wanted)}").fetchall()[0][0]
    if found is None or len({row[0] for row in found}) < n_wanted:
        found = locate(reading.carefully())
    return found or []


def _opened(
    connection: duckdb.DuckDBPyConnection,
    source: EventLogSource,
    path: Path,
    scratch: Path,
    rows: RowsSql | None,
) -> tuple[Reading, dict[str, list[int]], list[str]]:
    wanted = [name for column in mapping.landed_columns(source).values() for name in column.names]
    reading = (
        readers.open_file(connection, path, source.format, wanted, scratch)
        if rows is None
        else rows_reading(rows, path, source.format, scratch)
    )
    return reading, *mapping.find_columns(source, reading.names, reading.absent)


def _mapped(
    connection: duckdb.DuckDBPyConnection,
    source: EventLogSource,
    reading: Reading,
    positions: dict[str, list[int]],
    file: str,
    landed_us: int,
) -> EventMapping:
    return EventMapping(
        source,
        _fields(source, reading, positions, file),
        reading.raw,
        _time_format(connection, source, reading, positions, landed_us),
        _zone(source, landed_us),
        file,
        landed_us,
    )


def _fields(
    source: EventLogSource, reading: Reading, positions: dict[str, list[int]], file: str
) -> dict[str, str]:
    """Return the text of each mapped column: of several columns of the file, the first filled."""
    fields = {name: _text(reading, found) for name, found in positions.items()}
    for name, column in mapping.landed_columns(source).items():
        if not column.names:
            text = mapping.fixed_text(column, file)
            fields[name] = f"{literal(text)}::varchar" if text else "null::varchar"
    return fields


def _text(reading: Reading, positions: list[int]) -> str:
    texts = [reading.fields[position] for position in positions]
    return texts[0] if len(texts) == 1 else f"coalesce({', '.join(texts)})"


class _UnsoundReadError(Exception):
    """A file of which the engine lost rows, or at which it stopped."""


def _load(
    connection: duckdb.DuckDBPyConnection,
    events: EventMapping,
    reading: Reading,
    scratch: Path,
    notes: list[str],
) -> Loaded:
    days, faulty, n_rounded = _write_days(connection, events, reading, scratch)
    n_faulty = sum(part.rows for part, _ in faulty)
    n_malformed = reading.malformed(connection, sum(day.rows for day in days.values()) + n_faulty)
    if n_malformed is None:
        raise _UnsoundReadError("rows were lost")
    n_rejected = n_faulty + n_malformed
    rejected, n_late = None, 0
    if n_rejected:
        rejected = _write_rejected(connection, events, reading, faulty, n_rejected, scratch)
        n_late = _count(connection, rejected, mapping.LATE_REASON)
        if days and (n_without := _count(connection, rejected, mapping.NO_TIME_REASON)):
            notes = [
                *notes,
                f"{n_without:,} rows have no time; one that stands in another line of the order is "
                "filled in by sql/raw/<source>/rows.sql",
            ]
        if not days:
            _refuse_if_unreadable(connection, rejected)
    repeated, missing = _clock_changes(connection, events, reading, set(days))
    if n_rounded:
        notes = [
            *notes,
            f"amounts with more than four decimals are rounded: {n_rounded:,} rows; "
            "`scale` of their column keeps more of them",
        ]
    notes = [*notes, *_rules_that_fail(connection, events.source, days.values())]
    notes = [*notes, *_unlisted_event_types(connection, events.source, days.values())]
    return Loaded(
        days,
        rejected,
        n_rejected,
        None if reading.columns is None else ", ".join(reading.columns),
        reading.encoding,
        reading.delimiter,
        events.time_format.name,
        repeated,
        missing,
        n_rounded,
        n_late,
        notes,
    )


def _time_format(
    connection: duckdb.DuckDBPyConnection,
    source: EventLogSource,
    reading: Reading,
    positions: dict[str, list[int]],
    landed_us: int,
) -> AnyTimeFormat:
    """Return the format that reads the times of most rows; of equals, the first listed.

    Times within the days of the source count first: 12/1/10 is also a day of the year 10.
    """
    stated = mapping.time_column(source)
    formats = time_formats(stated.formats())
    if len(formats) == 1:
        return formats[0]
    first, last = mapping.time_bounds(source, landed_us)
    if stated.by_row:
        return FirstTimeFormat(formats, (first, last))
    text = _text(reading, positions["event_at"])
    stamps = ", ".join(f"{each.microseconds('t')} as s{i}" for i, each in enumerate(formats))
    counts = ", ".join(
        f"[count(*) filter (s{i} between {first} and {last}), count(s{i})]"
        for i in range(len(formats))
    )
    with _engine_errors():
        readable = connection.execute(
            f"select {counts} from (select {stamps} "
            f"from (select {text} as t from ({reading.unchecked_scan})))"
        ).fetchone()
    assert readable is not None
    return formats[readable.index(max(readable))]


def _zone(source: EventLogSource, landed_us: int) -> Zone:
    first, last = source.day_range()
    landed = dt.datetime.fromtimestamp(landed_us // 1_000_000, dt.UTC).date()
    return zone(source.timezone, first, last or landed)


def _write_days(
    connection: duckdb.DuckDBPyConnection, events: EventMapping, reading: Reading, scratch: Path
) -> tuple[dict[dt.date, DayFile], list[tuple[DayFile, int]], int]:
    """Write the rows of a file in one pass.

    Returns the files of the days, those of faulty rows with the number of their fault, and how
    many rows have a rounded amount.
    """
    folder = scratch / "days"
    shutil.rmtree(folder, ignore_errors=True)
    reading.prepare(connection)
    with _engine_errors():
        written = connection.execute(
            f"copy ({events.events(reading.scan, _LOT)}) to {literal(folder)} "
            f"({_PARQUET}, partition_by ({_LOT}), return_stats true)"
        ).fetchall()
    parts: dict[dt.date, list[DayFile]] = {}
    faulty: list[tuple[DayFile, int]] = []
    n_rounded = 0
    for name, rows, _, _, _, keys in written:
        part, lot = DayFile(Path(name), rows), events.lot_of(int(keys[_LOT]))
        if lot.fault is not None:
            faulty.append((part, lot.fault))
        elif lot.day is not None:
            parts.setdefault(lot.day, []).append(part)
            n_rounded += rows if lot.is_rounded else 0
    return {day: _merged(connection, parts[day]) for day in sorted(parts)}, faulty, n_rounded


def _merged(connection: duckdb.DuckDBPyConnection, parts: list[DayFile]) -> DayFile:
    """Return one file for a day; rows with a rounded amount came apart, and the engine writes
    several files where too many days are open."""
    if len(parts) == 1:
        return parts[0]
    names = ", ".join(literal(part.path) for part in parts)
    target = parts[0].path.with_name("merged.parquet")
    every = f"from read_parquet([{names}], hive_partitioning = false)"
    connection.execute(f"copy ({every}) to {literal(target)} ({_PARQUET})")
    return DayFile(target, sum(part.rows for part in parts))


def _write_rejected(
    connection: duckdb.DuckDBPyConnection,
    events: EventMapping,
    reading: Reading,
    faulty: list[tuple[DayFile, int]],
    expected: int,
    scratch: Path,
) -> Path:
    """Write the rows that are no events, each with its place in the file."""
    target = scratch / "rejected.parquet"
    rows = [
        events.rejected(fault, f"read_parquet({literal(part.path)}, hive_partitioning = false)")
        for part, fault in faulty
    ]
    with _engine_errors():
        located = reading.located(connection, " union all ".join([_NO_ROWS, *rows]))
        if located is None:
            raise _UnsoundReadError("its rejected rows have no certain place")
        written = connection.execute(
            f"copy (select {literal(events.file)} as file, row, row_number() over "
            "(partition by row order by reason, column_name, raw_text)::bigint as part, "
            f"column_name, reason, event_date, raw_text from ({located}) order by row, part) "
            f"to {literal(target)} ({_PARQUET})"
        ).fetchone()
    if written is None or written[0] != expected:
        raise _UnsoundReadError("its rejected rows could not be told apart")
    return target


def _count(connection: duckdb.DuckDBPyConnection, rejected: Path, reason: str) -> int:
    found = connection.execute(
        f"select count(*) from read_parquet({literal(rejected)}) where reason = {literal(reason)}"
    ).fetchone()
    return found[0] if found else 0


def _refuse_if_unreadable(connection: duckdb.DuckDBPyConnection, rejected: Path) -> None:
    """Refuse a file of which no row could be read: it is another kind of file than expected."""
    found = connection.execute(
        "select count(*), mode(reason), "
        "bool_and(event_date is null and not starts_with(reason, 'rule ')) "
        f"from read_parquet({literal(rejected)})"
    ).fetchone()
    if found and found[2]:
        raise FileRefusedError(f"none of its {found[0]} rows can be read: {found[1]}")


def _clock_changes(
    connection: duckdb.DuckDBPyConnection,
    events: EventMapping,
    reading: Reading,
    days: set[dt.date],
) -> tuple[int, int]:
    """Return how many local stamps occur twice, and how many do not exist."""
    if events.time_format.is_instant("''") == "true" or not events.zone.changes_on(days):
        return 0, 0
    with _engine_errors():
        found = connection.execute(events.clock_changes(reading.unchecked_scan)).fetchone()
    return found or (0, 0)


def _rules_that_fail(
    connection: duckdb.DuckDBPyConnection, source: EventLogSource, days: Iterable[DayFile]
) -> list[str]:
    """Say which rules cannot be computed on some rows, which they then do not hold for."""
    files = [day.path for day in days]
    rules = [rule for rule in source.rules if rule.enabled]
    if not files or not rules:
        return []
    conditions = [condition_sql(rule, rule_columns(source)) for rule in rules]
    counts = ", ".join(f"count(*) filter ({fails(each)})" for each in conditions)
    read = f"from ({raw_events_of(source, files)})"
    (found,) = connection.execute(f"select {counts} {read}").fetchall()
    notes = []
    for rule, condition, n_rows in zip(rules, conditions, found, strict=True):
        if n_rows:
            try:
                connection.execute(f"select count(*) {read} where {condition}").fetchall()
                why = ""
            except duckdb.Error as error:
                why = f" ({str(error).splitlines()[0]})"
            notes.append(
                f"rule {rule.name} cannot be computed on {n_rows:,} rows and is left out there{why}"
            )
    return notes


def _unlisted_event_types(
    connection: duckdb.DuckDBPyConnection, source: EventLogSource, days: Iterable[DayFile]
) -> list[str]:
    """Say which event types a file has that the configuration does not list, with their rows."""
    files = ", ".join(literal(day.path) for day in days)
    if not source.event_names or not files:
        return []
    found = connection.execute(
        f"select event_type, count(*) from read_parquet([{files}]) "
        "where not list_contains(?, event_type) group by event_type order by all limit 20",
        [[*source.event_names.values(), source.default_event_type]],
    ).fetchall()
    if not found:
        return []
    counts = ", ".join(f"{name[:80]!r} ({rows:,} rows)" for name, rows in found)
    return [f"event types that event_names does not list: {counts}"]


@contextlib.contextmanager
def _within_limits(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Refuse a file that takes more memory or time than one file may take."""
    seconds, is_done = settings.most_file_seconds(), threading.Event()

    def interrupt() -> None:
        # What is between two statements when the time is over is met by the next one.
        is_late = not is_done.wait(seconds)
        while is_late and not is_done.wait(0.05):
            connection.interrupt()

    watch = threading.Thread(target=interrupt, daemon=True)
    watch.start()
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise BeyondLimitError(
            f"it needs more memory than {settings.memory_limit()}: raise "
            "CUSTOMER_ASSETS_MEMORY_LIMIT, or write it in smaller row groups"
        ) from error
    except duckdb.InterruptException as error:
        raise BeyondLimitError(
            f"it takes more than {seconds:,} seconds: CUSTOMER_ASSETS_FILE_SECONDS takes more"
        ) from error
    finally:
        is_done.set()
        watch.join()


@contextlib.contextmanager
def _engine_errors() -> Iterator[None]:
    """Tell a file that the engine cannot read from a machine that is out of room."""
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.InterruptException):
        raise
    except duckdb.Error as error:
        if "No space left" in str(error):
            raise
        raise _UnsoundReadError(str(error).splitlines()[0]) from error
