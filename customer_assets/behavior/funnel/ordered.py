"""Dialects whose steps come one after another: ordered, strict_increase, clickhouse, strict.

Looking backwards, the earliest way to go on after an event is a running minimum over the later
events, so a chain of n steps costs n - 1 windows.
"""

import itertools

from customer_assets.behavior.funnel.builder import Builder, Mark, select
from customer_assets.behavior.funnel.overlap import connected_sets, one_row_per_event
from customer_assets.warehouse.quoting import literal


class Chained(Builder):
    """The dialects differ in what may stand between and in what an instant allows.

    `ordered`: anything between; the events of an instant take steps in their order, each one.
    `strict`: nothing between, so the next instant must take the next step.
    `strict_increase`: one step an instant. `clickhouse`: one event may take several.
    """

    def _attempts(self) -> None:
        source = self._next_exclusions("log")
        marks = self._marks()
        dialect = self.funnel.dialect
        order, frame = self.instant, "rows between 1 following and unbounded following"
        in_rows = False
        instants = dialect == "strict"
        if dialect == "strict":
            frame = "rows between 1 following and 1 following"
        elif dialect == "strict_increase":
            order, frame = "event_ts", "range between 1 following and unbounded following"
        elif dialect == "clickhouse":
            frame = "range between current row and unbounded following"
        else:
            instants = not one_row_per_event(self.funnel.steps)
            in_rows = not instants
            order = self.instant if instants else f"{self.instant}, {self._step_order()}"
        # Events that order leaves equal take the same step, so that any of them may come first.
        differ = len(set(self.predicates)) == self.n and not self.options
        has_first = in_rows and differ and not self.counts_events
        holds = self.funnel.hold is not None and in_rows and not self.exclusions
        if holds:
            source = self._linked(source)
        if instants:
            source = self._gather_instants(source)
        elif not self.funnel.exclusions and not self._needed_events():
            source = self._drop_dominated(source)
        later = "range between current row" if instants else "rows between 1 following"
        source = self._next_options(source, f"{later} and unbounded following")

        def onward(k: int, mark: Mark) -> str:
            """The mark of going on from step k at this row, null where that is impossible."""
            cases = []
            for last in reversed(range(k, self.n + 1) if instants else [k]):
                condition = f"takes_{k}_{last}" if instants else f"p_{k}"
                value = mark.value if mark.step <= last else f"{mark.name}_from_{last + 1}"
                cases.append(f"when {condition} then {value}")
            return f"case {' '.join(cases)} end"

        def earliest(value: str) -> str:
            # Row by row the ways on never get earlier: the first is the least, and found sooner.
            return f"first_value({value} ignore nulls)" if has_first else f"min({value})"

        def chain(k: int, source: str) -> str:
            columns = [
                f"{earliest(onward(k, mark))} {self._over(frame, order)} as {mark.name}_from_{k}"
                for mark in marks
                if mark.step >= k
            ]
            self._add(f"from_step_{k}", select(["*", *columns], f"from {source}"))
            return f"from_step_{k}"

        for k in reversed(range(2, self.n + 1)):
            source = chain(k, source)
        columns = [f"{onward(1, mark)} as {mark.name}" for mark in marks]
        entered = select(
            [*self.actor_columns, "entry_date", "breakdown", *columns],
            f"from {source}\nwhere {'takes_1_1' if instants else 'p_1'}",
        )
        if holds:
            entered += f"\nunion all\n{self._last_entries(marks)}"
        self._add("entered", entered)
        self._judge(
            [
                self._within(self._clock(k), self._clock(1)) + self._in_time(f"t_{k}", "t_1")
                for k in self.steps
            ]
        )

    def _linked(self, source: str) -> str:
        """Keep the events of who goes on with what is held: most look at a thing and leave it.

        The others only enter. What that comes to, the last entry of a day, says `_last_entries`.
        """
        takes = [f"p_{k}" for k in self.steps if k > 1]
        takes += [f"q_{option.number}" for option in self.options]
        self._add(
            "going_on",
            f"select distinct {self.actor}\nfrom {source}\nwhere {' or '.join(takes) or 'false'}",
        )
        same = " and ".join(f"{source}.{name} = going_on.{name}" for name in self.actor_columns)
        self._add("linked", f"select {source}.*\nfrom {source}\ninner join going_on on {same}")
        return "linked"

    def _last_entries(self, marks: list[Mark]) -> str:
        """Return as attempts that go no further the last entries of each day, of whatever is held.

        An entry that does go on is among the others too, and better there.
        """
        keys = [*self.entrant.split(", "), "entry_date"]
        last = select(
            [*keys, "max(event_ts) as event_ts"],
            f"from log\nwhere p_1\ngroup by {', '.join(keys)}",
        )
        self._add("last_entries", last)
        same = [f"log.{name} = last_entries.{name}" for name in (*keys[:-1], "event_ts")]
        same.append("log.entry_date is not distinct from last_entries.entry_date")
        columns = [f"log.{name}" for name in (*self.actor_columns, "entry_date", "breakdown")]
        columns += [
            f"{'log.event_ts' if mark.name == 't_1' else 'cast(null as bigint)'} as {mark.name}"
            for mark in marks
        ]
        joined = f"from log\ninner join last_entries on {' and '.join(same)}\nwhere log.p_1"
        return select(columns, joined)

    def _drop_dominated(self, source: str) -> str:
        """Drop entries that another one of the same day follows before any later step.

        Whatever such an entry reaches the next one reaches too, and later ends its window.
        Entries are most of the events, so this leaves little to the windows that come.
        """
        is_mere = " and ".join(["p_1", *(f"not p_{k}" for k in self.steps if k > 1)])
        self._add("marked", select(["*", f"{is_mere} as is_mere_entry"], f"from {source}"))
        order = f"{self.instant}, {self._step_order()}"
        if self.funnel.dialect == "strict_increase":
            # Of one instant, an entry is too late for a step.
            order = "event_ts, first_step desc, breakdown"
        over = self._over("", order)
        day = "case when is_mere_entry then entry_date end" if self.by_day else "is_mere_entry"
        same = " = entry_date" if self.by_day else ""
        followed = f"coalesce(lead({day}) {over}{same}, false) as is_followed_by_entry"
        self._add("followed", select(["*", followed], "from marked"))
        self._add(
            "kept",
            "select * from followed\nwhere not (is_mere_entry and is_followed_by_entry)",
        )
        return "kept"

    def _needed_events(self) -> list[str]:
        """Drop entries that another one of the same day follows, before any sort.

        An entry that follows another event of its instant may still precede it in step order.
        """
        if not self.succession or self.counts_events:
            return []
        funnel = self.funnel
        steps = [*self.predicates, *(option.predicate for option in self.options)]
        conditions = [condition for step in steps for condition in step]
        # What follows an event among all that the customer did may be of something else.
        drops_dominated = (
            funnel.dialect in ("ordered", "clickhouse")
            and not funnel.exclusions
            and funnel.hold is None
            and one_row_per_event(self.funnel.steps)
            and all((c.column, c.operator) == ("event_type", "=") for c in conditions)
            and all(len(step) == 1 for step in steps)
        )
        if not drops_dominated:
            return []
        entries, *later = [set(condition.values) for condition in conditions]
        mere = ", ".join(literal(name) for name in sorted(entries.difference(*later), key=str))
        if not mere:
            return []
        return [
            f"not (event_type in ({mere}) and coalesce(next_event_type in ({mere}), false) "
            "and coalesce(previous_event_ts < event_ts, true))"
        ]

    def _gather_instants(self, source: str) -> str:
        """Make one row of the events of an instant, with the runs of steps they can take.

        By Hall's theorem different events can take the steps i..j together iff every set of
        predicates among them has as many events that satisfy one of it as it has steps.
        """
        predicates = list(dict.fromkeys(self.predicates))
        sets = connected_sets(predicates)
        flags = {p: f"p_{self.predicates.index(p) + 1}" for p in predicates}
        counts = [
            f"count(*) filter (where {' or '.join(flags[p] for p in members)}) as n_{number}"
            for number, members in enumerate(sets)
        ]
        extra = [
            f"min({name}_{e}) as {name}_{e}"
            for name in self.next_exclusion
            for e in self.exclusions
        ]
        extra += [f"bool_or(q_{o.number}) as q_{o.number}" for o in self.options]
        instant = dict.fromkeys([*self.instant.split(", "), "event_ts"])
        keys = ", ".join([*self.actor_columns, "entry_date", *instant])
        self._add(
            "instants",
            select(
                [
                    keys,
                    "min(case when p_1 then breakdown end) as breakdown",
                    "min(clock) as clock",
                    *counts,
                    *extra,
                ],
                f"from {source}\ngroup by {keys}",
            ),
        )
        runs = []
        for first, last in itertools.combinations_with_replacement(self.steps, 2):
            steps = self.predicates[first - 1 : last]
            needed = [
                f"n_{number} >= {sum(step in members for step in steps)}"
                for number, members in enumerate(sets)
                if set(members) <= set(steps)
            ]
            runs.append(f"{' and '.join(needed)} as takes_{first}_{last}")
        self._add("runs", select(["*", *runs], "from instants"))
        return "runs"
