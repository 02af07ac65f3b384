"""Retention of any definition, through the SQL of the table `retention`.

The table counts events and purchases by day of customer. Another definition (filters, target
and return event, breakdown) only changes what its first step, `activity`, selects; that step is
replaced here and everything after it stays. Hours are asked for by numbering them as days.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import sqlglot
from sqlglot import exp

from customer_assets.behavior.funnel import Predicate, predicate_sql
from customer_assets.warehouse.quoting import quoted


@dataclass(frozen=True)
class Activity:
    """What starts a cohort and what counts as coming back.

    `target` names the event, `target_filter` what else it must satisfy: the mode `first_ever`
    asks the customer's first target event for it, `first_matching` looks for the first that
    does. A `breakdown` separates both events by the value of an attribute; with `first_ever`
    customers are separated by the value of their first target event.
    """

    target: Predicate
    returns: Predicate
    target_filter: Predicate = ()
    returns_filter: Predicate = ()
    every: Predicate = ()
    breakdown: str | None = None
    cohort_mode: Literal["recurring", "first_ever", "first_matching"] = "recurring"


def activity_sql(activity: Activity) -> str:
    """Return the SELECT over `events` that stands in for the step `activity` of retention.sql."""
    by_first = activity.breakdown is not None and activity.cohort_mode == "first_ever"
    value = f"cast({quoted(activity.breakdown)} as varchar)" if activity.breakdown else "'all'"
    own = "" if by_first else ", firsts.activity = tagged.activity"
    group = "customer_id" if by_first else "customer_id, activity"
    first_value = "arg_min(activity, event_ts) filter (where is_target) as activity, "
    joined = " and ".join(["firsts.customer_id = tagged.customer_id", *own.split(", ")[1:]])
    return f"""
with tagged as (
    select
        customer_id,
        event_date,
        event_ts,
        {value} as activity,
        {predicate_sql(activity.target)} as is_target,
        {predicate_sql(activity.target + activity.target_filter)} as is_entry,
        {predicate_sql(activity.returns + activity.returns_filter)} as is_return,
    from events
    where customer_id is not null and {predicate_sql(activity.every)}
),

firsts as (
    select
        customer_id,
        {first_value if by_first else "activity, "}
        min(event_ts) filter (where is_target) as first_ever_ts,
        min(event_ts) filter (where is_entry) as first_matching_ts,
    from tagged
    group by {group}
)

select
    firsts.activity,
    tagged.customer_id,
    tagged.event_date,
    count(*) filter (where tagged.is_entry) as n_entries,
    count(*) filter (where tagged.is_return) as n_returns,
    coalesce(bool_or(tagged.is_entry and tagged.event_ts = firsts.first_ever_ts), false)
        as is_first_ever,
    coalesce(bool_or(tagged.is_entry and tagged.event_ts = firsts.first_matching_ts), false)
        as is_first_matching,
from tagged
inner join firsts on {joined}
group by firsts.activity, tagged.customer_id, tagged.event_date
"""


def retention_sql(retention: Path, activity: Activity) -> str:
    """Return the SELECT of `retention.sql` for another definition of activity.

    It reads `events` and `calendar` and has the columns of the table; `activity` holds the
    value of the breakdown, or `all`.
    """
    statement = _statement(retention.read_text()).copy()
    step = next(cte for cte in statement.find_all(exp.CTE) if cte.alias == "activity")
    step.set("this", sqlglot.parse_one(activity_sql(activity), dialect="duckdb"))
    return statement.sql(dialect="duckdb")


@cache
def _statement(text: str) -> exp.Expr:
    return sqlglot.parse_one(text, dialect="duckdb")
