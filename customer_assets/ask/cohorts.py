"""Who came back: the table `retention` itself, or its SQL for another activity."""

import datetime as dt
from dataclasses import replace
from typing import Literal, get_args

import polars as pl

from customer_assets.ask.answering import AskError, Question
from customer_assets.ask.funnels import check_column, stated_funnel
from customer_assets.behavior.cohorts import Activity, retention_sql
from customer_assets.behavior.funnel import of_source
from customer_assets.reports.page import answer_page
from customer_assets.sources.event_log import FunnelStep

PeriodLength = Literal["day", "week", "month"]
CohortMode = Literal["first_ever", "first_matching", "recurring"]
Measure = Literal["n_day", "unbounded", "bracket"]


def retention(
    question: Question,
    event: FunnelStep | None,
    returns: FunnelStep | None,
    by: str | None,
    *,
    period: PeriodLength,
    cohort: CohortMode,
    measure: Measure,
    first: dt.date,
    last: dt.date,
) -> pl.DataFrame:
    """Return rows as of the table `retention`, of cohorts that start from `first` to `last`.

    `event` starts a cohort, `returns` is coming back (the same, if not given); None: any event.
    """
    for value, known in ((period, PeriodLength), (cohort, CohortMode), (measure, Measure)):
        if value not in get_args(known):
            raise AskError(f"{value!r} is none of {', '.join(get_args(known))}")
    if by is not None:
        check_column(question, by)
    source = question.snapshot.log
    is_of_table = by is None and returns in (None, event)
    if is_of_table and event is None:
        rows = _published(question, "event")
    elif is_of_table and event == source.purchase_event:
        rows = _published(question, "purchase")
    else:
        _compute(question, event, returns, by, cohort)
        rows = question.rows("select * from retention")
    key = ["activity", "cohort_start", "from_interval"]
    found = rows.filter(
        pl.col("period") == period,
        pl.col("cohort_mode") == cohort,
        pl.col("measure") == measure,
        pl.col("cohort_start").is_between(first, last),
    ).sort(key)
    dropped = ["period", "cohort_mode", "measure", *([] if by else ["activity"])]
    return found.drop(dropped).rename({"activity": by} if by else {})


def page(question: Question, rows: pl.DataFrame, period: PeriodLength) -> str:
    """Return the report's section on retention as an HTML page, of cohorts by their first event."""
    # The report tells of this activity, these cohorts and this measure.
    told = {"activity": "event", "cohort_mode": "first_ever", "measure": "n_day", "period": period}
    frame = rows.with_columns(pl.lit(value).alias(name) for name, value in told.items())
    source = question.snapshot.log
    question.hold(question.snapshot.tables["retention"], frame)
    question.compute(question.models(source, "retention_curve")["retention_curve"], {})
    frames = {"retention": frame, "retention_curve": question.rows("select * from retention_curve")}
    return answer_page(question.snapshot.name, source, question.made, frames)


def _published(question: Question, activity: str) -> pl.DataFrame:
    question.needs("retention")
    return question.warehouse.frame("retention").filter(pl.col("activity") == activity)


def _compute(
    question: Question,
    event: FunnelStep | None,
    returns: FunnelStep | None,
    by: str | None,
    cohort: CohortMode,
) -> None:
    steps = (event, event if returns is None else returns)
    # As the steps of a funnel are checked, so are the two events.
    target, back = (
        of_source(stated_funnel(question, [s], "1 day", by)).steps[0] if s else () for s in steps
    )
    model = question.models(question.snapshot.log, "retention")["retention"]
    activity = Activity(target, back, breakdown=by, cohort_mode=cohort)
    question.act_events()
    sql = retention_sql(model.path, activity)
    question.compute(
        replace(model, sql=sql, inputs=("events", "calendar")),
        question.parameters(question.snapshot.log),
    )
