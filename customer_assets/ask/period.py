"""Stretches of days, as people say them: `30 days`, `2026-09-01`, `2026-09-01...2026-09-30`."""

import datetime as dt
import re
from dataclasses import dataclass

from customer_assets.ask.answering import AskError
from customer_assets.sources import parse_duration

_SHORT = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}
_DAY = 86_400

When = str | dt.date | None


@dataclass(frozen=True)
class Period:
    """Days from the first to the last, both of them in it."""

    first: dt.date
    last: dt.date

    @property
    def days(self) -> list[dt.date]:
        n = (self.last - self.first).days + 1
        return [self.first + dt.timedelta(days=i) for i in range(n)]

    @property
    def before(self) -> "Period":
        """As many days, just before these."""
        last = self.first - dt.timedelta(days=1)
        return Period(last - (self.last - self.first), last)

    def __str__(self) -> str:
        return f"{self.first}...{self.last}"


def duration(text: str) -> str:
    """Return a duration in the words of a `defs.yaml`: `7d` is `7 days`, `2h` is `2 hours`."""
    short = re.fullmatch(r"\s*(\d+)\s*([smhdw])\s*", text)
    if short is None:
        return text
    return f"{short[1]} {_SHORT[short[2]]}{'' if short[1] == '1' else 's'}"


def stretch(since: When, until: When, first: dt.date, last: dt.date) -> Period:
    """Return the days that are asked for, of those from `first` to `last` that are known.

    `since` may be a duration: so many days up to the end. Raises AskError where no day is left.
    """
    end = min(last if until is None else day(until), last)
    if isinstance(since, str) and not re.match(r"\s*\d{4}-", since):
        begin = end - dt.timedelta(days=_days(since) - 1)
    else:
        begin = first if since is None else day(since)
    begin = max(begin, first)
    if begin > end:
        raise AskError(f"no day is asked for: the days that are known are {first} to {last}")
    return Period(begin, end)


def day(text: str | dt.date) -> dt.date:
    """Return a day. Raises AskError."""
    try:
        return dt.date.fromisoformat(str(text).strip())
    except ValueError:
        raise AskError(f"{text!r} is no day; write it as 2026-09-01") from None


def stated_period(text: str) -> Period | None:
    """Return the period that `2026-09-01...2026-09-30` or `2026-09-01` says; None: it says none."""
    if not re.fullmatch(r"\s*\d{4}-\d\d-\d\d\s*(\.\.\.\s*\d{4}-\d\d-\d\d\s*)?", text):
        return None
    first, _, last = text.partition("...")
    found = Period(day(first), day(last or first))
    if found.last < found.first:
        raise AskError(f"{text!r} ends before it begins")
    return found


def _days(text: str) -> int:
    try:
        seconds = parse_duration(duration(text))
    except ValueError as error:
        raise AskError(f"{error}, or a day: 2026-09-01") from None
    if seconds < _DAY or seconds % _DAY:
        raise AskError(f"{text!r} is no number of whole days; write 30d or '30 days'")
    return seconds // _DAY
