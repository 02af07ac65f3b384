"""Rates of behaviour: conversions, bounces, retention, second orders. A draw is a funnel, a month,
a cohort; one run of the table's SQL answers for all of them.
"""

import datetime as dt

import numpy as np
import polars as pl

from customer_assets_tests.evidence.statement import Draws, Random, Statement, covers, sql_table
from customer_assets_tests.tables import computed

_FIRST = dt.date(1900, 1, 1)
_END = dt.date(9000, 1, 1)
_CUSTOMERS = 150
# Three in ten come often and seldom convert, the others come once or twice and often do.
_OFTEN, _SELDOM = (0.3, 5.0, 0.1), (0.7, 0.3, 0.4)
# By mail so many of those convert who would not by the site.
_MORE_BY_MAIL = 0.15
# Days to the second order are geometric, from 1 on.
_MEAN_DAYS, _WITHIN = 80.0, 60
_BY_THEN = 1 - float(np.exp(-_WITHIN / _MEAN_DAYS))
_NO_AARRR = {
    "customer_day": pl.DataFrame(
        schema={"customer_id": pl.Int64, "event_date": pl.Date, "n_events": pl.Int64,
                "n_views": pl.Int64}
    ),
    "order_lines": pl.DataFrame(schema={"customer_id": pl.Int64, "value": pl.Decimal(18, 4)}),
    "order_returns": pl.DataFrame(
        schema={"customer_id": pl.Int64, "returned_value": pl.Decimal(18, 4)}
    ),
    "retention": pl.DataFrame(
        schema={"period": pl.String, "n_retained_customers": pl.Int64,
                "n_cohort_customers": pl.Int64, "activity": pl.String, "cohort_mode": pl.String,
                "measure": pl.String, "from_interval": pl.Int64, "is_mature": pl.Boolean}
    ),
    "hourly_traffic": pl.DataFrame(schema={"event_type": pl.String, "n_events": pl.Int64}),
}  # fmt: skip
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


def _steps(entries: pl.DataFrame) -> pl.DataFrame:
    return (
        entries.select("funnel")
        .unique()
        .join(
            pl.DataFrame(
                {"step": [1, 2], "previous_step": [None, 1], "is_optional": [False, False]}
            ),
            how="cross",
        )
    )


def entry_days(draws: int, random: Random) -> Draws:
    visits, truth = _visits(draws, random)
    entries = visits.select(
        pl.format("{}", "draw").alias("funnel"),
        "customer_id",
        pl.lit(None, pl.Int64).alias("session_ts"),
        (pl.lit(_FIRST) + pl.duration(days="visit")).cast(pl.Date).alias("entry_date"),
        pl.lit(None, pl.String).alias("breakdown"),
        pl.lit([], pl.List(pl.Int64)).alias("skipped_steps"),
        pl.when("is_yes").then(2).otherwise(1).alias("level"),
    )
    days = entries.select("funnel", "entry_date").unique().with_columns(is_mature=True)
    frames = {
        "funnel_entries": entries,
        "funnel_steps": _steps(entries),
        "funnel": days,
        "customer_day": _NO_BOTS,
    }
    rows = sql_table("behavior/funnel_people", frames, {"leaves_out_bots": False})
    last = rows.filter(step=2)
    return covers(last["entry_conversion_low"], last["entry_conversion_high"], truth)


def breakdowns(draws: int, random: Random) -> Draws:
    """Each visit comes by one of two channels, as the customer is used to; one converts better."""
    visits, _ = _visits(draws, random)
    taste = random.beta(0.5, 0.8, draws * _CUSTOMERS)[visits["customer_id"].to_numpy()]
    is_mail = random.random(visits.height) < taste
    # Of mails so many more say yes, whoever reads them.
    more = random.random(visits.height) < _MORE_BY_MAIL
    entries = visits.select(
        pl.format("{}", "draw").alias("funnel"),
        "customer_id",
        pl.lit(None, pl.Int64).alias("session_ts"),
        (pl.lit(_FIRST) + pl.duration(days="visit")).cast(pl.Date).alias("entry_date"),
        pl.Series("breakdown", np.where(is_mail, "mail", "site")),
        pl.lit([], pl.List(pl.Int64)).alias("skipped_steps"),
        pl.when(pl.col("is_yes") | pl.Series(is_mail & more)).then(2).otherwise(1).alias("level"),
    )
    days = entries.select("funnel", "entry_date").unique().with_columns(is_mature=True)
    frames = {
        "funnel_entries": entries,
        "funnel_steps": _steps(entries),
        "funnel": days,
        "customer_day": _NO_BOTS,
    }
    rows = sql_table("behavior/funnel_people", frames, {"leaves_out_bots": False})
    of_mail = rows.filter(step=2, breakdown="mail")
    # Taste is independent of the rest, so both channels have the same customers on average.
    said = _visits(1, random)[1]
    ends = (of_mail[f"entry_conversion_difference_{end}"] for end in ("low", "high"))
    return covers(*ends, (1 - said) * _MORE_BY_MAIL)


def _orders(draws: int, random: Random) -> tuple[pl.DataFrame, "np.ndarray"]:
    """Return first and second orders (draw, customer_id, order_date), and the days between them."""
    n = draws * _CUSTOMERS
    between = 1 + random.exponential(_MEAN_DAYS, n).astype(int)
    customers = pl.DataFrame({"customer_id": np.arange(n)}).with_columns(
        draw=pl.col("customer_id") // _CUSTOMERS
    )
    return customers, between


def second_orders(draws: int, random: Random) -> Draws:
    """A draw is a cohort, that is a month."""
    customers, between = _orders(draws, random)
    first = customers.select(
        "customer_id",
        pl.lit(_FIRST).dt.offset_by(pl.format("{}mo", "draw")).alias("order_date"),
    )
    second = first.with_columns(
        (pl.col("order_date") + pl.duration(days=pl.Series(between))).cast(pl.Date)
    )
    rows = sql_table(
        "commerce/repeat_purchase",
        {"orders": pl.concat([first, second])},
        {"last_complete_day": _END},
    ).filter(pl.col("cohort_month").is_not_null(), within_days=_WITHIN)
    return covers(rows["repeat_share_low"], rows["repeat_share_high"], _BY_THEN)


def waiting_times(draws: int, random: Random) -> Draws:
    """Customers who came over a year of which the log ends: most are seen for less than the time
    to their second order."""
    customers, between = _orders(draws, random)
    came = random.integers(0, 365, customers.height)
    end = dt.date(2024, 12, 31)
    first = customers.with_columns(
        (pl.lit(end) - pl.duration(days=1 + pl.Series(came))).cast(pl.Date).alias("order_date")
    )
    orders = pl.concat(
        [
            first,
            first.with_columns(
                (pl.col("order_date") + pl.duration(days=pl.Series(between))).cast(pl.Date)
            ).filter(pl.col("order_date") <= end),
        ]
    )
    covered = []
    for (_,), of_draw in orders.group_by("draw", maintain_order=True):
        curve = computed(
            "survival", {"orders": of_draw.drop("draw")}, {"last_complete_day": str(end)}
        )
        at = curve.filter(pl.col("days") <= _WITHIN, kind="all").sort("days").tail(1)
        covered.append(bool(at["survival_low"][0] <= 1 - _BY_THEN <= at["survival_high"][0]))
    return np.array(covered)


def aarrr_shares(draws: int, random: Random) -> Draws:
    """A draw is a log; of its shares that of the buyers among its customers."""
    truth, covered = 0.3, []
    for _ in range(draws):
        seen = pl.DataFrame(
            {
                "customer_id": np.arange(_CUSTOMERS),
                "first_event_date": [_FIRST] * _CUSTOMERS,
                "n_purchases": (random.random(_CUSTOMERS) < truth).astype(int),
            }
        )
        told = {"first_day": _FIRST, "last_complete_day": _END, "purchase_event": "buy"}
        row = sql_table("commerce/aarrr", {"first_seen": seen} | _NO_AARRR, told)
        of_buyers = row.filter(metric="buyers").row(0, named=True)
        covered.append(bool(of_buyers["low"] <= truth <= of_buyers["high"]))
    return np.array(covered)


def sessions_of_a_day(draws: int, random: Random) -> Draws:
    visits, truth = _visits(draws, random)
    entries = visits.select(
        pl.lit("f").alias("funnel"),
        "customer_id",
        pl.col("visit").alias("session_ts"),
        (pl.lit(_FIRST) + pl.duration(days="draw")).cast(pl.Date).alias("entry_date"),
        pl.lit(None, pl.String).alias("breakdown"),
        pl.lit([], pl.List(pl.Int64)).alias("skipped_steps"),
        pl.lit(86_400_000_000).alias("window_us"),
        pl.when("is_yes").then(2).otherwise(1).alias("level"),
        pl.lit([0, 1]).alias("reached_ts"),
    )
    active = pl.DataFrame(
        schema={
            "funnel": pl.String, "event_date": pl.Date, "breakdown": pl.String, "n_active": pl.Int64
        }
    )  # fmt: skip
    frames = {
        "funnel_entries": entries,
        "funnel_steps": _steps(entries),
        "funnel_active": active,
        "customer_day": _NO_BOTS,
    }
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
        "difference of a breakdown's value from the others",
        "`funnel_people.entry_conversion_difference`",
        f"{_CUSTOMERS} customers who enter by two channels, most by one of them, on many days",
        "below 30 customers on a side (none is given); of many differences one in twenty is chance",
        breakdowns,
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
    Statement(
        "share of a cohort that ordered again in time",
        "`repeat_purchase.repeat_share`",
        f"cohorts of {_CUSTOMERS} of whom each orders again, after {_MEAN_DAYS:.0f} days on "
        f"average; within {_WITHIN} days",
        "a cohort that has not had the time is not told",
        second_orders,
    ),
    Statement(
        "time to the second order, by Kaplan and Meier",
        "`survival.survival`",
        f"{_CUSTOMERS} customers who came over the year before the log ends, seen for as long as "
        f"is left of it; after {_WITHIN} days",
        "groups of fewer than 30 customers (none is given); at the end of the curve, where a "
        "handful is left",
        waiting_times,
    ),
    Statement(
        "share of the AARRR summary",
        "`aarrr`, buyers and acted_on_first_day",
        f"logs of {_CUSTOMERS} customers of whom three in ten buy",
        "shares of successive periods: a customer is in several (no interval is given)",
        aarrr_shares,
        quick_draws=20,
    ),
]
