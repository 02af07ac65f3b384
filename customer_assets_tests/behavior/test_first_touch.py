"""What customers do by the values of their first event: against plain counting, planted effects."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from customer_assets_tests.conftest import run_source
from customer_assets_tests.evidence.statement import sql_table
from customer_assets_tests.tables import computed

FIRST = dt.date(2024, 1, 1)
N_DAYS = 40
NO_BOTS = {"leaves_out_bots": False, "retention_intervals": 7, "min_occurrences": 1}
FROM_SHOP = {
    "files": "*.csv",
    "columns": {
        "customer_id": "who", "event_at": "at", "event_type": "what", "order_id": "order",
        "item_id": "item", "quantity": "n", "unit_price": "price",
    },
    "attributes": {"channel": "channel"},
    "breakdowns": ["channel"],
    "view_event": "view", "purchase_event": "buy", "timezone": "UTC",
    "first_day": "2024-01-30", "last_day": "2024-02-03",
}  # fmt: skip
# Ann comes by mail and buys next time, over midnight; bob's two first events are of one second.
LOG = """who,at,what,order,item,n,price,channel
ann,2024-01-30 10:00:00,view,,mug,,,mail
ann,2024-01-30 10:20:00,view,,mug,,,search
ann,2024-01-31 23:50:00,view,,mug,,,search
ann,2024-02-01 00:10:00,buy,1,mug,2,4.5,search
bob,2024-02-01 09:00:00,buy,2,cup,1,7,app
bob,2024-02-02 09:00:00,view,,cup,,,mail
bob,2024-02-02 09:00:30,buy,3,cup,1,8,mail
"""


@pytest.fixture(scope="module")
def customers():
    """Customers by mail come back twice as often as those by search."""
    random = np.random.default_rng(3)
    n = 400
    channel = np.where(random.random(n) < 0.5, "mail", "search")
    first = random.integers(0, N_DAYS, n)
    days = []
    for who in range(n):
        comes = random.random(N_DAYS) < (0.4 if channel[who] == "mail" else 0.2)
        comes[: first[who]] = False
        comes[first[who]] = True
        days += [(who, FIRST + dt.timedelta(days=int(day))) for day in np.flatnonzero(comes)]
    seen = pl.DataFrame(days, schema=["customer_id", "event_date"], orient="row").with_columns(
        n_events=pl.lit(1), is_suspected_bot=pl.lit(False)
    )
    touch = pl.DataFrame(
        {
            "customer_id": np.arange(n), "attribute": "channel", "attribute_value": channel,
            "first_event_date": [FIRST + dt.timedelta(days=int(day)) for day in first],
        }
    )  # fmt: skip
    return {"customer_day": seen, "first_touch": touch, "calendar": _days(N_DAYS)}


def _days(n_days):
    # The last day is not over.
    return pl.DataFrame({"interval_index": np.arange(n_days)}).select(
        pl.lit("day").alias("period"),
        "interval_index",
        (pl.lit(FIRST) + pl.duration(days="interval_index")).cast(pl.Date).alias("calendar_date"),
        (pl.col("interval_index") < n_days - 1).alias("is_complete"),
    ).with_columns(pl.col("calendar_date").alias("interval_start"))  # fmt: skip


def test_retention_by_first_touch_is_what_counting_finds(customers):
    rows = sql_table("behavior/retention_by", customers, NO_BOTS)
    came = {(who, day) for who, day, *_ in customers["customer_day"].rows()}
    last = FIRST + dt.timedelta(days=N_DAYS - 2)
    for row in rows.iter_rows(named=True):
        later = [
            (who, first + dt.timedelta(days=row["from_interval"]))
            for who, _, value, first in customers["first_touch"].rows()
            if value == row["attribute_value"]
        ]
        over = [each for each in later if each[1] <= last]
        assert row["n_cohort_customers"] == len(over)
        assert row["n_retained_customers"] == len([each for each in over if each in came])
        assert row["retained_share_low"] < row["retained_share"] + 1e-9
        assert row["retained_share"] < row["retained_share_high"] + 1e-9
    of_mail = rows.filter(attribute_value="mail", from_interval=1).row(0, named=True)
    assert of_mail["share_difference_low"] < 0.2 < of_mail["share_difference_high"]
    assert of_mail["share_difference_low"] > 0


def test_a_lead_is_sure_only_beyond_what_chance_gives_the_best_of_many():
    """Of twenty channels that are all alike, one in 2.5 logs would name a best by its own ends."""
    random = np.random.default_rng(11)
    n, n_values = 4_000, 20
    calendar = _days(4)
    named = by_itself = 0
    for _ in range(60):
        back = random.random(n) < 0.3
        who = np.arange(n)
        seen = pl.DataFrame(
            {
                "customer_id": np.concatenate([who, who[back]]),
                "event_date": [FIRST] * n + [FIRST + dt.timedelta(days=1)] * int(back.sum()),
            }
        ).with_columns(n_events=pl.lit(1), is_suspected_bot=pl.lit(False))
        touch = pl.DataFrame(
            {
                "customer_id": who, "attribute": "channel",
                "attribute_value": (who % n_values).astype(str), "first_event_date": FIRST,
            }
        )  # fmt: skip
        inputs = {"customer_day": seen, "first_touch": touch, "calendar": calendar}
        rows = sql_table("behavior/retention_by", inputs, NO_BOTS).filter(from_interval=1)
        assert rows.height == n_values
        named += rows["is_surely_more"].any()
        by_itself += (rows["share_difference_low"] > 0).any()
    assert named <= 5
    assert by_itself >= 15


def test_lifecycle_by_first_touch_adds_up_to_the_lifecycle(customers):
    rows = sql_table("behavior/lifecycle_by", customers, NO_BOTS)
    whole = sql_table("behavior/lifecycle", customers, NO_BOTS)
    parts = ["n_active", "n_active_before", "n_new", "n_returning", "n_resurrecting", "n_dormant"]
    added = rows.group_by("interval_start").agg(pl.sum(*parts)).sort("interval_start")
    assert added.rows() == whole.select("interval_start", *parts).sort("interval_start").rows()
    known = rows.filter("is_mature", attribute_value="mail").drop_nulls("share_difference")
    covered = known.filter(pl.lit(0.2).is_between("share_difference_low", "share_difference_high"))
    assert known.height > 10
    assert covered.height >= 0.85 * known.height


def test_money_by_first_touch_and_newness(customers):
    random = np.random.default_rng(5)
    n = 900
    touch = customers["first_touch"]
    value = dict(touch.select("customer_id", "attribute_value").rows())
    who = random.integers(0, touch.height, n)
    pounds = [round(float(random.gamma(2, 10 if value[each] == "mail" else 5)), 2) for each in who]
    orders = pl.DataFrame(
        {
            "customer_id": who,
            "order_date": [FIRST + dt.timedelta(days=int(d)) for d in random.integers(0, 31, n)],
            "net_value": pounds,
        }
    ).with_columns(pl.col("net_value").cast(pl.Decimal(18, 4)))  # fmt: skip
    found = computed(
        "revenue_by",
        {"orders": orders, "first_touch": touch},
        {"last_complete_day": "2024-01-31"},
    )
    of_mail = found.filter(attribute_value="mail").row(0, named=True)
    by_buyer = orders.group_by("customer_id").agg(
        pl.col("net_value").cast(pl.Float64).sum(), pl.len()
    )
    mine = by_buyer.filter(pl.col("customer_id").replace_strict(value) == "mail")["net_value"]
    theirs = by_buyer.filter(pl.col("customer_id").replace_strict(value) == "search")["net_value"]
    error = (mine.var() / mine.len() + theirs.var() / theirs.len()) ** 0.5
    difference = mine.mean() - theirs.mean()
    assert of_mail["n_buyers"] == mine.len()
    assert of_mail["revenue_difference"] == pytest.approx(difference)
    # Skewness moves both ends of so many buyers by a tenth of the interval at most.
    assert of_mail["revenue_difference_low"] == pytest.approx(
        difference - 1.959964 * error, abs=0.2 * error
    )
    assert of_mail["revenue_difference_low"] > 0
    assert of_mail["is_mature"]

    # Of a month all are new; of a week only those who order for the first time. Here of more.
    orders = pl.concat(
        orders.with_columns(customer_id=pl.col("customer_id") + 1_000 * group) for group in range(4)
    )
    calendar = customers["calendar"].with_columns(
        period=pl.lit("week"),
        interval_start=pl.col("calendar_date").dt.truncate("1w"),
    )
    sales = sql_table("commerce/sales_by_newness", {"orders": orders, "calendar": calendar}, {})
    first = dict(orders.group_by("customer_id").agg(pl.min("order_date")).rows())
    for row in sales.iter_rows(named=True):
        ours = orders.filter(pl.col("order_date").dt.truncate("1w") == row["interval_start"])
        is_new = (
            ours["customer_id"].replace_strict(first).dt.truncate("1w") == row["interval_start"]
        )
        assert row["new_revenue"] == ours.filter(is_new)["net_value"].sum()
        assert row["returning_revenue"] == ours.filter(~is_new)["net_value"].sum()
        assert row["n_new_buyers"] == ours.filter(is_new)["customer_id"].n_unique()
        if row["new_share_low"] is not None:
            assert row["new_share_low"] < row["new_share"] < row["new_share_high"]
    assert sales["new_share_low"].drop_nulls().len() >= 2


def test_sessions_say_how_they_began_what_they_earned_and_when_they_ended(tmp_path):
    from customer_assets.sources import EventLogSource

    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "log.csv").write_text(LOG)
    source = EventLogSource.model_validate(FROM_SHOP)
    run = run_source("shop", source, tmp_path / "landing", tmp_path / "home")
    run.ingest()
    run.materialize("events", "customer_day", "session_fragments", "sessions", "first_seen",
                    "session_entries", "first_touch")  # fmt: skip
    at = dt.datetime
    assert run.frame("sessions").sort("customer_id", "started_ts").select(
        "customer_id", "ended_at", "duration_seconds", pl.col("purchase_value").cast(pl.Float64)
    ).rows() == [
        ("ann", at(2024, 1, 30, 10, 20), 1200.0, None),
        ("ann", at(2024, 2, 1, 0, 10), 1200.0, 9.0),
        ("bob", at(2024, 2, 1, 9), 0.0, 7.0),
        ("bob", at(2024, 2, 2, 9, 0, 30), 30.0, 8.0),
    ]
    entries = run.frame("session_entries").sort("customer_id", "started_ts")
    assert entries["attribute_value"].to_list() == ["mail", "search", "app", "mail"]
    touch = run.frame("first_touch").sort("customer_id").select("customer_id", "attribute_value")
    assert touch.rows() == [("ann", "mail"), ("bob", "app")]
    seen = run.frame("first_seen").sort("customer_id")
    assert seen["first_purchase_at"].to_list() == [at(2024, 2, 1, 0, 10), at(2024, 2, 1, 9)]
