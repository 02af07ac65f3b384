"""What runs by itself: the nightly schedule and the watch over the landing folder."""

import datetime as dt
import os
import shutil

import dagster as dg
import pytest

from customer_assets import settings
from customer_assets.components.automation import dirty_ranges, landing_fingerprint
from customer_assets.components.source_definitions import event_log_definitions
from customer_assets.generation import refreshed, remember_landing
from customer_assets.history import prepare_dagster_home
from customer_assets.project import open_warehouse
from customer_assets.sources import EventLogSource
from customer_assets_tests.conftest import run_source

SHOP = EventLogSource.model_validate(
    {
        "files": "*.csv",
        "columns": {
            "customer_id": "who",
            "event_at": {"from": "at", "format": "iso"},
            "event_type": "what",
        },
        "timezone": "Europe/Berlin",
        "first_day": "2024-03-01",
        "view_event": "view",
    }
)
NOW = dt.datetime(2024, 3, 8, 12, tzinfo=dt.UTC)
DAYS = [f"2024-03-0{day}" for day in range(1, 8)]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A week of one customer, all tables published: made once, copied for each test."""
    folder = tmp_path_factory.mktemp("published")
    run = run_source("shop", SHOP, folder / "landing" / "shop", folder / "home" / "warehouse")
    run.now = NOW
    land(run, "all.csv", [f"ann,{day} 10:00:00,view" for day in DAYS])
    run.ingest()
    run.materialize()
    return folder


@pytest.fixture
def shop(published):
    shutil.copytree(published / "landing", settings.landing())
    shutil.copytree(published / "home", settings.home())
    run = run_source("shop", SHOP, settings.landing() / "shop", settings.warehouse_folder())
    run.now = NOW
    return run


def land(run, name, lines):
    run.landing.mkdir(parents=True, exist_ok=True)
    path = run.landing / name
    path.write_text("\n".join(["who,at,what", *lines]) + "\n")
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))


def asked_days(run):
    with open_warehouse(run.pipeline) as warehouse:
        return dirty_ranges(run.pipeline, warehouse, DAYS, NOW)


def test_nothing_is_asked_for_when_nothing_changed(shop):
    assert asked_days(shop) == []


def test_a_late_file_asks_for_its_day_and_the_sessions_around(shop):
    land(shop, "late.csv", ["ann,2024-03-04 10:10:00,view"])
    shop.ingest()
    assert asked_days(shop) == [["2024-03-03", "2024-03-04", "2024-03-05"]]


def test_two_far_days_are_two_runs(shop):
    land(shop, "late.csv", ["ann,2024-03-02 10:10:00,view", "ann,2024-03-06 10:10:00,view"])
    shop.ingest()
    assert [(days[0], days[-1]) for days in asked_days(shop)] == [
        ("2024-03-01", "2024-03-03"),
        ("2024-03-05", "2024-03-07"),
    ]


def test_a_withdrawn_file_asks_for_its_day(shop):
    land(shop, "late.csv", ["ann,2024-03-04 10:10:00,view"])
    shop.ingest()
    shop.materialize("events", "session_fragments", "sessions")
    (shop.landing / "late.csv").unlink()
    shop.ingest()
    assert asked_days(shop) == [["2024-03-03", "2024-03-04", "2024-03-05"]]


def test_a_file_of_which_every_row_is_rejected_still_asks_for_a_run(shop):
    land(shop, "early.csv", ["ann,2024-02-01 10:00:00,view"])
    shop.ingest()
    assert asked_days(shop) == [[DAYS[-1]]]


def test_the_fingerprint_moves_with_a_file(shop):
    before = landing_fingerprint(shop.pipeline, shop.landing)
    assert landing_fingerprint(shop.pipeline, shop.landing) == before
    land(shop, "late.csv", ["ann,2024-03-04 10:10:00,view"])
    assert landing_fingerprint(shop.pipeline, shop.landing) != before


def test_the_schedule_refreshes_yesterday_and_what_it_completes(shop):
    definitions = event_log_definitions(shop.pipeline)
    (schedule,) = definitions.schedules
    assert schedule.execution_timezone == "Europe/Berlin"
    with dg.build_schedule_context(
        scheduled_execution_time=dt.datetime(2024, 3, 8, 3, tzinfo=dt.UTC)
    ) as context:
        request = schedule.evaluate_tick(context).run_requests[0]
    assert request.tags["dagster/asset_partition_range_end"] == "2024-03-07"
    assert request.tags["dagster/asset_partition_range_start"] <= "2024-03-06"
    assert request.tags["customer_assets/only_outdated"] == "true"


def test_once_all_that_landed_is_read_the_schedule_asks_for_what_is_outdated_alone(
    shop, monkeypatch
):
    monkeypatch.setenv("DAGSTER_HOME", str(prepare_dagster_home()))
    (schedule,) = event_log_definitions(shop.pipeline).schedules
    land(shop, "late.csv", ["ann,2024-03-04 10:10:00,view"])
    shop.ingest()
    fingerprint = landing_fingerprint(shop.pipeline, shop.landing)
    remember_landing(settings.warehouse_folder() / "shop", fingerprint)
    with dg.DagsterInstance.get() as instance:
        for name in refreshed(shop.pipeline):
            key = dg.AssetKey(["shop", name])
            instance.report_runless_asset_event(dg.AssetMaterialization(key))
        # What a context opens it closes: else a later load of definitions meets what is gone.
        with dg.build_schedule_context(
            instance, scheduled_execution_time=dt.datetime(2024, 3, 8, 3, tzinfo=dt.UTC)
        ) as context:
            (request,) = schedule.evaluate_tick(context).run_requests
    asked = {key.path[-1] for key in request.asset_selection}
    assert {"landed_files", "raw_events", "events", "sessions", "report"} < asked
    assert not asked.intersection(shop.pipeline.training)
    days = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
    assert [request.tags[name] for name in days] == ["2024-03-03", "2024-03-05"]
