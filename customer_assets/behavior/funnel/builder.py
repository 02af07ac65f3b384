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
    Predicate,
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


@dataclass(frozen=True)
class Option:
    """An optional step: its number in the funnel, and after which required one it stands."""

    number: int
    predicate: Predicate
    after: int


class Builder(ABC):
    """Writes the common table expressions of one funnel, one idea each.

    `steps` counts the required steps from 1: they alone say how far an attempt gets. Whether an
    optional step `q_j` was taken is looked up between the steps around it.
    """

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
        self.predicates = [funnel.steps[number] for number in funnel.required]
        self.n = len(self.predicates)
        self.steps = range(1, self.n + 1)
        # What each step is called in the funnel, counted from 1.
        self.numbers = dict(zip(self.steps, (n + 1 for n in funnel.required), strict=True))
        self.options = [
            Option(at + 1, funnel.steps[at], sum(n < at for n in funnel.required))
            for at in sorted(funnel.optional)
        ]
        self.exclusion_steps = {
            number: (funnel.required.index(e.from_step) + 1, funnel.required.index(e.to_step) + 1)
            for number, e in enumerate(funnel.exclusions, 1)
        }
        self.exclusions = range(1, len(funnel.exclusions) + 1)
        self.counts_events = funnel.window_unit == "events"
        # Who has attempts: an actor, with one value of what the funnel holds.
        self.actor_columns = (*actor, "held") if funnel.hold else actor
        self.actor = ", ".join(self.actor_columns)
        self.entrant = ", ".join(actor)
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
        flags = [(f"p_{k}", step) for k, step in zip(self.steps, self.predicates, strict=True)]
        flags += [(f"q_{option.number}", option.predicate) for option in self.options]
        flags += [
            (f"x_{e}", exclusion.predicate)
            for e, exclusion in zip(self.exclusions, funnel.exclusions, strict=True)
        ]
        actor = self.entrant.split(", ")
        columns = [
            *actor,
            *([f"{quoted(funnel.hold)} as held"] if funnel.hold else []),
            f"{entry_date} as entry_date",
            *dict.fromkeys([*self.instant.split(", "), "event_ts"]),
            f"{quoted(funnel.breakdown) if funnel.breakdown else 'null'} as breakdown",
            *(f"{predicate_sql(predicate)} as {name}" for name, predicate in flags),
        ]
        # A passive event has no number: it comes between no two acts.
        needed = [*actor, *(["event_number"] if self.succession else [])]
        needed += [quoted(funnel.hold)] if funnel.hold else []
        wanted = [f"{name} is not null" for name in needed]
        wanted += self._needed_events()
        self._add(
            "matched", select(columns, f"from {self.events}\nwhere " + "\n    and ".join(wanted))
        )
        takes = {self.numbers[k]: f"p_{k}" for k in self.steps}
        takes |= {option.number: f"q_{option.number}" for option in self.options}
        first_step = " ".join(f"when {takes[n]} then {n}" for n in sorted(takes))
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

    def _next_options(self, source: str, frame: str) -> str:
        """Add where each optional step is next taken: in the order of events, and when."""
        if not self.options:
            return source
        order = f"order by {self.instant}"
        if frame.startswith("rows"):
            order += f", {self._step_order()}"
        position = f"row_number() over (partition by {self.actor} {order}) as position"
        self._add("placed", select(["*", position], f"from {source}"))
        columns = [
            f"min(case when q_{option.number} then {value} end) "
            f"{self._over(frame, 'position')} as next_{name}_{option.number}"
            for option in self.options
            for name, value in self._of_options().items()
        ]
        self._add("optional_next", select(["*", *columns], "from placed"))
        return "optional_next"

    def _of_options(self) -> dict[str, str]:
        """Return what is known of the next optional step, by the name of its mark."""
        clock = {"oc": "clock"} if self.counts_events else {}
        return {"op": "position", "ot": "event_ts", **clock}

    def _marks(self) -> list[Mark]:
        marks = [Mark(f"t_{k}", k, "event_ts") for k in self.steps]
        if self.counts_events:
            marks += [Mark(f"c_{k}", k, "clock") for k in self.steps]
        ends = {option.after + 1: None for option in self.options}
        marks += [Mark(f"position_{k}", k, "position") for k in ends]
        marks += [
            Mark(f"{name}_{option.number}", option.after, f"next_{name}_{option.number}")
            for option in self.options
            for name in self._of_options()
        ]
        return marks + [
            Mark(f"{mark}_{e}", self.exclusion_steps[e][0], f"{name}_{e}")
            for mark, name in zip(("u", "v"), self.next_exclusion, strict=False)
            for e in self.exclusions
        ]

    def _is_taken(self, option: Option) -> str:
        """Return the condition that an optional step is done before the next required one."""
        clock = f"{'oc' if self.counts_events else 'ot'}_{option.number}"
        within = self._within(clock, self._clock(1))
        within += self._in_time(f"ot_{option.number}", "t_1")
        before = f"op_{option.number} <= position_{option.after + 1}"
        return f"level >= {option.after} and {within} and (level = {option.after} or {before})"

    def _judge(self, reached: list[str], spoils: bool = True, entered_first: bool = False) -> None:
        """Count the steps of each attempt, drop the spoiled ones, take the best."""
        level = " + ".join(
            ["1", *(f"case when {condition} then 1 else 0 end" for condition in reached[1:])]
        )
        self._add("judged", select(["*", f"{level} as level"], "from entered"))
        source = "judged"
        if spoils and self.funnel.exclusions:
            clean = []
            for e in self.exclusions:
                begun, ended = self.exclusion_steps[e]
                clean.append(
                    f"not (level >= {begun} and "
                    f"{self._within(f'u_{e}', self._clock(1))}{self._in_time(f'v_{e}', 't_1')} "
                    f"and coalesce(u_{e} < {self._clock(ended)} or level < {ended}, true))"
                )
            self._add("clean", "select * from judged\nwhere " + "\nand ".join(clean))
            source = "clean"
        if self.options:
            columns = [
                f"case when {self._is_taken(option)} then ot_{option.number} end "
                f"as taken_{option.number}"
                for option in self.options
            ]
            self._add("opted", select(["*", *columns], f"from {source}"))
            source = "opted"
        self._best(source, rank=True, entered_first=entered_first)

    def _best(self, source: str, rank: bool, entered_first: bool = False) -> None:
        if rank:
            deepest = " ".join(f"when {k} then t_{k}" for k in self.steps if k > 1)
            order = ["level desc", *([f"case level {deepest} end"] if deepest else [])]
            if self.options:
                taken = [f"cast(taken_{o.number} is not null as bigint)" for o in self.options]
                order.append(f"{' + '.join(taken)} desc")
            order += [f"t_1{'' if entered_first else ' desc'}", "breakdown"]
            order += ["held"] if self.funnel.hold else []
            cohort = f"{self.entrant}, entry_date" if self.by_day else self.entrant
            self._add(
                "ranked",
                select(
                    [
                        "*",
                        f"row_number() over (partition by {cohort} order by {', '.join(order)}) "
                        "as rank",
                    ],
                    f"from {source}",
                ),
            )
            source = "ranked"
        columns = [
            *self.actor_columns,
            "entry_date",
            "breakdown",
            f"cast({self._level()} as bigint) as level",
            *self._times(),
        ]
        condition = "rank = 1" if rank else "level > 0"
        self._add("best", select(columns, f"from {source}\nwhere {condition}"))

    def _level(self) -> str:
        """Return the number of the deepest step that was taken."""
        if not self.options:
            return "level"
        numbers = " ".join(f"when {k} then {self.numbers[k]}" for k in self.steps)
        taken = [
            f"case when taken_{o.number} is not null then {o.number} else 1 end"
            for o in self.options
        ]
        return f"greatest(case level {numbers} end, {', '.join(taken)})"

    def _times(self) -> list[str]:
        times = {
            self.numbers[k]: f"case when level >= {k} then t_{k} end as step_{self.numbers[k]}_ts"
            for k in self.steps
        }
        times |= {o.number: f"taken_{o.number} as step_{o.number}_ts" for o in self.options}
        return [times[number] for number in sorted(times)]


def select(columns: Sequence[str], tail: str) -> str:
    return "select\n" + "".join(f"    {column},\n" for column in columns) + tail


def indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.splitlines())
