"""What a rate is a share of: people and entries, a breakdown's own customers, seen visits."""

import datetime as dt

import pytest

from customer_assets import settings
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.places import read_models
from customer_assets_tests.conftest import run_source

# Customer 1 enters on two days and buys after the second; 2 and 3 only look, 3 in the app.
LOG = """1,2024-01-01 10:00:00,view,web
1,2024-01-03 10:00:00,view,web
1,2024-01-03 10:01:00,buy,web
2,2024-01-03 10:00:00,view,web
3,2024-01-03 10:00:00,view,app
"""
NOON = dt.datetime(2024, 1, 6, 12, tzinfo=dt.UTC)


@pytest.fixture
def run(tmp_path):
    def run(*tables: str, now=NOON, days=None, **changes):
        source = EventLogSource.model_validate(
            {
                "files": "*.csv",
                "columns": {"customer_id": "who", "event_at": "at", "event_type": "what"},
                "attributes": {"channel": "channel"},
                "view_event": "view", "purchase_event": "buy", "timezone": "UTC",
                "first_day": "2024-01-01",
                "funnels": {"f": {"steps": ["view", "buy"], "window": "1 day",
                                  "breakdown": "channel"}},
            } | changes
        )  # fmt: skip
        (tmp_path / "landing").mkdir()
        (tmp_path / "landing" / "log.csv").write_text("who,at,what,channel\n" + LOG)
        of_log = run_source("log", source, tmp_path / "landing", tmp_path / "home")
        of_log.now = now
        of_log.ingest()
        needed = set(tables)
        for model in reversed(list(of_log.pipeline.models.values())):
            if model.name in needed:
                needed.update(model.inputs)
        of_log.materialize(*needed, days=days)
        return of_log

    return run


def test_a_share_of_active_customers_is_of_those_of_the_breakdown(run):
    rows = run("funnel").frame("funnel").filter(entry_date=dt.date(2024, 1, 3))
    shares = {(r["breakdown"], r["step"]): r["share_of_active"] for r in rows.to_dicts()}
    assert shares == {("web", 1): 1, ("web", 2): 0.5, ("app", 1): 1, ("app", 2): 0}


def test_people_stand_beside_entries(run):
    funnel = {"f": {"steps": ["view", "buy"], "window": "1 day"}}
    of_log = run("funnel_people", funnels=funnel)
    entries = of_log.frame("funnel").filter(step=2)
    assert (entries["n_entered"].sum(), entries["n_reached"].sum()) == (4, 1)
    [people] = of_log.frame("funnel_people").filter(step=2).to_dicts()
    assert (people["n_entries"], people["n_reached"]) == (4, 1)
    assert (people["n_entered_customers"], people["n_reached_customers"]) == (3, 1)


def test_a_breakdown_has_rows_of_each_value_and_of_all(run):
    rows = run("funnel_people").frame("funnel_people").filter(step=1)
    counted = {(r["is_all"], r["breakdown"]): r["n_entered_customers"] for r in rows.to_dicts()}
    assert counted == {(True, None): 3, (False, "web"): 2, (False, "app"): 1}


def test_a_log_without_views_has_no_bounces(run):
    [first, third] = run("daily_traffic", view_event=None).frame("daily_traffic").to_dicts()
    assert (first["n_sessions"], first["n_bounces"], first["bounce_rate"]) == (1, None, None)
    assert (third["n_sessions"], third["n_bounces"], third["bounce_rate"]) == (3, None, None)


def test_before_the_first_day_there_is_nothing_and_nothing_fails(run):
    before = dt.datetime(2023, 12, 31, 12, tzinfo=dt.UTC)
    of_log = run("stickiness", "lifecycle", "retention", "aarrr", "daily_traffic", now=before,
                 days=[dt.date(2024, 1, 1)])  # fmt: skip
    assert of_log.frame("calendar").is_empty()
    assert of_log.frame("stickiness").is_empty()


def test_the_30th_of_november_takes_part_in_the_taobao_studys_retention(connection):
    """Its next day is usual; those of 1 and 2 December are what the study leaves out."""
    connection.execute(
        "create table retention as select 'event' as activity, 'day' as period, "
        "'recurring' as cohort_mode, 'n_day' as measure, 1 as from_interval, true as is_mature, "
        "* from (values (date '2017-11-29', .78), (date '2017-11-30', .77), "
        "(date '2017-12-01', .98)) as r (cohort_start, retained_share)"
    )
    for table, columns in {
        "accounting": "1 as n_landed",
        "hourly_traffic": "'pv' as event_type, 1 as n_events",
        "events": "1 as customer_id, 1 as item_id, 1 as category_id",
        "customer_day": "1 as customer_id, 1 as n_events, 0 as n_purchases",
    }.items():
        connection.execute(f"create table {table} as select {columns}")
    sql = read_models(settings.table_roots(), "taobao", "event_log")["reproduction"].sql
    rows = connection.sql(f"select figure, ours from ({sql}) where figure like 'day1%'").fetchall()
    assert {name: float(ours) for name, ours in rows} == {
        "day1_retention_min": 0.77, "day1_retention_max": 0.78
    }  # fmt: skip
