"""Which neighbouring days a day of sessions or of funnel entries needs.

Pure arithmetic on days and zones, and the one question about fragments that sessions ask.
Windows are elapsed time: over a day of 23 hours they end an hour later by the clock.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

# How many fragments of a day lie so that a session can run through the whole day: then the
# session may go on into the following day, and that day's fragments are needed too.
SPANNING_FRAGMENTS = """
select count(*)
from session_fragments
where event_date = getvariable('day')
    and cast(hour(first_event_at) * 60 + minute(first_event_at) as bigint) * 60000000
    <= getvariable('session_timeout_us') + 7200000000
    and cast(hour(first_event_at) * 60 + minute(first_event_at) as bigint) * 60000000
    + last_event_ts - first_event_ts
    >= 86400000000 - getvariable('session_timeout_us') - 7200000000
"""


def window_end_day(entry_day: dt.date, window_seconds: int, timezone: str) -> dt.date:
    """Return the local day on which the last window of a day of entries ends.

    Its entries need the events up to that day, and are mature when it is over.
    """
    zone = ZoneInfo(timezone)
    midnight = dt.datetime.combine(entry_day + dt.timedelta(days=1), dt.time(), zone)
    last_instant = midnight.astimezone(dt.UTC) - dt.timedelta(microseconds=1)
    return (last_instant + dt.timedelta(seconds=window_seconds)).astimezone(zone).date()


def first_entry_day(event_day: dt.date, window_seconds: int, timezone: str) -> dt.date:
    """Return the first entry day whose window reaches an event day: where dirt begins."""
    day = event_day - dt.timedelta(seconds=window_seconds) - dt.timedelta(days=2)
    while window_end_day(day, window_seconds, timezone) < event_day:
        day += dt.timedelta(days=1)
    return day


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


def last_fragment_day(last_wanted: dt.date, spans: Callable[[dt.date], bool]) -> dt.date:
    """Return the last day of fragments that the sessions starting up to a day need.

    `spans(day)` says whether a session can run through that whole day (SPANNING_FRAGMENTS).
    The first day needed is the one before the first wanted.
    """
    day = last_wanted + dt.timedelta(days=1)
    while spans(day):
        day += dt.timedelta(days=1)
    return day


def session_days_touched(
    changed: Iterable[dt.date], spans: Callable[[dt.date], bool]
) -> set[dt.date]:
    """Return the days whose sessions may differ because fragments of some days did.

    `spans(day)` must say of the fragments before or after the change that one spans the day.
    """
    touched = set()
    for changed_day in changed:
        day = changed_day - dt.timedelta(days=1)
        touched |= {day, changed_day, changed_day + dt.timedelta(days=1)}
        while spans(day):
            day -= dt.timedelta(days=1)
            touched.add(day)
    return touched
