"""A dry look at a file that somebody wants to bring: what is in it, and a draft of its source.

Guesses only, for a person to correct: nothing is loaded, and nothing here decides how a file is
read once its source is configured.
"""

import datetime as dt
import re
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from customer_assets.ingest import records
from customer_assets.ingest.amounts import amount_sql
from customer_assets.ingest.plain import plain_text
from customer_assets.ingest.readers import open_file
from customer_assets.ingest.reading import Reading
from customer_assets.ingest.times import TimeFormat, time_formats
from customer_assets.sources import CANONICAL_COLUMNS, FileFormat
from customer_assets.warehouse.connection import connect

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
    "customer_id": r"(customer|user|client|visitor|member|account|buyer|household)"
    r"(id|no|number|key|uniqueid)?|who|email|uid|(distinct|person|anonymous|userpseudo|fullvisitor)id",
    "item_name": r"description|(line)?(item|product)(name|title)|title",
    "item_id": r"(line)?(item|product|sku|stock|goods|article)(id|code|no|number|sku)?",
    "category_id": r"(item|product)?category(id|code)?|cat(id)?",
    "order_id": r"(invoice|order|transaction|basket|receipt)(id|no|number)?",
    "quantity": r"(line)?(item)?(quantity|qty|units|pieces)|items|n",
    "unit_price": r"(unit|lineitem|item)?price",
    "value": r"value|revenue|amount|total|sales|turnover",
    "sequence": r"sequence|seq|eventno|offset",
}
# Looked for where no column has one of the usual names: names within names.
_NAMES_WITHIN = {
    "customer_id": r"(customer|user|client|visitor|member|buyer|shopper).*(id|no|key|number)$",
    "item_id": r"(item|product|sku|article).*(id|code|no|number)$",
    "order_id": r"(invoice|order|transaction|basket|receipt).*(id|no|number)$",
    "quantity": r"quantity|qty",
    "value": r"revenue|amount|sales.*value|(order|total|gross|net|sales).*(total|price|value|sum)$",
}
_AMOUNTS = ("quantity", "unit_price", "value")
_ORDER_COLUMNS = {"order_id", *_AMOUNTS}
_TIME_NAME = re.compile(r"time|date|stamp|created|_at$| at$|^at$|^ts$")
_LIST = re.compile(r"\s*\[.*\]\s*|[^|;,\s]+([|;,][^|;,\s]+){2,}")
_PURCHASE = re.compile(
    r"buy|purchased?|(order|checkout)[ _]?(completed|placed|paid)?|paid|transaction", re.IGNORECASE
)
_CART = re.compile(r"(?!.*remove).*(cart|basket).*", re.IGNORECASE)
_VIEW = re.compile(r"pv|.*view.*|page", re.IGNORECASE)
# Rows up to which whole copies are counted.
_MOST_COMPARED_ROWS = 5_000_000


@dataclass(frozen=True)
class ColumnLook:
    """A column of the first rows: the narrowest type that holds it, and its share of nulls.

    `decimal` is the sign before the decimals, where an amount needs it said.
    """

    name: str
    type: str
    null_share: float
    example: str | None
    decimal: str | None = None


@dataclass(frozen=True)
class Doubt:
    """What only a person can say: which setting, why, and whether nothing can be read without."""

    setting: str
    why: str
    is_blocking: bool = False


@dataclass(frozen=True)
class Draft:
    """What some files of one kind show, and the settings of an EventLog that fit them.

    `rows`, `days` (the first and the last) and `event_names` (with their rows) are of the whole
    files; `columns` of their first rows. `guesses` says what was taken to be what, `doubts` what
    only a person can answer.
    """

    files: Sequence[str]
    rows: int
    columns: Sequence[ColumnLook]
    days: tuple[dt.date, dt.date]
    event_names: Mapping[str, int]
    settings: Mapping[str, Any]
    guesses: Sequence[str]
    doubts: Sequence[Doubt]


class InspectError(Exception):
    """A file of which no draft can be made; the text says why."""


def inspect(files: Path | Sequence[Path], said: Mapping[str, str] | None = None) -> Draft:
    """Look at files of one kind, at all of their rows, and draft the settings of a source.

    `said` is what a person answered: a column by the canonical name (`customer_id`, `event_at`
    ...), or `timezone`, `time_format`, `purchase_event`, `view_event`, `currency`.

    Raises:
        InspectError: no column holds times, or a column that was said is not there.
        FileRefusedError: a file is no readable one.
        OSError: a file cannot be read.
    """
    paths = [files] if isinstance(files, Path) else list(files)
    said = dict(said or {})
    with tempfile.TemporaryDirectory() as folder, connect([Path(folder), *paths]) as connection:
        readings = [
            _opened(connection, each, Path(folder) / str(n)) for n, each in enumerate(paths)
        ]
        file_format, reading = readings[0]
        names = list(reading.names)
        _take_first_rows(connection, reading)
        looks = [_look(connection, i, name) for i, name in enumerate(names)]
        time, time_format, is_ambiguous = _time(connection, paths[0], names, said)
        mapped = _mapped(looks, time, said)
        if "names" in file_format and (few := _column_of_few_values(connection, looks)) is not None:
            mapped.setdefault("event_type", few)
        is_customer_known = "customer_id" in mapped
        others = [i for i in range(len(looks)) if i != time and i not in mapped.values()]
        mapped.setdefault("customer_id", others[0] if others else time)
        facts = _Facts()
        for path, (_, each) in zip(paths, readings, strict=True):
            if list(each.names) != names:
                raise InspectError(
                    f"{path.name} has other columns than {paths[0].name}: bring files of one kind, "
                    "and state those of another under `kinds`"
                )
            facts.add(connection, each, mapped, time, time_format)
    if facts.first is None or facts.last is None:
        raise InspectError(f"{paths[0].name}: no row has a time between 1990 and 2100")
    # Only what differs from the defaults is worth a line.
    if reading.encoding != "latin-1":
        file_format.pop("encodings", None)
    time_column = {"from": names[time], "format": time_format.name}
    settings = _settings(paths, file_format, looks, mapped, time_column, facts, said)
    return Draft(
        [each.name for each in paths],
        facts.rows,
        looks,
        (facts.first, facts.last),
        dict(facts.event_names.most_common(_MOST_EVENT_NAMES)),
        settings,
        _guesses(settings, said),
        _doubts(looks, mapped, is_customer_known, is_ambiguous, facts, settings, said),
    )


def _opened(
    connection: duckdb.DuckDBPyConnection, path: Path, scratch: Path
) -> tuple[dict[str, Any], Reading]:
    scratch.mkdir()
    file_format = _format(path, scratch)
    return file_format, open_file(
        connection, path, FileFormat.model_validate(file_format), None, scratch
    )


@dataclass
class _Facts:
    """What one scan of every file says of the whole log."""

    rows: int = 0
    n_without_customer: int = 0
    n_copies: int = 0
    first: dt.date | None = None
    last: dt.date | None = None
    event_names: Counter[str] = field(default_factory=Counter)

    def add(
        self,
        connection: duckdb.DuckDBPyConnection,
        reading: Reading,
        mapped: Mapping[str, int],
        time: int,
        time_format: TimeFormat,
    ) -> None:
        low, high = (f"timestamp '{moment}'" for moment in _PLAUSIBLE)
        asked = {"t": time, "e": mapped.get("event_type"), "c": mapped.get("customer_id")}
        columns = ", ".join(
            f"{'null::varchar' if at is None else reading.fields[at]} as {name}"
            for name, at in asked.items()
        )
        stamp = f"make_timestamp({time_format.microseconds('t')})"
        rows = f"({reading.unchecked_scan}) where _fault is null"
        found = connection.execute(
            "select e, count(*), count(*) - count(c), "
            f"min(s) filter (s between {low} and {high})::date, "
            f"max(s) filter (s between {low} and {high})::date "
            f"from (select *, {stamp} as s from (select {columns} from {rows})) group by e"
        ).fetchall()
        for name, n_rows, n_without, first, last in found:
            self.rows += n_rows
            self.n_without_customer += n_without
            if name is not None:
                self.event_names[name] += n_rows
            if first is not None:
                self.first = min(first, self.first or first)
                self.last = max(last, self.last or last)
        if self.rows <= _MOST_COMPARED_ROWS:
            every = ", ".join(reading.fields)
            ((copies,),) = connection.execute(
                f"select count(*) - count(distinct hash({every})) from {rows}"
            ).fetchall()
            self.n_copies += copies


def draft_yaml(draft: Draft, schema: str | None = None) -> str:
    """Return the text of a defs.yaml for a draft, with what was seen as comments.

    `schema` is where an editor finds the schema of the file.
    """
    import yaml

    document = {"type": "customer_assets.EventLog", "attributes": dict(draft.settings)}
    first, last = draft.days
    seen = [f"yaml-language-server: $schema={schema}"] if schema else []
    seen += [
        f"Drafted from the {draft.rows:,} rows of {', '.join(draft.files)}, {first} to {last}.",
        "Guessed:",
        *(f"- {guess}" for guess in draft.guesses),
        "To be checked:",
        *(f"- {doubt.setting}: {doubt.why}" for doubt in draft.doubts),
        "Columns of the first rows:",
    ]
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
        f"count({number}), count(*) filter ({number} = trunc({number})), "
        f"count(*) filter (regexp_matches({value}, '^0\\d')) from first_rows"
    ).fetchone()
    assert found is not None
    rows, filled, example, numbers, whole, padded = found
    kind, decimal = "varchar", None
    # 0100000001 is a code: as a number it would lose its zeros.
    if filled and numbers == filled and not padded:
        kind = "bigint" if whole == filled else "decimal"
    elif filled and not padded:
        decimal = _decimal_sign(connection, value)
        kind = "decimal" if decimal else "varchar"
    shown = None if example is None else str(example)[:60]
    return ColumnLook(name, kind, 1 - filled / rows if rows else 1.0, shown, decimal)


def _decimal_sign(connection: duckdb.DuckDBPyConnection, value: str) -> str | None:
    """Return the sign before the decimals with which the texts of a column are amounts."""
    # Names and codes are told from amounts by a few rows.
    found = connection.execute(
        f"select count(*) filter ({amount_sql(value, '.', None)} is null), "
        f"count(*) filter ({amount_sql(value, ',', None)} is null), "
        f"count(*) filter (regexp_matches({value}, ',\\d\\d?$')) "
        f"from (from first_rows where {value} is not null limit {_FEW_ROWS})"
    ).fetchone()
    assert found is not None
    by_point, by_comma, decimal_commas = found
    if decimal_commas and not by_comma:
        return ","
    return None if by_point else "."


def _time(
    connection: duckdb.DuckDBPyConnection, path: Path, names: Sequence[str], said: Mapping[str, str]
) -> tuple[int, TimeFormat, bool]:
    """Return the column and the format in which most rows are plausible times.

    And whether the same format with day and month the other way reads as many.
    """
    positions = [_position(names, said["event_at"])] if "event_at" in said else range(len(names))
    formats = time_formats([said["time_format"]] if "time_format" in said else _TIME_FORMATS)
    candidates = [(i, each) for i in positions for each in formats]
    merits: list[float] = []
    # A few rows rule most of them out; telling month from day takes all.
    for relation in (f"(from first_rows limit {_FEW_ROWS})", "first_rows"):
        shares = _plausible_shares(connection, relation, candidates)
        candidates = [each for each, share in zip(candidates, shares, strict=True) if share > 0.5]
        merits = [share for share in shares if share > 0.5]
        if not candidates:
            raise InspectError(
                f"{path.name}: no column holds times in a format known here "
                f"({', '.join(each.name for each in formats)}); "
                + (
                    f"it is read as one column, {names[0]!r}: what separates its columns?"
                    if len(names) == 1
                    else f"its columns are {', '.join(names)}"
                )
            )
    named = [bool(_TIME_NAME.search(names[position].lower())) for position, _ in candidates]
    best = max(range(len(candidates)), key=lambda i: (named[i], merits[i], -i))
    position, time_format = candidates[best]
    twin = time_format.name.replace("%m/%d", "%d/%m")
    rivals = [
        merit
        for merit, (at, each) in zip(merits, candidates, strict=True)
        if at == position and each.name == twin != time_format.name
    ]
    return position, time_format, rivals == [merits[best]]


def _position(names: Sequence[str], said: str) -> int:
    if said not in names:
        raise InspectError(f"no column is named {said!r}; the columns are {', '.join(names)}")
    return names.index(said)


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


def _mapped(looks: Sequence[ColumnLook], time: int, said: Mapping[str, str]) -> dict[str, int]:
    """Return which column may be which canonical one: as said, or by what it is called."""
    names = [look.name for look in looks]
    mapped = {name: _position(names, said[name]) for name in _USUAL_NAMES if name in said}
    for matches, patterns in ((re.fullmatch, _USUAL_NAMES), (re.search, _NAMES_WITHIN)):
        for canonical, usual in patterns.items():
            for position, look in enumerate(looks):
                plain = re.sub(r"[\s_.$-]", "", look.name).lower()
                is_free = position != time and position not in mapped.values()
                fits = canonical not in _AMOUNTS or look.type in ("bigint", "decimal")
                # What is empty in the first rows may still be an amount.
                fits = fits or look.null_share == 1
                if canonical not in mapped and is_free and fits and matches(usual, plain):
                    mapped[canonical] = position
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


def _settings(
    paths: Sequence[Path],
    file_format: dict[str, Any],
    looks: Sequence[ColumnLook],
    mapped: Mapping[str, int],
    time_column: Mapping[str, str],
    facts: _Facts,
    said: Mapping[str, str],
) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for canonical in ("customer_id", "event_at", *_USUAL_NAMES):
        if canonical == "event_at":
            columns[canonical] = dict(time_column)
        elif canonical in mapped and canonical not in columns:
            look = looks[mapped[canonical]]
            columns[canonical] = look.name
            if canonical.endswith("_id") and look.type == "bigint":
                columns[canonical] = {"from": look.name, "type": "bigint"}
            elif canonical in _AMOUNTS and look.decimal:
                columns[canonical] = {"from": look.name, "decimal": look.decimal}
    used = {looks[i].name for i in mapped.values()} | {time_column["from"]}
    attributes: dict[str, Any] = {}
    for look in looks:
        name = _identifier(look.name)
        if look.name not in used and name and name not in CANONICAL_COLUMNS:
            typed = {"from": look.name, "type": look.type}
            typed |= {"decimal": look.decimal} if look.decimal else {}
            attributes[name] = look.name if look.type == "varchar" else typed
    patterns = list(dict.fromkeys(f"*{_suffix(path)}" for path in paths))
    settings: dict[str, Any] = {"files": patterns[0] if len(patterns) == 1 else patterns}
    if file_format:
        settings["format"] = dict(file_format)
    settings["columns"] = columns
    if attributes:
        settings["attributes"] = attributes
    settings |= _meanings(mapped, facts, said)
    settings["timezone"] = said.get("timezone", "UTC")
    if "currency" in said:
        settings["currency"] = said["currency"]
    return settings | {"first_day": str(facts.first), "last_day": str(facts.last)}


def _suffix(path: Path) -> str:
    packed = path.suffix in (".gz", ".zst", ".zip")
    return "".join(path.suffixes[-2:]) if packed else path.suffix


def _meanings(mapped: Mapping[str, int], facts: _Facts, said: Mapping[str, str]) -> dict[str, Any]:
    """Return which event type means what. An order log has one kind of row: a purchase."""
    if not facts.event_names and _ORDER_COLUMNS & mapped.keys():
        event = said.get("purchase_event", "purchase")
        return {"default_event_type": event, "purchase_event": event, "view_event": None}
    # The more frequent name is likelier meant.
    names = [name for name, _ in facts.event_names.most_common()]

    def likely(setting: str, pattern: re.Pattern[str]) -> str | None:
        return said.get(setting) or next((n for n in names if pattern.fullmatch(n)), None)

    purchase, view = likely("purchase_event", _PURCHASE), likely("view_event", _VIEW)
    settings: dict[str, Any] = {"purchase_event": purchase, "view_event": view}
    steps = [step for step in (view, likely("cart_event", _CART), purchase) if step]
    if len(steps) > 1:
        settings["funnels"] = {"purchase": {"steps": steps, "window": "7 days"}}
    return settings


def _identifier(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return plain if re.fullmatch(r"[a-z][a-z0-9_]{0,62}", plain) else ""


def _guesses(settings: Mapping[str, Any], said: Mapping[str, str]) -> list[str]:
    guesses = []
    for name, column in settings["columns"].items():
        if name not in said:
            landed = column["from"] if isinstance(column, dict) else column
            how = f", read as {column['format']}" if name == "event_at" else ""
            guesses.append(f"{name} is the column {landed!r}{how}")
    if "default_event_type" in settings:
        guesses.append(
            "no column tells kinds of event apart, and there are columns of orders: every row is a "
            f"{settings['default_event_type']} (default_event_type)"
        )
    else:
        for name in ("purchase_event", "view_event"):
            if name not in said and settings[name]:
                guesses.append(f"{name} is {settings[name]!r}")
    last = settings["last_day"]
    return [
        *guesses,
        f"the log is closed, its last_day is {last}; without one it is refreshed daily",
    ]


def _doubts(
    looks: Sequence[ColumnLook],
    mapped: Mapping[str, int],
    is_customer_known: bool,
    is_ambiguous: bool,
    facts: _Facts,
    settings: Mapping[str, Any],
    said: Mapping[str, str],
) -> list[Doubt]:
    doubts = []
    if not is_customer_known:
        names = ", ".join(look.name for look in looks)
        why = f"no column is called as a customer's is; which one says who? There are {names}"
        doubts.append(Doubt("customer_id", why, is_blocking=True))
    elif (share := facts.n_without_customer / max(facts.rows, 1)) >= 0.1:
        name = looks[mapped["customer_id"]].name
        why = f"{name!r} is empty in {share:.0%} of the rows, which are then in no customer table"
        doubts.append(Doubt("customer_id", why))
    if is_ambiguous and "time_format" not in said:
        read = settings["columns"]["event_at"]["format"]
        why = f"{read} reads every row, and so does day and month the other way; which is it?"
        doubts.append(Doubt("time_format", why, is_blocking=True))
    if "timezone" not in said:
        doubts.append(Doubt("timezone", "UTC is a guess: name the business's, as Europe/London"))
    if not settings.get("purchase_event"):
        why = "no event type is called as a purchase is; without one there is no commerce"
        doubts.append(Doubt("purchase_event", why))
    if not facts.event_names and "default_event_type" not in settings:
        why = "no column tells kinds of event apart: name it, or set default_event_type"
        doubts.append(Doubt("event_type", why))
    if "unit_price" in mapped and not {"quantity", "value"} & mapped.keys():
        why = "there is a price but no quantity: nothing has a value. Where a row is of one item, "
        doubts.append(Doubt("quantity", f"{why}--value {looks[mapped['unit_price']].name}"))
    if facts.n_copies:
        why = f"{facts.n_copies:,} of {facts.rows:,} rows are copies of others, and are removed "
        doubts.append(Doubt("duplicates", why + "unless `duplicates: keep` is set"))
    for look in looks:
        if "status" in look.name.lower():
            why = f"{look.name!r} may say which rows count: a rule can reject the others"
            doubts.append(Doubt("rules", why))
        if look.type == "varchar" and look.example and _LIST.fullmatch(look.example):
            why = f"{look.name!r} holds lists ({look.example!r})"
            doubts.append(Doubt("rows.sql", why + "; sql/raw/<source>/rows.sql parts them"))
    return doubts
