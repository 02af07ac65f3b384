"""Time stamps as files write them, and SQL that reads them.

A stamp becomes epoch microseconds: of an instant where it says its zone or counts from 1970, of
local time where it does not. What local time means is the business of `zones`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from customer_assets.warehouse.quoting import literal

_EPOCHS = {"epoch_seconds": 1_000_000, "epoch_milliseconds": 1_000, "epoch_microseconds": 1}
# What may follow the first digit of the hour of an ISO stamp that says its zone.
_OFFSET = r"\s*(Z|UTC|[+-]\d{2}(:?\d{2})?)$"
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
        return re.search(r"%[zZ]", self.name.replace("%%", "")) is not None

    def microseconds(self, text: str) -> str:
        """Return SQL for the epoch microseconds of a stamp, null where it is none."""
        if self.is_epoch:
            return self._counted(text)
        if self.name == "iso":
            return self._iso(f"trim({text})")
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
        instant = (
            f"try_cast(regexp_replace(upper({text}), '\\s*([+-]\\d{{2}}):?(\\d{{2}})$', "
            "'\\1:\\2') as timestamptz)"
        )
        # To the engine 'infinity' is a time stamp too, and 12/1/10 is one of the year 12.
        return (
            f"case when not regexp_matches({text}, '^\\d{{4}}[-/]') then null "
            f"when {self.is_instant(text)} then epoch_us({instant}) "
            f"else epoch_us(try_cast({text} as timestamp)) end"
        )

    def is_instant(self, text: str) -> str:
        """Return SQL that is true where a stamp says its zone."""
        if self.is_epoch or (self.name != "iso" and self._pattern_has_zone):
            return "true"
        if self.name != "iso":
            return "false"
        return f"coalesce(regexp_matches(trim({text})[12:], {literal(_OFFSET)}, 'i'), false)"


def time_formats(names: Iterable[str]) -> list[TimeFormat]:
    """Return the formats of a configuration.

    Raises:
        TimeFormatError: one of them is no format that the engine knows.
    """
    formats = [TimeFormat(name) for name in names]
    for time_format in formats:
        try:
            duckdb.sql(f"select {time_format.microseconds(literal('1'))}").fetchall()
        except duckdb.Error as error:
            raise TimeFormatError(
                f"event_at: {time_format.name!r} is no time format: use iso, "
                f"{', '.join(_EPOCHS)} or a strptime pattern ({str(error).splitlines()[0]})"
            ) from error
    return formats
