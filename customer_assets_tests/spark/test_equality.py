"""Every table that Spark may compute has DuckDB's content hash: on the samples, on what is hard."""

import datetime as dt
from pathlib import Path

import pytest

from customer_assets.sample import write_sample
from customer_assets.spark.engine import HybridEngine
from customer_assets.spark.session import Cluster
from customer_assets.spark.translate import is_candidate
from customer_assets.warehouse.engine import Relation, relation_sql
from customer_assets.warehouse.manifest import new_staged_file
from customer_assets.warehouse.sql_model import SqlModel
from customer_assets_tests.conftest import SourceRun, read_source, run_source
from customer_assets_tests.spark.cluster import TestCluster
from customer_assets_tests.spark.edge_data import WRITERS

NOW = dt.datetime(2026, 11, 5, 12, tzinfo=dt.UTC)
ROWS = {"taobao": 20_000, "online_retail": 8_000, "web_shop": 6_000}


# Tables without a row: nothing is given back at Taobao, and a few customers are told nothing.
EMPTY = {
    "taobao": {"order_returns", "recommendations"},
    "online_retail": {"recommendations"},
    "web_shop": {"recommendations"},
}


def landed(name: str, kind: str, landing: Path) -> Path:
    if kind == "edges":
        WRITERS[name](landing)
    else:
        write_sample(name, landing, rows=ROWS[name], until=NOW.date(), tell=lambda text: None)
    return landing


def routed(run: SourceRun) -> list[SqlModel]:
    return [model for model in run.pipeline.models.values() if is_candidate(model)]


def compared_days(run: SourceRun) -> list[dt.date]:
    """Return the first forty days that have rows, or lie beside one that has: a day is a file."""
    with_rows = {dt.date.fromisoformat(day) for day in run.warehouse.manifest("raw_events").days()}
    near = {day + dt.timedelta(days=n) for day in with_rows for n in (-1, 0, 1)}
    return [day for day in run.days() if day in near][:40]


def with_what_they_need(run: SourceRun, models: list[SqlModel]) -> list[str]:
    needed = {model.name for model in models}
    for model in reversed(run.pipeline.models.values()):
        if model.name in needed:
            needed |= set(model.inputs)
    return sorted(needed & run.pipeline.models.keys())


@pytest.mark.parametrize("kind", ["edges", "sample"])
@pytest.mark.parametrize("name", sorted(WRITERS))
def test_spark_computes_the_same_rows(spark: TestCluster, tmp_path: Path, name: str, kind: str):
    run = run_source(
        name, read_source(name), landed(name, kind, tmp_path / name), tmp_path / "home"
    )
    run.now = NOW
    models = routed(run)
    assert len(models) >= 25
    run.ingest()
    compared = compared_days(run)
    run.materialize(*with_what_they_need(run, models), days=compared)
    parameters = run.pipeline.parameters(run.now)
    cluster = Cluster(spark.address, seconds=300)
    engine = HybridEngine(run.warehouse.engine.connection, cluster, from_rows=0)
    differ, empty = {}, set()
    for model in models:
        days = compared if model.table.partition_by else None
        inputs = run.warehouse.inputs(model, parameters, days)
        assert engine.routes(model, inputs)
        outputs = engine.run(
            model,
            inputs,
            parameters,
            lambda name=model.name: new_staged_file(tmp_path / "staging", name),
            days,
        )
        published = run.warehouse.manifest(model.name)
        assert outputs.keys() == published.pieces.keys(), model.name
        assert all(output.computed_by["engine"] for output in outputs.values())
        wrong = [
            k for k, o in outputs.items() if o.content_hash != published.pieces[k].content_hash
        ]
        if wrong:
            found = Relation(model.table.deriving(()), [outputs[key].path for key in wrong])
            differ[model.name] = shown_difference(run, model, found, wrong)
        if not published.rows:
            empty.add(model.name)
    cluster.close()
    assert not differ, "\n".join(f"{name}: {text}" for name, text in differ.items())
    assert empty <= EMPTY[name], f"nothing to compare in {', '.join(sorted(empty - EMPTY[name]))}"
    assert not list((tmp_path / "staging").glob("*.parts"))


def shown_difference(run: SourceRun, model: SqlModel, found: Relation, keys: list[str]) -> str:
    """Return some of the rows that only one of the engines has."""
    store, pieces = run.warehouse.store(model.name), run.warehouse.manifest(model.name).pieces
    of_duckdb = Relation(found.table, [store.folder / pieces[key].path for key in keys])
    sides = {"duckdb": (of_duckdb, found), "spark": (found, of_duckdb)}
    said = [f"{len(keys)} parts differ, as {keys[0]}"]
    for side, (rows, others) in sides.items():
        only = run.warehouse.query(
            f"({relation_sql(rows)}) except all ({relation_sql(others)}) limit 3"
        )
        said.append(f"{only.height} only on {side}: {only.rows()}")
    return "; ".join(said)
