"""Passive events stay in events; they open and stretch no session and make no active day."""

import pytest

from customer_assets import verification
from customer_assets.sources import EventLogSource
from customer_assets_tests.conftest import run_source

# A session over midnight with a mail at 00:05 in its middle; pings that would bridge an hour, a
# day on which there is nothing else, and a customer of whom there is nothing else.
LOG = """1,2024-01-05 23:50:00,view
1,2024-01-06 00:05:00,mail
1,2024-01-06 00:10:00,buy
1,2024-01-06 00:35:00,ping
1,2024-01-06 01:00:00,ping
1,2024-01-06 01:10:00,view
1,2024-01-07 12:00:00,ping
2,2024-01-06 09:00:00,view
2,2024-01-06 09:00:10,mail
2,2024-01-06 09:00:20,buy
3,2024-01-06 10:00:00,mail
"""


def source(**changes) -> EventLogSource:
    return EventLogSource.model_validate(
        {
            "files": "*.csv",
            "columns": {"customer_id": "who", "event_at": "at", "event_type": "what"},
            "view_event": "view", "purchase_event": "buy", "timezone": "UTC",
            "first_day": "2024-01-05", "last_day": "2024-01-08",
            "passive_events": ["ping", "mail"],
            "funnels": {"f": {"steps": ["view", "buy"], "window": "1 day", "dialect": "strict"}},
        } | changes
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("passive")
    (folder / "landing").mkdir()
    (folder / "landing" / "log.csv").write_text("who,at,what\n" + LOG)
    run = run_source("log", source(), folder / "landing", folder / "home")
    run.ingest()
    run.materialize("events", "customer_day", "session_fragments", "sessions", "first_seen",
                    "funnel_entries", "daily_transitions", "transitions", "order_lines",
                    "cut_offs", "customer_features")  # fmt: skip
    return run


def test_they_stay_in_events_and_are_skipped_by_what_comes_before_and_after(run):
    events = run.frame("events").filter(customer_id="1")
    assert events["event_type"].to_list() == [line.split(",")[2] for line in LOG.splitlines()[:7]]
    assert events["event_number"].to_list() == [1, None, 1, None, None, 2, None]
    assert events["previous_event_type"].to_list() == [None, None, None, None, None, "buy", None]
    assert events["next_event_type"].to_list()[2] == "view"


def test_they_neither_open_nor_stretch_a_session_also_over_midnight(run):
    sessions = run.frame("sessions").select("customer_id", "started_at", "n_events")
    assert [(c, f"{at:%d %H:%M}", n) for c, at, n in sessions.rows()] == [
        ("1", "05 23:50", 2), ("1", "06 01:10", 1), ("2", "06 09:00", 2)
    ]  # fmt: skip
    paths = run.frame("transitions").select("from_event", "to_event", "n_transitions").rows()
    assert not {"ping", "mail"} & {name for row in paths for name in row[:2]}


def test_they_make_no_active_day_and_nobody_known(run):
    days = run.frame("customer_day").select("customer_id", "event_date", "n_events").rows()
    assert [(c, day.day, n) for c, day, n in days] == [("1", 5, 1), ("1", 6, 2), ("2", 6, 2)]
    assert run.frame("first_seen")["customer_id"].to_list() == ["1", "2"]
    newest = run.frame("customer_features").sort("cut_off_ts")
    assert newest.select("customer_id", "n_events", "n_active_days", "n_sessions").rows()[-2:] == [
        ("1", 3, 2, 2), ("2", 2, 1, 1)
    ]  # fmt: skip


def test_they_come_between_no_two_steps_of_a_strict_funnel(run):
    entries = run.frame("funnel_entries").select("customer_id", "entry_date", "level").rows()
    assert [(c, day.day, level) for c, day, level in entries] == [
        ("1", 5, 2), ("1", 6, 1), ("2", 6, 2)
    ]  # fmt: skip


def test_the_oracle_agrees(run):
    parameters = run.pipeline.parameters(run.now)
    found = verification.differences(run.pipeline, run.warehouse, parameters, customers=None)
    assert found.is_empty()


def test_an_act_cannot_be_passive():
    with pytest.raises(ValueError, match=r"passive_events: buy, view: a purchase"):
        source(passive_events=["view", "buy"])
