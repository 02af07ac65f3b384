"""A refresh whose heavy tables are on Spark, and what becomes of it when a part of Spark dies."""

import threading
import time
from collections.abc import Callable, Mapping

import dagster as dg
import pytest

from customer_assets.warehouse.manifest import STAGING, TableStore
from customer_assets_tests.nights.shop import DAYS, HEADER, Shop
from customer_assets_tests.spark.cluster import TestCluster, free_port
from customer_assets_tests.spark.test_session import old_server

__all__ = ["old_server"]

ROUTED = ["events", "accounting", "customer_day", "session_fragments", "first_seen"]
ROUTED += ["hourly_traffic"]
# Enough that a table takes Spark some seconds.
USERS = 6_000


def landed() -> Shop:
    """A shop with nine days of views and purchases, of which nothing is computed yet."""
    shop = Shop("shop")
    shop.landing.mkdir(parents=True, exist_ok=True)
    for day in DAYS:
        rows = [f"{n},{day} {n % 24:02}:{n % 60:02}:00,view,mug{n % 7},," for n in range(USERS)]
        rows += [
            f"{n},{day} {n % 24:02}:{n % 60:02}:30,buy,mug,{n}-{day},{n % 90}.05"
            for n in range(0, USERS, 3)
        ]
        path = shop.land(f"{day}.csv", rows)
        assert path.read_text().startswith(HEADER)
    return shop


def on_spark(monkeypatch, address: str, seconds: int = 120) -> None:
    monkeypatch.setenv("CUSTOMER_ASSETS_ENGINE", address)
    monkeypatch.setenv("CUSTOMER_ASSETS_SPARK_FROM", "0")
    monkeypatch.setenv("CUSTOMER_ASSETS_SPARK_SECONDS", str(seconds))


def hashes(shop: Shop) -> Mapping[str, str]:
    """The content of each table that is published, but for those that note when and what ran."""
    kept = {"landed_files", "day_counts", "arrivals", "session_changes"}
    folders = [path.parent for path in shop.folder.glob("*/manifest.json")]
    return {
        folder.name: TableStore(folder).manifest().content_hash
        for folder in folders
        if folder.name not in kept
    }


def said(result: dg.ExecuteInProcessResult) -> str:
    """What the steps that failed say."""
    failures = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    return "\n".join(
        str(f.user_failure_data.description if f.user_failure_data else f.error) for f in failures
    )


def failed_at(result: dg.ExecuteInProcessResult) -> float:
    """When the first step failed, in seconds since 1970."""
    with dg.DagsterInstance.get() as instance:
        logged = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    return min(entry.timestamp for entry in logged)


def metadata(result: dg.ExecuteInProcessResult, table: str) -> dict[str, object]:
    found = {}
    for event in result.get_asset_materialization_events():
        if event.asset_key and event.asset_key.path[-1] == table:
            metadata = event.step_materialization_data.materialization.metadata
            found |= {name: value.value for name, value in metadata.items()}
    return found


@pytest.fixture(scope="module")
def of_duckdb(tmp_path_factory) -> Mapping[str, str]:
    """The hashes of the shop, computed by DuckDB alone."""
    folder = tmp_path_factory.mktemp("duckdb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTOMER_ASSETS_HOME", str(folder / "home"))
        patch.setenv("CUSTOMER_ASSETS_LANDING", str(folder / "landing"))
        patch.delenv("DAGSTER_HOME", raising=False)
        shop = landed()
        assert shop.run("backfill", only_outdated=False).success
        return hashes(shop)


@pytest.fixture
def shop(monkeypatch) -> Shop:
    monkeypatch.setenv("DAGSTER_HOME", "set by the run")
    return landed()


def when_spark_writes(shop: Shop, act: Callable[[], None]) -> threading.Thread:
    """Do something as soon as Spark writes a part of a table."""

    def watch() -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if list((shop.folder / STAGING).glob("*.parts/_temporary/*/*")):
                act()
                return
            time.sleep(0.01)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    return watcher


def nothing_is_left(shop: Shop) -> bool:
    return not [p for p in (shop.folder / STAGING).glob("*") if p.suffix == ".parts"]


def test_a_refresh_on_spark_has_the_hashes_of_duckdb(spark, of_duckdb, shop, monkeypatch):
    on_spark(monkeypatch, spark.address)
    result = shop.run("backfill", only_outdated=False)
    assert result.success, said(result)
    assert hashes(shop) == of_duckdb
    for table in ROUTED:
        told = metadata(result, table)
        assert str(told["engine"]).startswith("spark 4."), table
        assert told["spark_application"], table
        assert float(str(told["seconds_on_spark"])) > 0
    assert nothing_is_left(shop)
    # To change the engine redoes nothing.
    before = shop.manifests()
    monkeypatch.delenv("CUSTOMER_ASSETS_ENGINE")
    again = shop.run("backfill")
    assert again.success
    assert shop.manifests() == before


def test_a_table_that_reads_few_rows_stays_on_duckdb(spark, shop, monkeypatch):
    on_spark(monkeypatch, spark.address)
    monkeypatch.setenv("CUSTOMER_ASSETS_SPARK_FROM", "60000")
    result = shop.run("backfill", DAYS, only_outdated=False)
    assert result.success, said(result)
    # It reads the events, of which there are 72,000; the other one a row per customer and day.
    assert "engine" in metadata(result, "customer_day")
    assert "engine" not in metadata(result, "first_seen")


def test_a_worker_dies_in_the_middle(spark: TestCluster, of_duckdb, shop, monkeypatch):
    if spark.is_local:
        pytest.skip("one process has no worker to lose: `make spark-test`")
    on_spark(monkeypatch, spark.address)
    killed = when_spark_writes(shop, spark.workers[0].kill)
    result = shop.run("backfill", only_outdated=False)
    killed.join(1)
    assert not killed.is_alive()
    assert result.success, said(result)
    assert hashes(shop) == of_duckdb
    spark.start_worker()


def test_the_server_dies_in_the_middle(spark: TestCluster, of_duckdb, shop, monkeypatch):
    on_spark(monkeypatch, spark.address)
    died_at: list[float] = []

    def kill() -> None:
        died_at.append(time.time())
        spark.server.kill()

    when_spark_writes(shop, kill)
    try:
        result = shop.run("backfill", only_outdated=False)
        ended_at = time.time()
    finally:
        spark.start_server()
    assert not result.success
    assert f"Spark at 127.0.0.1:{spark.port} does not answer" in said(result)
    assert "unset CUSTOMER_ASSETS_ENGINE" in said(result)
    assert 0 < failed_at(result) - died_at[0] < 10
    # Its other steps are run, and what is shown is refreshed, before a run ends.
    assert ended_at - died_at[0] < 20
    assert nothing_is_left(shop)
    assert {n: h for n, h in of_duckdb.items() if n in hashes(shop)} == hashes(shop)
    again = shop.run("backfill")
    assert again.success, said(again)
    assert hashes(shop) == of_duckdb


def test_a_table_over_its_time_is_interrupted(spark: TestCluster, of_duckdb, shop, monkeypatch):
    on_spark(monkeypatch, spark.address, seconds=1)
    result = shop.run("backfill", only_outdated=False)
    assert not result.success
    assert "took longer than 1 seconds and was interrupted" in said(result)
    assert nothing_is_left(shop)
    assert not set(ROUTED) & hashes(shop).keys()
    on_spark(monkeypatch, spark.address)
    again = shop.run("backfill")
    assert again.success, said(again)
    assert hashes(shop) == of_duckdb


def not_computed(shop: Shop, monkeypatch, port: int) -> str:
    """What a run says of a server that cannot compute; no routed table is published by it."""
    on_spark(monkeypatch, f"sc://127.0.0.1:{port}")
    started = time.monotonic()
    result = shop.run("backfill", only_outdated=False)
    assert time.monotonic() - started < 30
    assert not result.success
    assert not set(ROUTED) & hashes(shop).keys()
    assert nothing_is_left(shop)
    return said(result)


def small_shop(monkeypatch) -> Shop:
    monkeypatch.setenv("DAGSTER_HOME", "set by the run")
    shop = Shop("shop")
    shop.land("log.csv", ["17,2025-03-01 10:00:00,view,mug,,"])
    return shop


def test_no_server_is_told_of_in_a_run(monkeypatch):
    shop, port = small_shop(monkeypatch), free_port()
    text = not_computed(shop, monkeypatch, port)
    assert f"Spark at 127.0.0.1:{port} does not answer (nobody listens there)" in text
    # No silent fall-back; the way out is one that works.
    monkeypatch.delenv("CUSTOMER_ASSETS_ENGINE")
    assert shop.run("backfill").success


def test_another_version_is_told_of_in_a_run(old_server, monkeypatch):
    text = not_computed(small_shop(monkeypatch), monkeypatch, old_server)
    assert f"The server at 127.0.0.1:{old_server} is Spark 3.5.1" in text
