"""Dialect `unordered`: distinct steps inside one window, each by an event of its own."""

from customer_assets.behavior.funnel.builder import Builder, select
from customer_assets.behavior.funnel.overlap import components, connected_sets


class Unordered(Builder):
    """An attempt may start with any step; an exclusion leaves it at step 1."""

    def _attempts(self) -> None:
        """Pair each event that can take a step with what follows in its window."""
        takes_any = " or ".join(f"p_{k}" for k in self.steps)
        keys = ", ".join([*self.actor_columns, "event_ts"])
        self._add(
            "entries",
            select(
                [
                    keys,
                    "min(entry_date) as entry_date",
                    "min(breakdown) as breakdown",
                    "min(clock) as clock",
                ],
                f"from log\nwhere {takes_any}\ngroup by {keys}",
            ),
        )
        same_actor = " and ".join(f"log.{c} = entries.{c}" for c in self.actor_columns)
        flags = [f"log.p_{k}" for k in self.steps] + [f"log.x_{e}" for e in self.exclusions]
        columns = [
            *(f"entries.{c}" for c in self.actor_columns),
            "entries.event_ts as t_entry",
            "entries.entry_date",
            "entries.breakdown",
            "log.event_ts",
            *flags,
        ]
        within = self._within("log.clock", "entries.clock")
        within += self._in_time("log.event_ts", "entries.event_ts")
        self._add(
            "followers",
            select(
                columns,
                f"from entries\ninner join log\n    on {same_actor}\n"
                f"    and log.event_ts >= entries.event_ts\n    and {within}",
            ),
        )
        predicates = list(dict.fromkeys(self.funnel.steps))
        flag = {p: f"p_{self.funnel.steps.index(p) + 1}" for p in predicates}
        so_far = f"over (partition by {self.actor}, t_entry order by event_ts)"
        taken = []
        for component in components(predicates):
            n_steps = sum(step in component for step in self.funnel.steps)
            # The steps that stay open are the largest shortage of events in a set of predicates.
            shortages = []
            for members in connected_sets(component):
                wanted = sum(step in members for step in self.funnel.steps)
                able = " or ".join(flag[p] for p in members)
                shortages.append(f"{wanted} - count(*) filter (where {able}) {so_far}")
            taken.append(f"{n_steps} - greatest(0, {', '.join(shortages)})")
        self._add("progress", select(["*", f"{' + '.join(taken)} as n_taken"], "from followers"))
        attempt = ", ".join([*self.actor_columns, "t_entry", "entry_date", "breakdown"])
        times = [f"min(case when n_taken >= {k} then event_ts end) as t_{k}" for k in self.steps]
        self._add("timed", select([attempt, *times], f"from progress\ngroup by {attempt}"))
        self._add("entered", self._spoil())
        spoiled = " or ".join(f"is_spoiled_{e}" for e in self.exclusions) or "false"
        reached = ["true"] + [f"t_{k} is not null and not ({spoiled})" for k in self.steps if k > 1]
        self._judge(reached, spoils=False, entered_first=True)

    def _spoil(self) -> str:
        if not self.funnel.exclusions:
            return "select * from timed"
        keys = [*self.actor_columns, "t_entry"]
        spoils = []
        for e, exclusion in zip(self.exclusions, self.funnel.exclusions, strict=True):
            begun, done = f"timed.t_{exclusion.from_step + 1}", f"timed.t_{exclusion.to_step + 1}"
            spoils.append(
                f"coalesce(bool_or(followers.x_{e} and followers.event_ts > {begun} "
                f"and ({done} is null or followers.event_ts < {done})), false) as is_spoiled_{e}"
            )
        same = " and ".join(f"timed.{c} = followers.{c}" for c in keys)
        columns = ["entry_date", "breakdown", *(f"t_{k}" for k in self.steps)]
        grouped = ", ".join(f"timed.{c}" for c in [*keys, *columns])
        return select(
            [grouped, *spoils],
            f"from timed\ninner join followers on {same}\ngroup by {grouped}",
        )
