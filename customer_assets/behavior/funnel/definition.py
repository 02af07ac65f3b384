"""What a funnel is: steps, window, dialect, exclusions. Pure data and its validation, no SQL.

The one exception is how a condition compares, which every dialect shares.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from customer_assets import sources
from customer_assets.sources.event_log import FunnelStep, Range
from customer_assets.warehouse.quoting import literal, quoted

Dialect = Literal["ordered", "strict", "unordered", "strict_increase", "clickhouse"]
Unit = Literal["second", "minute", "day", "events", "none"]
Mode = Literal[
    "strict_deduplication", "strict_order", "strict_increase", "strict_once", "allow_reentry"
]

DIALECTS = ("ordered", "strict", "unordered", "strict_increase", "clickhouse")
MODES = ("strict_deduplication", "strict_order", "strict_increase", "strict_once", "allow_reentry")
MICROSECONDS = {"second": 1_000_000, "minute": 60_000_000, "day": 86_400_000_000}
# Names under which other systems offer the dialects.
DIALECT_OF = {
    "clickhouse_windowFunnel": "clickhouse",
    "posthog_ordered": "ordered",
    "posthog_strict": "strict",
    "posthog_unordered": "unordered",
    "ordered_one_event_per_step": "ordered",
}
COLUMN = re.compile(r"[a-z_][a-z0-9_]*")


class FunnelError(ValueError):
    """A funnel that cannot be computed as it is defined. The text says why."""


@dataclass(frozen=True)
class Condition:
    """A comparison of a column of `events` with one value, or with any of several for `=`."""

    column: str
    operator: Literal["=", ">=", "<=", "is null"]
    values: tuple[str | int | float, ...] = ()

    def __post_init__(self) -> None:
        if not COLUMN.fullmatch(self.column):
            raise FunnelError(f"{self.column!r} is no column name")
        if self.operator not in ("=", ">=", "<=", "is null"):
            raise FunnelError(f"{self.operator!r} is no operator: =, >=, <= or is null")
        wanted = {"is null": 0, ">=": 1, "<=": 1}.get(self.operator)
        if len(self.values) != wanted and (wanted is not None or not self.values):
            raise FunnelError(f"{self.operator} does not compare with {len(self.values)} values")

    def sql(self) -> str:
        if self.operator == "is null":
            return f"{quoted(self.column)} is null"
        if self.operator == "=":
            return f"{quoted(self.column)} in ({', '.join(map(literal, self.values))})"
        return f"{quoted(self.column)} {self.operator} {literal(self.values[0])}"

    def excludes(self, other: "Condition") -> bool:
        """Say whether no event can satisfy both."""
        if self.column != other.column:
            return False
        if self.operator == other.operator == "=":
            return not set(self.values) & set(other.values)
        return "is null" in (self.operator, other.operator) and self.operator != other.operator


# Conditions that all hold; none: any event. A condition on null is false.
Predicate = tuple[Condition, ...]


def may_overlap(one: Predicate, other: Predicate) -> bool:
    """Say whether an event could satisfy both; in doubt it could."""
    return not any(a.excludes(b) for a in one for b in other)


@dataclass(frozen=True)
class Exclusion:
    """An event that spoils an attempt which stands between two steps, counted from 0."""

    predicate: Predicate
    from_step: int
    to_step: int


@dataclass(frozen=True)
class Funnel:
    """A funnel's definition. `window` counts in `window_unit` from the entry event.

    `longest` bounds a window in events: what they may last, in ticks of event_ts.
    `optional` are the steps, counted from 0, without which an attempt goes on: they are taken if
    they are done between the steps around them, in any order. An attempt of a funnel that holds a
    column is made of events that are equal in it; events without a value belong to none.
    """

    steps: tuple[Predicate, ...]
    window: int | None
    window_unit: Unit
    window_inclusive: bool = True
    dialect: Dialect = "ordered"
    modes: frozenset[Mode] = field(default_factory=frozenset)
    exclusions: tuple[Exclusion, ...] = ()
    actor: Literal["customer", "session"] = "customer"
    breakdown: str | None = None
    longest: int | None = None
    optional: frozenset[int] = field(default_factory=frozenset)
    hold: str | None = None

    def __post_init__(self) -> None:
        if not self.steps:
            raise FunnelError("a funnel needs a step")
        if self.dialect not in DIALECTS:
            raise FunnelError(f"{self.dialect!r} is no dialect: {', '.join(DIALECTS)}")
        if unknown := set(self.modes) - set(MODES):
            raise FunnelError(f"no mode is named {', '.join(sorted(unknown))}")
        if "strict_order" not in self.modes:
            # It says what may come again inside of a strict order; elsewhere everything may.
            object.__setattr__(self, "modes", frozenset(self.modes) - {"allow_reentry"})
        if self.modes and self.dialect != "clickhouse":
            raise FunnelError(f"dialect {self.dialect} has no modes")
        if self.dialect == "clickhouse" and self.exclusions:
            raise FunnelError("dialect clickhouse has no exclusions")
        if self.window_unit not in (*MICROSECONDS, "events", "none"):
            raise FunnelError(f"{self.window_unit!r} is no unit of a window")
        if (self.window is None) != (self.window_unit == "none"):
            raise FunnelError("a window needs a length and a unit, none has neither")
        if self.window is not None and self.window < 0:
            raise FunnelError("a window cannot be negative")
        if self.longest is not None and self.window_unit != "events":
            raise FunnelError("only a window in events has a longest time of its own")
        if self.modes and self.window_unit == "events":
            raise FunnelError("modes judge a window in time, such as '1 day', not one in events")
        if self.breakdown is not None and not COLUMN.fullmatch(self.breakdown):
            raise FunnelError(f"{self.breakdown!r} is no column name")
        if self.hold is not None and not COLUMN.fullmatch(self.hold):
            raise FunnelError(f"{self.hold!r} is no column name")
        if self.hold is not None and self.modes:
            raise FunnelError("modes judge all that an actor did: they hold no column")
        self._check_optional()
        for exclusion in self.exclusions:
            if not 0 <= exclusion.from_step < exclusion.to_step < len(self.steps):
                raise FunnelError("an exclusion stands between two steps of the funnel")

    def _check_optional(self) -> None:
        if not self.optional:
            return
        if self.dialect != "ordered":
            raise FunnelError(f"dialect {self.dialect} has no optional steps, ordered has")
        if not self.optional <= set(range(1, len(self.steps) - 1)):
            raise FunnelError("the first and the last step of a funnel cannot be optional")
        if self.optional.intersection(n for e in self.exclusions for n in (e.from_step, e.to_step)):
            raise FunnelError("an exclusion stands between two steps that are not optional")
        for number in sorted(self.optional):
            others = [step for other, step in enumerate(self.steps) if other != number]
            if any(may_overlap(self.steps[number], other) for other in others):
                raise FunnelError(
                    f"step {number + 1} is optional, and its events can take another step too"
                )

    @property
    def required(self) -> list[int]:
        """Return the steps that an attempt cannot go on without, counted from 0."""
        return [number for number in range(len(self.steps)) if number not in self.optional]


def of_source(funnel: sources.Funnel) -> Funnel:
    """Return the definition of a funnel that a source states.

    Raises FunnelError where the dialect is none of DIALECTS or of the names in DIALECT_OF, and
    where modes are to judge a customer, whose whole history no day of entries has.
    """
    exclusions = tuple(
        Exclusion(
            predicate_of(each.event),
            each.after_step - 1,
            (each.before_step or len(funnel.steps)) - 1,
        )
        for each in funnel.exclusions
    )
    definition = Funnel(
        steps=tuple(predicate_of(step) for step in funnel.steps),
        window=funnel.window_events or funnel.window_seconds,
        window_unit="events" if funnel.window_events else "second",
        longest=funnel.window_seconds * MICROSECONDS["second"] if funnel.window_events else None,
        dialect=DIALECT_OF.get(funnel.dialect, funnel.dialect),  # type: ignore[arg-type]
        modes=frozenset(funnel.modes),  # type: ignore[arg-type]
        exclusions=exclusions,
        actor=funnel.actor,
        breakdown=funnel.breakdown,
        optional=frozenset(number - 1 for number in funnel.optional_steps),
        hold=funnel.hold,
    )
    if definition.modes and definition.actor != "session":
        raise FunnelError("modes judge all that an actor did: they need actor: session")
    return definition


def predicate_of(step: FunnelStep) -> Predicate:
    """Return the conditions that a step states."""
    stated = step if isinstance(step, dict) else {"event": step}
    conditions: list[Condition] = []
    for name, wanted in stated.items():
        if name == "optional":
            continue
        column = "event_type" if name == "event" else name
        if wanted is None:
            conditions.append(Condition(column, "is null"))
        elif isinstance(wanted, Range):
            bounds = ((">=", wanted.at_least), ("<=", wanted.at_most))
            conditions += [Condition(column, o, (b,)) for o, b in bounds if b is not None]  # type: ignore[arg-type]
        else:
            values = wanted if isinstance(wanted, list) else [wanted]
            conditions.append(Condition(column, "=", tuple(values)))
    return tuple(conditions)


def predicate_sql(predicate: Predicate) -> str:
    if not predicate:
        return "true"
    return f"coalesce({' and '.join(condition.sql() for condition in predicate)}, false)"
