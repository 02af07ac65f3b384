"""session_changes: what late and withdrawn events do to sessions that were published."""

import datetime as dt

import pytest

from customer_assets.sources import EventLogSource
from customer_assets_tests.conftest import run_source

NEEDED = ("events", "session_fragments", "sessions", "session_changes")


@pytest.fixture
def shop(tmp_path):
    source = EventLogSource.model_validate(
        {
            "files": "*.csv",
            "columns": {"customer_id": "who", "event_at": {"from": "at", "format": "iso"}},
            "timezone": "UTC",
            "first_day": "2024-03-01",
        }
    )
    run = run_source("shop", source, tmp_path / "landing", tmp_path / "home")
    run.now = dt.datetime(2024, 3, 4, 12, tzinfo=dt.UTC)
    return run


def land(run, name, *stamps):
    run.landing.mkdir(exist_ok=True)
    lines = [f"ann,2024-03-{stamp}:00" for stamp in stamps]
    (run.landing / name).write_text("\n".join(["who,at", *lines]) + "\n")
    run.ingest()
    run.warehouse.run_id += "x"
    run.materialize(*NEEDED)


def changes(run):
    return sorted(run.frame("session_changes")["change"].to_list())


def test_a_first_load_is_no_change(shop):
    land(shop, "a.csv", "01 10:00", "01 23:50")
    assert changes(shop) == []


def test_a_late_event_extends_then_joins(shop):
    # The example of DEFINITIONS: 23:45-00:47, then 01:10 extends it and 01:35 joins 02:00.
    land(shop, "a.csv", "01 23:45", "01 23:58", "02 00:20", "02 00:47", "02 02:00")
    land(shop, "b.csv", "02 01:10")
    assert changes(shop) == ["extended"]
    land(shop, "c.csv", "02 01:35")
    assert changes(shop) == ["extended", "joined", "joined"]
    assert shop.frame("sessions")["n_events"].to_list() == [7]


def test_a_withdrawn_event_cuts(shop):
    land(shop, "a.csv", "01 10:00", "01 10:40")
    land(shop, "b.csv", "01 10:20")
    (shop.landing / "b.csv").unlink()
    shop.ingest()
    shop.materialize(*NEEDED)
    assert changes(shop)[-2:] == ["joined", "joined"]
    assert changes(shop)[:2] == ["cut", "cut"]


def test_looking_again_writes_nothing_down(shop):
    land(shop, "a.csv", "01 10:00")
    land(shop, "b.csv", "01 10:20")
    before = shop.warehouse.manifest("session_changes").pieces
    shop.materialize("session_changes")
    assert shop.warehouse.manifest("session_changes").pieces == before
