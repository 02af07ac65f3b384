"""Where conversion windows end, and which days are short.

Pure arithmetic on days and zones. Windows are elapsed time: over a day of 23 hours they end an
hour later by the clock. Does not belong here: which days of fragments a day of sessions reads,
which the header of `sessions.sql` states.
"""

import datetime as dt
from zoneinfo import ZoneInfo


def window_end_day(entry_day: dt.date, window_seconds: int, timezone: str) -> dt.date:
    """Return the local day on which the last window of a day of entries ends.

    Its entries need the events up to that day, and are mature when it is over.
    """
    zone = ZoneInfo(timezone)
    midnight = dt.datetime.combine(entry_day + dt.timedelta(days=1), dt.time(), zone)
    last_instant = midnight.astimezone(dt.UTC) - dt.timedelta(microseconds=1)
    return (last_instant + dt.timedelta(seconds=window_seconds)).astimezone(zone).date()


def midnight_us(day: dt.date, timezone: str) -> int:
    """Return the epoch microseconds at which a day begins in a zone."""
    midnight = dt.datetime.combine(day, dt.time(), ZoneInfo(timezone)).astimezone(dt.UTC)
    return (midnight - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def short_days(timezone: str, first: dt.date, last: dt.date) -> list[dt.date]:
    """Return the days from first to last that have fewer than 24 hours in a zone."""
    zone = ZoneInfo(timezone)
    starts = [
        dt.datetime.combine(first + dt.timedelta(days=n), dt.time(), zone).astimezone(dt.UTC)
        for n in range((last - first).days + 2)
    ]
    return [
        first + dt.timedelta(days=n)
        for n in range((last - first).days + 1)
        if starts[n + 1] - starts[n] < dt.timedelta(days=1)
    ]
