"""The verification: silent where all is well, and loud where a published row is wrong."""

import datetime as dt
from dataclasses import replace

import dagster as dg
import pytest

from customer_assets import settings, verification
from customer_assets.cli import main
from customer_assets.components.verification_asset import verification_asset
from customer_assets.components.warehouse_resource import WarehouseResource, duckdb_resource
from customer_assets.verification import differences, merged, read_published, verify
from customer_assets.warehouse.catalog import take_snapshot
from customer_assets.warehouse.engine import relation_sql
from customer_assets.warehouse.manifest import StagedPiece
from customer_assets_tests.click_log import clicks_of_a_week, epoch_seconds, land
from customer_assets_tests.conftest import NOW, read_source, run_source

TABLES = ("events", "customer_day", "session_fragments", *verification.VERIFIED)


@pytest.fixture
def log():
    return opened()


def opened(**definitions):
    """A source where the commands look for it, with the tables that are verified."""
    source = read_source("taobao").model_copy(update=definitions)
    landing = settings.landing() / "taobao"
    run = run_source("taobao", source, landing, settings.warehouse_folder())
    models = {name: model for name, model in run.pipeline.models.items() if name in TABLES}
    return replace(run, pipeline=replace(run.pipeline, models=models))


def refreshed(run, *clicks):
    land(run.landing, "clicks.csv", clicks)
    run.ingest()
    run.materialize()
    return run


def show(run):
    """Let readers, the command among them, see what is published."""
    take_snapshot(run.warehouse.folder, run.warehouse.tables.values())


def found(run, customers=None):
    parameters = run.pipeline.parameters(NOW)
    return differences(run.pipeline, run.warehouse, parameters, customers=customers).rows()


def tamper(run, table, day, select):
    """Publish other rows under the name of those that were computed."""
    key = day or "all"
    piece = run.warehouse.manifest(table).pieces[key]
    relation = relation_sql(
        run.warehouse.relation(table, [dt.date.fromisoformat(day)] if day else None)
    )
    path = run.warehouse.store(table).new_staged_file()
    output = run.warehouse.engine.write(f"with published as ({relation}) {select}", path)
    staged = StagedPiece(path, output.rows, piece.code_version, piece.inputs)
    run.warehouse.store(table).publish({key: staged})


VISIT = [(1, "11-26 23:50", "pv"), (1, "11-27 00:05", "cart"), (1, "11-27 00:10", "buy")]
STARTED = str(epoch_seconds("11-26 23:50") * 1_000_000)


def test_what_is_computed_day_by_day_equals_all_events_at_once(log):
    land(log.landing, "a.csv", clicks_of_a_week(range(1, 12)))
    log.ingest()
    for days in (log.days()[4:], log.days()[:4]):
        log.materialize(days=days)
    land(log.landing, "late.csv", [*VISIT, (12, "11-28 00:20", "pv")])
    log.ingest()
    log.materialize()
    published = read_published(log.pipeline, log.warehouse, log.pipeline.parameters(NOW))
    result = merged(verify(published, None))
    assert result.differences.is_empty()
    assert published.left_out == []
    assert (result.n_customers, result.n_events) == (12, log.warehouse.manifest("events").rows)
    assert result.compared == {
        name: log.warehouse.manifest(name).rows for name in verification.VERIFIED
    }


def test_no_customer_is_lost_between_batches(log, monkeypatch):
    refreshed(log, *clicks_of_a_week(range(1, 8)))
    monkeypatch.setattr(verification, "BATCH_EVENTS", 60)
    published = read_published(log.pipeline, log.warehouse, log.pipeline.parameters(NOW))
    batches = list(verify(published, None))
    assert len(batches) > 2
    result = merged(batches)
    assert result.n_customers == 7
    assert result.compared["sessions"] == log.warehouse.manifest("sessions").rows


def test_a_sample_is_the_same_each_time(log):
    refreshed(log, *clicks_of_a_week(range(1, 8)))
    tamper(log, "first_seen", None, "select * replace (0 as first_event_ts) from published")
    first = found(log, customers=3)
    assert len({row[1] for row in first}) == 3
    assert found(log, customers=3) == first
    assert set(found(log, customers=5)) > set(first)


@pytest.mark.parametrize(
    ("table", "day", "select", "difference"),
    [
        (
            "sessions",
            "2017-11-26",
            "select * replace (n_events + 1 as n_events) from published",
            ("sessions", "1", STARTED, "n_events", "4", "3"),
        ),
        (
            "sessions",
            "2017-11-26",
            "from published limit 0",
            ("sessions", "1", STARTED, "rows", "0", "1"),
        ),
        (
            "sessions",
            "2017-11-26",
            "from published union all from published",
            ("sessions", "1", STARTED, "rows", "2", "1"),
        ),
        (
            "sessions",
            "2017-11-26",
            "from published union all select * replace (7 as customer_id) from published",
            ("sessions", "7", STARTED, "rows", "1", "0"),
        ),
        (
            "funnel_entries",
            "2017-11-26",
            "select * replace (if(funnel = 'purchase', 2, level) as level) from published",
            ("funnel_entries", "1", "purchase 2017-11-26", "level", "2", "3"),
        ),
        (
            "first_seen",
            None,
            "select * replace (5 as first_event_ts) from published",
            ("first_seen", "1", "", "first_event_ts", "5", STARTED),
        ),
    ],
)
def test_a_wrong_row_is_found(log, table, day, select, difference):
    refreshed(log, *VISIT)
    tamper(log, table, day, select)
    assert found(log) == [difference]


def test_what_is_outdated_is_left_out_until_it_is_redone(log):
    refreshed(log, *VISIT)
    land(log.landing, "late.csv", [(1, "11-27 00:30", "pv")])
    log.ingest()
    log.materialize("events", "session_fragments")
    published = read_published(log.pipeline, log.warehouse, log.pipeline.parameters(NOW))
    assert "sessions: outdated days 2017-11-26...2017-11-28" in published.left_out
    assert "first_seen: it is outdated" in published.left_out
    assert found(log) == []
    log.materialize()
    assert found(log) == []


def test_days_that_were_never_computed_are_no_difference(log):
    land(log.landing, "clicks.csv", clicks_of_a_week(range(1, 4)))
    log.ingest()
    log.materialize(days=log.days()[1:3])
    assert found(log) == []


def test_a_visit_over_several_midnights_is_one_session(log):
    times = [dt.datetime(2017, 11, 25, 23, 50) + n * dt.timedelta(minutes=25) for n in range(120)]
    refreshed(log, *[(1, f"{at:%m-%d %H:%M}", "pv") for at in times])
    log.materialize("sessions", days=[dt.date(2017, 11, 25)])
    assert found(log) == []


def test_funnels_that_the_oracle_does_not_know_are_named():
    purchase = read_source("taobao").funnels["purchase"]
    log = opened(funnels={"strict": purchase.model_copy(update={"dialect": "strict"})})
    refreshed(log, *VISIT)
    published = read_published(log.pipeline, log.warehouse, log.pipeline.parameters(NOW))
    assert "funnel_entries" not in published.relations
    assert published.left_out[0].startswith("funnel strict: the oracle knows only")


def test_the_command_prints_each_difference(log, capsys):
    assert main(["verify", "taobao"]) == 1
    assert "nothing to verify, refresh taobao first" in capsys.readouterr().err
    show(refreshed(log, *VISIT))
    assert main(["verify", "taobao"]) == 0
    assert "sessions: 1 rows compared, 0 differences" in capsys.readouterr().out
    tamper(log, "first_seen", None, "select * replace (5 as first_event_ts) from published")
    show(log)
    assert main(["verify", "taobao", "--customers", "10"]) == 1
    out = capsys.readouterr().out
    assert f"first_seen: customer '1' : first_event_ts: published 5, oracle {STARTED}" in out
    assert "first_seen: 1 rows compared, 1 differences" in out


def test_the_asset_fails_where_there_is_a_difference(log):
    refreshed(log, *VISIT)
    assert evaluated(log).passed
    tamper(log, "first_seen", None, "select * replace (5 as first_event_ts) from published")
    evaluation = evaluated(log)
    assert not evaluation.passed
    assert evaluation.severity == dg.AssetCheckSeverity.ERROR
    assert evaluation.metadata["differences"].value == 1
    assert "first\\_event\\_ts" in evaluation.metadata["first_differences"].value


def evaluated(run):
    resources = {"warehouse": WarehouseResource(duckdb=duckdb_resource())}
    result = dg.materialize(
        [verification_asset(run.pipeline)], resources=resources, raise_on_error=False
    )
    (evaluation,) = result.get_asset_check_evaluations()
    assert result.success == evaluation.passed
    return evaluation
