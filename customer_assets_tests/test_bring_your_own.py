"""Anyone's own log: a few lines of YAML, or the draft that `inspect` writes for its file."""

import datetime as dt

import pytest
import yaml

from customer_assets.cli import main
from customer_assets.components.source_definitions import event_log_definitions
from customer_assets.pipeline import pipeline_of
from customer_assets.sources import EventLogSource
from customer_assets_tests.conftest import run_source

# A session over midnight, and a purchase an hour after the funnel's window.
LOG = """customer,time,event,product,order,amount
17,2025-03-01 10:00:00,view,mug,,
17,2025-03-01 10:05:00,buy,mug,A1,12.50
18,2025-03-01 11:00:00,view,mug,,
18,2025-03-02 11:00:00,view,mug,,
19,2025-03-02 09:00:00,view,bowl,,
19,2025-03-02 09:30:00,view,bowl,,
17,2025-03-02 23:50:00,view,bowl,,
17,2025-03-03 00:10:00,buy,bowl,A2,8.00
19,2025-03-03 10:00:00,buy,bowl,A3,8.00
"""
SOURCE = """type: customer_assets.EventLog
attributes:
  files: "*.csv"
  columns: {customer_id: {from: customer, type: bigint}, event_at: time, event_type: event,
    item_id: product, order_id: order, value: amount}
  view_event: view
  purchase_event: buy
  timezone: Europe/London
  first_day: 2025-03-01
  last_day: 2025-03-03
  funnels: {purchase: {steps: [view, buy], window: 1 day}}
"""

MARCH_1, MARCH_2, MARCH_3 = (dt.date(2025, 3, day) for day in (1, 2, 3))
# The draft leaves the log open: its days end here.
NOON = dt.datetime(2025, 3, 4, 12, tzinfo=dt.UTC)


def source_of(text: str) -> EventLogSource:
    return EventLogSource.model_validate(yaml.safe_load(text)["attributes"])


@pytest.fixture(scope="module")
def landing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("my_shop")
    (folder / "log.csv").write_text(LOG)
    return folder


@pytest.fixture(scope="module")
def my_shop(landing, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    run = run_source("my_shop", source_of(SOURCE), landing, home)
    run.now = NOON
    run.ingest()
    run.materialize()
    return run


def test_every_row_becomes_an_event(my_shop):
    accounting = my_shop.frame("accounting").select("event_date", "n_landed", "n_events").rows()
    assert accounting == [(MARCH_1, 3, 3), (MARCH_2, 4, 4), (MARCH_3, 2, 2)]


def test_sessions_cross_midnight(my_shop):
    sessions = my_shop.frame("sessions").select("customer_id", "session_date", "n_events")
    assert sorted(sessions.rows()) == [
        (17, MARCH_1, 2),
        (17, MARCH_2, 2),
        (18, MARCH_1, 1),
        (18, MARCH_2, 1),
        (19, MARCH_2, 2),
        (19, MARCH_3, 1),
    ]


def test_the_funnel_counts_who_bought_within_its_window(my_shop):
    funnel = my_shop.frame("funnel").select("entry_date", "step", "n_entered", "n_reached")
    assert funnel.rows() == [
        (MARCH_1, 1, 2, 2),
        (MARCH_1, 2, 2, 1),
        (MARCH_2, 1, 3, 3),
        (MARCH_2, 2, 3, 1),
    ]


def test_retention_follows_the_new_customers_of_a_day(my_shop):
    retention = my_shop.frame("retention").filter(
        activity="event", period="day", cohort_mode="first_ever", measure="n_day"
    )
    found = retention.select("cohort_start", "from_interval", "n_retained_customers").rows()
    # What nobody can have seen yet is null, not zero.
    assert found == [
        (MARCH_1, 0, 2),
        (MARCH_1, 1, 2),
        (MARCH_1, 2, 1),
        (MARCH_2, 0, 1),
        (MARCH_2, 1, 1),
        (MARCH_2, 2, None),
    ]


def test_money_reaches_the_orders(my_shop):
    orders = my_shop.frame("orders").select("order_id", "customer_id", "value").rows()
    assert [(o, c, float(v)) for o, c, v in orders] == [
        ("A1", 17, 12.5),
        ("A2", 17, 8.0),
        ("A3", 19, 8.0),
    ]


def test_dagster_shows_every_table_and_the_jobs():
    pipeline = pipeline_of("my_shop", source_of(SOURCE))
    definitions = event_log_definitions(pipeline)
    keys = {key.to_user_string() for asset in definitions.assets for key in asset.keys}
    assert {f"my_shop/{table}" for table in pipeline.tables} <= keys
    assert {job.name for job in definitions.jobs} >= {"refresh_my_shop", "ingest_my_shop"}


def test_the_draft_of_inspect_gives_the_same_events(my_shop, landing, tmp_path, capsys):
    assert main(["inspect", str(landing / "log.csv")]) == 0
    draft = source_of(capsys.readouterr().out)
    assert (draft.view_event, draft.purchase_event) == ("view", "buy")
    run = run_source("my_shop", draft, landing, tmp_path)
    run.now = NOON
    run.ingest()
    run.materialize("events")
    assert run.state()["events"] == my_shop.state()["events"]
