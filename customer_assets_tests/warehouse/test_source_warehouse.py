import datetime as dt

import duckdb
import pytest

from customer_assets.warehouse import source_warehouse, verdicts
from customer_assets.warehouse.catalog import build_catalog, export, take_snapshot
from customer_assets.warehouse.engine import DuckDBEngine, EngineError, relation_sql
from customer_assets.warehouse.manifest import StagedPiece
from customer_assets.warehouse.source_warehouse import ChecksFailedError, SourceWarehouse
from customer_assets.warehouse.sql_model import read_model
from customer_assets.warehouse.table import Column, Table

EVENTS = Table(
    name="events",
    layer="staging",
    description="One row per event. It's small.",
    columns={
        "customer_id": Column(type="bigint", description="Who."),
        "event_date": Column(type="date", description="When."),
        "value": Column(type="decimal(18,4)", description="Money; it's exact."),
    },
    key=["customer_id", "event_date"],
    partition_by="event_date",
)
DAILY = """\
/* ---
description: One row per customer and day.
key: [customer_id, event_date]
partition_by: event_date
columns:
  customer_id: {type: bigint, description: Who.}
  event_date: {type: date, description: When.}
  value: {type: "decimal(18,4)", description: Money.}
checks:
  - expect_column_values_to_be_between: {column: value, max_value: 100}
  - expect_column_values_to_be_between: {column: value, max_value: 50, severity: warn, name: low}
--- */
select
    customer_id,
    event_date,
    cast(sum(value) as decimal(18, 4)) as value,
from events
group by customer_id, event_date
"""
DAYS = [dt.date(2024, 1, day) for day in (1, 2, 3)]


@pytest.fixture
def warehouse(tmp_path, connection):
    path = tmp_path / "spend.sql"
    path.write_text(DAILY)
    spend = read_model(path, "commerce")
    folder = tmp_path / "warehouse" / "shop"
    tables = {"events": EVENTS, "spend": spend.table}
    warehouse = SourceWarehouse(folder, DuckDBEngine(connection), tables)
    warehouse.spend = spend
    land(warehouse, {day: [(2, 1.5), (1, 2.5)] for day in DAYS[:2]})
    return warehouse


def land(warehouse, rows_by_day):
    store = warehouse.store("events")
    staged = {}
    for day, rows in rows_by_day.items():
        values = ", ".join(f"({c}, date '{day}', {v})" for c, v in rows)
        path = store.new_staged_file()
        warehouse.engine.write(
            "select c::bigint as customer_id, d as event_date, v::decimal(18,4) as value "
            f"from (values {values}) t(c, d, v)",
            path,
        )
        staged[day.isoformat()] = StagedPiece(path, len(rows), "v1")
    warehouse.publish("events", staged)


def n_shown(catalog):
    """Return how many events readers of a catalog see."""
    with duckdb.connect(str(catalog), read_only=True) as reader:
        return reader.sql("select count(*) from shop.events").fetchall()[0][0]


def run(warehouse, days):
    return list(warehouse.materialize(warehouse.spend, {}, days))


def test_days_are_published_apart_and_in_key_order(warehouse):
    (chunk,) = run(warehouse, DAYS)
    assert {key: piece.rows for key, piece in chunk.pieces.items()} == {
        "2024-01-01": 2,
        "2024-01-02": 2,
        "2024-01-03": 0,
    }
    assert warehouse.frame("spend")["customer_id"].to_list() == [1, 1, 2, 2]
    files = warehouse.store("spend").files(["2024-01-01"])
    stored = duckdb.sql(f"select customer_id from '{files[0]}'").fetchall()
    assert stored == [(1,), (2,)]


def test_chunks_by_row_budget_end_in_the_same_pieces(warehouse):
    whole = run(warehouse, DAYS)
    warehouse.chunk_rows = 2
    apart = run(warehouse, DAYS)
    assert (len(whole), len(apart)) == (1, 2)
    assert {k: v for chunk in apart for k, v in chunk.pieces.items()} == whole[0].pieces


def test_a_large_day_hashes_the_same_with_other_days_and_alone(warehouse):
    store = warehouse.store("events")
    staged = {}
    for day, n_rows in zip(DAYS[:2], (150_001, 290_000), strict=True):
        output = warehouse.engine.write(
            f"select i::bigint as customer_id, date '{day}' as event_date, "
            f"(i % 7)::decimal(18,4) as value from range({n_rows}) as t(i)",
            store.new_staged_file(),
        )
        staged[day.isoformat()] = StagedPiece(output.path, output.rows, "v1")
    warehouse.publish("events", staged)
    (both,) = run(warehouse, DAYS[:2])
    (alone,) = run(warehouse, DAYS[1:2])
    assert alone.pieces["2024-01-02"] == both.pieces["2024-01-02"]


def test_a_changed_value_changes_the_hash_of_its_day_alone(warehouse):
    before = run(warehouse, DAYS)[0].pieces
    land(warehouse, {DAYS[1]: [(2, 1.5), (1, 2.6)]})
    after = run(warehouse, DAYS)[0].pieces
    changed = [day for day in after if after[day].content_hash != before[day].content_hash]
    assert changed == ["2024-01-02"]


def test_derived_columns_are_computed_for_those_who_read_them_alone(warehouse, tmp_path):
    # Where it is computed, it fails.
    derived = {"broken": "cast('no number ' || customer_id as bigint)"}
    columns = EVENTS.columns | {"broken": Column(type="bigint", description="Never computed.")}
    warehouse.tables["events"] = EVENTS.model_copy(update={"columns": columns, "derived": derived})
    warehouse.audit_published("events")
    assert run(warehouse, DAYS)[0].rows == 4
    path = tmp_path / "spend.sql"
    path.write_text(DAILY.replace("sum(value)", "sum(value + broken)"))
    warehouse.spend = read_model(path, "commerce")
    with pytest.raises(duckdb.Error, match="no number"):
        run(warehouse, DAYS)


def test_columns_that_an_earlier_release_did_not_publish_are_told(warehouse):
    run(warehouse, DAYS[:2])
    assert warehouse.lacking("spend") == []
    currency = {"currency": Column(type="varchar", description="Of what.")}
    table = warehouse.tables["spend"]
    newer = table.model_copy(update={"columns": table.columns | currency})
    warehouse.tables = {**warehouse.tables, "spend": newer}
    assert warehouse.lacking("spend") == ["currency"]


def test_a_column_that_is_younger_than_files_is_null_in_their_rows(warehouse):
    currency = {"currency": Column(type="varchar", description="Of what.")}
    table = EVENTS.model_copy(update={"columns": EVENTS.columns | currency})
    warehouse.tables["events"] = table
    assert warehouse.frame("events")["currency"].to_list() == [None] * 4
    path = warehouse.store("events").new_staged_file()
    day = DAYS[2].isoformat()
    statement = f"select 7::bigint as customer_id, date '{day}' as event_date, 'EUR' as currency"
    warehouse.engine.write(statement, path)
    warehouse.publish("events", {day: StagedPiece(path, 1, "v2")})
    last = warehouse.frame("events").sort("event_date").tail(2)
    assert last.select("value", "currency").rows()[1] == (None, "EUR")
    assert last["currency"][0] is None


def test_a_statement_is_planned_without_a_look_into_files(warehouse):
    relation = warehouse.relation("events")
    for path in relation.files:
        path.write_bytes(b"no Parquet")
    described = warehouse.query(f"describe {relation_sql(relation)}")
    assert described["column_name"].to_list() == list(EVENTS.columns)


def test_a_failed_error_check_leaves_the_previous_version_in_view(warehouse):
    run(warehouse, DAYS)
    before = warehouse.manifest("spend")
    land(warehouse, {DAYS[0]: [(1, 1000)]})
    with pytest.raises(ChecksFailedError, match=r"between_value.* failed \(1 of 1 rows\)"):
        run(warehouse, DAYS[:1])
    assert warehouse.manifest("spend") == before
    assert not list((warehouse.folder / ".staging").iterdir())


def test_a_failed_warning_publishes_and_tells(warehouse):
    land(warehouse, {DAYS[0]: [(1, 75), (2, 5)]})
    (chunk,) = run(warehouse, DAYS[:1])
    failed = [result for result in chunk.checks if not result.passed]
    assert [(r.check.severity, r.failing_rows, r.total_rows) for r in failed] == [("warn", 1, 2)]
    assert failed[0].failing_days == ["2024-01-01"]
    assert warehouse.manifest("spend").rows == 2


def test_a_result_of_another_type_is_an_error_that_says_which(warehouse, tmp_path):
    path = tmp_path / "spend.sql"
    path.write_text(DAILY.replace("cast(sum(value) as decimal(18, 4))", "sum(value)"))
    warehouse.spend = read_model(path, "commerce")
    with pytest.raises(EngineError, match=r"value is decimal\(38,4\), the header says"):
        run(warehouse, DAYS[:1])


def test_outdated_are_the_days_whose_rows_or_code_changed(warehouse, tmp_path):
    assert warehouse.outdated(warehouse.spend, {}, DAYS) == [day.isoformat() for day in DAYS]
    run(warehouse, DAYS)
    assert warehouse.outdated(warehouse.spend, {}, DAYS) == []
    land(warehouse, {DAYS[1]: [(9, 9)]})
    assert warehouse.outdated(warehouse.spend, {}, DAYS) == [DAYS[1].isoformat()]
    path = tmp_path / "spend.sql"
    path.write_text(DAILY.replace("sum(value)", "sum(value + 0)"))
    assert len(warehouse.outdated(read_model(path, "commerce"), {}, DAYS)) == 3


def described(warehouse, tmp_path, text):
    path = tmp_path / "spend.sql"
    path.write_text(text)
    model = read_model(path, "commerce")
    tables = {**warehouse.tables, "spend": model.table}
    return SourceWarehouse(warehouse.folder, warehouse.engine, tables), model


def test_words_are_published_without_a_row_redone(warehouse, tmp_path):
    run(warehouse, DAYS)
    rows = warehouse.manifest("spend")
    other, model = described(warehouse, tmp_path, DAILY.replace("Money.", "Money spent."))
    assert not warehouse.words_moved("spend")
    assert (other.outdated(model, {}, DAYS), other.words_moved("spend")) == ([], True)
    assert len(other.republish_words("spend")) == 3
    assert not other.words_moved("spend")
    assert other.manifest("spend") == rows


def test_a_check_that_is_new_looks_at_what_was_published_before_it(warehouse, tmp_path):
    run(warehouse, DAYS)
    stricter = DAILY.replace("max_value: 100", "max_value: 2")
    other, model = described(warehouse, tmp_path, stricter)
    with pytest.raises(ChecksFailedError, match="between_value"):
        other.republish_words("spend")
    land(warehouse, {DAYS[2]: [(1, 1)]})
    with pytest.raises(ChecksFailedError, match="between_value"):
        list(other.materialize(model, {}, DAYS[2:]))
    assert other.words_moved("spend")


def test_files_are_judged_once_and_anew_where_what_judges_is_another(warehouse, monkeypatch):
    (published,) = run(warehouse, DAYS)
    judged = []
    really = source_warehouse.audit

    def counted(*arguments, **options):
        judged.append(arguments)
        return really(*arguments, **options)

    monkeypatch.setattr(source_warehouse, "audit", counted)
    assert warehouse.audit_published("spend") == published.checks
    # The newest day is not among these: what was said of it stands.
    land(warehouse, {DAYS[0]: [(5, 2.5)]})
    run(warehouse, DAYS[:1])
    judged.clear()
    assert warehouse.audit_published("spend") == published.checks
    assert judged == []
    known = dict(part.split("=") for part in verdicts.judge_version() if "=" in part)
    assert {"quality/audit.py: audit", "quality/gx_duckdb.py: validate"} <= known.keys()
    moved = ["quality/audit.py: audit=another"]
    monkeypatch.setattr(verdicts, "judge_version", lambda: moved)
    warehouse.audit_published("spend")
    assert len(judged) == 1


def test_rows_that_come_out_again_are_not_judged_again(warehouse, monkeypatch):
    run(warehouse, DAYS[-1:])
    with monkeypatch.context() as patch:
        patch.setattr(source_warehouse, "audit", None)
        (again,) = run(warehouse, DAYS[-1:])
    assert all(result.passed for result in again.checks)
    land(warehouse, {DAYS[-1]: [(5, 2.5)]})
    monkeypatch.setattr(source_warehouse, "audit", None)
    with pytest.raises(TypeError):
        run(warehouse, DAYS[-1:])


def test_what_moved_in_a_definition_is_told(warehouse, tmp_path):
    run(warehouse, DAYS)
    _, model = described(warehouse, tmp_path, DAILY.replace("sum(value)", "sum(value) + 1"))
    (moved,) = warehouse.moved_parts(model, {})
    assert moved.endswith("/spend.sql")


def test_catalog_shows_the_snapshot_until_the_next(warehouse, tmp_path):
    catalog = tmp_path / "warehouse.duckdb"
    take_snapshot(warehouse.folder, warehouse.tables.values())
    land(warehouse, {DAYS[2]: [(3, 3)]})
    build_catalog(warehouse.folder.parent, catalog)
    with duckdb.connect(str(catalog), read_only=True) as reader:
        assert reader.sql("select count(*) from shop.events").fetchall() == [(4,)]
        comments = reader.sql(
            "select comment from duckdb_columns() where table_name = 'events' order by 1"
        ).fetchall()
        assert ("Money; it's exact.",) in comments
    take_snapshot(warehouse.folder, warehouse.tables.values())
    build_catalog(warehouse.folder.parent, catalog)
    assert n_shown(catalog) == 5


def test_a_catalog_that_shows_everything_already_is_not_made_again(warehouse, tmp_path):
    catalog = tmp_path / "warehouse.duckdb"
    take_snapshot(warehouse.folder, warehouse.tables.values())
    build_catalog(warehouse.folder.parent, catalog)
    made = catalog.stat().st_ino
    take_snapshot(warehouse.folder, warehouse.tables.values())
    build_catalog(warehouse.folder.parent, catalog)
    assert catalog.stat().st_ino == made
    catalog.write_bytes(b"not ours")
    build_catalog(warehouse.folder.parent, catalog)
    catalog.unlink()
    build_catalog(warehouse.folder.parent, catalog)
    assert n_shown(catalog) == 4


def test_a_catalog_that_misses_a_table_is_made_again(warehouse, tmp_path):
    catalog = tmp_path / "warehouse.duckdb"
    take_snapshot(warehouse.folder, warehouse.tables.values())
    lost, *_ = warehouse.store("events").files()
    lost.rename(tmp_path / "kept")
    build_catalog(warehouse.folder.parent, catalog)
    (tmp_path / "kept").rename(lost)
    build_catalog(warehouse.folder.parent, catalog)
    assert n_shown(catalog) == 4


def test_export_writes_real_tables_and_replaces_nothing(warehouse, tmp_path):
    take_snapshot(warehouse.folder, warehouse.tables.values())
    target = tmp_path / "all.duckdb"
    assert export(warehouse.folder.parent, target) == {"shop.events": 4}
    for file in warehouse.store("events").files():
        file.unlink()
    with duckdb.connect(str(target), read_only=True) as reader:
        assert reader.sql("select sum(value)::varchar from shop.events").fetchall() == [("8.0000",)]
    with pytest.raises(FileExistsError, match="name another file"):
        export(warehouse.folder.parent, target)
