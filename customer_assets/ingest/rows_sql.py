"""`sql/raw/<source>/rows.sql`: a source's own SQL from what landed to flat rows, file by file.

It is one SELECT of plain DuckDB. It reads the view `landed`, one row per line, object or row of
the file, with `_line`, its place, and what stands there: the columns of a CSV file or sheet as
text, of a Parquet file as they are, `json` of a file of JSON objects, `line` of a file that is read
by the line. Each of the source's `lookups` is a view of that form too. It gives rows with `_line`,
the place that a row comes from, and columns that the source's `columns` and `attributes` name. A
line that gives no row is rejected, so that nothing is lost without a word.

It runs on a connection of its own that may read nothing else, and may not depend on the moment or
on chance: the tables are a function of the landed files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from customer_assets import settings
from customer_assets.ingest import readers
from customer_assets.ingest.landing import LandingError, fault_of_link
from customer_assets.ingest.plain import FileRefusedError
from customer_assets.ingest.reading import Reading, bounded_sql, first_line
from customer_assets.ingest.text_readers import CarefulText
from customer_assets.sources import EventLogSource, FileFormat
from customer_assets.warehouse.connection import connect
from customer_assets.warehouse.manifest import file_hash
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.versions import digest

_LINE = "_line"
_CHANCE = (exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.Rand, exp.TableSample)
_CHANCE_NAMES = {
    "now",
    "today",
    "random",
    "uuid",
    "uuidv4",
    "uuidv7",
    "gen_random_uuid",
    "get_current_timestamp",
    "transaction_timestamp",
    "current_localtimestamp",
    "getenv",
}


class RowsSqlError(ValueError):
    """A rows.sql or its lookups that cannot be used; the text says where and why."""


@dataclass(frozen=True)
class RowsSql:
    """A source's rows.sql and the files that it looks up, by the names of their views."""

    path: Path
    sql: str
    lookups: Mapping[str, Path] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """A digest of everything, beside the landed file, that decides what its rows are."""
        return digest([self.sql, *(f"{n} {file_hash(p)}" for n, p in self.lookups.items())])


def read_rows_sql(
    name: str, source: EventLogSource, roots: Sequence[Path] | None = None
) -> str | None:
    """Return the text of a source's rows.sql, checked; null where it has none.

    Raises:
        RowsSqlError: it is no single SELECT, or it depends on more than what landed.
    """
    path = _path(name, roots)
    if not path.is_file():
        if source.lookups:
            raise RowsSqlError(f"lookups: they are for {path}, which does not exist")
        return None
    text = path.read_text(encoding="utf-8").strip().removesuffix(";")
    try:
        statements = sqlglot.parse(text, dialect="duckdb")
    except SqlglotError as error:
        raise RowsSqlError(f"{path}: {str(error).splitlines()[0]}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise RowsSqlError(f"{path}: it must be one SELECT")
    for node in statements[0].walk():
        called = node.name.lower() if isinstance(node, exp.Anonymous) else ""
        if isinstance(node, _CHANCE) or called in _CHANCE_NAMES:
            raise RowsSqlError(
                f"{path}: {node.sql(dialect='duckdb')} depends on the moment or on chance; the "
                "rows must follow from the landed files alone"
            )
    return text


def rows_sql(
    name: str, source: EventLogSource, landing_folder: Path, roots: Sequence[Path] | None = None
) -> RowsSql | None:
    """Return what makes the rows of a source's files; null: its files hold them as they are.

    Raises:
        RowsSqlError: its SQL cannot be used.
        LandingError: a lookup is not one file.
    """
    text = read_rows_sql(name, source, roots)
    if text is None:
        return None
    lookups = {}
    for view, pattern in source.lookups.items():
        found = sorted(path for path in landing_folder.glob(pattern) if path.is_file())
        if len(found) != 1:
            raise LandingError(
                f"lookups: {view}: {len(found)} files in {landing_folder} fit {pattern!r}, not one"
            )
        if fault := fault_of_link(landing_folder, found[0]):
            raise LandingError(f"lookups: {view}: {found[0].name}: {fault}")
        lookups[view] = found[0]
    return RowsSql(_path(name, roots), text, lookups)


def _path(name: str, roots: Sequence[Path] | None) -> Path:
    paths = [root / "raw" / name / "rows.sql" for root in roots or settings.table_roots()]
    return next((path for path in reversed(paths) if path.is_file()), paths[0])


def rows_reading(rows: RowsSql, path: Path, file_format: FileFormat, scratch: Path) -> Reading:
    """Return the reading of the rows that rows.sql makes of one landed file.

    Raises:
        FileRefusedError: the file, or a lookup, cannot be read, or the SQL fails on it.
    """
    with connect([scratch, path, *rows.lookups.values()]) as connection:
        for view, file in [("landed", path), *rows.lookups.items()]:
            folder = scratch / f"view_{view}"
            folder.mkdir(exist_ok=True)
            try:
                _view(connection, view, file, file_format, folder)
            except FileRefusedError as error:
                raise FileRefusedError(
                    str(error) if view == "landed" else f"the lookup {file.name}: {error}"
                ) from error
        try:
            return _made(connection, rows, scratch)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            if "No space left" in str(error):
                raise
            raise FileRefusedError(f"{rows.path} fails on it: {first_line(error)}") from error


def _view(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    path: Path,
    file_format: FileFormat,
    scratch: Path,
) -> None:
    """Make a view of a file, and of the landed one the table of its lines: place, text, fault."""
    reading = readers.open_file(connection, path, file_format, [], scratch)
    if isinstance(reading, readers.ParquetReading):
        file = f"read_parquet({literal(reading.path)}, file_row_number = true)"
        lines = (
            f"select file_row_number + 1 as _row, {bounded_sql('to_json(t)::varchar')} as _raw, "
            f"null::varchar as _fault from read_parquet({literal(reading.path)}) as t"
        )
        columns = f"select file_row_number + 1 as {_LINE}, * exclude (file_row_number) from {file}"
    else:
        text = reading.carefully()
        assert isinstance(text, CarefulText)
        lines = f"select _row, _raw, _fault from ({text.scan})"
        if text.json_pointers is not None:
            stands = "_c0::json as json"
        else:
            stands = ", ".join(f"_c{i} as {name}" for i, name in enumerate(_unique(text.names)))
        columns = f"select _row as {_LINE}, {stands} from ({text.scan}) where _fault is null"
    connection.execute(f"create view {quoted(view)} as {columns}")
    if view == "landed":
        connection.execute(f"create view landed_lines as {lines}")


def _unique(names: Sequence[str]) -> list[str]:
    """Return the columns of a file, quoted; a name that comes again gets a number."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name.lower()] = seen.get(name.lower(), 0) + 1
        more = seen[name.lower()]
        unique.append(quoted(name if more == 1 and name else f"{name}_{more}"))
    return unique


def _made(connection: duckdb.DuckDBPyConnection, rows: RowsSql, scratch: Path) -> CarefulText:
    connection.execute(f"create temp table made as {rows.sql}")
    relation = connection.table("made")
    kinds = dict(zip(relation.columns, map(str, relation.types), strict=True))
    if kinds.get(_LINE) != "BIGINT":
        raise FileRefusedError(f"{rows.path}: it must give a column {_LINE}, the landed row's own")
    stray = connection.execute(
        f"select count(*) from made where {_LINE} is null or {_LINE} not in "
        "(select _row from landed_lines)"
    ).fetchall()[0][0]
    if stray:
        raise FileRefusedError(f"{rows.path}: {stray} of its rows have a {_LINE} of no landed row")
    names = [name for name in kinds if name != _LINE]
    texts = ", ".join(
        f"{readers.value_text('made.' + quoted(name), kinds[name])} as _c{i}"
        for i, name in enumerate(names)
    )
    nothing = ", ".join(f"null as _c{i}" for i in range(len(names)))
    no_row = literal(f"{rows.path.name} gives no row for it")
    target = scratch / "rows.parquet"
    written = connection.execute(
        f"copy (select made.{_LINE} as _row, lines._raw, null::varchar as _fault, {texts} "
        f"from made join landed_lines as lines on made.{_LINE} = lines._row "
        f"union all select _row, _raw, coalesce(_fault, {no_row}), {nothing} from landed_lines "
        f"where _fault is not null or _row not in (select {_LINE} from made)) "
        f"to {literal(target)} (format parquet)"
    ).fetchall()
    return CarefulText(target, names, "utf-8", None, len(names), written[0][0], None)
