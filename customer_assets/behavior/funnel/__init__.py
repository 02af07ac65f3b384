"""Funnels: a definition in, one SELECT out.

The only SQL that is built and not written, because the number of steps, the dialect and the
window change its shape. The text runs as it stands in the DuckDB shell over a table `events`
and keeps to the portable subset. Does not belong here: which days of events a day of entries
reads (`windows`), what is reported of the entries (`sql/behavior/funnel.sql`).

Each attempt starts at an entry event and takes every next step as early as possible. Looking
backwards, the earliest way to go on after an event is a running minimum over the later events,
so a funnel of n steps costs n - 1 windows and no loop. An actor's best attempt is the deepest;
of equally deep ones that which got there first, then the one that entered last.
"""

from collections.abc import Mapping, Sequence

from customer_assets.behavior.funnel.builder import Builder, indented, select
from customer_assets.behavior.funnel.clickhouse import ClickHouse
from customer_assets.behavior.funnel.definition import (
    DIALECT_OF,
    DIALECTS,
    MICROSECONDS,
    MODES,
    Condition,
    Exclusion,
    Funnel,
    FunnelError,
    Predicate,
    of_source,
    predicate_of,
    predicate_sql,
)
from customer_assets.behavior.funnel.ordered import Chained
from customer_assets.behavior.funnel.unordered import Unordered
from customer_assets.warehouse.quoting import literal, quoted

__all__ = [
    "DIALECTS",
    "DIALECT_OF",
    "MODES",
    "Condition",
    "Exclusion",
    "Funnel",
    "FunnelError",
    "Predicate",
    "active_sql",
    "attempts_sql",
    "entries_sql",
    "of_source",
    "predicate_of",
    "predicate_sql",
    "steps_sql",
]


def attempts_sql(
    funnel: Funnel,
    *,
    by_day: bool = True,
    actor: Sequence[str] = ("customer_id",),
    instant: Sequence[str] = ("event_ts",),
    events: str = "events",
    ticks_per_unit: int | None = None,
    has_succession: bool = False,
) -> str:
    """Return a SELECT with one row per actor (and entry day) that entered the funnel.

    Columns: the actor's, `held` where the funnel holds a column, `entry_date`, `breakdown` (of the
    entry event), `level` (the deepest step reached, from 1) and `step_1_ts` ... `step_n_ts` (null
    where not reached, or where an optional step was passed by).

    `by_day`: the best attempt of each entry day, else of all history with a null entry_date.
    `instant`: what orders events; events equal in it count in the order of the steps.
    `ticks_per_unit`: ticks of event_ts per window unit, by default microseconds.
    `has_succession`: `events` has the columns of `succession`, which follow the actor's events.
    Raises FunnelError where the dialect cannot be cut by entry day.
    """
    kind: type[Builder] = Unordered if funnel.dialect == "unordered" else Chained
    if funnel.modes:
        kind = ClickHouse
    return kind(
        funnel, by_day, tuple(actor), tuple(instant), events, ticks_per_unit, has_succession
    ).sql()


# A session's events are those between its ends: sessions of a customer never overlap.
SESSION_EVENTS = """with session_events as (
    select
        events.*,
        sessions.started_ts as session_ts,
        sessions.session_date,
    from events
    inner join sessions
        on events.customer_id = sessions.customer_id
        and events.event_ts >= sessions.started_ts
        and events.event_ts <= sessions.ended_ts
    where events.event_number is not null
),

-- What modes judge: the session up to the end of the day after that on which it starts.
judged_events as (
    select * from session_events
    where datediff('day', session_date, event_date) <= 1
)

"""


def entries_sql(funnels: Mapping[str, Funnel], instant: Sequence[str] = ("event_ts",)) -> str:
    """Return the SELECT of the table `funnel_entries`.

    It reads `events` from the first entry day to the end of the last one's window, at least of
    the following day, and `sessions` of the same days and the day before where a session is the
    actor. Only rows of the wanted entry days are complete. `instant` is what orders events. With
    modes an entry is filed under the day on which its session starts.
    """
    parts = []
    for name, funnel in funnels.items():
        n = len(funnel.steps)
        by_session = funnel.actor == "session"
        actor, events = ["customer_id"], "events"
        if by_session:
            actor, events = ["customer_id", "session_ts"], "session_events"
        if funnel.modes:
            actor, events = [*actor, "session_date"], "judged_events"
        attempts = attempts_sql(
            funnel,
            by_day=not funnel.modes,
            actor=actor,
            instant=instant,
            events=events,
            has_succession=not by_session,
        )
        columns = [
            f"{literal(name)} as funnel",
            "customer_id",
            "session_ts" if by_session else "cast(null as bigint) as session_ts",
            "session_date as entry_date" if funnel.modes else "entry_date",
            "cast(breakdown as varchar) as breakdown",
            f"cast({n} as bigint) as n_steps",
            f"cast({literal(_window_us(funnel))} as bigint) as window_us",
            f"{'cast(held as varchar)' if funnel.hold else 'cast(null as varchar)'} as held",
            "level",
            f"{_skipped(funnel)} as skipped_steps",
            f"[{', '.join(f'step_{k}_ts' for k in range(1, n + 1))}] as reached_ts",
        ]
        parts.append(select(columns, f"from (\n{indented(attempts)}\n) as attempts"))
    prefix = SESSION_EVENTS if any(f.actor == "session" for f in funnels.values()) else ""
    return prefix + "\nunion all\n".join(parts)


def active_sql(funnels: Mapping[str, Funnel]) -> str:
    """Return the SELECT of the table `funnel_active`."""
    parts = []
    for name, funnel in funnels.items():
        breakdown = f"events.{quoted(funnel.breakdown)}" if funnel.breakdown else "null"
        parts.append(
            select(
                [
                    f"{literal(name)} as funnel",
                    "customer_day.event_date",
                    f"cast({breakdown} as varchar) as breakdown",
                    "count(distinct customer_day.customer_id) as n_active",
                ],
                "from customer_day\ninner join events\n"
                "    on customer_day.customer_id = events.customer_id\n"
                "    and customer_day.event_date = events.event_date\n"
                "where events.event_number is not null\n"
                "    and not (customer_day.is_suspected_bot and getvariable('leaves_out_bots'))\n"
                f"group by customer_day.event_date, cast({breakdown} as varchar)",
            )
        )
    return "\nunion all\n".join(parts)


def steps_sql(funnels: Mapping[str, Funnel], names: Mapping[str, Sequence[str]]) -> str:
    """Return the SELECT of the table `funnel_steps`; `names` are the words of each step."""
    parts = []
    for name, funnel in funnels.items():
        for number in range(len(funnel.steps)):
            before = max((n + 1 for n in funnel.required if n < number), default=None)
            parts.append(
                select(
                    [
                        f"{literal(name)} as funnel",
                        f"cast({number + 1} as bigint) as step",
                        f"{literal(names[name][number])} as step_name",
                        f"{literal(number in funnel.optional)} as is_optional",
                        f"cast({literal(before)} as bigint) as previous_step",
                    ],
                    "",
                ).rstrip()
            )
    return "\nunion all\n".join(parts)


def _skipped(funnel: Funnel) -> str:
    """Return the list of the optional steps that were passed by."""
    skipped = [
        f"case when level > {n + 1} and step_{n + 1}_ts is null then [{n + 1}] else [] end"
        for n in sorted(funnel.optional)
    ]
    text = f"list_concat({', '.join(skipped)})" if len(skipped) > 1 else "".join(skipped) or "[]"
    return f"cast({text} as bigint[])"


def _window_us(funnel: Funnel) -> int | None:
    if funnel.window is None or funnel.window_unit == "events":
        return funnel.longest
    return funnel.window * MICROSECONDS[funnel.window_unit]
