"""The plan beside what a run then does."""

import datetime as dt
import shutil

import pytest

from customer_assets import settings
from customer_assets.cli import main
from customer_assets.planning import as_if_changed, plan, ranges_text, read_landed
from customer_assets.sources.event_log import Funnel
from customer_assets_tests.click_log import clicks_of_a_week, land
from customer_assets_tests.conftest import NOW, read_source, run_source

D = {day: dt.date(2017, 11, day) for day in range(25, 31)}


@pytest.fixture(scope="module")
def refreshed_log(tmp_path_factory):
    """A week of clicks, landed and computed."""
    folder = tmp_path_factory.mktemp("clicks")
    land(folder / "landing" / "taobao", "week.csv", clicks_of_a_week(range(1, 41)))
    land(folder / "landing" / "taobao", "more.csv", [(3, "11-30 15:00", "fav")])
    run = opened(folder)
    run.ingest()
    run.materialize()
    return folder


def opened(folder, **definitions):
    source = read_source("taobao").model_copy(update=definitions)
    home = folder / "home" / "warehouse"
    return run_source("taobao", source, folder / "landing" / "taobao", home)


@pytest.fixture
def log(refreshed_log, tmp_path):
    """A copy that a test may change, where the commands look for it."""
    shutil.copytree(refreshed_log, tmp_path, dirs_exist_ok=True)
    assert settings.warehouse_folder() == tmp_path / "home" / "warehouse"
    return opened(tmp_path)


def planned_of(run, landed=None):
    return plan(run.pipeline, run.warehouse, run.pipeline.parameters(NOW), run.days(), landed)


def what_has_landed(run):
    return read_landed(run.pipeline, run.warehouse, run.landing, NOW, lambda text: None)


def is_left_alone(run, table):
    """Whether a refresh never redoes a table: it is a ledger, or it is trained on purpose."""
    return run.pipeline.tables[table].ledger or table in run.pipeline.training


def redo_what_is_outdated(run):
    """Compute as a run does that leaves alone what is up to date: days and rows by table."""
    parameters = run.pipeline.parameters(NOW)
    redone = {}
    for model in run.pipeline.models.values():
        is_daily = run.pipeline.tables[model.name].partition_by is not None
        outdated = run.warehouse.outdated(model, parameters, run.days() if is_daily else None)
        if outdated and not is_left_alone(run, model.name):
            days = [dt.date.fromisoformat(day) for day in outdated] if is_daily else None
            chunks = list(run.warehouse.materialize(model, parameters, days))
            redone[model.name] = (days, sum(chunk.rows_read for chunk in chunks))
    return redone


LATE = [(who, f"11-27 {at}", kind) for who in (3, 4, 99) for at, kind in (
    ("00:10", "pv"), ("11:00", "pv"), ("11:30", "fav"), ("11:40", "buy"), ("23:50", "buy"),
)]  # fmt: skip


def test_a_late_file_redoes_and_reads_what_was_planned(log):
    log.warehouse.chunk_rows = 500
    land(log.landing, "late.csv", LATE)
    planned = planned_of(log, what_has_landed(log))
    log.ingest()
    redone = redo_what_is_outdated(log)
    # So few rows recommend nothing: what reads that is foreseen, but its input stays as it was.
    foreseen = {t.name: t.days for t in planned if t.name != "recommendation_quality"}
    assert foreseen == {name: days for name, (days, _) in redone.items()}
    assert redone["events"][0] == redone["customer_day"][0] == [D[27]]
    assert redone["sessions"][0] == [D[26], D[27], D[28]]
    assert redone["funnel_entries"][0] == [D[25], D[26], D[27]]
    rows = {name: rows for name, (_, rows) in redone.items()}
    # Sums of a dozen rows may gain some more.
    near = {name: pytest.approx(count, rel=0.1) for name, count in rows.items() if count > 100}
    # Nor is it foreseen that a customer is new, and a cohort with it.
    near["retention_curve"] = pytest.approx(rows["retention_curve"], rel=0.2)
    assert {table.name: table.rows_read for table in planned if table.name in near} == near
    assert sum(t.rows_read for t in planned) == pytest.approx(sum(rows.values()), rel=0.05)
    assert planned_of(log, what_has_landed(log)) == []


def test_a_withdrawn_file_is_planned_too(log):
    (log.landing / "more.csv").unlink()
    planned = planned_of(log, what_has_landed(log))
    log.ingest()
    parameters = log.pipeline.parameters(NOW)
    assert log.warehouse.outdated(log.pipeline.models["events"], parameters, log.days()) == [
        "2017-11-30"
    ]
    assert {t.name: t.days for t in planned}["events"] == [D[30]]


def test_a_plan_leaves_no_trace(log):
    land(log.landing, "late.csv", LATE)
    before = published_files(log)
    landed = what_has_landed(log)
    assert landed.days == {D[27]: log.warehouse.relation("raw_events", [D[27]]).rows + len(LATE)}
    assert published_files(log) == before


def published_files(run):
    files = [path for path in run.warehouse.folder.rglob("*") if path.is_file()]
    return {path: path.stat().st_mtime_ns for path in files if path.name != ".lock"}


def test_rows_that_are_only_rejected_redo_their_accounting(log):
    land(log.landing, "old.csv", [(1, "01-01 10:00", "pv")])
    redone = [table.name for table in planned_of(log, what_has_landed(log))]
    wanted = ["findings", "rejection_reasons", "accounting", "reproduction", "headlines"]
    assert redone == wanted


def test_a_clean_log_needs_nothing(log, capsys):
    # A copied file has another time of change, which landed_files records.
    log.ingest()
    log.materialize("accounting", "findings")
    assert main(["plan", "taobao"]) == 0
    assert capsys.readouterr().out == "taobao: nothing to do\n"


def test_given_days_are_planned_as_if_changed(log, capsys):
    planned = {t.name: t.days for t in planned_of(log, as_if_changed(log.warehouse, [D[28]]))}
    assert planned["sessions"] == [D[27], D[28], D[29]]
    assert main(["plan", "--source", "taobao", "--days", str(D[28])]) == 0
    lines = capsys.readouterr().out.splitlines()
    (sessions,) = [line.split() for line in lines if line.startswith("sessions ")]
    assert sessions[1] == "3"
    assert sessions[3] == "2017-11-27...2017-11-29"
    assert lines[-1].startswith("total ")


def test_a_source_that_is_not_there_is_named(capsys):
    assert main(["plan", "tabao"]) == 1
    assert "no source is named 'tabao'; there are" in capsys.readouterr().err


def test_days_are_written_as_ranges():
    assert ranges_text([D[25], D[27], D[28], D[29]]) == "2017-11-25, 2017-11-27...2017-11-29"


FUNNELS = read_source("taobao").funnels


def changed_funnel(**changes: str) -> dict[str, Funnel]:
    return FUNNELS | {"purchase": FUNNELS["purchase"].model_copy(update=changes)}


@pytest.mark.parametrize(
    ("definitions", "parameter", "redone", "untouched"),
    [
        (
            {"session_timeout": "15 minutes"},
            "session_timeout_us",
            {"session_fragments", "sessions", "daily_traffic"},
            {"events", "customer_day", "first_seen", "funnel_entries", "retention"},
        ),
        (
            {"week_start": "sunday"},
            "week_start",
            {"calendar", "retention", "lifecycle", "stickiness"},
            {"events", "customer_day", "sessions", "funnel_entries", "funnel"},
        ),
        (
            {"view_event": "fav"},
            "view_event",
            {"customer_day", "session_fragments", "sessions"},
            {"events", "funnel_entries", "hourly_traffic"},
        ),
        (
            {"funnels": changed_funnel(window="1 day")},
            None,
            {"funnel_entries", "funnel"},
            {"events", "customer_day", "sessions", "event_ratios"},
        ),
        (
            {"funnels": changed_funnel(dialect="strict_increase")},
            None,
            {"funnel_entries", "funnel"},
            {"events", "customer_day", "sessions", "event_ratios"},
        ),
        (
            {"duplicates": "keep"},
            "keep_duplicates",
            {"events", "customer_day", "sessions", "funnel_entries", "accounting"},
            {"calendar"},
        ),
    ],
)
def test_a_changed_definition_redoes_what_depends_on_it(
    refreshed_log, definitions, parameter, redone, untouched
):
    run = opened(refreshed_log, **definitions)
    planned = {table.name for table in planned_of(run)}
    assert redone <= planned
    assert not untouched & planned
    told = {model.name for model in run.pipeline.models.values() if parameter in model.parameters}
    depend = {name for first in told or redone for name in run.pipeline.downstream(first)}
    assert planned == {name for name in depend if not is_left_alone(run, name)}


def test_a_changed_key_redoes_the_events(refreshed_log):
    run = opened(refreshed_log, key=["customer_id", "event_ts"])
    assert "events" in {table.name for table in planned_of(run)}


def test_a_changed_zone_reads_the_files_again(log):
    log = opened(log.landing.parents[1], timezone="UTC")
    planned = {table.name: table.days for table in planned_of(log, what_has_landed(log))}
    assert set(planned["events"]) >= {D[25], D[30]}
