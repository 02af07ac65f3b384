"""What events say of the ones before and after, and how a log's own number orders an instant."""

from customer_assets import verification
from customer_assets.behavior.succession import with_succession
from customer_assets.sources import EventLogSource
from customer_assets_tests.conftest import run_source


def test_events_without_a_customer_and_of_other_days_succeed_nobody(connection):
    connection.execute(
        "create table events as from (values (1, 5, date '1970-01-01', 'a'), "
        "(1, 6, date '1970-01-01', 'b'), (1, 7, date '1970-01-02', 'c'), "
        "(null, 5, date '1970-01-01', 'd'), (null, 6, date '1970-01-01', 'e')) "
        "as e (customer_id, event_ts, event_date, event_type)"
    )
    rows = connection.execute(
        f"select event_type, event_number, previous_event_ts, previous_event_type, next_event_type "
        f"from ({with_succession('select * from events', ['event_ts'])}) order by event_type"
    ).fetchall()
    assert rows == [
        ("a", 1, None, None, "b"), ("b", 2, 5, "a", None), ("c", 1, None, None, None),
        ("d", None, None, None, None), ("e", None, None, None, None),
    ]  # fmt: skip


def test_the_logs_own_number_orders_an_instant(tmp_path):
    """By event type the buy would come first; by the log's number it comes second, then third."""
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing/log.csv").write_text(
        "who,at,what,n\n1,2020-01-01 10:00:00,view,1\n1,2020-01-01 10:00:00,buy,2\n"
        "1,2020-01-01 10:00:00,view,3\n2,2020-01-01 10:00:00,buy,1\n"
        "2,2020-01-01 10:00:00,view,2\n"
    )
    source = EventLogSource(
        files="*.csv",
        columns={"customer_id": "who", "event_at": "at", "event_type": "what", "sequence": "n"},
        view_event="view", purchase_event="buy", timezone="UTC",
        first_day="2020-01-01", last_day="2020-01-02",
        funnels={"f": {"steps": ["view", "buy"], "window": "1 day"}},
    )  # fmt: skip
    run = run_source("log", source, tmp_path / "landing", tmp_path / "home")
    run.ingest()
    run.materialize("events", "customer_day", "session_fragments", "sessions", "first_seen",
                    "funnel_entries", "daily_transitions", "session_paths")  # fmt: skip
    events = run.frame("events")
    assert events["event_type"].to_list() == ["view", "buy", "view", "buy", "view"]
    assert events["event_number"].to_list() == [1, 2, 3, 1, 2]
    levels = dict(run.frame("funnel_entries").select("customer_id", "level").rows())
    assert levels == {"1": 2, "2": 1}
    steps = run.frame("session_paths").select("step", "from_event", "to_event").rows()
    assert steps == [(1, "buy", "view"), (1, "view", "buy"), (2, "buy", "view")]
    parameters = run.pipeline.parameters(run.now)
    found = verification.differences(run.pipeline, run.warehouse, parameters, customers=None)
    assert found.is_empty()
