"""Measure what the routed tables of a large log cost on DuckDB and on Spark: docs/scale.md.

`python -m customer_assets_tests.spark.measure 1000000 [TABLE ...]` writes a sample of so many
events, computes the tables on both, compares content hashes, and prints a table in Markdown.
Seconds are the processor's, of all threads and of all processes of Spark.
"""

import datetime as dt
import os
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from customer_assets.pipeline import pipeline_of
from customer_assets.project import open_engine
from customer_assets.sample import write_sample
from customer_assets.spark.engine import HybridEngine
from customer_assets.spark.session import Cluster
from customer_assets.spark.translate import is_candidate
from customer_assets.warehouse.manifest import new_staged_file
from customer_assets.warehouse.sql_model import SqlModel
from customer_assets_tests.conftest import SourceRun, read_source
from customer_assets_tests.spark.cluster import TestCluster
from customer_assets_tests.spark.test_equality import with_what_they_need

# A larger machine's settings: as Spark comes.
AS_IT_COMES = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "8"}


@dataclass
class Cost:
    rows_read: int
    duckdb: float
    spark: float
    is_equal: bool


def processor_seconds(root: int) -> float:
    """Return what a process and all that it started have used of the processor."""
    ticks, by_parent = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            pid = int(entry.name)
            by_parent.setdefault(int(fields[1]), []).append(pid)
            ticks[pid] = sum(map(int, fields[11:15]))
    total, open_pids = 0, [root]
    while open_pids:
        pid = open_pids.pop()
        total += ticks.get(pid, 0)
        open_pids += by_parent.get(pid, [])
    return total / os.sysconf("SC_CLK_TCK")


def measure(rows: int, names: Collection[str], folder: Path) -> Iterator[tuple[str, Cost]]:
    """Yield the cost of the routed tables, or of those named, of a log of so many events."""
    landing = folder / "landing" / "taobao"
    write_sample("taobao", landing, rows=rows, tell=lambda text: None)
    server = TestCluster(folder / "spark", is_local=True, settings=AS_IT_COMES, memory="6g")
    with open_engine() as engine:
        pipeline = pipeline_of("taobao", read_source("taobao"))
        warehouse = pipeline.warehouse(folder / "home" / "warehouse", engine)
        run = SourceRun(pipeline, warehouse, landing, now=dt.datetime.now(dt.UTC))
        run.ingest()
        models = [m for m in pipeline.models.values() if is_candidate(m)]
        models = [model for model in models if not names or model.name in names]
        run.materialize(*with_what_they_need(run, models))
        server.start()
        try:
            hybrid = HybridEngine(engine.connection, Cluster(server.address, 3_600), 0)
            # The first statement of a server pays for what all others use.
            _cost(run, hybrid, server, pipeline.models["customer_day"], folder)
            for model in models:
                yield model.name, _cost(run, hybrid, server, model, folder)
        finally:
            server.stop()


def _cost(
    run: SourceRun, hybrid: HybridEngine, server: TestCluster, model: SqlModel, folder: Path
) -> Cost:
    """Compute a table twice; its inputs are published."""
    parameters = run.pipeline.parameters(run.now)
    days = run.days() if model.table.partition_by else None
    inputs = run.warehouse.inputs(model, parameters, days)
    hashes, seconds = [], []
    for engine in (run.warehouse.engine, hybrid):
        before = time.process_time() + processor_seconds(server.server.process.pid)
        outputs = engine.run(
            model,
            inputs,
            parameters,
            lambda: new_staged_file(folder / "home" / "staging", model.name),
            days,
        )
        seconds.append(time.process_time() + processor_seconds(server.server.process.pid) - before)
        hashes.append({key: output.content_hash for key, output in outputs.items()})
    rows = sum(relation.rows for relation in inputs.values())
    return Cost(rows, *seconds, is_equal=hashes[0] == hashes[1])


def main() -> None:
    rows, names = int(sys.argv[1]), sys.argv[2:]
    print("| table | rows read | DuckDB, s | Spark, s | equal |")
    print("|---|---|---|---|---|")
    duckdb = spark = 0.0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CUSTOMER_ASSETS_HOME"] = f"{folder}/home"
        os.environ["CUSTOMER_ASSETS_LANDING"] = f"{folder}/landing"
        for name, cost in measure(rows, names, Path(folder)):
            equal = "yes" if cost.is_equal else "NO"
            figures = f"{cost.duckdb:.1f} | {cost.spark:.1f} | {equal}"
            print(f"| {name} | {cost.rows_read:,} | {figures} |", flush=True)
            duckdb, spark = duckdb + cost.duckdb, spark + cost.spark
    print(f"| all | | {duckdb:.1f} | {spark:.1f} | |")
    print(f"Spark / DuckDB: {spark / duckdb:.1f}")


if __name__ == "__main__":
    main()
