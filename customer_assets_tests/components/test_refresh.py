"""A source's refresh job as Dagster runs it."""

import subprocess
import sys

import dagster as dg
import duckdb

from customer_assets_tests.conftest import SAMPLE_DAYS, refresh

# A way from the landed files to a segment: what a run over all tables does, does this one too.
SOME_TABLES = [
    "landed_files", "raw_events", "rejected_rows", "arrivals", "day_counts", "day_findings",
    "held_days",
    "events", "order_lines", "order_returns", "orders", "rfm", "customer_segments",
]  # fmt: skip
READ_IN_A_LOOP = """
import sys, time, duckdb
reads = 0
print("reading", flush=True)
while not sys.stdin.closed:
    with duckdb.connect(sys.argv[1], read_only=True) as reader:
        events, orders = reader.sql(
            "select (select count(*) from online_retail.events), "
            "(select count(*) from online_retail.orders)"
        ).fetchone()
    assert events > 0 and orders > 0
    reads += 1
    print(reads, flush=True)
    time.sleep(0.02)
"""


def test_partitions_carry_their_own_row_counts(refreshed):
    events = refreshed.instance.fetch_materializations(
        dg.AssetRecordsFilter(
            dg.AssetKey(["online_retail", "events"]), asset_partitions=["2010-12-02", "2010-12-03"]
        ),
        limit=10,
    ).records
    counted = {
        record.partition_key: record.asset_materialization.metadata[
            "dagster/partition_row_count"
        ].value
        for record in events
    }
    days = "event_date in ('2010-12-02', '2010-12-03')"
    published = refreshed.query(
        f"select event_date::varchar, count(*) from online_retail.events where {days} group by 1"
    )
    assert counted == dict(published)


def test_a_materialization_shows_what_the_table_holds(refreshed):
    (event,) = [
        e
        for e in refreshed.result.get_asset_materialization_events()
        if e.asset_key == dg.AssetKey(["online_retail", "rfm"])
    ]
    metadata = event.materialization.metadata
    assert (
        metadata["dagster/row_count"].value
        == refreshed.query("select count(*) from online_retail.rfm")[0][0]
    )
    assert metadata["preview"].value.startswith("| customer\\_id |")
    lineage = metadata["dagster/column_lineage"].value.deps_by_column
    assert {
        dg.TableColumnDep(dg.AssetKey(["online_retail", "order_lines"]), "value"),
        dg.TableColumnDep(dg.AssetKey(["online_retail", "order_returns"]), "returned_value"),
    } <= set(lineage["monetary"])
    assert {"seconds", "bytes", "content_hash", "column_lineage_table"} <= set(metadata)


def test_a_preview_has_times_before_numbers_of_microseconds(refreshed):
    headers = [
        event.materialization.metadata["preview"].value.splitlines()[0].strip("| ").split(" | ")
        for event in refreshed.result.get_asset_materialization_events()
        if "preview" in event.materialization.metadata
    ]
    are_numbers = [[name.endswith("\\_ts") for name in header] for header in headers]
    assert are_numbers == [sorted(each) for each in are_numbers]
    assert any(any(name.endswith("\\_at") for name in header) for header in headers)


def test_every_check_was_evaluated(refreshed):
    evaluations = refreshed.result.get_asset_check_evaluations()
    known = {
        (key.asset_key, key.name)
        for key in refreshed.result.job_def.asset_layer.asset_graph.asset_check_keys
    }
    assert {(e.asset_key, e.check_name) for e in evaluations} == known


def test_a_second_run_over_the_same_days_changes_no_row(refreshed):
    tables = SOME_TABLES[4:]
    before = [refreshed.query(f"from online_retail.{t} order by all") for t in tables]
    assert refresh(refreshed.instance, *SAMPLE_DAYS, tables=SOME_TABLES).success
    assert [refreshed.query(f"from online_retail.{t} order by all") for t in tables] == before


def test_readers_never_fail_while_a_run_writes(refreshed):
    with subprocess.Popen(
        [sys.executable, "-c", READ_IN_A_LOOP, str(refreshed.home / "warehouse.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout.readline() == "reading\n"
        assert refresh(refreshed.instance, *SAMPLE_DAYS, tables=SOME_TABLES).success
        assert reader.poll() is None, reader.stderr.read()
        reader.kill()
        reads = reader.stdout.read().split()
    assert int(reads[-2]) > 10


def test_a_failed_check_blocks_what_follows_and_says_so(refreshed, tmp_path):
    before = refreshed.query("select sum(value) from online_retail.events")
    file = refreshed.landing / "online_retail" / "online_retail.csv"
    landed = file.read_bytes()
    try:
        # A quantity that the events' check does not allow.
        line = b"536365,85123A,LANTERN,999999,12/1/10 8:26,2.55,17850.0,United Kingdom\n"
        file.write_bytes(landed + line)
        result = refresh(refreshed.instance, *SAMPLE_DAYS, tables=SOME_TABLES)
    finally:
        file.write_bytes(landed)
    assert not result.success
    (failed,) = [
        e for e in result.get_asset_check_evaluations() if e.check_name == "between_quantity"
    ]
    assert not failed.passed
    assert failed.metadata["failing_days"].value == "2010-12-01"
    assert "999999" in failed.metadata["sample"].value
    keys = {e.asset_key.path[-1] for e in result.get_asset_materialization_events()}
    assert "events" not in keys
    assert "rfm" not in keys
    # Readers keep the tables that belong together.
    assert refreshed.query("select sum(value) from online_retail.events") == before
    assert refresh(refreshed.instance, *SAMPLE_DAYS, tables=SOME_TABLES).success
    assert refreshed.query("select sum(value) from online_retail.events") == before


def test_the_export_is_a_database_of_its_own(refreshed, tmp_path):
    target = tmp_path / "all.duckdb"
    command = [sys.executable, "-m", "customer_assets", "export", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    with duckdb.connect(str(target), read_only=True) as reader:
        tables = reader.sql("select table_name from duckdb_tables()").fetchall()
    assert ("rfm",) in tables
