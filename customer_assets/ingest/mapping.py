"""From text rows of a file to typed events, and to the reasons why a row is none: as SQL.

The configuration of a source and the columns that one file has go in; SELECT statements come out.
Nothing is read here. How a file becomes text rows is the business of `readers`.
"""

import datetime as dt
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from customer_assets.ingest.raw_tables import (
    MONEY,
    raw_event_columns,
    return_condition,
    rule_columns,
)
from customer_assets.ingest.rules import condition_sql, enabled
from customer_assets.ingest.times import LARGEST, TimeFormat
from customer_assets.ingest.zones import Zone
from customer_assets.sources import Column, EventLogSource, TimeColumn
from customer_assets.warehouse.quoting import literal, quoted

LATE_REASON = "dated after the file landed"
NO_TIME_REASON = "no time"
_TIME = "event_at"
_REQUIRED = ("customer_id", _TIME)


class MissingColumnsError(Exception):
    """A file lacks columns that the configuration maps, or has one twice."""

    def __init__(self, missing: Sequence[str], found: Sequence[str], repeated: Sequence[str]):
        self.missing = frozenset(missing)
        parts = []
        if missing:
            parts.append(f"it has no column {_listed(missing)}")
        if repeated:
            parts.append(f"it has more than one column {_listed(repeated)}")
        super().__init__(f"{' and '.join(parts)}; its columns are {_listed(found)}")


@dataclass(frozen=True)
class LandedColumn:
    """A column of the landed files: its configured name and the type that it is read as."""

    name: str
    type: str


def landed_columns(source: EventLogSource) -> dict[str, LandedColumn]:
    """Return the columns that the configuration maps, by the name they get in raw_events."""
    columns = source.columns
    numbers = {
        "quantity": "bigint",
        "unit_price": "decimal",
        "value": "decimal",
        "sequence": "bigint",
    }
    mapped: dict[str, LandedColumn] = {}
    for name in type(columns).model_fields:
        setting = getattr(columns, name)
        if isinstance(setting, TimeColumn):
            mapped[name] = LandedColumn(setting.from_, "time")
        elif isinstance(setting, Column):
            mapped[name] = LandedColumn(setting.from_, setting.type)
        elif setting is not None:
            mapped[name] = LandedColumn(setting, numbers.get(name, "varchar"))
    mapped[_TIME] = LandedColumn(mapped[_TIME].name, "time")
    for name, attribute in source.attributes.items():
        setting = (
            attribute
            if isinstance(attribute, Column)
            else Column.model_validate({"from": attribute})
        )
        mapped[name] = LandedColumn(setting.from_, setting.type)
    return mapped


def time_format_names(source: EventLogSource) -> list[str]:
    setting = source.columns.event_at
    return setting.formats() if isinstance(setting, TimeColumn) else ["iso"]


def time_bounds(source: EventLogSource, landed_us: int) -> tuple[int, int]:
    """Return the epoch microseconds, generously, between which a file's events may lie."""
    first, last = source.day_range()
    end = _midnight_us(last) if last else landed_us
    margin = 2 * 86_400_000_000
    return _midnight_us(first) - margin, end + margin


def find_columns(
    source: EventLogSource, names: Sequence[str], absent: Container[str] = ()
) -> tuple[dict[str, int], list[str]]:
    """Return, for each mapped column, where the file has it, and what was noticed.

    A name is looked for as it is written, then without regard to case and blanks. `absent` are
    names that no row of the file needs to have; only who and when must be there.

    Raises:
        MissingColumnsError: a mapped column is not there, or it is not clear which one it is.
    """
    positions: dict[str, int] = {}
    missing, repeated, notes = [], [], []
    for name, column in landed_columns(source).items():
        found = [i for i, other in enumerate(names) if other == column.name]
        if not found:
            found = [i for i, other in enumerate(names) if _plain(other) == _plain(column.name)]
            if len(found) == 1:
                notes.append(f"column {names[found[0]]!r} is read as {column.name!r}")
        if column.name in absent and name in _REQUIRED:
            missing.append(column.name)
        elif len(found) == 1:
            positions[name] = found[0]
            if column.name in absent:
                notes.append(f"no {column.name!r} was seen among the first rows")
        elif found:
            repeated.append(column.name)
        else:
            missing.append(column.name)
    if missing or repeated:
        raise MissingColumnsError(missing, names, repeated)
    return positions, notes


def _plain(name: str) -> str:
    return re.sub(r"\s+", "", name).casefold()


def _listed(names: Iterable[str]) -> str:
    shown = [repr(name[:80]) for name in names]
    return ", ".join(shown[:50]) + (" ..." if len(shown) > 50 else "")


@dataclass(frozen=True)
class EventMapping:
    """The SQL that makes events of one file's text rows.

    `fields` gives, for each mapped column, its SQL expression over a scan: text, null where
    empty. A scan is a SELECT with the columns `_row` (which row of the file, if known), `_fault`
    (why the reader could not read it, else null) and those that `fields` and `raw` name; `raw` is
    the row as it stands in the file. `landed_us` is when the file landed, in epoch microseconds.
    Names of passing columns start with an underscore, which no configured name does.
    """

    source: EventLogSource
    fields: Mapping[str, str]
    raw: str
    time_format: TimeFormat
    zone: Zone
    file: str
    landed_us: int

    def events(self, scan: str, piece: str) -> str:
        """Return a SELECT of raw_events with the column `piece`: the day, null if rejected.

        One pass must do for both, so rejected rows ride along in columns of the fitting types;
        `rejected` reads them.
        """
        riding = {
            "event_ts": "_row",
            "event_date": f"coalesce(event_date, {self._plain_date()})",
            "event_type": "_reason",
            "item_name": "_at_fault",
            "source_file": self.raw,
        }
        columns = []
        for name in map(quoted, raw_event_columns(self.source)):
            ridden = riding.get(name.strip('"'))
            value = f"case when _reason is null then {name} else {ridden} end" if ridden else name
            columns.append(f"{value} as {name}")
        return (
            f"select {', '.join(columns)}, "
            f"case when _reason is null then event_date end as {quoted(piece)} "
            f"from ({self._judged(scan)})"
        )

    def placed(self, scan: str) -> str:
        """Return a SELECT of raw_events with `_row` and `_raw`: where a row is, and its text."""
        columns = ", ".join(map(quoted, raw_event_columns(self.source)))
        return (
            f"select {columns}, _row, {self.raw} as _raw from ({self._judged(scan)}) "
            "where _reason is null"
        )

    @staticmethod
    def rejected(rejected: str) -> str:
        """Return a SELECT of the rows that `events` gave no piece, from a relation of them."""
        return (
            "select event_ts as row, item_name as column_name, event_type as reason, event_date, "
            f"source_file as raw_text from {rejected}"
        )

    def clock_changes(self, scan: str) -> str:
        """Return a SELECT of how many loaded local stamps occur twice, and do not exist."""
        repeated = self.zone.is_within("_stamp", gap=False)
        missing = self.zone.is_within("_stamp", gap=True)
        return (
            f"select count(*) filter ({repeated}), count(*) filter ({missing}) "
            f"from ({self._judged(scan)}) where _reason is null and not _is_instant"
        )

    def rounded_amounts(self, scan: str) -> str | None:
        """Return a SELECT of how many amounts have digits that are not kept; null: no money."""
        texts = {
            name: self.fields[name]
            for name, column in raw_event_columns(self.source).items()
            if column.type == MONEY and name in self.fields
        }
        if not texts:
            return None
        counts = " + ".join(
            f"count(*) filter ({_is_rounded(quoted(name), self._scale(name))})" for name in texts
        )
        columns = ", ".join(f"{sql} as {quoted(name)}" for name, sql in texts.items())
        return f"select {counts} from (select {columns} from ({scan}))"

    def _scale(self, name: str) -> int:
        return self.source.money_scale if name in ("unit_price", "value") else 1

    def _judged(self, scan: str) -> str:
        flags = "".join(
            f", coalesce(({condition_sql(rule, rule_columns(self.source))}), false) "
            f"as {quoted('is_' + rule.name)}"
            for rule in enabled(self.source.rules, "flag")
        )
        return (
            f"select *, {self._reason()} as _reason, {self._at_fault()} as _at_fault{flags} "
            f"from ({self._classified(scan)})"
        )

    def _classified(self, scan: str) -> str:
        """Tell returns from purchases where the source says by what."""
        condition = return_condition(self.source)
        if condition is None:
            return self._dated(scan)
        purchase = literal(self.source.purchase_event)
        return (
            f"select * replace (case when event_type = {purchase} and ({condition}) "
            f"then {literal(self.source.return_event)} else event_type end as event_type) "
            f"from ({self._dated(scan)})"
        )

    def _dated(self, scan: str) -> str:
        """One row per text row: every column typed, null where its text cannot be."""
        first, last = time_bounds(self.source, self.landed_us)
        texts = ", ".join(f"{sql} as {quoted('_t_' + name)}" for name, sql in self.fields.items())
        time = quoted("_t_" + _TIME)
        stamped = (
            f"select *, {self.time_format.microseconds(time)} as _stamp, "
            f"{self.time_format.is_instant(time)} as _is_instant "
            f"from (select *, {texts} from ({scan}))"
        )
        utc = f"_stamp - {self.zone.offset_of_local('_stamp')}"
        if self.time_format.is_epoch:
            utc = "_stamp"
        elif self.time_format.name == "iso":
            utc = f"case when _is_instant then _stamp else {utc} end"
        elif self.time_format.is_instant(time) == "true":
            utc = "_stamp"
        # Beyond the source's days the zone's offsets are not known, and the row is rejected.
        instants = (
            f"select *, case when _stamp between {first} and {last} then {utc} end as event_ts "
            f"from ({stamped})"
        )
        local = (
            f"select *, make_timestamp(event_ts + {self.zone.offset_of_utc('event_ts')}) "
            f"as event_at from ({instants})"
        )
        return f"select *, event_at::date as event_date, {self._typed()} from ({local})"

    def _typed(self) -> str:
        done = {_TIME, "event_ts", "event_date", "value", "source_file"}
        flags = {f"is_{rule.name}" for rule in enabled(self.source.rules, "flag")}
        typed = []
        for name, column in raw_event_columns(self.source).items():
            if name in done or name in flags:
                continue
            typed.append(f"{self._expression(name, column.type)} as {quoted(name)}")
        typed.append(f"{self._value()} as {quoted('value')}")
        typed.append(f"{literal(self.file)} as source_file")
        return ", ".join(typed)

    def _expression(self, name: str, kind: str) -> str:
        text = quoted("_t_" + name)
        if name == "event_type":
            return self._event_type()
        if name not in self.fields:
            return f"null::{kind}"
        if name == "customer_id" and kind == "varchar":
            # A column of whole numbers with gaps comes out of many tools as 17850.0.
            return (
                f"case when ends_with({text}, '0') and contains({text}, '.') "
                f"then regexp_replace({text}, '^(-?\\d+)\\.0+$', '\\1') else {text} end"
            )
        if kind == MONEY:
            return _amount(text, self._scale(name))
        return _typed(text, kind)

    def _event_type(self) -> str:
        default = literal(self.source.default_event_type)
        if "event_type" not in self.fields:
            return default
        text = quoted("_t_event_type")
        if self.source.event_names:
            cases = " ".join(
                f"when {literal(landed)} then {literal(name)}"
                for landed, name in self.source.event_names.items()
            )
            text = f"case {text} {cases} else {text} end"
        return f"coalesce({text}, {default})"

    def _value(self) -> str:
        if "value" in self.fields:
            return _amount(quoted("_t_value"), self._scale("value"))
        if {"quantity", "unit_price"} <= self.fields.keys():
            quantity = _typed(quoted("_t_quantity"), "bigint")
            price = _amount(quoted("_t_unit_price"), self._scale("unit_price"))
            return f"try_cast({quantity} * {price} as {MONEY})"
        return f"null::{MONEY}"

    def _faults(self) -> list[tuple[str, str, str]]:
        """Return what makes a row rejected: condition, reason, column of the file; in order."""
        first, last = self.source.day_range()
        time = quoted("_t_" + _TIME)
        names = {name: column.name for name, column in landed_columns(self.source).items()}
        time_column = literal(names[_TIME])
        faults = [
            ("_fault is not null", "_fault", "null"),
            (f"{time} is null", literal(NO_TIME_REASON), time_column),
            (
                f"_stamp is null and lower(trim({time})) = lower({time_column})",
                literal("the header line repeated"),
                "null",
            ),
            (
                "_stamp is null",
                literal(f"not a time in the format {self.time_format.name}"),
                time_column,
            ),
            (
                f"event_date < date '{first}' or (event_date is null and "
                f"_stamp < {_midnight_us(first)})",
                literal(f"before the first day, {first}"),
                time_column,
            ),
        ]
        if last is not None:
            faults.append(
                (
                    f"event_date > date '{last}' or event_date is null",
                    literal(f"after the last day, {last}"),
                    time_column,
                )
            )
        faults.append(
            (
                f"event_ts > {self.landed_us} or event_ts is null",
                literal(LATE_REASON),
                time_column,
            )
        )
        columns = raw_event_columns(self.source)
        for name, column in columns.items():
            if name in self.fields and name != _TIME and column.type != "varchar":
                faults.append(
                    (
                        f"{quoted(name)} is null and {quoted('_t_' + name)} is not null",
                        literal(_WANTED[column.type]),
                        literal(names[name]),
                    )
                )
        if "value" not in self.fields and {"quantity", "unit_price"} <= self.fields.keys():
            faults.append(
                (
                    "value is null and quantity is not null and unit_price is not null",
                    literal("quantity x unit price is beyond 14 digits"),
                    literal(names["unit_price"]),
                )
            )
        for rule in enabled(self.source.rules, "reject"):
            condition = condition_sql(rule, rule_columns(self.source))
            faults.append((condition, literal(f"rule {rule.name}"), "null"))
        return faults

    def _reason(self) -> str:
        cases = " ".join(f"when {test} then {reason}" for test, reason, _ in self._faults())
        return f"case {cases} end"

    def _at_fault(self) -> str:
        cases = " ".join(f"when {test} then {column}" for test, _, column in self._faults())
        return f"case {cases} end"

    def _plain_date(self) -> str:
        """Return SQL for the day of a stamp that lies outside of the source's days."""
        stamp = f"case when _stamp between -{LARGEST} and {LARGEST} then _stamp end"
        return f"make_timestamp({stamp})::date"


# Room for the digits that money does not keep.
_EXACT = "decimal(38,16)"
_WANTED = {
    "bigint": "not a whole number in range",
    MONEY: "not an amount in range",
    "double": "not a number",
    "boolean": "neither true nor false",
    "date": "not a date",
}


def _typed(text: str, kind: str) -> str:
    """Return SQL that reads a text as a type, null where it is none."""
    if kind == "varchar":
        return text
    if kind == "bigint":
        # The engine rounds 1.5 and reads 1e3; a whole number may be written 17850.0.
        return (
            f"case when contains({text}, '.') or contains({text}, 'e') or contains({text}, 'E') "
            f"then case when regexp_full_match(trim({text}), '[+-]?\\d+\\.0*') "
            f"then try_cast(split_part({text}, '.', 1) as bigint) end "
            f"else try_cast({text} as bigint) end"
        )
    if kind == "double":
        return (
            f"(case when isfinite(try_cast({text} as double)) then try_cast({text} as double) end)"
        )
    return f"try_cast({text} as {kind})"


def _amount(text: str, scale: int = 1) -> str:
    """Return SQL that reads a text as money, multiplied by a scale, null where it is none."""
    exact = text if scale == 1 else f"try_cast({text} as {_EXACT}) * {scale}"
    # The engine reads 8.88e-16 as .0001 where it makes a decimal of the text itself.
    return (
        f"case when contains({text}, 'e') or contains({text}, 'E') "
        f"then try_cast(try_cast({text} as double) * {scale} as {MONEY}) "
        f"else try_cast({exact} as {MONEY}) end"
    )


def _is_rounded(text: str, scale: int) -> str:
    """Return SQL that says whether an amount lost digits; noise of binary fractions is none."""
    return (
        f"contains({text}, '.') and length({text}) - strpos({text}, '.') > 4 and "
        f"abs(try_cast({text} as {_EXACT}) * {scale} - {_amount(text, scale)}) > 0.00000001"
    )


def _midnight_us(day: dt.date) -> int:
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp()) * 1_000_000
