"""The independent oracle: sessions, an ordered funnel and first sight, event by event.

Plain Python over all events of some customers at once, written from the definitions alone. It
shares nothing with the SQL, so that the two can be wrong only separately. Slow by design: use
it on samples. Does not belong here: reading events, comparing, reporting differences.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """What a customer did. `event_ts` in epoch microseconds, `event_date` in business time.

    `sequence` is the log's own running number of the events of an instant, if it has one; `values`
    are those of the columns that a funnel may hold.
    """

    customer_id: Any
    event_ts: int
    event_date: dt.date
    event_type: str
    sequence: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict, compare=False)

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


@dataclass(frozen=True)
class Entry:
    """A customer's best attempt among those that start on a day; one time per step reached.

    An optional step that was passed by has no time. `held` is the value that the events share.
    """

    customer_id: Any
    entry_date: dt.date
    reached_ts: tuple[int | None, ...]
    held: Any = None


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
    events: Iterable[Event],
    steps: Sequence[Collection[str]],
    window_us: int,
    *,
    optional: Collection[int] = (),
    hold: str | None = None,
) -> list[Entry]:
    """Return each customer's best attempt of each entry day, dialect `ordered`.

    A step is the set of event types that take it. Each step is taken by a different event, at
    the time of the step before or later, and no later than the window after the first. The steps
    numbered in `optional`, from 1, ask nothing of anybody: one is taken if an event of it lies
    between the steps around it. With `hold` an attempt is made of events with one value.

    The best attempt is the deepest; of equally deep ones that which got there first (of those that
    only entered: the last), then that with most optional steps, then the one that entered last,
    then that of the least value held.
    """
    required = [number for number in range(1, len(steps) + 1) if number not in optional]
    best: dict[tuple[Any, dt.date], tuple[tuple[int, ...], Any, tuple[int | None, ...]]] = {}
    for (customer_id, held), own in _by_actor(events, hold).items():
        for entry in own:
            if entry.event_type not in steps[0]:
                continue
            taken = _attempt(entry, own, [steps[number - 1] for number in required], window_us)
            times: dict[int, int] = {}
            for at, instant in enumerate(taken):
                times[required[at]] = instant[0]
                end = taken[at + 1] if at + 1 < len(taken) else None
                until = required[at + 1] if at + 1 < len(required) else len(steps) + 1
                for number in range(required[at] + 1, until):
                    times |= _passing(
                        entry, own, steps[number - 1], window_us, instant, end, number
                    )
            deepest = taken[-1][0] if len(taken) > 1 else 0
            rank = (len(taken), -deepest, len(times) - len(taken), taken[0][0])
            key = customer_id, entry.event_date
            reached = tuple(times.get(number) for number in range(1, max(times) + 1))
            rival = best.get(key)
            is_tie = rival is not None and rank == rival[0] and held is not None
            if rival is None or rank > rival[0] or (is_tie and held < rival[1]):
                best[key] = rank, held, reached
    return [
        Entry(customer_id, day, reached, held)
        for (customer_id, day), (_, held, reached) in sorted(best.items())
    ]


_Instant = tuple[int, bool, int]


def _passing(
    entry: Event,
    own: list[Event],
    types: Collection[str],
    window_us: int,
    begin: _Instant,
    end: _Instant | None,
    number: int,
) -> dict[int, int]:
    """Return by its number when an optional step was first taken between two instants."""
    times = [
        event.event_ts
        for event in own
        if event.event_type in types
        and begin <= event.instant
        and (end is None or event.instant <= end)
        and event.event_ts <= entry.event_ts + window_us
    ]
    return {number: min(times)} if times else {}


def _by_actor(events: Iterable[Event], hold: str | None) -> dict[tuple[Any, Any], list[Event]]:
    """Return the events of each customer, or of each with one value, in their order."""
    actors: dict[tuple[Any, Any], list[Event]] = defaultdict(list)
    for customer_id, own in _by_customer(events).items():
        for event in own:
            held = event.values[hold] if hold else None
            if hold is None or held is not None:
                actors[customer_id, held].append(event)
    return actors


def _attempt(
    entry: Event, own: list[Event], steps: Sequence[Collection[str]], window_us: int
) -> list[_Instant]:
    """Follow one entry: at each instant take as many steps as its events allow."""
    instants: dict[_Instant, list[Event]] = defaultdict(list)
    for event in own:
        follows = event.instant >= entry.instant and event is not entry
        if follows and event.event_ts <= entry.event_ts + window_us:
            instants[event.instant].append(event)
    reached = [entry.instant]
    for instant in sorted(instants):
        types = [event.event_type for event in instants[instant]]
        reached += [instant] * _steps_taken(types, steps[len(reached) :])
    return reached


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
