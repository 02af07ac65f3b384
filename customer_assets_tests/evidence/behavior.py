"""Rates of behaviour: conversions, bounces, retention, second orders. A draw is a funnel, a month,
a cohort; one run of the table's SQL answers for all of them.
"""

import datetime as dt

import numpy as np
import polars as pl

from customer_assets_tests.evidence.statement import Draws, Random, Statement, covers, sql_table

_FIRST = dt.date(1900, 1, 1)
_END = dt.date(9000, 1, 1)
_CUSTOMERS = 150
# Three in ten come often and seldom convert, the others come once or twice and often do.
_OFTEN, _SELDOM = (0.3, 5.0, 0.1), (0.7, 0.3, 0.4)
_NO_BOTS = pl.DataFrame(
    schema={"customer_id": pl.Int64, "event_date": pl.Date, "is_suspected_bot": pl.Boolean}
)


def _visits(draws: int, random: Random) -> tuple[pl.DataFrame, float]:
    """Return visits (draw, customer_id, visit, is_yes) of alike customers, and the share of yes."""
    n = draws * _CUSTOMERS
    is_often = random.random(n) < _OFTEN[0]
    n_visits = 1 + random.poisson(np.where(is_often, _OFTEN[1], _SELDOM[1]))
    chance = random.beta(*np.where(is_often, [[1], [9]], [[4], [6]]))
    customer = np.repeat(np.arange(n), n_visits)
    visits = pl.DataFrame({"customer_id": customer}).select(
        (pl.col("customer_id") // _CUSTOMERS).alias("draw"),
        "customer_id",
        (pl.int_range(pl.len()).over("customer_id")).alias("visit"),
        pl.Series("is_yes", random.random(len(customer)) < chance[customer]),
    )
    parts = [(share * (1 + more), share * (1 + more) * p) for share, more, p in (_OFTEN, _SELDOM)]
    return visits, sum(yes for _, yes in parts) / sum(every for every, _ in parts)


def entry_days(draws: int, random: Random) -> Draws:
    visits, truth = _visits(draws, random)
    entries = visits.select(
        pl.format("{}", "draw").alias("funnel"),
        "customer_id",
        pl.lit(None, pl.Int64).alias("session_ts"),
        (pl.lit(_FIRST) + pl.duration(days="visit")).cast(pl.Date).alias("entry_date"),
        pl.lit(None, pl.String).alias("breakdown"),
        pl.lit(2).alias("n_steps"),
        pl.when("is_yes").then(2).otherwise(1).alias("level"),
    )
    days = entries.select("funnel", "entry_date").unique().with_columns(is_mature=True)
    frames = {"funnel_entries": entries, "funnel": days, "customer_day": _NO_BOTS}
    rows = sql_table("behavior/funnel_people", frames, {"leaves_out_bots": False})
    last = rows.filter(step=2)
    return covers(last["entry_conversion_low"], last["entry_conversion_high"], truth)


def sessions_of_a_day(draws: int, random: Random) -> Draws:
    visits, truth = _visits(draws, random)
    entries = visits.select(
        pl.lit("f").alias("funnel"),
        "customer_id",
        pl.col("visit").alias("session_ts"),
        (pl.lit(_FIRST) + pl.duration(days="draw")).cast(pl.Date).alias("entry_date"),
        pl.lit(None, pl.String).alias("breakdown"),
        pl.lit(2).alias("n_steps"),
        pl.lit(86_400_000_000).alias("window_us"),
        pl.when("is_yes").then(2).otherwise(1).alias("level"),
        pl.lit([0, 1]).alias("reached_ts"),
    )
    active = pl.DataFrame(
        schema={
            "funnel": pl.String, "event_date": pl.Date, "breakdown": pl.String, "n_active": pl.Int64
        }
    )  # fmt: skip
    frames = {"funnel_entries": entries, "funnel_active": active, "customer_day": _NO_BOTS}
    told = {"leaves_out_bots": False, "last_complete_day": _END, "short_days": []}
    last = sql_table("behavior/funnel", frames, told).filter(step=2)
    return covers(last["conversion_low"], last["conversion_high"], truth)


def bounces(draws: int, random: Random) -> Draws:
    visits, truth = _visits(draws, random)
    sessions = visits.select(
        "customer_id",
        pl.lit(_FIRST).dt.offset_by(pl.format("{}mo", "draw")).alias("session_date"),
        pl.when("is_yes").then(1).otherwise(2).alias("n_events"),
    )
    told = {"leaves_out_bots": False, "last_complete_day": _END, "view_event": "view"}
    frames = {"sessions": sessions, "customer_day": _NO_BOTS}
    rows = sql_table("behavior/bounce_rate", frames, told).drop_nulls("month")
    return covers(rows["bounce_rate_low"], rows["bounce_rate_high"], truth)


def retention_cells(draws: int, random: Random) -> Draws:
    n, truth = draws * _CUSTOMERS, 0.25
    customer = pl.DataFrame({"customer_id": np.arange(n)})
    first = (pl.lit(_FIRST) + pl.duration(days=pl.col("customer_id") // _CUSTOMERS)).cast(pl.Date)
    seen = customer.select(
        "customer_id",
        first.alias("first_event_date"),
        pl.lit(None, pl.Date).alias("first_purchase_date"),
    )
    back = seen.filter(pl.Series(random.random(n) < truth)).select(
        "customer_id", (pl.col("first_event_date") + pl.duration(days=1)).alias("event_date")
    )
    days = pl.concat(
        [seen.select("customer_id", pl.col("first_event_date").alias("event_date")), back]
    ).with_columns(n_events=1, n_purchases=0, is_suspected_bot=False)
    calendar = pl.DataFrame({"interval_index": np.arange(draws + 2)}).select(
        pl.lit("day").alias("period"),
        (pl.lit(_FIRST) + pl.duration(days="interval_index")).cast(pl.Date).alias("calendar_date"),
        "interval_index",
        pl.lit(True).alias("is_complete"),
    )
    calendar = calendar.with_columns(pl.col("calendar_date").alias("interval_start"))
    rows = sql_table(
        "behavior/retention",
        {"customer_day": days, "first_seen": seen, "calendar": calendar},
        {"min_occurrences": 1, "retention_intervals": 1, "leaves_out_bots": False},
    ).filter(activity="event", cohort_mode="first_ever", measure="n_day", from_interval=1)
    rows = rows.filter(pl.col("n_cohort_customers") == _CUSTOMERS)
    return covers(rows["retained_share_low"], rows["retained_share_high"], truth)


STATEMENTS = [
    Statement(
        "conversion of a funnel over entry days",
        "`funnel_people.entry_conversion`",
        f"{_CUSTOMERS} customers who enter on one to many days and are not alike: who comes often "
        "converts seldom",
        "below some 30 customers; if customers influence one another",
        entry_days,
    ),
    Statement(
        "conversion of a day's sessions",
        "`funnel.conversion_from_entry`",
        f"sessions of {_CUSTOMERS} customers of one day, as many as they like",
        "below some 30 customers",
        sessions_of_a_day,
    ),
    Statement(
        "bounce rate over sessions",
        "`bounce_rate`, `daily_traffic`",
        f"sessions of {_CUSTOMERS} customers, who bounce as they are used to",
        "below some 30 customers",
        bounces,
    ),
    Statement(
        "retention of a cohort",
        "`retention`, `retention_hourly`",
        f"cohorts of {_CUSTOMERS} of whom a quarter comes back",
        "cohorts together: a customer may be in several (no interval is given)",
        retention_cells,
    ),
]
