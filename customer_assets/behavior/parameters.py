"""What the SQL of `sql/behavior` is told about a source, by name.

Values only, no SQL and no files; which days a computation reads is said in `windows`.
"""

import datetime as dt
from typing import Any

from customer_assets.behavior import windows
from customer_assets.sources import EventLogSource, parse_duration

# How far retention follows a cohort.
RETENTION_INTERVALS = 30


def parameters(source: EventLogSource, last_complete_day: dt.date) -> dict[str, Any]:
    """Return the variables that the behaviour models ask for with `getvariable`.
    `last_day` is null for an open log: how far that is known, only its events say.
    """
    timeout = parse_duration(source.session_timeout)
    first_day, last_day = source.day_range()
    if last_day is not None and last_day > last_complete_day:
        last_day = None
    bots = source.suspected_bots
    return {
        "purchase_event": source.purchase_event,
        "order_key": source.order_key,
        "values_are_net": source.values == "net",
        "view_event": source.view_event,
        "session_timeout_us": timeout * 1_000_000,
        "splits_at_midnight": source.split_sessions_at_midnight,
        "bot_events_per_day": bots.events_per_day if bots else None,
        "leaves_out_bots": bots is not None and not bots.in_rates,
        "first_day": first_day.isoformat(),
        "last_complete_day": last_complete_day.isoformat(),
        "last_day": last_day.isoformat() if last_day else None,
        "last_day_ts": windows.midnight_us(last_day, source.timezone) if last_day else None,
        "complete_until_ts": windows.midnight_us(
            last_complete_day + dt.timedelta(days=1), source.timezone
        ),
        "week_start": source.week_start,
        "min_occurrences": 1,
        "retention_intervals": RETENTION_INTERVALS,
        # A session leaves no gap as long as the timeout: of a shorter interval it would not be
        # known whether there is an event in it.
        "rolling_hours": [hours for hours in (1, 24) if timeout <= hours * 3600],
        "event_groups": event_groups(source),
        "short_days": [
            day.isoformat()
            for day in windows.short_days(source.timezone, first_day, last_complete_day)
        ],
    }


def event_groups(source: EventLogSource) -> list[list[str]]:
    """Return the event types that are counted together: funnel steps, and each of their types."""
    groups = []
    for funnel in source.funnels.values():
        steps = [types for types in funnel.event_types() if types]
        groups += steps + [[event_type] for step in steps for event_type in step]
    return [list(group) for group in dict.fromkeys(map(tuple, groups))]
