"""Dialect `clickhouse` with modes, after windowFunnel as it was when allow_reentry came.

Its answers are that system's, also where one may wonder: with strict_increase a later match of a
step hides an earlier one. Later releases answer some combinations otherwise (a repeat under
strict_deduplication gives the deepest level). The dialect without modes is in `ordered`.
"""

from customer_assets.behavior.funnel.builder import Builder, select
from customer_assets.behavior.funnel.definition import FunnelError


class ClickHouse(Builder):
    """The list of matches is read once, up to the element at which a mode stops."""

    def _attempts(self) -> None:
        """Follow windowFunnel, whose list of matches is read once.

        An event is an element of the list for each step that it can take, ordered by time and
        step. Whether a level has been reached only ever turns true, so the modes, which stop
        the reading at some element, compare its position with those where the levels were
        first reached.
        """
        if self.by_day:
            raise FunnelError(
                "the modes of dialect clickhouse judge an actor's whole history: "
                "it cannot be cut by entry day"
            )
        modes = self.funnel.modes
        takes_any = " or ".join(f"p_{k}" for k in self.steps)
        columns = [self.actor, "event_ts", "breakdown", "clock", "event_number"]
        self._add(
            "numbered",
            select(
                [
                    "*",
                    f"row_number() over (partition by {self.actor} "
                    f"order by {self.instant}, {self._step_order()}) as event_number",
                ],
                "from log",
            ),
        )
        elements = [
            select([*columns, f"{k} as step"], f"from numbered\nwhere p_{k}") for k in self.steps
        ]
        if "strict_order" in modes:
            elements.append(
                select([*columns, "0 as step"], f"from numbered\nwhere not ({takes_any})")
            )
        self._add("elements", "\nunion all\n".join(elements))
        self._add(
            "listed",
            select(
                [
                    "*",
                    f"row_number() over (partition by {self.actor} "
                    "order by event_ts, step, event_number) as position",
                ],
                "from elements",
            ),
        )
        first_at = (
            self._levels_with_distinct_events()
            if "strict_once" in modes
            else self._levels_of_last_matches()
        )
        self._stops(first_at)

    def _levels_of_last_matches(self) -> str:
        """Give the position where each level is first reached: a later match hides the earlier."""
        frame = self._over("rows between unbounded preceding and 1 preceding", "position")
        source = "listed"
        for k in self.steps:
            if k == 1:
                columns = [
                    "case when step = 1 then clock end as entry_1",
                    "case when step = 1 then event_ts end as ts_1",
                ]
                self._add("level_1", select(["*", *columns], f"from {source}"))
            else:
                before = [
                    f"last_value({name}_{k - 1} ignore nulls) {frame} as last_{name}"
                    for name in ("entry", "ts")
                ]
                self._add(f"before_{k}", select(["*", *before], f"from {source}"))
                holds = f"step = {k} and {self._within('clock', 'last_entry')}"
                if "strict_increase" in self.funnel.modes:
                    holds += " and last_ts < event_ts"
                if self.window is None:
                    holds = holds.replace("clock is not null", "last_entry is not null")
                columns = [
                    f"case when {holds} then last_entry end as entry_{k}",
                    f"case when {holds} then event_ts end as ts_{k}",
                ]
                self._add(
                    f"level_{k}",
                    select(["* exclude (last_entry, last_ts)", *columns], f"from before_{k}"),
                )
            source = f"level_{k}"
        firsts = [
            f"min(case when entry_{k} is not null then position end) as first_{k}"
            for k in self.steps
        ]
        self._add("firsts", select([self.actor, *firsts], f"from {source}\ngroup by {self.actor}"))
        return "firsts"

    def _levels_with_distinct_events(self) -> str:
        """Give the position where each level is first reached by a chain of different events."""
        for k in self.steps:
            used = [f"event_{j}" for j in range(1, k)]
            if k == 1:
                body = select(
                    [
                        self.actor,
                        "clock as entry",
                        "event_ts",
                        "position",
                        "event_number as event_1",
                    ],
                    "from listed\nwhere step = 1",
                )
            else:
                same = " and ".join(f"listed.{c} = chain_{k - 1}.{c}" for c in self.actor_columns)
                conditions = [
                    same,
                    f"listed.step = {k}",
                    f"listed.position > chain_{k - 1}.position",
                    self._within("listed.clock", f"chain_{k - 1}.entry"),
                    *(f"listed.event_number != chain_{k - 1}.{event}" for event in used),
                ]
                if "strict_increase" in self.funnel.modes:
                    conditions.append(f"listed.event_ts > chain_{k - 1}.event_ts")
                columns = [
                    *(f"listed.{c}" for c in self.actor_columns),
                    f"chain_{k - 1}.entry",
                    "listed.event_ts",
                    "listed.position",
                    *used,
                    f"listed.event_number as event_{k}",
                ]
                body = select(
                    columns,
                    f"from chain_{k - 1}\ninner join listed\n    on "
                    + "\n    and ".join(conditions),
                )
            self._add(f"chain_{k}", body)
        reached = "\nunion all\n".join(
            select([self.actor, f"{k} as level", "position"], f"from chain_{k}") for k in self.steps
        )
        self._add("reached", reached)
        firsts = [f"min(case when level = {k} then position end) as first_{k}" for k in self.steps]
        self._add("firsts", select([self.actor, *firsts], f"from reached\ngroup by {self.actor}"))
        return "firsts"

    def _stops(self, firsts: str) -> None:
        """Stop reading at the first element that a mode forbids, or that completes the funnel."""
        modes = self.funnel.modes
        self._add(
            "read",
            select(
                [
                    "listed.*",
                    f"lag(listed.step) over (partition by {self._of('listed')} "
                    "order by listed.position) as previous_step",
                    *(f"{firsts}.first_{k}" for k in self.steps),
                ],
                f"from listed\ninner join {firsts}\n    on "
                + " and ".join(f"listed.{c} = {firsts}.{c}" for c in self.actor_columns),
            ),
        )

        def is_reached(k: int) -> str:
            return f"coalesce(first_{k} < position, false)"

        deepest = " ".join(f"when {is_reached(k)} then {k}" for k in reversed(self.steps))
        unbroken = " ".join(f"when not {is_reached(k)} then {k - 1}" for k in self.steps)
        cases = [f"when position = first_{self.n} then {self.n}"]
        if "strict_order" in modes:
            cases.append(f"when step = 0 and {is_reached(1)} then case {deepest} end")
        if "strict_order" in modes and "allow_reentry" not in modes and self.n > 1:
            cases.append(f"when step = 1 and {is_reached(2)} then case {deepest} end")
        for k in self.steps:
            if k > 1 and "strict_deduplication" in modes:
                cases.append(f"when step = {k} and {is_reached(k)} then previous_step")
            if k > 1 and "strict_order" in modes:
                cases.append(
                    f"when step = {k} and {is_reached(1)} and not {is_reached(k - 1)} "
                    f"then case {unbroken} else {self.n} end"
                )
        self._add(
            "judged_elements",
            select(["*", f"case {' '.join(cases)} end as stop_level"], "from read"),
        )
        after_all = " ".join(
            f"when max(first_{k}) is not null then {k}" for k in reversed(self.steps)
        )
        level = (
            "coalesce(arg_min(stop_level, position) filter (where stop_level is not null), "
            f"case {after_all} end) as level"
        )
        times = [
            f"max(case when position = first_{k} then event_ts end) as t_{k}" for k in self.steps
        ]
        self._add(
            "entered",
            select(
                [
                    self.actor,
                    "cast(null as date) as entry_date",
                    "min(case when position = first_1 then breakdown end) as breakdown",
                    level,
                    *times,
                ],
                f"from judged_elements\ngroup by {self.actor}",
            ),
        )
        self._best("entered", rank=False)

    def _of(self, table: str) -> str:
        return ", ".join(f"{table}.{c}" for c in self.actor_columns)
