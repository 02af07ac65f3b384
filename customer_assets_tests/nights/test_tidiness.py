"""What nights leave behind, and what `clean` takes away."""

import datetime as dt
import os

import dagster as dg

from customer_assets import settings
from customer_assets.cli import main
from customer_assets.components.tidying import tidy
from customer_assets.history import prepare_dagster_home
from customer_assets.warehouse.lock import writer_lock
from customer_assets_tests.nights.shop import DAYS, lines


def test_a_preview_is_kept_once_not_with_each_day(shop):
    os.environ["DAGSTER_HOME"] = str(prepare_dagster_home())
    with dg.DagsterInstance.get() as instance:
        records = instance.fetch_materializations(dg.AssetKey(["shop", "events"]), limit=50).records
    days = {r.partition_key: r.asset_materialization.metadata for r in records}
    assert len(days) == len(DAYS)
    assert [day for day, metadata in days.items() if "preview" in metadata] == [str(DAYS[-1])]
    assert all(metadata["dagster/partition_row_count"].value == 5 for metadata in days.values())


def test_old_runs_go_and_what_is_known_of_each_day_stays(shop):
    shop.land("late.csv", lines(DAYS[4], [50, 51]))
    assert shop.run("refresh", days=DAYS[3:6]).success
    events, hours = (dg.AssetKey(["shop", name]) for name in ("events", "daily_traffic"))
    home = settings.dagster_home()
    with dg.DagsterInstance.get() as instance:
        newest, oldest = (run.run_id for run in instance.get_runs())
        # Of a table that is not fresh, nothing is carried over and nothing deleted.
        now = dt.datetime.now(dt.UTC)
        later = now + dt.timedelta(days=9)
        assert tidy(instance, later, later) == []
        assert tidy(instance, now + dt.timedelta(minutes=1), now) == [oldest]
        assert [run.run_id for run in instance.get_runs()] == [newest]
        assert instance.get_materialized_partitions(events) == {str(day) for day in DAYS}
        (record,) = instance.fetch_materializations(
            dg.AssetRecordsFilter(events, asset_partitions=[str(DAYS[0])]), limit=5
        ).records
        said = record.asset_materialization.metadata
        assert said["dagster/partition_row_count"].value == 5
        for key in (events, hours):
            latest = instance.get_latest_materialization_event(key).asset_materialization
            assert "preview" in latest.metadata
        assert tidy(instance, now + dt.timedelta(minutes=1), now) == []
    assert not list(home.rglob(f"{oldest}*"))
    assert list(home.rglob(f"{newest}.db"))


def test_only_a_night_that_changed_something_writes_a_manifest_and_few_are_kept(shop):
    for n in range(8):
        shop.land("late.csv", lines(DAYS[4], [50, 51 + n]))
        assert shop.run("ingest").success
    assert len(list((shop.folder / "raw_events" / "history").iterdir())) == 6


def test_clean_names_who_writes_and_leaves_what_was_landed(shop, capsys):
    with writer_lock(shop.folder, "run 7"):
        assert main(["clean"]) == 1
    assert "shop: run 7 (process " in capsys.readouterr().err
    assert shop.folder.is_dir()
    assert main(["clean"]) == 0
    assert not settings.warehouse_folder().exists()
    assert not settings.catalog_file().exists()
    assert len(list(shop.landing.iterdir())) == len(DAYS)
