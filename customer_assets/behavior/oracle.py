"""The independent oracle: sessions, an ordered funnel and first sight, event by event.

Plain Python over all events of some customers at once, written from the definitions alone. It
shares nothing with the SQL, so that the two can be wrong only separately. Slow by design: use
it on samples. Does not belong here: reading events, comparing, reporting differences.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """What a customer did. `event_ts` in epoch microseconds, `event_date` in business time.

    `sequence` is the log's own running number of the events of an instant, if it has one.
    """

    customer_id: Any
    event_ts: int
    event_date: dt.date
    event_type: str
    sequence: int | None = None

    @property
    def instant(self) -> tuple[int, bool, int]:
        return self.event_ts, self.sequence is None, self.sequence or 0


@dataclass(frozen=True, order=True)
class Session:
    """A run of events whose gaps do not exceed the timeout, under the day it starts on."""

    customer_id: Any
    started_ts: int
    ended_ts: int
    session_date: dt.date
    n_events: int


@dataclass(frozen=True, order=True)
class Entry:
    """A customer's best attempt among those that start on a day; one time per step reached."""

    customer_id: Any
    entry_date: dt.date
    reached_ts: tuple[int, ...]


def sessions(
    events: Iterable[Event], timeout_us: int, splits_at_midnight: bool = False
) -> list[Session]:
    """Return all sessions: a gap greater than the timeout starts a new one; so may a new day."""
    found: list[Session] = []
    for customer_id, own in _by_customer(events).items():
        run: list[Event] = []
        for event in own:
            is_next_day = bool(run) and event.event_date != run[-1].event_date
            is_late = bool(run) and event.event_ts - run[-1].event_ts > timeout_us
            if is_late or (splits_at_midnight and is_next_day):
                found.append(_session(customer_id, run))
                run = []
            run.append(event)
        found.append(_session(customer_id, run))
    return sorted(found)


def _session(customer_id: Any, run: list[Event]) -> Session:
    return Session(customer_id, run[0].event_ts, run[-1].event_ts, run[0].event_date, len(run))


def first_seen(events: Iterable[Event]) -> dict[Any, int]:
    """Return the time of each customer's first event."""
    return {customer_id: own[0].event_ts for customer_id, own in _by_customer(events).items()}


def funnel_entries(
    events: Iterable[Event], steps: Sequence[Collection[str]], window_us: int
) -> list[Entry]:
    """Return each customer's best attempt of each entry day, dialect `ordered`.

    A step is the set of event types that take it. Each step is taken by a different event, at
    the time of the step before or later, and no later than the window after the first. The
    best attempt is the deepest; of equally deep ones that which got there first (of those that
    only entered: the last), then the one that entered last.
    """
    entries: list[Entry] = []
    for customer_id, own in _by_customer(events).items():
        best: dict[dt.date, tuple[int, ...]] = {}
        for entry in own:
            if entry.event_type not in steps[0]:
                continue
            attempt = _attempt(entry, own, steps, window_us)
            rival = best.get(entry.event_date)
            if rival is None or _rank(attempt) > _rank(rival):
                best[entry.event_date] = attempt
        entries += [Entry(customer_id, day, attempt) for day, attempt in best.items()]
    return sorted(entries)


def _rank(attempt: tuple[int, ...]) -> tuple[int, int, int]:
    return len(attempt), -attempt[-1] if len(attempt) > 1 else 0, attempt[0]


def _attempt(
    entry: Event, own: list[Event], steps: Sequence[Collection[str]], window_us: int
) -> tuple[int, ...]:
    """Follow one entry: at each instant take as many steps as its events allow."""
    instants: dict[tuple[int, bool, int], list[Event]] = defaultdict(list)
    for event in own:
        follows = event.instant >= entry.instant and event is not entry
        if follows and event.event_ts <= entry.event_ts + window_us:
            instants[event.instant].append(event)
    reached = [entry.event_ts]
    for instant in sorted(instants):
        types = [event.event_type for event in instants[instant]]
        reached += [instant[0]] * _steps_taken(types, steps[len(reached) :])
    return tuple(reached)


def _steps_taken(types: list[str], steps: Sequence[Collection[str]]) -> int:
    """Return how many of the next steps different events of one instant can take."""
    if not steps:
        return 0
    deepest = 0
    for number, event_type in enumerate(types):
        if event_type in steps[0]:
            others = types[:number] + types[number + 1 :]
            deepest = max(deepest, 1 + _steps_taken(others, steps[1:]))
    return deepest


def _by_customer(events: Iterable[Event]) -> dict[Any, list[Event]]:
    customers: dict[Any, list[Event]] = defaultdict(list)
    for event in events:
        if event.customer_id is not None:
            customers[event.customer_id].append(event)
    for own in customers.values():
        own.sort(key=lambda event: event.instant)
    return customers
