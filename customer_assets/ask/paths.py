"""Ways that customers went: the SQL of the tables `daily_paths` and `paths`, and journeys."""

import polars as pl

from customer_assets.ask.answering import AskError, Question
from customer_assets.ask.funnels import check_column, check_event_types, stated_funnel
from customer_assets.ask.groups import members
from customer_assets.ask.period import Period
from customer_assets.behavior.funnel import of_source
from customer_assets.behavior.journeys import journeys_sql
from customer_assets.sources.event_log import FunnelStep


def paths(question: Question, to: str, period: Period) -> pl.DataFrame:
    """Return rows as of the table `paths`: what led to an event of an item on some days."""
    check_event_types(question, [to])
    source = question.snapshot.log
    parameters = question.parameters(source) | {"purchase_event": to}
    models = question.models(source, "daily_paths", "paths")
    question.compute(models["daily_paths"], parameters, period.days)
    question.compute(models["paths"], parameters)
    return question.rows("select * from paths order by rank")


def journeys(
    question: Question,
    before: FunnelStep | None,
    *,
    nth: int,
    of: str,
    steps: int,
    among: str | None,
    period: Period,
) -> pl.DataFrame:
    """Return the last steps before a moment of each customer; see `behavior.journeys`."""
    check_column(question, of)
    if nth < 1 or steps < 1:
        raise AskError("nth and steps are numbers from 1 on")
    moment = None
    if before is not None:
        moment = of_source(stated_funnel(question, [before], "1 day", None)).steps[0]
    question.act_events(period.days, None if among is None else members(question, among))
    return question.rows(journeys_sql(of, steps, moment, nth))
