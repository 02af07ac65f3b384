"""The watch over a landing folder: what it asks for follows from what is there."""

import os

import dagster as dg
import pytest

from customer_assets import settings
from customer_assets.components.automation import ASKED
from customer_assets.components.liveness import process_tags, report_gone_runs
from customer_assets.history import prepare_dagster_home
from customer_assets_tests.nights.shop import DAYS, Shop, lines


def look(shop):
    """Return what the sensor asks for: (job, tags) of each run, or why it asks for none."""
    os.environ["DAGSTER_HOME"] = str(prepare_dagster_home())
    (sensor,) = [s for s in shop.definitions().sensors if s.name == "landing_shop"]
    with (
        dg.DagsterInstance.get() as instance,
        dg.build_sensor_context(instance=instance) as context,
    ):
        found = sensor.evaluate_tick(context)
    assert all(request.run_key is None for request in found.run_requests)
    return [(r.job_name, r.tags) for r in found.run_requests] or found.skip_message


def follow(shop):
    """Run what is asked for until nothing is; return the jobs in their order."""
    jobs = []
    while not isinstance(asked := look(shop), str):
        for job, tags in asked:
            jobs.append(job.removesuffix("_shop"))
            assert shop.run(jobs[-1], asked=tags).success
    assert asked == "nothing landed and nothing is outdated"
    return jobs


def n_events(shop):
    return shop.query("select count(*) from shop.events")[0][0]


def test_a_file_that_is_taken_away_and_put_back_comes_back(shop):
    before = n_events(shop)
    assert follow(shop) == []
    file = shop.landing / f"{DAYS[2]}.csv"
    away = file.rename(shop.landing.parent / "away.csv")
    assert follow(shop) == ["ingest", "refresh"]
    assert n_events(shop) == before - 5
    away.rename(file)
    assert follow(shop) == ["ingest", "refresh"]
    assert n_events(shop) == before


def test_a_run_that_failed_is_asked_for_again_after_a_while_or_once_something_changed(shop):
    shop.land("late.csv", lines(DAYS[4], [50, 51]))
    ((job, tags),) = look(shop)
    assert job == "ingest_shop"
    with dg.DagsterInstance.get() as instance:
        run = instance.create_run_for_job(
            shop.definitions().resolve_job_def("ingest_shop"), tags={**tags, "source": "shop"}
        )
        instance.report_run_failed(run)
    assert look(shop).startswith("it failed and is tried again at ")
    # The YAML is mended.
    shop.stated = shop.stated.replace("purchase_event: buy", "purchase_event: buy\n  currency: EUR")
    ((_, after),) = look(shop)
    assert after[ASKED] != tags[ASKED]


@pytest.mark.parametrize("is_open", [True, False])
def test_a_customer_table_that_is_delivered_again_runs_by_itself(is_open):
    file = settings.PROJECT_ROOT / "customer_assets/defs/one_click/defs.yaml"
    text = file.read_text() + f"  delivered_again: {str(is_open).lower()}\n"
    definitions = Shop("one_click", text, settings.SQL_ROOT).definitions()
    schedules = {schedule.name: schedule.cron_schedule for schedule in definitions.schedules}
    running = dg.DefaultSensorStatus.RUNNING
    (sensor,) = [s for s in definitions.sensors if s.name == "landing_one_click"]
    (customers,) = [
        s for s in definitions.resolve_all_asset_specs() if s.key.path[-1] == "customers"
    ]
    assert (sensor.default_status == running, customers.freshness_policy is not None) == (
        is_open,
        is_open,
    )
    by_itself = {
        "daily_refresh_one_click": "0 3 * * *",
        "weekly_train_one_click": "0 4 * * 1",
    }
    assert schedules == (by_itself if is_open else {})


@pytest.mark.parametrize("process", ["gone", "of the run before", "alive"])
def test_a_run_whose_process_is_gone_is_reported_as_failed_and_nobody_waits(shop, process):
    os.environ["DAGSTER_HOME"] = str(prepare_dagster_home())
    with dg.DagsterInstance.get() as instance:
        run = instance.create_run_for_job(
            shop.definitions().resolve_job_def("ingest_shop"), tags={"source": "shop"}
        )
        tags = process_tags("another run" if process == "of the run before" else run.run_id)
        if process != "alive":
            # A process of now has the number of one that is gone.
            tags["customer_assets/process_started"] = "long ago"
        instance.add_run_tags(run.run_id, tags)
        instance.report_run_canceling(run)
        assert "is under way" in look(shop)
        reported = report_gone_runs(instance)
    assert reported == ([run.run_id] if process == "gone" else [])
    assert ("is under way" in look(shop)) == (process != "gone")
