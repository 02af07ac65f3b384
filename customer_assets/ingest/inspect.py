"""A dry look at a file that somebody wants to bring: what is in it, and a draft of its source.

Guesses only, for a person to correct: nothing is loaded, and nothing here decides how a file is
read once its source is configured.
"""

import datetime as dt
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from customer_assets.ingest import records
from customer_assets.ingest.plain import plain_text
from customer_assets.ingest.readers import open_file
from customer_assets.ingest.reading import Reading
from customer_assets.ingest.times import TimeFormat
from customer_assets.sources import FileFormat

_ROWS = 100_000
_FEW_ROWS = 500
_MOST_EVENT_NAMES = 50
_FEW_EVENT_NAMES = 12
_TIME_FORMATS = [
    "iso",
    "epoch_seconds",
    "epoch_milliseconds",
    "epoch_microseconds",
    "%m/%d/%y %H:%M",
    "%d/%m/%y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%Y%m%d",
    "%Y%m%d%H%M%S",
]
# A stamp outside of these years was read in the wrong format.
_PLAUSIBLE = (dt.datetime(1990, 1, 1), dt.datetime(2100, 1, 1))
# What the canonical columns tend to be called; blanks and underscores left out, lower case.
_USUAL_NAMES = {
    "event_type": r"eventtype|event|eventname|action|behaviou?r(type)?|activity|what",
    "customer_id": r"(customer|user|client|visitor|member|account|buyer)(id|no|number|key)?|who",
    "item_name": r"description|(item|product)(name|title)|title",
    "item_id": r"(item|product|sku|stock|goods|article)(id|code|no|number)?",
    "category_id": r"(item|product)?category(id|code)?|cat(id)?",
    "order_id": r"(invoice|order|transaction|basket|receipt)(id|no|number)?",
    "quantity": r"quantity|qty|units|pieces|items|n",
    "unit_price": r"(unit|item)?price",
    "value": r"value|revenue|amount|total|sales|turnover",
    "sequence": r"sequence|seq|eventno|offset",
}
_TIME_NAME = re.compile(r"time|date|stamp|_at$|^at$|^ts$")
_PURCHASE = re.compile(r"buy|purchase|order|checkout|paid", re.IGNORECASE)
_VIEW = re.compile(r"pv|.*view.*", re.IGNORECASE)


@dataclass(frozen=True)
class ColumnLook:
    """A column of the first rows: the narrowest type that holds it, and its share of nulls."""

    name: str
    type: str
    null_share: float
    example: str | None


@dataclass(frozen=True)
class Draft:
    """What the first rows of a file show, and the settings of an EventLog that fit them.

    `days` are the first and the last day that was seen, `event_names` the rows of each event
    type. `questions` says what only a person can answer.
    """

    file: str
    rows: int
    columns: Sequence[ColumnLook]
    days: tuple[dt.date, dt.date]
    event_names: Mapping[str, int]
    settings: Mapping[str, Any]
    questions: Sequence[str]


class InspectError(Exception):
    """A file of which no draft can be made; the text says why."""


def inspect(path: Path) -> Draft:
    """Look at the first rows of a file and draft the settings of a source for it.

    Raises:
        InspectError: no column of the file holds times.
        FileRefusedError: it is no readable text or Parquet file.
        OSError: it cannot be read.
    """
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection:
        settings = _format(path, Path(scratch))
        file_format = FileFormat.model_validate(settings)
        reading = open_file(connection, path, file_format, [], Path(scratch))
        names = list(reading.names)
        _take_first_rows(connection, reading)
        looks = [_look(connection, i, name) for i, name in enumerate(names)]
        time = _time_column(connection, names)
        if time is None:
            raise InspectError(
                f"{path.name}: no column holds times in a format known here "
                f"({', '.join(_TIME_FORMATS)}); its columns are {', '.join(names)}"
            )
        position, time_format = time
        mapped = _mapped(looks, position)
        if "names" in settings and (few := _column_of_few_values(connection, looks)) is not None:
            mapped["event_type"] = few
        event_names = _event_names(connection, mapped)
        first, last = _days(connection, position, time_format)
        rows = connection.execute("select count(*) from first_rows").fetchone() or (0,)
    # Only what differs from the defaults is worth a line.
    if reading.encoding != "latin-1":
        settings.pop("encodings", None)
    return Draft(
        path.name,
        rows[0],
        looks,
        (first, last),
        event_names,
        _settings(path, settings, looks, mapped, names[position], time_format, first, event_names),
        _questions(time_format, event_names, first, last),
    )


def draft_yaml(draft: Draft) -> str:
    """Return the text of a defs.yaml for a draft, with what was seen as comments."""
    import yaml

    document = {"type": "customer_assets.EventLog", "attributes": dict(draft.settings)}
    seen = [f"Drafted from the first {draft.rows:,} rows of {draft.file}. To be checked:"]
    seen += [f"- {question}" for question in draft.questions]
    seen.append("Columns:")
    seen += [
        f"- {look.name}: {look.type}, {look.null_share:.1%} empty, for example {look.example!r}"
        for look in draft.columns
    ]
    if draft.event_names:
        seen.append("Event types and their rows:")
        seen += [f"- {name}: {rows:,}" for name, rows in draft.event_names.items()]
    comments = "\n".join(f"# {line}" for text in seen for line in text.splitlines())
    return f"{comments}\n" + yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _format(path: Path, scratch: Path) -> dict[str, Any]:
    """Return the format settings that a file needs: of a CSV file, whether it has a header."""
    settings: dict[str, Any] = {"encodings": ["utf-8", "latin-1"]}
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    is_json = re.search(r"\.(jsonl|ndjson|json)(\.|$)", path.name.lower()) is not None
    if is_parquet or is_json:
        return {}
    plain = plain_text(path, settings["encodings"], scratch)
    first = next(records.records(plain.path, "\x01"), None)
    # A header has names only: a line with a number or a date of its own is a row.
    fields = re.split(r"[,;\t|]", first.raw) if first else []
    if any(re.fullmatch(r'"?[+-]?\d[\d .:/T-]*"?', field.strip()) for field in fields):
        settings["names"] = [f"column_{i}" for i in range(1, len(fields) + 1)]
    return settings


def _take_first_rows(connection: duckdb.DuckDBPyConnection, reading: Reading) -> None:
    columns = ", ".join(f"{field} as v{i}" for i, field in enumerate(reading.fields))
    connection.execute(
        f"create temp table first_rows as select {columns} from ({reading.unchecked_scan}) "
        f"where _fault is null limit {_ROWS}"
    )


def _look(connection: duckdb.DuckDBPyConnection, position: int, name: str) -> ColumnLook:
    value = f"v{position}"
    number = f"try_cast({value} as double)"
    found = connection.execute(
        f"select count(*), count({value}), any_value({value}), "
        f"count({number}), count(*) filter ({number} = trunc({number})) from first_rows"
    ).fetchone()
    assert found is not None
    rows, filled, example, numbers, whole = found
    kind = "varchar"
    if filled and numbers == filled:
        kind = "bigint" if whole == filled else "decimal"
    shown = None if example is None else str(example)[:60]
    return ColumnLook(name, kind, 1 - filled / rows if rows else 1.0, shown)


def _time_column(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str]
) -> tuple[int, TimeFormat] | None:
    """Return the column and the format in which most rows are plausible times."""
    candidates = [(i, TimeFormat(name)) for i in range(len(names)) for name in _TIME_FORMATS]
    # A few rows rule most of them out; telling month from day takes all.
    for relation in (f"(from first_rows limit {_FEW_ROWS})", "first_rows"):
        shares = _plausible_shares(connection, relation, candidates)
        candidates = [each for each, share in zip(candidates, shares, strict=True) if share > 0.5]
        if not candidates:
            return None
    merits = [share for share in shares if share > 0.5]
    named = [bool(_TIME_NAME.search(names[position].lower())) for position, _ in candidates]
    best = max(range(len(candidates)), key=lambda i: (named[i], merits[i], -i))
    return candidates[best]


def _plausible_shares(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    candidates: Sequence[tuple[int, TimeFormat]],
) -> list[float]:
    first, last = (int(day.replace(tzinfo=dt.UTC).timestamp()) * 1_000_000 for day in _PLAUSIBLE)
    counts = ", ".join(
        f"count(*) filter ({time_format.microseconds(f'v{i}')} between {first} and {last})"
        for i, time_format in candidates
    )
    found = connection.execute(f"select {counts}, count(*) from {relation}").fetchone()
    assert found is not None
    *plausible, rows = found
    return [count / max(rows, 1) for count in plausible]


def _mapped(looks: Sequence[ColumnLook], time: int) -> dict[str, int]:
    """Return which column may be which canonical one, by what it is called."""
    mapped: dict[str, int] = {}
    for canonical, usual in _USUAL_NAMES.items():
        for position, look in enumerate(looks):
            plain = re.sub(r"[\s_.-]", "", look.name).lower()
            if position != time and position not in mapped.values() and re.fullmatch(usual, plain):
                mapped[canonical] = position
                break
    if "customer_id" not in mapped:
        others = [i for i in range(len(looks)) if i != time and i not in mapped.values()]
        mapped["customer_id"] = others[0] if others else time
    return mapped


def _column_of_few_values(
    connection: duckdb.DuckDBPyConnection, looks: Sequence[ColumnLook]
) -> int | None:
    """Return the text column that may name event types where no column has a name."""
    for position, look in enumerate(looks):
        if look.type == "varchar":
            distinct = connection.execute(f"select count(distinct v{position}) from first_rows")
            if 0 < (distinct.fetchone() or (0,))[0] <= _FEW_EVENT_NAMES:
                return position
    return None


def _event_names(
    connection: duckdb.DuckDBPyConnection, mapped: Mapping[str, int]
) -> dict[str, int]:
    if "event_type" not in mapped:
        return {}
    value = f"v{mapped['event_type']}"
    found = connection.execute(
        f"select {value}, count(*) from first_rows where {value} is not null "
        f"group by all order by count(*) desc, {value} limit {_MOST_EVENT_NAMES}"
    ).fetchall()
    return dict(found)


def _days(
    connection: duckdb.DuckDBPyConnection, position: int, time_format: TimeFormat
) -> tuple[dt.date, dt.date]:
    first, last = (f"timestamp '{moment}'" for moment in _PLAUSIBLE)
    stamp = time_format.microseconds(f"v{position}")
    found = connection.execute(
        "select min(moment)::date, max(moment)::date "
        f"from (select make_timestamp({stamp}) as moment from first_rows) "
        f"where moment between {first} and {last}"
    ).fetchone()
    assert found is not None
    return found


def _settings(
    path: Path,
    file_format: dict[str, Any],
    looks: Sequence[ColumnLook],
    mapped: Mapping[str, int],
    time_name: str,
    time_format: TimeFormat,
    first: dt.date,
    event_names: Mapping[str, int],
) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for canonical in ("customer_id", "event_at", *_USUAL_NAMES):
        if canonical == "event_at":
            columns[canonical] = {"from": time_name, "format": time_format.name}
        elif canonical in mapped and canonical not in columns:
            look = looks[mapped[canonical]]
            is_number = canonical.endswith("_id") and look.type == "bigint"
            columns[canonical] = {"from": look.name, "type": "bigint"} if is_number else look.name
    used = {look.name for look in (looks[i] for i in mapped.values())} | {time_name}
    attributes = {
        _identifier(look.name): look.name
        if look.type == "varchar"
        else {"from": look.name, "type": look.type}
        for look in looks
        if look.name not in used and _identifier(look.name)
    }
    suffix = "".join(path.suffixes[-2:]) if path.suffix in (".gz", ".zst") else path.suffix
    settings: dict[str, Any] = {"files": f"*{suffix}"}
    if file_format:
        settings["format"] = dict(file_format)
    settings["columns"] = columns
    if attributes:
        settings["attributes"] = attributes
    for setting, pattern in (("purchase_event", _PURCHASE), ("view_event", _VIEW)):
        likely = [name for name in event_names if pattern.fullmatch(name)]
        settings[setting] = likely[0] if likely else None
    settings |= {"timezone": "UTC", "first_day": first.isoformat()}
    return settings


def _identifier(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return plain if re.fullmatch(r"[a-z][a-z0-9_]{0,62}", plain) else ""


def _questions(
    time_format: TimeFormat, event_names: Mapping[str, int], first: dt.date, last: dt.date
) -> list[str]:
    questions = [
        f"days {first} to {last} were seen; set first_day, and last_day if the log is closed",
        "timezone is a guess: name the zone of the business, for example Europe/London",
    ]
    if "%d" in time_format.name and "%m" in time_format.name:
        questions.append(f"times are read as {time_format.name}: is that day and month in order?")
    if event_names:
        questions.append("event_names may rename event types; purchase_event must be one of them")
    else:
        questions.append("no column tells event types apart: set default_event_type")
    return questions
