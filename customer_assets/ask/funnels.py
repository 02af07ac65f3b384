"""Another funnel, by the SQL of the tables funnel_entries, funnel and funnel_people."""

from collections.abc import Sequence

import polars as pl
from pydantic import ValidationError

from customer_assets.ask.answering import AskError, Question
from customer_assets.ask.period import Period, duration
from customer_assets.behavior.funnel import FunnelError, of_source
from customer_assets.intervals import difference
from customer_assets.reports.page import answer_page
from customer_assets.sources import EventLogSource, Funnel
from customer_assets.sources.event_log import FunnelStep, step_text
from customer_assets.suggestions import alternatives
from customer_assets.warehouse.quoting import literal

# A funnel that is asked for needs a name, as every funnel of a source has one.
ASKED = "asked"


def stated_funnel(
    question: Question,
    steps: Sequence[FunnelStep],
    window: str,
    by: str | None,
    hold: str | None = None,
) -> Funnel:
    """Return the funnel as a source would state it. Raises AskError where it cannot."""
    for column in (by, hold):
        if column is not None:
            check_column(question, column)
    source = question.snapshot.log
    try:
        funnel = Funnel(steps=list(steps), window=duration(window), breakdown=by, hold=hold)
        with_funnel(source, funnel)
        of_source(funnel)
    except ValidationError as error:
        raise AskError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    except FunnelError as error:
        raise AskError(str(error)) from None
    check_event_types(question, [name for types in funnel.event_types() for name in types if name])
    return funnel


def check_column(question: Question, name: str) -> None:
    """Raise AskError where the events have no column of a name."""
    columns = question.snapshot.tables["events"].columns
    if name not in columns:
        raise AskError(f"the events have no column {name!r}{alternatives(name, columns)}")


def check_event_types(question: Question, names: Sequence[str]) -> None:
    """Raise AskError where the log has no event of a type, with the names that it has."""
    statement = "select distinct event_type from events where event_type is not null order by 1"
    question.view_for(statement, "events")
    known = question.rows(statement)["event_type"].to_list()
    for name in names:
        if name not in known:
            raise AskError(f"no event is named {name!r}{alternatives(name, known)}")


def with_funnel(source: EventLogSource, funnel: Funnel) -> EventLogSource:
    """Return the source that states this funnel alone. Raises ValidationError."""
    stated = source.model_dump(by_alias=True, exclude_unset=True)
    stated["funnels"] = {ASKED: funnel.model_dump(exclude_unset=True)}
    return EventLogSource.model_validate(stated)


def compute_funnel(
    question: Question, funnel: Funnel, period: Period, *, by_day: bool, people: bool
) -> EventLogSource:
    """Compute `funnel_entries`, `funnel` and, for people, `funnel_people` of entry days.

    Without `by_day` the rows of `funnel` are not whole. Returns the source that states it.
    """
    source = with_funnel(question.snapshot.log, funnel)
    parameters = question.parameters(source)
    names = ("funnel_entries", "funnel_steps", "funnel_active", "funnel", "funnel_people")
    models = question.models(source, *names)
    question.compute(models["funnel_steps"], parameters)
    question.compute(models["funnel_entries"], parameters, period.days)
    if by_day:
        question.compute(models["funnel_active"], parameters, period.days)
    else:
        # Of the funnel by day it is only asked which days are mature.
        question.leave_empty(models["funnel_active"])
    question.compute(models["funnel"], parameters)
    if people:
        question.compute(models["funnel_people"], parameters)
    return source


def daily(question: Question, funnel: Funnel, period: Period) -> pl.DataFrame:
    """Return the rows of the table `funnel`: by entry day, breakdown and step."""
    compute_funnel(question, funnel, period, by_day=True, people=False)
    rows = question.rows("select * from funnel order by entry_date, breakdown nulls first, step")
    return _named(rows.drop("funnel"), funnel)


def summary(question: Question, funnel: Funnel, period: Period) -> pl.DataFrame:
    """Return the rows of the table `funnel_people`: by breakdown and step, over the entry days.

    Only days whose windows are over count; `n_open_entries` are those of the others.
    """
    compute_funnel(question, funnel, period, by_day=False, people=True)
    rows = question.rows(
        """
        with open_entries as (
            select
                breakdown,
                grouping(breakdown) = 1 as is_all,
                cast(coalesce(sum(n_entered), 0) as bigint) as n_open_entries,
            from funnel
            where step = 1 and not is_mature
            group by grouping sets ((breakdown), ())
        )
        select
            funnel_people.*,
            coalesce(open_entries.n_open_entries, 0) as n_open_entries,
        from funnel_people
        left join open_entries
            on funnel_people.is_all = open_entries.is_all
            and funnel_people.breakdown is not distinct from open_entries.breakdown
        order by funnel_people.is_all desc, funnel_people.breakdown, funnel_people.step
        """
    )
    return _named(rows.drop("funnel"), funnel)


def page(question: Question, funnel: Funnel, period: Period) -> str:
    """Return the report's section on this funnel as an HTML page."""
    source = compute_funnel(question, funnel, period, by_day=True, people=True)
    frames = {name: question.rows(f"select * from {name}") for name in ("funnel", "funnel_people")}
    return answer_page(question.snapshot.name, source, question.made, frames)


def compared(now: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Return a summary with that of another period beside it, and the difference of conversions.

    The interval of the difference takes the customers of the two periods for independent; where
    many are in both it is wider than it need be.
    """
    keys = ["is_all", "breakdown", "step"]
    measures = ["n_entered_customers", "n_reached_customers", "customer_conversion"]
    ends = ["customer_conversion_low", "customer_conversion_high"]
    earlier = before.select(*keys, pl.col([*measures, *ends]).name.prefix("previous_"))
    both = now.join(earlier, on=keys, how="left", nulls_equal=True, maintain_order="left")
    gap, low, high = difference(
        *(pl.col(name) for name in (measures[2], *ends)),
        *(pl.col(f"previous_{name}") for name in (measures[2], *ends)),
    )
    return both.with_columns(
        gap.alias("difference"),
        low.alias("difference_low"),
        high.alias("difference_high"),
    )


def people(
    question: Question, funnel: Funnel, period: Period, reached: int, *, is_lost: bool
) -> pl.DataFrame:
    """Return the customers who reached a step, or who got just so far, with their entries."""
    if not 1 <= reached <= len(funnel.steps):
        raise AskError(f"step {reached} is none of the {len(funnel.steps)} steps")
    source = with_funnel(question.snapshot.log, funnel)
    models = question.models(source, "funnel_entries")
    question.compute(models["funnel_entries"], question.parameters(source), period.days)
    deepest = f"= {literal(reached)}" if is_lost else f">= {literal(reached)}"
    # Who only passed an optional step by did not reach it.
    skipped = f"list_contains(skipped_steps, {literal(reached)})"
    return question.rows(
        f"""
        select
            customer_id,
            count(*) as n_entries,
            min(entry_date) as first_entry_date,
            max(entry_date) as last_entry_date,
            max(level) as level,
        from funnel_entries
        group by customer_id
        having max(level) {deepest} and bool_or(level >= {literal(reached)} and not {skipped})
        order by customer_id
        """
    )


def _named(rows: pl.DataFrame, funnel: Funnel) -> pl.DataFrame:
    """Give each step its words, beside its number."""
    names = dict(enumerate((step_text(step) for step in funnel.steps), 1))
    at = rows.get_column_index("step") + 1
    return rows.insert_column(
        at, rows["step"].replace_strict(names, return_dtype=pl.String).alias("step_name")
    )
