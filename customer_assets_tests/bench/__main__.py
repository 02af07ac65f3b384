"""Measures a log from the raw file to the last table, beside a script by hand; what a night costs.

Writes what it found to docs/benchmarks.md. The long form adds the models and the whole chain.
"""

import argparse
import datetime as dt
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from customer_assets import open_warehouse, settings
from customer_assets.quality import gx_duckdb
from customer_assets.warehouse.catalog import take_snapshot
from customer_assets.warehouse.engine import relation_sql
from customer_assets_tests.bench import by_hand, commands, logs
from customer_assets_tests.conftest import SourceRun, read_source, run_source

SCANS = 5
REPEATS = 3
DOCUMENT = settings.PROJECT_ROOT / "docs" / "benchmarks.md"
MAIN_TABLES = ("events", "customer_day", "session_fragments", "sessions")
COHORTS = ("customer_day", "first_seen", "calendar", "retention", "lifecycle", "stickiness")
MODELS = ("tuned_models", "model_predictions", "champions", "model_metrics", "model_scores")
MEASUREMENTS = ("tables", "day", "night", "limits")
# From the least to none: what a process held once it does not give back.
LIMITS = ("2GB", "4GB", "1TB")
# Great Expectations takes seconds to import, once in a process: before anything is timed.
assert gx_duckdb


@dataclass(frozen=True)
class Cost:
    """Seconds in which a table was computed, written and published, and those of its checks.

    `processor` are the processor's seconds of both, per thread: others who use the machine
    make them grow less than the clock's.
    """

    table: str
    engine: float
    checks: float
    processor: float
    rows_read: int
    rows: int


class Findings:
    """What was measured, line by line: on the screen at once, in the document at the end."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def section(self, title: str) -> None:
        self.lines += [
            "",
            f"## {title}",
            "",
            "| | Measured | Floor | Aim |",
            "|---|---:|---:|---:|",
        ]
        print(f"\n{title}")

    def add(self, what: str, value: str, floor: str = "", aim: str = "") -> None:
        self.lines.append(f"| {what} | {value} | {floor} | {aim} |")
        print(f"  {what}: {value}" + (f" (floor {floor}, aim {aim})" if floor else ""), flush=True)

    def write(self, rows: int) -> None:
        memory = settings.memory_limit()
        head = [
            "# Benchmarks",
            "",
            f"Written by `make bench` over {rows:,} events on {settings.threads()} threads, memory "
            f"limit {memory}, DuckDB {duckdb.__version__}, Python {platform.python_version()}.",
            "Only ratios of one run count: seconds are those of one machine. A scan reads every",
            "field of the file as its type and keeps none. Peak memory is that of the process.",
        ]
        DOCUMENT.write_text("\n".join([*head, *self.lines]) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="customer_assets_tests.bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="events of the log")
    parser.add_argument("--keep", type=Path, help="folder in which the logs stay for the next run")
    parser.add_argument("--only", choices=MEASUREMENTS, help="one measurement")
    parser.add_argument("--long", action="store_true", help="the models and the whole chain too")
    asked = parser.parse_args()
    found = Findings()
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        folder = (asked.keep or Path(scratch)).resolve() / str(asked.rows)
        if asked.only in (None, "tables"):
            measure_tables(folder / "taobao", Path(scratch) / "tables", asked, found)
        if asked.only in (None, "day"):
            measure_day(folder / "long", Path(scratch) / "day", asked.rows, found)
        if asked.only in (None, "night"):
            measure_night(Path(scratch) / "night", found)
        if asked.only == "limits":
            measure_limits(folder / "taobao", Path(scratch) / "limits", asked.rows, found)
    if asked.only is None:
        found.write(asked.rows)


def measure_tables(log: Path, home: Path, asked: argparse.Namespace, found: Findings) -> None:
    """The tables of a log that landed at once, beside a scan of its file and a script by hand."""
    logs.write_log(log, asked.rows)
    by_script, ours, peaks = [], [], []
    for number in range(REPEATS):
        run = new_run(log, home / f"ours_{number}" / "warehouse", logs.SAMPLE_DAYS)
        with measured() as cost:
            run.ingest()
            compute(run, MAIN_TABLES)
        ours.append(cost.seconds)
        peaks.append(cost.peak)
        with limited(duckdb.connect(), home) as connection:
            with measured() as cost:
                by_hand.write_tables(connection, log, home / f"hand_{number}")
            by_script.append(cost.seconds)
            demand_equal_rows(connection, home / f"hand_{number}", run)
        shutil.rmtree(home / f"hand_{number}")
        if number < REPEATS - 1:
            shutil.rmtree(home / f"ours_{number}")
    scan, scan_processor = scan_seconds(run, log)
    hand, main = statistics.median(by_script), statistics.median(ours)
    found.section("A log from its file to tables")
    found.add("Scan of the file", f"{scan:.2f} s")
    found.add("Main tables by a script that is written for them", f"{hand:.2f} s")
    found.add(
        "Main tables, row-equal, against that script; checks and accounting included",
        f"{main / hand:.2f} times",
        "1.5",
        "1.2",
    )
    found.add("Main tables: peak memory", f"{max(peaks):.2f} GB")
    with measured() as cost:
        compute(run, COHORTS)
    found.add("Ingest to cohorts", f"{(main + cost.seconds) / scan:.1f} scans", "23", "16")
    with measured() as cost:
        tables = compute(run, layers=("behavior",))
    engine = sum(each.engine for each in tables) / scan
    found.add("The other behaviour tables, without their checks", f"{engine:.1f} scans")
    found.add("The other behaviour tables: peak memory", f"{cost.peak:.2f} GB")
    show(tables, scan)
    measure_questions(run, home / f"ours_{number}", found)
    processor = sum(each.processor for each in tables)
    print(f"  by the processor's time, checks included: {processor / scan_processor:.1f} scans")
    if asked.long:
        with measured() as cost:
            others = compute(run, layers=("commerce", "features"))
        found.add("Commerce and features", f"{cost.seconds:.0f} s")
        found.add("Commerce and features: peak memory", f"{cost.peak:.2f} GB")
        show(others, scan)
        with measured() as cost:
            models = compute(run, layers=("staging", "models", "segments", "reports"))
        steps = sum(each.processor for each in models if each.table in MODELS)
        steps *= settings.threads()
        found.add("Model steps: processor seconds", f"{steps:.0f} s", "330", "150")
        found.add("Models, segments, reports: peak memory", f"{cost.peak:.2f} GB", "8 GB", "4 GB")
        show(models, scan)


def measure_limits(log: Path, home: Path, rows: int, found: Findings) -> None:
    """From the file to cohorts, once for each limit of memory: a log that does not fit in it."""
    logs.write_log(log, rows)
    found.section(f"{rows:,} events from their file to cohorts, by the limit of memory")
    for limit in LIMITS:
        os.environ["CUSTOMER_ASSETS_MEMORY_LIMIT"] = limit
        run = new_run(log, home / limit / "warehouse", logs.SAMPLE_DAYS)
        with measured() as cost:
            run.ingest()
            tables = compute(run, (*MAIN_TABLES, *COHORTS))
        scan, _ = scan_seconds(run, log)
        taken = f"{cost.seconds:.0f} s, {cost.seconds / scan:.1f} scans, {cost.peak:.2f} GB at most"
        found.add(f"DuckDB may hold {limit}", taken)
        show(tables, scan)
        shutil.rmtree(home / limit)


def measure_questions(run: SourceRun, home: Path, found: Findings) -> None:
    """A funnel that no table holds, asked on the spot over all events."""
    take_snapshot(run.warehouse.folder, run.pipeline.tables.values())
    os.environ["CUSTOMER_ASSETS_HOME"] = str(home)
    shop = open_warehouse(run.pipeline.name)
    for what, hold in (("A funnel asked on the spot", None), ("The same with one item", "item_id")):
        clock, processor = [], []
        for _ in range(REPEATS):
            started, spent = time.perf_counter(), time.process_time()
            shop.funnel(["pv", "cart", "buy"], "7 days", hold=hold)
            clock.append(time.perf_counter() - started)
            processor.append(time.process_time() - spent)
        seconds, spent = statistics.median(clock), statistics.median(processor)
        bounds = () if hold else ("3 s",)
        found.add(what, f"{seconds:.1f} s ({spent:.1f} s of processor)", *bounds)
    del os.environ["CUSTOMER_ASSETS_HOME"]


def demand_equal_rows(connection: duckdb.DuckDBPyConnection, hand: Path, run: SourceRun) -> None:
    """Raise AssertionError where the script made other rows than the product."""
    for name in by_hand.COLUMNS:
        files = f"read_parquet('{hand / name}/**/*.parquet')"
        relation = f"({relation_sql(run.warehouse.relation(name))})"
        theirs, ours = (by_hand.checksum(connection, name, r) for r in (files, relation))
        assert theirs == ours, f"{name}: {theirs} by hand, {ours} here"


def measure_night(scratch: Path, found: Findings) -> None:
    """What a small source costs, whole commands, as processor seconds."""
    bounds = {
        "dg launch of one small asset": ("12", "6"),
        "definitions with 50 sources": ("8", "5"),
    }
    found.section("A small source, processor seconds of whole commands")
    _show_commands(commands.measure(scratch / "sample"), bounds, found)
    of_year = {
        "a night with the rows of one day": ("30", "18"),
        "a night with one late row": ("20", "12"),
        f"a backfill of {commands.YEAR} days": ("60", "40"),
        "a look at whether anything is outdated": (".2", ".05"),
    }
    found.section(f"The same with {commands.YEAR} days of {commands.ROWS_A_DAY} rows")
    _show_commands(commands.measure_year(scratch / "year"), of_year, found)


def _show_commands(
    run: Iterator[tuple[str, float]], bounds: Mapping[str, tuple[str, str]], found: Findings
) -> None:
    for what, seconds in run:
        found.add(
            f"{what[0].upper()}{what[1:]}",
            f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2f} s",
            *bounds.get(what, ()),
        )


def measure_day(log: Path, home: Path, rows: int, found: Findings) -> None:
    """One more day after 30, beside all 31 from nothing."""
    first, last = logs.write_long_log(log, rows)
    landing = log / "landing"
    shutil.rmtree(landing, ignore_errors=True)
    landing.mkdir()
    shutil.copy(first, landing)
    grown = new_run(landing, home / "grown", logs.LONG_DAYS)
    grown.ingest()
    compute(grown, layers=("staging", "behavior"))
    shutil.copy(last, landing)
    grown.ingest()
    compute(grown, layers=("staging",))
    found.section(f"One more day on top of {logs.LONG_DAYS - 1}, share of all of them at once")
    with measured() as cost:
        day = compute(grown, layers=("behavior",))
    at_once = new_run(landing, home / "whole", logs.LONG_DAYS)
    at_once.ingest()
    compute(at_once, layers=("staging",))
    whole = compute(at_once, layers=("behavior",))
    of_day, of_all = (sum(each.engine for each in costs) for costs in (day, whole))
    found.add("Behaviour tables", f"{of_day / of_all:.0%}")
    of_day, of_all = (sum(each.processor for each in costs) for costs in (day, whole))
    found.add("By the processor's time, checks included", f"{of_day / of_all:.0%}")
    found.add("Peak memory", f"{cost.peak:.2f} GB")
    show_differences(grown, at_once)
    shutil.rmtree(landing)


def new_run(landing: Path, home: Path, n_days: int) -> SourceRun:
    """Open an empty warehouse of the source taobao with the limits of the settings."""
    source = read_source("taobao")
    first_day, _ = source.day_range()
    source = source.model_copy(update={"last_day": first_day + dt.timedelta(days=n_days - 1)})
    run = run_source("taobao", source, landing, home)
    limited(run.warehouse.engine.connection, home)
    return run


def limited(connection: duckdb.DuckDBPyConnection, home: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection with the limits of the settings."""
    connection.execute(
        f"set memory_limit = '{settings.memory_limit()}'; set threads = {settings.threads()}; "
        f"set temp_directory = '{home / 'spill'}'"
    )
    return connection


def scan_seconds(run: SourceRun, log: Path) -> tuple[float, float]:
    """Return the median time of a scan that reads every field as its type and keeps none.

    By the clock, and the processor's per thread.
    """
    values = ", ".join(f"max({name})" for name in logs.FIELDS)
    clock, processor = [], []
    for _ in range(SCANS):
        started, spent = time.perf_counter(), processor_seconds()
        run.warehouse.engine.connection.execute(
            f"select {values} from {logs.read_sql(log)}"
        ).fetchall()
        clock.append(time.perf_counter() - started)
        processor.append(processor_seconds() - spent)
    return statistics.median(clock), statistics.median(processor)


def processor_seconds() -> float:
    return time.process_time() / settings.threads()


def compute(
    run: SourceRun, names: Container[str] = (), *, layers: Sequence[str] = ()
) -> list[Cost]:
    """Compute what is outdated of some tables, or of some layers, in order of need.

    Raises AssertionError where one would be computed from a table that was not: it costs nothing.
    """
    parameters = run.pipeline.parameters(run.now)
    costs = []
    for model in run.pipeline.models.values():
        table = run.pipeline.tables[model.name]
        if table.layer not in layers and model.name not in names:
            continue
        days = run.days() if table.partition_by else None
        outdated = run.warehouse.outdated(model, parameters, days)
        if not outdated:
            continue
        missing = [
            name
            for name in model.inputs
            if name in run.pipeline.models and not run.warehouse.manifest(name).pieces
        ]
        assert not missing, f"{model.name} is computed from {missing}, which is not there"
        wanted = [dt.date.fromisoformat(day) for day in outdated] if days else None
        spent = processor_seconds()
        chunks = list(run.warehouse.materialize(model, parameters, wanted))
        spent = processor_seconds() - spent
        checks = sum(result.seconds for chunk in chunks for result in chunk.checks)
        costs.append(
            Cost(
                model.name,
                sum(chunk.seconds for chunk in chunks) - checks,
                checks,
                spent,
                sum(chunk.rows_read for chunk in chunks),
                sum(chunk.rows for chunk in chunks),
            )
        )
    return costs


@dataclass
class Measured:
    """Seconds that a block took, and the most memory that the process held meanwhile, in GB."""

    seconds: float = 0.0
    peak: float = 0.0


@contextmanager
def measured() -> Iterator[Measured]:
    # 5 resets the peak of the process: proc_pid_clear_refs(5).
    Path("/proc/self/clear_refs").write_text("5")
    found, started = Measured(), time.perf_counter()
    yield found
    found.seconds = time.perf_counter() - started
    status = Path("/proc/self/status").read_text().splitlines()
    found.peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 2**20


def show(costs: Sequence[Cost], scan: float) -> None:
    print(
        f"{'table':24}{'engine':>9}{'scans':>8}{'checks':>9}{'processor':>11}{'read':>13}{'written':>13}"
    )
    for cost in sorted(costs, key=lambda cost: -cost.engine):
        print(
            f"{cost.table:24}{cost.engine:7.2f} s{cost.engine / scan:8.2f}{cost.checks:7.2f} s"
            f"{cost.processor:9.2f} s{cost.rows_read:13,}{cost.rows:13,}"
        )


def show_differences(grown: SourceRun, at_once: SourceRun) -> None:
    """Compare what was computed day by day with what was computed at once: no row may differ."""
    names = [
        name
        for name in grown.pipeline.models
        if at_once.warehouse.manifest(name).pieces and not grown.pipeline.tables[name].ledger
    ]
    contents = [
        {
            (name, key): piece.content_hash
            for name in names
            for key, piece in run.warehouse.manifest(name).pieces.items()
        }
        for run in (grown, at_once)
    ]
    differing = sorted(
        place
        for place in contents[0].keys() | contents[1].keys()
        if contents[0].get(place) != contents[1].get(place)
    )
    print(
        f"{len(contents[1])} partitions of {len(names)} tables, {logs.LONG_DAYS - 1} days and one "
        f"more against {logs.LONG_DAYS} at once: {len(differing)} differ {differing[:5] or ''}"
    )


if __name__ == "__main__":
    main()
