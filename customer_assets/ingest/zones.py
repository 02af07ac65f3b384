"""Business time: SQL between instants and the local time of a source's zone.

The engine's own time zone functions take the second of two equal local hours, where this project
means the first, and depend on an extension. So the zone's transitions are read from the IANA data
of Python's `zoneinfo` and become plain arithmetic on epoch microseconds.

Does not belong here: how a time stamp is written in a file (`times`).
"""

import datetime as dt
import zoneinfo
from dataclasses import dataclass

_STEP = dt.timedelta(hours=12)
_SECOND = 1_000_000


@dataclass(frozen=True)
class Transition:
    """A change of a zone's offset: the instant in epoch seconds, the offsets in seconds."""

    at: int
    before: int
    after: int

    @property
    def is_gap(self) -> bool:
        return self.after > self.before

    @property
    def local_range(self) -> tuple[int, int]:
        """Return the local seconds [start, end) that do not exist, or that occur twice."""
        low, high = sorted((self.before, self.after))
        return self.at + low, self.at + high


@dataclass(frozen=True)
class Zone:
    """The offsets of a zone between two days."""

    first_offset: int
    transitions: tuple[Transition, ...]

    def offset_of_utc(self, microseconds: str) -> str:
        """Return SQL for the offset, in microseconds, at an instant."""
        return self._steps(microseconds, [(t.at, t) for t in self.transitions])

    def offset_of_local(self, microseconds: str) -> str:
        """Return SQL for the offset, in microseconds, that a local stamp without a zone means.

        The old offset holds until local time has passed the whole change: so the first of two
        equal hours is meant, and a stamp in a missing hour moves forward by the gap.
        """
        return self._steps(microseconds, [(t.local_range[1], t) for t in self.transitions])

    def _steps(self, microseconds: str, bounds: list[tuple[int, Transition]]) -> str:
        if not bounds:
            return str(self.first_offset * _SECOND)
        cases = " ".join(
            f"when {microseconds} < {bound * _SECOND} then {transition.before * _SECOND}"
            for bound, transition in bounds
        )
        return f"case {cases} else {bounds[-1][1].after * _SECOND} end"

    def is_within(self, microseconds: str, *, gap: bool) -> str:
        """Return SQL that is true for local stamps that do not exist (gap) or occur twice."""
        ranges = [t.local_range for t in self.transitions if t.is_gap is gap]
        tests = [
            f"({microseconds} >= {start * _SECOND} and {microseconds} < {end * _SECOND})"
            for start, end in ranges
        ]
        return f"({' or '.join(tests)})" if tests else "false"

    def changes_on(self, days: set[dt.date]) -> bool:
        """Say whether any of the local days sees a change of the offset."""
        return any(
            _utc(second).date() in days
            for transition in self.transitions
            for second in transition.local_range
        )


def zone(name: str, first_day: dt.date, last_day: dt.date) -> Zone:
    """Return the offsets of the IANA zone `name` between two days, both included.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: there is no such zone.
    """
    info = zoneinfo.ZoneInfo(name)
    # A margin, because a local day may start a day before the same day in UTC does.
    moment = _midnight(first_day) - dt.timedelta(days=2)
    end = _midnight(last_day) + dt.timedelta(days=3)
    first_offset = _offset(info, moment)
    transitions = []
    while moment < end:
        following = moment + _STEP
        before, after = _offset(info, moment), _offset(info, following)
        if before != after:
            at = _change(info, moment, following, before)
            transitions.append(Transition(at, before, after))
        moment = following
    return Zone(first_offset, tuple(transitions))


def _change(info: zoneinfo.ZoneInfo, low: dt.datetime, high: dt.datetime, before: int) -> int:
    start, end = int(low.timestamp()), int(high.timestamp())
    while end - start > 1:
        middle = (start + end) // 2
        if _offset(info, _utc(middle)) == before:
            start = middle
        else:
            end = middle
    return end


def _offset(info: zoneinfo.ZoneInfo, moment: dt.datetime) -> int:
    offset = moment.astimezone(info).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def _utc(second: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=second)
