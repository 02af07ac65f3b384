"""From text rows of a file to typed events, and to the reasons why a row is none: as SQL.

The configuration of a source and the columns that one file has go in; SELECT statements come out.
Nothing is read here. How a file becomes text rows is the business of `readers`.
"""

import datetime as dt
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from customer_assets.ingest.amounts import (
    amount_sql,
    has_exponent,
    loses_digits,
    product_sql,
    scaled_sql,
)
from customer_assets.ingest.raw_tables import (
    MONEY,
    raw_event_columns,
    return_condition,
    rule_columns,
    stored_event_columns,
)
from customer_assets.ingest.rules import condition_sql, enabled, holds
from customer_assets.ingest.times import LARGEST, AnyTimeFormat
from customer_assets.ingest.zones import Zone
from customer_assets.sources import Column, EventLogSource, TimeColumn, as_column
from customer_assets.sources.columns import kind_of
from customer_assets.warehouse.quoting import literal, quoted

LATE_REASON = "dated after the file landed"
NO_TIME_REASON = "no time"
_TIME = "event_at"
_REQUIRED = ("customer_id", _TIME)
_EPOCH = dt.date(1970, 1, 1)


class MissingColumnsError(Exception):
    """A file lacks columns that the configuration maps, or has one twice."""

    def __init__(self, missing: Sequence[str], found: Sequence[str], repeated: Sequence[str]):
        self.missing = frozenset(missing)
        parts = []
        if missing:
            parts.append(f"it has no column {_listed(missing)}")
        if repeated:
            parts.append(f"it has more than one column {_listed(repeated)}")
        hint = " (it is read as one column: what separates them?)" if len(found) == 1 else ""
        super().__init__(f"{' and '.join(parts)}; its columns are {_listed(found)}{hint}")


@dataclass(frozen=True)
class LandedColumn:
    """A column of the landed files: where its text comes from."""

    names: Sequence[str]
    setting: Column | TimeColumn

    @property
    def shown(self) -> str:
        return " or ".join(self.names) or (as_column(self.setting).file_name and "file name") or ""

    @property
    def is_optional(self) -> bool:
        return isinstance(self.setting, Column) and self.setting.optional


def landed_columns(source: EventLogSource) -> dict[str, LandedColumn]:
    """Return the columns that the configuration maps, by the name they get in raw_events.

    The configuration is that of one file (`EventLogSource.for_file`).
    """
    columns = source.columns
    stated = {name: getattr(columns, name) for name in type(columns).model_fields}
    mapped: dict[str, LandedColumn] = {}
    for name, setting in (stated | source.attributes).items():
        column = setting if isinstance(setting, TimeColumn) else as_column(setting)
        is_fixed = isinstance(column, Column) and (column.constant or column.file_name)
        if column.landed or is_fixed:
            mapped[name] = LandedColumn(column.landed, column)
    return mapped


def fixed_text(column: LandedColumn, file: str) -> str | None:
    """Return the text that a column has in every row of a file, whatever is in the file."""
    setting = as_column(column.setting)
    if setting.constant is not None:
        return setting.constant
    found = re.search(setting.file_name or "", file)
    return (found[found.re.groups] or None) if found else None


def naming(source: EventLogSource, file: str) -> list[str]:
    """Return what a file's name decides about its rows: its kind, and texts that it gives."""
    said = [str(n) for n, kind in enumerate(source.kinds) if kind is kind_of(source.kinds, file)]
    for name, column in landed_columns(source.for_file(file)).items():
        if isinstance(column.setting, Column) and column.setting.file_name is not None:
            said.append(f"{name}={fixed_text(column, file) or ''}")
    return said


def time_column(source: EventLogSource) -> TimeColumn:
    setting = source.columns.event_at
    if isinstance(setting, TimeColumn):
        return setting
    return TimeColumn.model_validate({"from": as_column(setting).from_})


def time_bounds(source: EventLogSource, landed_us: int) -> tuple[int, int]:
    """Return the epoch microseconds, generously, between which a file's events may lie."""
    first, last = source.day_range()
    end = _midnight_us(last) if last else landed_us
    margin = 2 * 86_400_000_000
    return _midnight_us(first) - margin, end + margin


def find_columns(
    source: EventLogSource, names: Sequence[str], absent: Container[str] = ()
) -> tuple[dict[str, list[int]], list[str]]:
    """Return, for each mapped column, where the file has it, and what was noticed.

    A name is looked for as it is written, then without regard to case and blanks. Of several
    names one must be there. `absent` are names that no row of the file needs to have; only who and
    when must be there.

    Raises:
        MissingColumnsError: a mapped column is not there, or it is not clear which one it is.
    """
    positions: dict[str, list[int]] = {}
    missing, repeated, notes = [], [], []
    for name, column in landed_columns(source).items():
        for landed in column.names:
            found = [i for i, other in enumerate(names) if other == landed]
            if not found:
                found = [i for i, other in enumerate(names) if _plain(other) == _plain(landed)]
                if len(found) == 1:
                    notes.append(f"column {names[found[0]]!r} is read as {landed!r}")
            inside = landed.rpartition(".")[0]
            is_nested = bool(inside) and landed.split(".")[0] in names
            if landed in absent and name in _REQUIRED and not is_nested:
                found = []
            if len(found) > 1:
                repeated.append(landed)
            elif found:
                positions.setdefault(name, []).append(found[0])
                if landed in absent:
                    keys = _listed(other for other in names if other not in absent)
                    notes.append(f"no {landed!r} was seen among the first rows, but {keys}")
                    if f"{inside}.0" in names:
                        notes.append(f"{inside!r} is a list: sql/raw/<source>/rows.sql parts it")
        if not column.names or name in positions or set(column.names) & set(repeated):
            continue
        if column.is_optional and name not in _REQUIRED:
            notes.append(f"it has no column {column.shown!r}, which is optional")
        else:
            missing.append(column.shown)
    if missing or repeated:
        there = [name for name in names if name not in absent]
        raise MissingColumnsError(missing, there, repeated)
    return positions, notes


def _plain(name: str) -> str:
    return re.sub(r"\s+", "", name).casefold()


def _listed(names: Iterable[str]) -> str:
    shown = [repr(name[:80]) for name in names]
    return ", ".join(shown[:50]) + (" ..." if len(shown) > 50 else "")


@dataclass(frozen=True)
class Lot:
    """Rows of a file that are written together: the events of a `day`, apart those with a digit of
    an amount that finds no place, or the rows that have one `fault`, by its number."""

    day: dt.date | None = None
    is_rounded: bool = False
    fault: int | None = None


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
    time_format: AnyTimeFormat
    zone: Zone
    file: str
    landed_us: int

    def events(self, scan: str, lot: str) -> str:
        """Return a SELECT of the stored columns of raw_events with the column `lot`: which rows
        belong together (see `lot_of`).

        One pass must do for all, so rejected rows ride along in columns of the fitting types;
        `rejected` reads them.
        """
        riding = {
            "event_ts": "_row",
            "event_date": f"coalesce(event_date, {self._plain_date()})",
            "event_type": "_fault",
            "source_file": self.raw,
        }
        columns = []
        for name in map(quoted, stored_event_columns(self.source)):
            ridden = riding.get(name.strip('"'))
            value = f"case when _fault_number is null then {name} else {ridden} end"
            columns.append(f"{value if ridden else name} as {name}")
        # One whole number: each further key of the files costs as much as a column.
        return (
            f"select {', '.join(columns)}, case when _fault_number is null "
            f"then 2 * (event_date - date '{_EPOCH}') + ({self.rounded()})::bigint "
            f"else -1 - _fault_number end as {quoted(lot)} from ({self._judged(scan)})"
        )

    @staticmethod
    def lot_of(number: int) -> Lot:
        """Return what is true of the rows of a lot by its number in `events`."""
        if number < 0:
            return Lot(fault=-1 - number)
        return Lot(day=_EPOCH + dt.timedelta(days=number // 2), is_rounded=number % 2 == 1)

    def placed(self, scan: str) -> str:
        """Return a SELECT of the stored columns of raw_events with `_row` and `_raw`: where a row
        is, and its text."""
        columns = ", ".join(map(quoted, stored_event_columns(self.source)))
        return (
            f"select {columns}, _row, {self.raw} as _raw from ({self._judged(scan)}) "
            "where _fault_number is null"
        )

    def rejected(self, fault: int, rows: str) -> str:
        """Return a SELECT of the rows of one `fault`, from a relation of them."""
        _, reason, column = self._faults()[fault]
        return (
            f"select event_ts as row, {column}::varchar as column_name, "
            f"{'event_type' if reason == '_fault' else reason} as reason, event_date, "
            f"source_file as raw_text from {rows}"
        )

    def clock_changes(self, scan: str) -> str:
        """Return a SELECT of how many loaded local stamps occur twice, and do not exist."""
        repeated = self.zone.is_within("_stamp", gap=False)
        missing = self.zone.is_within("_stamp", gap=True)
        return (
            f"select count(*) filter ({repeated}), count(*) filter ({missing}) "
            f"from ({self._judged(scan)}) where _fault_number is null and not _is_instant"
        )

    def _judged(self, scan: str) -> str:
        flags = "".join(
            f", {holds(condition_sql(rule, rule_columns(self.source)))} "
            f"as {quoted('is_' + rule.name)}"
            for rule in enabled(self.source.rules, "flag")
        )
        return (
            f"select *, {self._fault_number()} as _fault_number{flags} "
            f"from ({self._classified(scan)})"
        )

    def _classified(self, scan: str) -> str:
        """Tell returns from purchases where the source says by what."""
        condition = return_condition(self.source)
        if condition is None:
            return self._dated(scan)
        purchase = literal(self.source.purchase_event)
        return (
            f"select * replace (case when event_type = {purchase} and {holds(condition)} "
            f"then {literal(self.source.return_event)} else event_type end as event_type) "
            f"from ({self._dated(scan)})"
        )

    def _dated(self, scan: str) -> str:
        """One row per text row: every column typed, null where its text cannot be."""
        first, last = time_bounds(self.source, self.landed_us)
        texts = ", ".join(f"{sql} as {quoted('_t_' + name)}" for name, sql in self.fields.items())
        amounts = "".join(f", {self._amount(n)} as {quoted('_n_' + n)}" for n in self._amounts)
        time = quoted("_t_" + _TIME)
        stamped = (
            f"select *, {self.time_format.microseconds(time)} as _stamp, "
            f"{self.time_format.is_instant(time)} as _is_instant{amounts} "
            f"from (select *, {texts} from ({scan}))"
        )
        utc = f"_stamp - {self.zone.offset_of_local('_stamp')}"
        if self.time_format.is_instant(time) == "true":
            utc = "_stamp"
        elif self.time_format.is_instant(time) != "false":
            utc = f"case when _is_instant then _stamp else {utc} end"
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
        if name in self._amounts:
            return f"try_cast({quoted('_n_' + name)} as {kind})"
        if name == "customer_id" and kind == "varchar":
            # A column of whole numbers with gaps comes out of many tools as 17850.0.
            return (
                f"case when ends_with({text}, '0') and contains({text}, '.') "
                f"then regexp_replace({text}, '^(-?\\d+)\\.0+$', '\\1') else {text} end"
            )
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

    @property
    def _amounts(self) -> list[str]:
        """Return the columns whose text is an amount."""
        columns = raw_event_columns(self.source)
        return [name for name in self.fields if name in columns and columns[name].type == MONEY]

    def _amount(self, name: str) -> str:
        """Return SQL for the amount that a row says, as text with every digit of it."""
        setting = as_column(landed_columns(self.source)[name].setting)
        currency = None if name == "quantity" else self.source.currency
        amount = amount_sql(quoted("_t_" + name), setting.decimal, currency)
        return amount if setting.scale is None else scaled_sql(amount, setting.scale)

    def rounded(self) -> str:
        """Return SQL that is true where a digit of an amount finds no place in its column."""
        lost = [f"coalesce({loses_digits(quoted('_n_' + name))}, false)" for name in self._amounts]
        return " or ".join(lost) or "false"

    def _value(self) -> str:
        if "value" in self.fields:
            return f"try_cast({quoted('_n_value')} as {MONEY})"
        if {"quantity", "unit_price"} <= self.fields.keys():
            return product_sql(quoted("_n_quantity"), quoted("_n_unit_price"))
        return f"null::{MONEY}"

    def _faults(self) -> list[tuple[str, str, str]]:
        """Return what makes a row rejected: condition, reason, column of the file; in order."""
        first, last = self.source.day_range()
        time = quoted("_t_" + _TIME)
        names = {name: column.shown for name, column in landed_columns(self.source).items()}
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
            condition = holds(condition_sql(rule, rule_columns(self.source)))
            faults.append((condition, literal(f"rule {rule.name}"), "null"))
        return faults

    def _fault_number(self) -> str:
        tests = enumerate(test for test, _, _ in self._faults())
        return f"case {' '.join(f'when {test} then {number}' for number, test in tests)} end"

    def _plain_date(self) -> str:
        """Return SQL for the day of a stamp that lies outside of the source's days."""
        stamp = f"case when _stamp between -{LARGEST} and {LARGEST} then _stamp end"
        return f"make_timestamp({stamp})::date"


_WANTED = {
    "bigint": "not a whole number in range",
    MONEY: "not an amount in range, or not clearly one: `decimal` says which sign is before the "
    "decimals",
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
            f"case when contains({text}, '.') or {has_exponent(text)} "
            f"then case when regexp_full_match(trim({text}), '[+-]?\\d+\\.0*') "
            f"then try_cast(split_part({text}, '.', 1) as bigint) end "
            f"else try_cast({text} as bigint) end"
        )
    if kind == "double":
        return (
            f"(case when isfinite(try_cast({text} as double)) then try_cast({text} as double) end)"
        )
    return f"try_cast({text} as {kind})"


def _midnight_us(day: dt.date) -> int:
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp()) * 1_000_000
