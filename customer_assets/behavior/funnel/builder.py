"""What the dialects share: matching events to steps, the window, and choosing the best attempt.

Belongs here: common table expressions that more than one dialect needs. Does not belong here:
how attempts go from step to step.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from customer_assets.behavior.funnel.definition import (
    COLUMN,
    MICROSECONDS,
    Funnel,
    FunnelError,
    predicate_sql,
)
from customer_assets.behavior.funnel.overlap import one_row_per_event
from customer_assets.warehouse.quoting import quoted


@dataclass(frozen=True)
class Mark:
    """A number carried from the event that takes a step back to the entry event."""

    name: str
    step: int
    value: str


class Builder(ABC):
    """Writes the common table expressions of one funnel, one idea each."""

    def __init__(
        self,
        funnel: Funnel,
        by_day: bool,
        actor: tuple[str, ...],
        instant: tuple[str, ...],
        events: str,
        ticks_per_unit: int | None,
        succession: bool = False,
    ) -> None:
        for name in (*actor, *instant, events):
            if not COLUMN.fullmatch(name):
                raise FunnelError(f"{name!r} is no column or table name")
        self.funnel = funnel
        self.by_day = by_day
        self.n = len(funnel.steps)
        self.steps = range(1, self.n + 1)
        self.exclusions = range(1, len(funnel.exclusions) + 1)
        self.counts_events = funnel.window_unit == "events"
        self.actor = ", ".join(actor)
        self.actor_columns = actor
        self.instant = ", ".join(instant)
        self.events = events
        self.succession = succession
        self.window = self._window(ticks_per_unit)
        # What is known of the next exclusion: its clock, and its time where that is another.
        self.next_exclusion = {"next_x": "clock"}
        if funnel.longest is not None:
            self.next_exclusion["next_x_ts"] = "event_ts"
        self.ctes: list[tuple[str, str]] = []

    def sql(self) -> str:
        self._match_events()
        self._attempts()
        bodies = [f"{name} as (\n{indented(body)}\n)" for name, body in self.ctes[:-1]]
        return "with " + ",\n\n".join(bodies) + "\n\n" + self.ctes[-1][1]

    @abstractmethod
    def _attempts(self) -> None:
        """Add what leads from `log` to one row per attempt, and from there to the best."""

    def _add(self, name: str, body: str) -> None:
        self.ctes.append((name, body))

    def _window(self, ticks_per_unit: int | None) -> int | None:
        funnel = self.funnel
        if funnel.window is None or self.counts_events:
            return funnel.window
        return funnel.window * (ticks_per_unit or MICROSECONDS[funnel.window_unit])

    def _within(self, later: str, entry: str) -> str:
        """Return the condition that a clock value lies in the window; null is false."""
        if self.window is None:
            return f"{later} is not null"
        operator = "<=" if self.funnel.window_inclusive else "<"
        return f"coalesce({later} - {entry} {operator} {self.window}, false)"

    def _in_time(self, later: str, entry: str) -> str:
        """Return what a time must also fulfil where events may not take any time they like."""
        longest = self.funnel.longest
        return "" if longest is None else f" and coalesce({later} - {entry} <= {longest}, false)"

    def _clock(self, step: int) -> str:
        return f"c_{step}" if self.counts_events else f"t_{step}"

    def _match_events(self) -> None:
        """Say of each event which steps it can take and which exclusions it is."""
        funnel = self.funnel
        entry_date = "event_date" if self.by_day else "cast(null as date)"
        flags = [(f"p_{k}", step) for k, step in zip(self.steps, funnel.steps, strict=True)]
        flags += [
            (f"x_{e}", exclusion.predicate)
            for e, exclusion in zip(self.exclusions, funnel.exclusions, strict=True)
        ]
        columns = [
            *self.actor_columns,
            f"{entry_date} as entry_date",
            *dict.fromkeys([*self.instant.split(", "), "event_ts"]),
            f"{quoted(funnel.breakdown) if funnel.breakdown else 'null'} as breakdown",
            *(f"{predicate_sql(predicate)} as {name}" for name, predicate in flags),
        ]
        # A passive event has no number: it comes between no two acts.
        needed = [*self.actor_columns, *(["event_number"] if self.succession else [])]
        wanted = [f"{name} is not null" for name in needed]
        wanted += self._needed_events()
        self._add(
            "matched", select(columns, f"from {self.events}\nwhere " + "\n    and ".join(wanted))
        )
        first_step = " ".join(f"when p_{k} then {k}" for k in self.steps)
        clock = "event_ts as clock"
        if self.counts_events:
            clock = (
                f"row_number() over (partition by {self.actor} "
                f"order by {self.instant}, {self._step_order()}) as clock"
            )
        self._add("ordered", select(["*", f"case {first_step} end as first_step"], "from matched"))
        self._add("clocked", select(["*", clock], "from ordered"))
        needs_all = funnel.dialect == "strict" or "strict_order" in funnel.modes
        some = "" if needs_all else "\nwhere " + " or ".join(name for name, _ in flags)
        self._add("log", f"select * from clocked{some}")

    def _needed_events(self) -> list[str]:
        """Return what an event must fulfil, by what comes before and after it, to matter."""
        return []

    def _step_order(self) -> str:
        """Order the events of an instant by the first step that each can take."""
        order = ["first_step"]
        if not one_row_per_event(self.funnel.steps):
            order += [f"p_{k} desc" for k in self.steps]
        return ", ".join([*order, "breakdown"] if self.funnel.breakdown else order)

    def _over(self, frame: str, order: str | None = None) -> str:
        window = f"partition by {self.actor} order by {order or self.instant} {frame}"
        return f"over ({window.rstrip()})"

    def _next_exclusions(self, source: str) -> str:
        """Add the clock of each exclusion that follows at a later instant."""
        if not self.funnel.exclusions:
            return source
        frame = "range between 1 following and unbounded following"
        columns = [
            f"min(case when x_{e} then {value} end) {self._over(frame, 'event_ts')} as {name}_{e}"
            for name, value in self.next_exclusion.items()
            for e in self.exclusions
        ]
        self._add("guarded", select(["*", *columns], f"from {source}"))
        return "guarded"

    def _marks(self) -> list[Mark]:
        marks = [Mark(f"t_{k}", k, "event_ts") for k in self.steps]
        if self.counts_events:
            marks += [Mark(f"c_{k}", k, "clock") for k in self.steps]
        return marks + [
            Mark(f"{mark}_{e}", exclusion.from_step + 1, f"{name}_{e}")
            for mark, name in zip(("u", "v"), self.next_exclusion, strict=False)
            for e, exclusion in zip(self.exclusions, self.funnel.exclusions, strict=True)
        ]

    def _judge(self, reached: list[str], spoils: bool = True, entered_first: bool = False) -> None:
        """Count the steps of each attempt, drop the spoiled ones, take the best."""
        level = " + ".join(
            ["1", *(f"case when {condition} then 1 else 0 end" for condition in reached[1:])]
        )
        self._add("judged", select(["*", f"{level} as level"], "from entered"))
        source = "judged"
        if spoils and self.funnel.exclusions:
            clean = []
            for e, exclusion in zip(self.exclusions, self.funnel.exclusions, strict=True):
                done = self._clock(exclusion.to_step + 1)
                clean.append(
                    f"not (level > {exclusion.from_step} and "
                    f"{self._within(f'u_{e}', self._clock(1))}{self._in_time(f'v_{e}', 't_1')} "
                    f"and coalesce(u_{e} < {done} or level <= {exclusion.to_step}, true))"
                )
            self._add("clean", "select * from judged\nwhere " + "\nand ".join(clean))
            source = "clean"
        self._best(source, rank=True, entered_first=entered_first)

    def _best(self, source: str, rank: bool, entered_first: bool = False) -> None:
        if rank:
            deepest = " ".join(f"when {k} then t_{k}" for k in self.steps if k > 1)
            done = f"case level {deepest} end, " if deepest else ""
            order = f"level desc, {done}t_1{'' if entered_first else ' desc'}, breakdown"
            cohort = f"{self.actor}, entry_date" if self.by_day else self.actor
            self._add(
                "ranked",
                select(
                    [
                        "*",
                        f"row_number() over (partition by {cohort} order by {order}) as rank",
                    ],
                    f"from {source}",
                ),
            )
            source = "ranked"
        columns = [
            *self.actor_columns,
            "entry_date",
            "breakdown",
            "cast(level as bigint) as level",
            *(f"case when level >= {k} then t_{k} end as step_{k}_ts" for k in self.steps),
        ]
        condition = "rank = 1" if rank else "level > 0"
        self._add("best", select(columns, f"from {source}\nwhere {condition}"))


def select(columns: Sequence[str], tail: str) -> str:
    return "select\n" + "".join(f"    {column},\n" for column in columns) + tail


def indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.splitlines())
