"""CSV, JSON and plain lines as text rows: by the engine's reader, or carefully.

The fast reader is the engine's own; what it loses is found by counting, and then the file goes
through `records` line by line.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from customer_assets.ingest import records
from customer_assets.ingest.json_objects import documents, keys_beside, one_object_a_line, pointer
from customer_assets.ingest.plain import FileRefusedError, PlainText, blank_lines, survey
from customer_assets.ingest.reading import Reading, bounded_sql, columns_sql
from customer_assets.ingest.records import bounded, width_fault
from customer_assets.sources import FileFormat
from customer_assets.warehouse.quoting import literal

_DELIMITERS = (",", ";", "\t", "|")
# JSON text holds no control characters, so this one never parts a line.
_NO_DELIMITER = "\x01"
_BATCH = 20_000
_REJECTS, _REJECT_SCANS = "ingest_malformed", "ingest_malformed_scans"
_MALFORMED_LINES = "ingest_malformed_lines"
_WIDTH_ERRORS = ["MISSING COLUMNS", "TOO MANY COLUMNS"]


@dataclass(frozen=True)
class FastText:
    """A text file read by the engine's own CSV reader, whose losses are found by counting.

    Of a file of JSON lines, and of one that is read by the line, the lines are one column;
    `json_pointers` says where the values are in it.
    """

    plain: PlainText
    names: Sequence[str]
    delimiter: str | None
    header: bool
    scratch: Path
    json_pointers: Sequence[str] | None = None
    absent: frozenset[str] = frozenset()

    @property
    def _by_line(self) -> bool:
        return self.json_pointers is not None or self.delimiter is None

    @property
    def encoding(self) -> str:
        return self.plain.encoding

    @property
    def columns(self) -> Sequence[str] | None:
        return self.names if self.json_pointers is None else None

    @property
    def fields(self) -> Sequence[str]:
        if self.json_pointers is not None:
            return _json_fields(self.json_pointers)
        return [f"_c{i}" for i in range(len(self.names))]

    @property
    def scan(self) -> str:
        return self._scan(
            f"store_rejects = true, rejects_limit = 0, rejects_table = '{_REJECTS}', "
            f"rejects_scan = '{_REJECT_SCANS}'"
        )

    @property
    def unchecked_scan(self) -> str:
        return self._scan("ignore_errors = true")

    @property
    def raw(self) -> str:
        """The line: without quotes in the file, the fields make it up again."""
        if self._by_line:
            return "_c0"
        parted = f" || {literal(self.delimiter or '')} || "
        return parted.join(f"coalesce(_c{i}, '')" for i in range(len(self.names)))

    def _scan(self, errors: str) -> str:
        rows = "select null::bigint as _row, null::varchar as _fault, "
        if self._by_line:
            lines = f"{rows}_c0 from {self._lines(errors)} where _c0 is not null"
            return lines if self.json_pointers is None else _json_scan(lines, self.json_pointers)
        width = len(self.names)
        return f"{rows}{columns_sql(width)} from " + self._read_csv(
            width, self.delimiter or "", '"', self.header, errors
        )

    def _lines(self, errors: str) -> str:
        """Return the file as a table of its physical lines, a blank one as null."""
        return self._read_csv(1, _NO_DELIMITER, "", False, errors)

    def _read_csv(self, width: int, delimiter: str, quote: str, header: bool, errors: str) -> str:
        columns = ", ".join(f"'_c{i}': 'VARCHAR'" for i in range(width))
        return (
            f"read_csv({literal(self.plain.path)}, auto_detect = false, compression = 'none', "
            f"header = {literal(header)}, strict_mode = true, delim = {literal(delimiter)}, "
            f"quote = {literal(quote)}, escape = {literal(quote)}, columns = {{{columns}}}, "
            f"{errors})"
        )

    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        for table in (_REJECTS, _REJECT_SCANS):
            connection.execute(f"drop table if exists {table}")

    def malformed(self, connection: duckdb.DuckDBPyConnection, rows: int) -> int | None:
        faults = self._malformed_lines(connection)
        if any(not sound for *_, sound in faults):
            return None
        # Blank lines are looked for only where something is missing.
        absent = self.plain.survey.lines - rows - len(faults) - self.header
        if absent and (self._blanks is None or absent != len(self._blanks)):
            return None
        return len(faults)

    @cached_property
    def _blanks(self) -> list[int] | None:
        return blank_lines(self.plain.path)

    def _malformed_lines(
        self, connection: duckdb.DuckDBPyConnection
    ) -> list[tuple[int, str, bool]]:
        """Return line, text and whether the width was wrong and nothing else was lost with it."""
        return connection.execute(
            "select line, any_value(csv_line), bool_and(error_type in ? "
            "and not contains(csv_line, chr(10)) and not contains(csv_line, '\"')) "
            f"from {_REJECTS} group by line order by line",
            [_WIDTH_ERRORS],
        ).fetchall()

    def located(self, connection: duckdb.DuckDBPyConnection, rejected: str) -> str | None:
        # What becomes of a line follows from its text alone: so the text finds its rows.
        if not self._by_line and self.plain.survey.has_quotes:
            return None
        texts = [(line, text.rstrip("\r\n")) for line, text, _ in self._malformed_lines(connection)]
        malformed = [(line, self._width_fault(text), bounded(text)) for line, text in texts]
        connection.execute(
            f"create or replace temp table {_MALFORMED_LINES} "
            "(row bigint, reason varchar, raw_text varchar)"
        )
        if malformed:
            connection.execute(
                f"insert into {_MALFORMED_LINES} select unnest(?), unnest(?), unnest(?)",
                [list(column) for column in zip(*malformed, strict=True)],
            )
        lines = (
            "select row_number() over () as row, _c0 as line "
            f"from {self._lines('ignore_errors = true')}"
        )
        return (
            "with texts as (select distinct column_name, reason, event_date, raw_text "
            f"from ({rejected})) "
            f"select row, column_name, reason, event_date, {bounded_sql('raw_text')} as raw_text "
            f"from ({lines}) as lines join texts on lines.line = texts.raw_text "
            # The engine guesses at few lines and would build its hash table of them, were the texts
            # not one list to it.
            f"where row > {int(self.header)} "
            "and hash(line) in (select unnest(list(hash(raw_text))) from texts) "
            f"union all select row, null, reason, null, raw_text from {_MALFORMED_LINES}"
        )

    def _width_fault(self, text: str) -> str:
        return width_fault(text.count(self.delimiter or _NO_DELIMITER) + 1, len(self.names))

    def carefully(self) -> Reading:
        target = self.scratch / "careful.parquet"
        if self._by_line:
            rows = _write_lines(self.plain.path, target)
            width = 1
        else:
            width = len(self.names)
            rows = _write_records(
                self.plain.path, target, self.delimiter or ",", width, self.header
            )
        return CarefulText(
            target,
            self.names,
            self.encoding,
            self.delimiter,
            width,
            rows,
            self.json_pointers,
            self.absent,
        )


@dataclass(frozen=True)
class CarefulText:
    """A text file that the careful reader has written down as rows with their line numbers."""

    path: Path
    names: Sequence[str]
    encoding: str
    delimiter: str | None
    width: int
    rows: int
    json_pointers: Sequence[str] | None
    absent: frozenset[str] = frozenset()

    @property
    def columns(self) -> Sequence[str] | None:
        return self.names if self.json_pointers is None else None

    @property
    def fields(self) -> Sequence[str]:
        if self.json_pointers is not None:
            return _json_fields(self.json_pointers)
        return [f"_c{i}" for i in range(self.width)]

    @property
    def scan(self) -> str:
        rows = (
            f"select _row, _fault, _raw, {columns_sql(self.width)} "
            f"from read_parquet({literal(self.path)})"
        )
        return rows if self.json_pointers is None else _json_scan(rows, self.json_pointers)

    @property
    def unchecked_scan(self) -> str:
        return self.scan

    @property
    def raw(self) -> str:
        return "_raw"

    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        pass

    def malformed(self, connection: duckdb.DuckDBPyConnection, rows: int) -> int | None:
        return 0 if rows == self.rows else None

    def located(self, connection: duckdb.DuckDBPyConnection, rejected: str) -> str | None:
        return rejected

    def carefully(self) -> Reading:
        return self


def csv_reading(
    plain: PlainText,
    file_format: FileFormat,
    delimiter: str | None,
    wanted: Sequence[str],
    scratch: Path,
) -> Reading:
    """Return the reading of a CSV file; without a delimiter, `wanted` names tell which it is.

    Raises:
        FileRefusedError: it has no header line that can be read.
    """
    header = file_format.header and file_format.names is None
    if file_format.merge_blanks:
        plain, delimiter = _rewritten(plain, scratch, _with_tabs), "\t"
    if file_format.escape:
        plain = _rewritten(plain, scratch, _with_doubled_quotes)
    delimiter = file_format.delimiter or delimiter or _delimiter(plain.path, file_format, wanted)
    first = next(records.records(plain.path, delimiter), None)
    if first is None:
        raise FileRefusedError("it holds no line")
    if header and first.fields is None:
        raise FileRefusedError(f"its header line cannot be read: {first.fault}")
    found = first.fields or []
    unnamed = [f"column{i}" for i in range(len(found))]
    names = found if header else file_format.names or unnamed
    reading = FastText(plain, names, delimiter, header, scratch)
    peculiar = plain.survey.peculiarity or (header and "\n" in first.raw)
    return reading.carefully() if peculiar else reading


def _rewritten(plain: PlainText, scratch: Path, change: Callable[[str], str]) -> PlainText:
    """Return a text whose lines, of the same numbers, are as every CSV reader takes them."""
    target = scratch / f"rewritten{change.__name__}"
    # Bytes that are no UTF-8 come out as they went in, for the careful reader to reject.
    with (
        plain.path.open(encoding="utf-8", errors="surrogateescape", newline="") as lines,
        target.open("w", encoding="utf-8", errors="surrogateescape", newline="") as changed,
    ):
        changed.writelines(change(line) for line in lines)
    return PlainText(target, plain.encoding, survey(target))


def _with_tabs(line: str) -> str:
    text = line.rstrip("\r\n")
    parts = re.sub(r'"[^"]*"|[ \t]+', lambda m: m[0] if m[0][0] == '"' else "\t", text.strip(" \t"))
    return parts + line[len(text) :]


def _with_doubled_quotes(line: str) -> str:
    return re.sub(r'\\(["\\])', lambda m: '""' if m[1] == '"' else m[1], line)


def _delimiter(path: Path, file_format: FileFormat, wanted: Sequence[str]) -> str:
    """Return the delimiter that gives the wanted names, or as many fields as there are names."""

    def merit(delimiter: str) -> tuple[int, int]:
        first = next(records.records(path, delimiter), None)
        fields = (first.fields if first else None) or []
        if file_format.names is not None:
            return int(len(fields) == len(file_format.names)), len(fields)
        plain = {field.strip().casefold() for field in fields}
        return sum(name.strip().casefold() in plain for name in wanted), len(fields)

    return max(_DELIMITERS, key=merit)


def line_reading(plain: PlainText, scratch: Path) -> Reading:
    """Return the reading of a text file whose lines stand as they are in a column `line`."""
    reading = FastText(plain, ["line"], None, False, scratch)
    return reading.carefully() if plain.survey.peculiarity else reading


def json_reading(plain: PlainText, wanted: Sequence[str] | None, scratch: Path) -> Reading:
    """Return the reading of a file of JSON objects; `wanted` may name nested keys.

    Where the objects do not stand one a line, an object counts as a line.

    Raises:
        FileRefusedError: it holds no JSON object.
    """
    objects = one_object_a_line(plain, wanted, scratch)
    keys, inside = _keys(objects.path, wanted or [])
    if not keys and not objects.path.stat().st_size:
        # An empty list is a file without rows, as one is that has a header alone.
        keys = dict.fromkeys(wanted or [])
    if not keys:
        raise FileRefusedError(
            "it holds no JSON object: no line of it is one, nor is it an array of them"
        )
    alike = {key.strip().casefold() for key in keys}
    unseen = [name for name in wanted or [] if name.strip().casefold() not in alike]
    # A key may be absent from any line, so also from all lines that were looked at.
    strange = {name for name in unseen if name.split(".")[0] not in keys}
    nested = [key for name in inside for key in inside[name] if key not in unseen]
    pointers = [pointer([key]) for key in keys]
    pointers += [pointer([name] if name in strange else name.split(".")) for name in unseen]
    pointers += [pointer(name.split(".")) for name in nested]
    names, absent = [*keys, *unseen, *nested], frozenset(strange | inside.keys())
    reading = FastText(objects, names, None, False, scratch, pointers, absent)
    return reading.carefully() if objects.survey.peculiarity else reading


def _keys(path: Path, wanted: Sequence[str]) -> tuple[dict[str, None], dict[str, list[str]]]:
    """Return the keys of the objects of the first lines, and of each nested key that is wanted and
    in none of them, those that stand in its place."""
    keys: dict[str, None] = {}
    unseen: dict[str, list[str]] = {name: [] for name in wanted if "." in name}
    for document in documents(path):
        keys.update(dict.fromkeys(document))
        for name, others in list(unseen.items()):
            beside = keys_beside(document, name)
            if beside is None:
                del unseen[name]
            elif not others:
                others.extend(beside)
    return keys, {name: others for name, others in unseen.items() if others and name not in keys}


def _json_scan(lines: str, pointers: Sequence[str]) -> str:
    """Return a SELECT of the values at some JSON pointers, from one of JSON lines in `_c0`."""
    listed = ", ".join(literal(pointer) for pointer in pointers)
    return (
        "select * replace (coalesce(_fault, case when not json_valid(_c0) then 'not JSON' "
        "when json_type(_c0) <> 'OBJECT' then 'not a JSON object' end) as _fault), "
        f"case when json_valid(_c0) then json_extract_string(_c0, [{listed}]) end as _values "
        f"from ({lines}) where _c0 is not null or _fault is not null"
    )


def _json_fields(pointers: Sequence[str]) -> list[str]:
    return [f"nullif(_values[{i}], '')" for i in range(1, len(pointers) + 1)]


def _write_lines(path: Path, target: Path) -> int:
    rows = (
        (line.number, line.text, line.fault, [None if line.fault else line.text])
        for line in records.lines(path)
        if line.text
    )
    return write_rows(rows, target, 1)


def _write_records(path: Path, target: Path, delimiter: str, width: int, header: bool) -> int:
    found = records.records(path, delimiter, width)
    if header:
        next(found)
    nothing: list[str | None] = [None] * width
    rows = ((record.line, record.raw, record.fault, record.fields or nothing) for record in found)
    return write_rows(rows, target, width)


def write_rows(
    rows: Iterable[tuple[int, str, str | None, Sequence[str | None]]], target: Path, width: int
) -> int:
    """Write rows as Parquet in batches; return how many they are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.string()
    schema = pa.schema(
        [("_row", pa.int64()), ("_raw", text), ("_fault", text)]
        + [(f"_c{i}", text) for i in range(width)]
    )
    total = 0
    iterator = iter(rows)
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        while batch := list(itertools.islice(iterator, _BATCH)):
            columns: list[Sequence[Any]] = [
                [row for row, *_ in batch],
                [bounded(raw) for _, raw, *_ in batch],
                [fault for _, _, fault, _ in batch],
            ]
            columns += [[fields[i] or None for *_, fields in batch] for i in range(width)]
            arrays = [
                pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            total += len(batch)
    return total
