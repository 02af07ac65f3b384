"""Every table that Spark may compute has DuckDB's content hash: on the samples, on what is hard."""

import datetime as dt
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from customer_assets import settings
from customer_assets.sample import write_sample
from customer_assets.sources import CustomerTableSource
from customer_assets.spark.engine import HybridEngine
from customer_assets.spark.session import Cluster
from customer_assets.spark.translate import is_candidate
from customer_assets.warehouse.engine import Output, Relation, relation_sql
from customer_assets.warehouse.manifest import new_staged_file
from customer_assets.warehouse.sql_model import SqlModel
from customer_assets_tests.conftest import SourceRun, read_source, run_source
from customer_assets_tests.spark.cluster import TestCluster
from customer_assets_tests.spark.edge_data import WRITERS

NOW = dt.datetime(2026, 11, 5, 12, tzinfo=dt.UTC)
ROWS = {"taobao": 6_000, "online_retail": 8_000, "web_shop": 6_000}
CUSTOMER_TABLES = {"one_click": 200, "course_platform": 500}
# Statements that are under way at once: most of their time is Spark's thought about a plan.
LANES = 2


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


@pytest.fixture(scope="module")
def clusters(spark: TestCluster) -> Iterator[list[Cluster]]:
    """A session for each lane: the names of views are a session's own."""
    clusters = [Cluster(spark.address, seconds=300) for _ in range(LANES)]
    yield clusters
    for cluster in clusters:
        cluster.close()


@pytest.mark.parametrize("kind", ["edges", "sample"])
@pytest.mark.parametrize("name", sorted(WRITERS))
def test_spark_computes_the_same_rows(
    clusters: list[Cluster], tmp_path: Path, name: str, kind: str
):
    run = run_source(
        name, read_source(name), landed(name, kind, tmp_path / name), tmp_path / "home"
    )
    run.now = NOW
    models = routed(run)
    assert len(models) >= 25
    run.ingest()
    assert without_rows(run, models, compared_days(run), clusters) <= EMPTY[name]


@pytest.mark.parametrize("name", sorted(CUSTOMER_TABLES))
def test_spark_computes_the_same_rows_of_customer_tables(
    clusters: list[Cluster], tmp_path: Path, name: str
):
    text = (settings.PROJECT_ROOT / "customer_assets/defs" / name / "defs.yaml").read_text()
    source = CustomerTableSource.model_validate(yaml.safe_load(text)["attributes"])
    landing = tmp_path / name
    write_sample(name, landing, rows=CUSTOMER_TABLES[name], tell=lambda text: None)
    run = run_source(name, source, landing, tmp_path / "home")
    run.now = NOW
    models = routed(run)
    assert models
    run.ingest()
    assert not without_rows(run, models, [], clusters)


def without_rows(
    run: SourceRun, models: list[SqlModel], days: list[dt.date], clusters: list[Cluster]
) -> set[str]:
    """Compute tables on both engines, and fail where they differ; return those without a row."""
    run.materialize(*with_what_they_need(run, models), days=days)
    parameters = run.pipeline.parameters(run.now)
    staging = run.warehouse.folder.parent / "compared"
    asked = []
    for model in models:
        of_days = days if model.table.partition_by else None
        asked.append((model, run.warehouse.inputs(model, parameters, of_days), of_days))
    waiting = iter(asked)

    def computed(engine: HybridEngine) -> dict[str, Mapping[str, Output]]:
        outputs = {}
        for model, inputs, of_days in waiting:
            assert engine.routes(model, inputs)
            name = model.name
            outputs[name] = engine.run(
                model, inputs, parameters, lambda name=name: new_staged_file(staging, name), of_days
            )
        return outputs

    connection = run.warehouse.engine.connection
    engines = [HybridEngine(connection.cursor(), each, from_rows=0) for each in clusters]
    with ThreadPoolExecutor(len(engines)) as lanes:
        found = {name: each for lane in lanes.map(computed, engines) for name, each in lane.items()}
    differ, empty = {}, set()
    for model in models:
        outputs, published = found[model.name], run.warehouse.manifest(model.name)
        assert outputs.keys() == published.pieces.keys(), model.name
        assert all(output.computed_by["engine"] for output in outputs.values())
        wrong = [
            k for k, o in outputs.items() if o.content_hash != published.pieces[k].content_hash
        ]
        if wrong:
            on_spark = Relation(model.table.deriving(()), [outputs[key].path for key in wrong])
            differ[model.name] = shown_difference(run, model, on_spark, wrong)
        if not published.rows:
            empty.add(model.name)
    assert not differ, "\n".join(f"{name}: {text}" for name, text in differ.items())
    assert not list(staging.glob("*.parts"))
    return empty


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
