"""Time stamps as files write them, and SQL that reads them.

A stamp becomes epoch microseconds: of an instant where it says its zone or counts from 1970, of
local time where it does not. What local time means is the business of `zones`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb

from customer_assets.sources.time_patterns import UTC_LETTERS, pattern_words
from customer_assets.warehouse.connection import scratch
from customer_assets.warehouse.quoting import literal

_EPOCHS = {"epoch_seconds": 1_000_000, "epoch_milliseconds": 1_000, "epoch_microseconds": 1}
_SERIAL = "spreadsheet_days"
# Day 25,569 of a spreadsheet is 1970-01-01.
_SERIAL_OF_1970 = 25_569
# What may follow the first digit of the hour of an ISO stamp that says its zone. Behind the offset
# Go repeats the zone, and Java says where it holds.
_OFFSET = r"\s*(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)(\s+[A-Z]{1,5})?(\[[\w/+-]+\])?$"
_ZONES_REPEATED = r"(Z|[+-]\d{2}(?::?\d{2})?)(\s+[A-Z]{1,5})?(\[[\w/+-]+\])?$"
_BASIC = r"^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})?"
_BASIC_DAY = r"^(\d{4})(\d{2})(\d{2})(T\d{2}\D.*|T\d{2})?$"
_HOURS_ONLY = r"^(.{10}[T ]\d{2})\s*(Z|[+-].*)?$"
_MINUTES_ONLY = r"([T ]\d{1,2}:\d{2})\s*(Z|[+-].*)$"
# Beyond these years nothing is an event, and further arithmetic could overflow.
LARGEST = 200_000_000_000_000_000


class TimeFormatError(ValueError):
    """A time format of a configuration that cannot be used."""


@dataclass(frozen=True)
class TimeFormat:
    """One way to write a time: `iso`, an epoch unit or a strptime pattern."""

    name: str

    @property
    def is_epoch(self) -> bool:
        return self.name in _EPOCHS

    @property
    def _pattern_has_zone(self) -> bool:
        if re.search(r"%[zZ]", self.name.replace("%%", "")):
            return True
        return any(word.upper() in UTC_LETTERS for word in pattern_words(self.name))

    def microseconds(self, text: str) -> str:
        """Return SQL for the epoch microseconds of a stamp, null where it is none."""
        if self.is_epoch:
            return self._counted(text)
        if self.name == "iso":
            return self._iso(f"trim({text})")
        if self.name == _SERIAL:
            # A serial is a double: its microseconds are noise.
            days = f"try_cast({text} as double)"
            return (
                f"case when {days} between 1 and 2_958_465 then "
                f"round(({days} - {_SERIAL_OF_1970}) * 86_400_000)::bigint * 1000 end"
            )
        return f"epoch_us(try_strptime({text}, {literal(self.name)}))"

    def _counted(self, text: str) -> str:
        factor = _EPOCHS[self.name]
        limit = LARGEST // factor
        whole = f"try_cast({text} as bigint)"
        exact = f"try_cast({text} as decimal(38, 9))"
        return (
            f"case when contains({text}, '.') "
            f"then case when {exact} between -{limit} and {limit} "
            f"then round({exact} * {factor})::bigint end "
            f"when {whole} between -{limit} and {limit} then {whole} * {factor} end"
        )

    def _iso(self, text: str) -> str:
        # The engine wants a colon inside an offset and no blank before it.
        rewritten = self._rewritten(text)
        colon = r"'\s*([+-]\d{2}):?(\d{2})$', '\1:\2'"
        instants, locals_ = (
            ", ".join(f"try_cast({read} as {kind})" for read in reads)
            for kind, reads in (
                (
                    "timestamptz",
                    [f"regexp_replace(upper({each}), {colon})" for each in (text, rewritten)],
                ),
                ("timestamp", [text, rewritten]),
            )
        )
        # To the engine 'infinity' is a time stamp too, and 12/1/10 is one of the year 12.
        return (
            f"case when not regexp_matches({text}, '^\\d{{4}}[-/]|^\\d{{8}}([Tt]\\d|$)') then null "
            f"when {self.is_instant(text)} then epoch_us(coalesce({instants})) "
            f"else epoch_us(coalesce({locals_})) end"
        )

    @staticmethod
    def _rewritten(text: str) -> str:
        """Return SQL for an ISO stamp of another make as the engine writes it."""
        steps = [
            (r"^(.{10,})\s*(GMT|UTC)$", r"\1Z"),
            (_ZONES_REPEATED, r"\1"),
            (_BASIC, r"\1-\2-\3T\4:\5:0\6"),
            (r":0(\d{2})", r":\1"),
            (_BASIC_DAY, r"\1-\2-\3\4"),
            (_HOURS_ONLY, r"\1:00:00\2"),
            (r"\s+Z$", "Z"),
            (_MINUTES_ONLY, r"\1:00\2"),
            (r"(:\d{2}),(\d)", r"\1.\2"),
        ]
        rewritten = f"upper({text})"
        for pattern, replacement in steps:
            rewritten = f"regexp_replace({rewritten}, {literal(pattern)}, {literal(replacement)})"
        return rewritten

    def is_instant(self, text: str) -> str:
        """Return SQL that is true where a stamp says its zone."""
        if self.is_epoch:
            return "true"
        if self.name not in ("iso", _SERIAL) and self._pattern_has_zone:
            return "true"
        if self.name != "iso":
            return "false"
        return f"coalesce(regexp_matches(trim({text})[12:], {literal(_OFFSET)}, 'i'), false)"


@dataclass(frozen=True)
class FirstTimeFormat:
    """Several formats, of which a row is read with the first that gives a plausible time.

    `bounds` are the epoch microseconds between which a time is plausible.
    """

    formats: Sequence[TimeFormat]
    bounds: tuple[int, int]

    @property
    def name(self) -> str:
        return ", ".join(each.name for each in self.formats)

    def microseconds(self, text: str) -> str:
        stamps = [each.microseconds(text) for each in self.formats]
        first, last = self.bounds
        plausible = [f"case when {s} between {first} and {last} then {s} end" for s in stamps]
        return f"coalesce({', '.join(plausible + stamps)})"

    def is_instant(self, text: str) -> str:
        first, last = self.bounds
        tests = [
            (f"{each.microseconds(text)} between {first} and {last}", each.is_instant(text))
            for each in self.formats
        ]
        tests += [(f"{f.microseconds(text)} is not null", f.is_instant(text)) for f in self.formats]
        return f"case {' '.join(f'when {test} then {said}' for test, said in tests)} end"


AnyTimeFormat = TimeFormat | FirstTimeFormat


def time_formats(names: Iterable[str]) -> list[TimeFormat]:
    """Return the formats of a configuration.

    Raises:
        TimeFormatError: one of them is no format that the engine knows.
    """
    formats = [TimeFormat(name) for name in names]
    for time_format in formats:
        try:
            with scratch().cursor() as cursor:
                cursor.execute(f"select {time_format.microseconds(literal('1'))}").fetchall()
        except duckdb.Error as error:
            why = str(error).splitlines()[0]
            raise TimeFormatError(
                f"event_at: {time_format.name!r} is no time format: use iso, "
                f"{', '.join(_EPOCHS)}, {_SERIAL} or a strptime pattern ({why})"
            ) from error
    return formats
