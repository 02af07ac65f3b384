"""Measure what the routed tables of a large log cost on DuckDB and on Spark: docs/scale.md.

`python -m customer_assets_tests.spark.measure 1000000 [TABLE ...]` writes a sample of so many
events, computes the tables on both, compares content hashes, and prints a table in Markdown, a line
as soon as it is known. Each line says the load of the machine too. A table that fails is said to
have failed, and the others go on. Seconds are the processor's, of all threads and of all processes
of Spark.
"""

import datetime as dt
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from customer_assets.pipeline import pipeline_of
from customer_assets.project import open_engine
from customer_assets.sample import write_sample
from customer_assets.spark.engine import HybridEngine
from customer_assets.spark.session import Cluster
from customer_assets.spark.translate import is_candidate
from customer_assets.warehouse.engine import EngineError
from customer_assets.warehouse.manifest import new_staged_file
from customer_assets.warehouse.sql_model import SqlModel
from customer_assets_tests.conftest import SourceRun, read_source
from customer_assets_tests.spark.cluster import TestCluster
from customer_assets_tests.spark.test_equality import with_what_they_need

# A larger machine's settings: as Spark comes.
AS_IT_COMES = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "8"}
# Of 24 GB, beside DuckDB, which takes as much as it is told, and the pages of files.
SPARK_MEMORY = "8g"
DUCKDB_MEMORY = "8GB"
# A table that takes longer has failed.
SECONDS = 3_600


@dataclass
class Cost:
    """`failure` is what was said where a table was not computed; then `spark` was in vain."""

    rows_read: int
    duckdb: float
    spark: float
    is_equal: bool
    failure: str = ""


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
    _tell(f"writing {rows:,} events")
    write_sample("taobao", landing, rows=rows, tell=lambda text: None)
    server = TestCluster(folder / "spark", is_local=True, settings=AS_IT_COMES, memory=SPARK_MEMORY)
    with open_engine() as engine:
        pipeline = pipeline_of("taobao", read_source("taobao"))
        warehouse = pipeline.warehouse(folder / "home" / "warehouse", engine)
        run = SourceRun(pipeline, warehouse, landing, now=dt.datetime.now(dt.UTC))
        _tell("reading them")
        run.ingest()
        models = [m for m in pipeline.models.values() if is_candidate(m)]
        models = [model for model in models if not names or model.name in names]
        needed = with_what_they_need(run, models)
        for name in (name for name in pipeline.models if name in needed):
            _tell(f"{name} on DuckDB")
            run.materialize(name)
        server.start()
        try:
            hybrid = HybridEngine(engine.connection, Cluster(server.address, SECONDS), 0)
            # The first statement of a server pays for what all others use.
            _cost(run, hybrid, server, pipeline.models["customer_day"], folder)
            for model in models:
                _tell(f"{model.name} on both")
                yield model.name, _cost(run, hybrid, server, model, folder)
                if server.server.process.poll() is not None:
                    _tell("the server is gone, as one out of memory: started again")
                    server.start_server()
        finally:
            server.stop()


def _tell(text: str) -> None:
    print(f"{dt.datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


def _cost(
    run: SourceRun, hybrid: HybridEngine, server: TestCluster, model: SqlModel, folder: Path
) -> Cost:
    """Compute a table twice; its inputs are published."""
    parameters = run.pipeline.parameters(run.now)
    days = run.days() if model.table.partition_by else None
    inputs = run.warehouse.inputs(model, parameters, days)
    rows = sum(relation.rows for relation in inputs.values())
    staging = folder / "home" / "staging"
    hashes, seconds, failure = [], [], ""
    for engine in (run.warehouse.engine, hybrid):
        before = time.process_time() + _used(server)
        try:
            outputs = engine.run(
                model, inputs, parameters, lambda: new_staged_file(staging, model.name), days
            )
            hashes.append({key: output.content_hash for key, output in outputs.items()})
        except (EngineError, duckdb.Error) as error:
            failure = str(error)
            hashes.append({})
        # Of a server that died it is not known.
        seconds.append(max(0.0, time.process_time() + _used(server) - before))
    # Twenty times a table are not kept.
    shutil.rmtree(staging, ignore_errors=True)
    return Cost(rows, *seconds, is_equal=not failure and hashes[0] == hashes[1], failure=failure)


def _used(server: TestCluster) -> float:
    return processor_seconds(server.server.process.pid)


def main() -> None:
    rows, names = int(sys.argv[1]), sys.argv[2:]
    print("| table | rows read | DuckDB, s | Spark, s | equal | load |")
    print("|---|---|---|---|---|---|", flush=True)
    duckdb_seconds = spark_seconds = 0.0
    n_equal = n_tables = 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CUSTOMER_ASSETS_HOME"] = f"{folder}/home"
        os.environ["CUSTOMER_ASSETS_LANDING"] = f"{folder}/landing"
        os.environ.setdefault("CUSTOMER_ASSETS_MEMORY_LIMIT", DUCKDB_MEMORY)
        for name, cost in measure(rows, names, Path(folder)):
            equal = "failed" if cost.failure else "yes" if cost.is_equal else "NO"
            figures = f"{cost.duckdb:.1f} | {cost.spark:.1f} | {equal} | {os.getloadavg()[0]:.1f}"
            print(f"| {name} | {cost.rows_read:,} | {figures} |", flush=True)
            if cost.failure:
                _tell(f"{name}: {cost.failure}")
            else:
                duckdb_seconds += cost.duckdb
                spark_seconds += cost.spark
            n_tables, n_equal = n_tables + 1, n_equal + cost.is_equal
    totals = f"{duckdb_seconds:.1f} | {spark_seconds:.1f} | {n_equal} of {n_tables}"
    print(f"| all {n_tables} | | {totals} | |")
    print(f"Spark / DuckDB: {spark_seconds / max(duckdb_seconds, 0.1):.1f}")


if __name__ == "__main__":
    main()
