"""A table in Python comes with its file, like one in SQL, and says what it reads."""

import ast
import inspect

import polars as pl
import pytest

from customer_assets import pipeline, settings
from customer_assets.pipeline import pipeline_of
from customer_assets.sources import CustomerTableSource, EventLogSource
from customer_assets.warehouse import engine
from customer_assets.warehouse.engine import DuckDBEngine
from customer_assets.warehouse.header import ModelError
from customer_assets.warehouse.places import described_names, read_models
from customer_assets.warehouse.source_warehouse import EVERY_COLUMN, SourceWarehouse
from customer_assets_tests.conftest import read_source
from customer_assets_tests.warehouse.test_source_warehouse import DAYS, EVENTS, land

SPENDERS = '''"""---
description: One row per customer who spent enough.
key: [customer_id]
columns:
  customer_id: {type: bigint, description: Who.}
  spent: {type: "decimal(18,4)", description: Money.}
---
"""

import polars as pl


def compute(events: pl.LazyFrame, notes: pl.LazyFrame | None = None, *, least: int):
    spent = events.group_by("customer_id").agg(spent=pl.col("value").sum())
    return spent.filter(pl.col("spent") >= least)
'''


@pytest.fixture
def write(tmp_path):
    def write(text, name="commerce/spenders.py"):
        path = tmp_path / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return [tmp_path / "own"]

    return write


@pytest.fixture
def warehouse(tmp_path, connection):
    warehouse = SourceWarehouse(tmp_path / "shop", DuckDBEngine(connection), {"events": EVENTS})
    land(warehouse, {day: [(2, 1.5), (1, 2.5)] for day in DAYS[:2]})
    return warehouse


def test_all_follows_from_the_file(write):
    model = read_models(write(SPENDERS), "shop", "event_log")["spenders"]
    assert (model.inputs, model.optional_inputs) == (("events",), ("notes",))
    assert list(model.parameters) == ["least"]
    assert (model.table.layer, model.table.key) == ("commerce", ["customer_id"])


def test_rows_and_what_was_read_are_kept(write, warehouse):
    model = read_models(write(SPENDERS), "shop", "event_log")["spenders"]
    warehouse.tables["spenders"] = model.table
    list(warehouse.materialize(model, {"least": 4}))
    assert warehouse.frame("spenders")["customer_id"].to_list() == [1]
    read = warehouse.lineage(model, model.version({"least": 4}).digest)
    assert read == {EVERY_COLUMN: [("events", "customer_id"), ("events", "value")]}
    assert warehouse.outdated(model, {"least": 4}) == []
    assert warehouse.moved_parts(model, {"least": 5}) == ["definition least"]


def test_rows_are_read_in_batches_in_the_order_of_the_key(warehouse, monkeypatch):
    monkeypatch.setattr(engine, "_BATCH_ROWS", 3)
    events = warehouse.engine.lazy_frame(warehouse.relation("events"), set())
    whole = warehouse.frame("events").sort(EVENTS.key)
    assert events.collect().equals(whole)
    assert events.filter(customer_id=1).collect().equals(whole.filter(customer_id=1))
    assert events.head(3).filter(customer_id=1).collect().equals(whole[:3].filter(customer_id=1))
    assert events.filter(customer_id=1).head(1).collect().equals(whole.filter(customer_id=1)[:1])
    nothing = events.filter(customer_id=9).collect()
    assert nothing.is_empty()
    assert nothing.schema == whole.schema


def test_rows_get_the_types_of_the_header(write, warehouse):
    rows = SPENDERS.split("    spent =")[0] + "    return []\n"
    model = read_models(write(rows), "shop", "event_log")["spenders"]
    assert model.frame({"events": pl.LazyFrame()}, {"least": 1}).schema == {
        "customer_id": pl.Int64,
        "spent": pl.Float64,
    }


def test_a_table_in_python_comes_and_goes_with_its_file(write, tmp_path):
    source = read_source("online_retail")
    roots = (*settings.table_roots(), tmp_path / "own")
    before = pipeline_of("online_retail", source, roots)
    write(SPENDERS.replace(", *, least: int", ", *, horizon_us: int"))
    with_it = pipeline_of("online_retail", source, roots)
    assert set(with_it.models) - set(before.models) == {"spenders"}
    (tmp_path / "own" / "commerce" / "spenders.py").unlink()
    assert list(pipeline_of("online_retail", source, roots).models) == list(before.models)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("key: [customer_id]", "keys: [customer_id]", r"spenders\.py:3: keys"),
        ("key: [customer_id]", "key: [somebody]", "somebody: is no column"),
        ("def compute", "def computed", "compute and sql one is wanted"),
        ('"""---', '"""', "between two lines ---"),
        ("return spent.filter", "return spent filter", r"spenders\.py:\d+: invalid syntax"),
        ("customer_id: {type: bigint", "is_mature: {type: bigint", "its type is boolean in"),
    ],
)
def test_a_wrong_file_is_an_error_with_its_line(write, old, new, words):
    with pytest.raises(ModelError, match=words):
        read_models(write(SPENDERS.replace(old, new)), "shop", "event_log")


def test_tables_that_read_each_other_are_told(write, tmp_path):
    write(SPENDERS.replace("events: pl.LazyFrame", "savers: pl.LazyFrame"))
    write(SPENDERS.replace("events: pl.LazyFrame", "spenders: pl.LazyFrame"), "commerce/savers.py")
    with pytest.raises(ModelError, match="tables read each other"):
        pipeline_of(
            "web_shop", read_source("web_shop"), (*settings.table_roots(), tmp_path / "own")
        )


def test_no_table_is_named_where_tables_are_put_together():
    text = inspect.getsource(pipeline)
    strings = {n.value for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Constant)}
    settings_of_sources = {*EventLogSource.model_fields, *CustomerTableSource.model_fields}
    assert not (strings & described_names(settings.table_roots())) - settings_of_sources
