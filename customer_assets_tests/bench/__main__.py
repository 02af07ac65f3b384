"""Measures a log from the raw file to the last table, and one more day on top of 30."""

import argparse
import datetime as dt
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from customer_assets import settings
from customer_assets.quality import gx_duckdb
from customer_assets_tests.bench import logs
from customer_assets_tests.conftest import SourceRun, read_source, run_source

SCANS = 5
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


def main() -> None:
    parser = argparse.ArgumentParser(prog="customer_assets_tests.bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="events of the log")
    parser.add_argument("--keep", type=Path, help="folder in which the logs stay for the next run")
    parser.add_argument("--only", choices=["whole", "day"], help="one of the two measurements")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        folder = (asked.keep or Path(scratch)).resolve() / str(asked.rows)
        if asked.only != "day":
            measure_whole(folder / "taobao", Path(scratch) / "whole", asked.rows)
        if asked.only != "whole":
            measure_day(folder / "long", Path(scratch) / "day", asked.rows)


def measure_whole(log: Path, home: Path, rows: int) -> None:
    """All tables of a log that landed at once, beside a bare scan of its file."""
    logs.write_log(log, rows)
    run = new_run(log, home, logs.SAMPLE_DAYS)
    scan, scan_processor = scan_seconds(run, log)
    print(
        f"{rows:,} events of {logs.SAMPLE_DAYS} days. A bare scan of the file: {scan:.2f} s, "
        f"processor {scan_processor:.2f} s per thread."
    )
    with measured("ingest", scan):
        run.ingest()
    with measured("events", scan):
        events = compute(run, ("staging",))
    with measured("behaviour tables and their checks", scan):
        tables = compute(run, ("behavior",))
    show(tables, scan)
    show_total("events", events, scan)
    show_total("all behaviour tables", tables, scan)
    processor = sum(cost.processor for cost in tables)
    print(
        f"by the processor's time, checks included: {processor:.2f} s per thread, "
        f"{processor / scan_processor:.2f} scans"
    )


def measure_day(log: Path, home: Path, rows: int) -> None:
    """One more day after 30, beside all 31 from nothing."""
    first, last = logs.write_long_log(log, rows)
    landing = log / "landing"
    shutil.rmtree(landing, ignore_errors=True)
    landing.mkdir()
    shutil.copy(first, landing)
    grown = new_run(landing, home / "grown", logs.LONG_DAYS)
    grown.ingest()
    compute(grown, ("staging", "behavior"))
    shutil.copy(last, landing)
    grown.ingest()
    compute(grown, ("staging",))
    print(f"\nOne more day on top of {logs.LONG_DAYS - 1}.")
    with measured("behaviour tables of one more day and their checks"):
        day = compute(grown, ("behavior",))
    at_once = new_run(landing, home / "whole", logs.LONG_DAYS)
    at_once.ingest()
    compute(at_once, ("staging",))
    whole = compute(at_once, ("behavior",))
    seconds = {cost.table: cost.engine for cost in whole}
    for cost in day:
        print(f"{cost.table:24}{cost.engine:8.2f} s of {seconds[cost.table]:6.2f} s")
    for title, left_out in (("all", ()), ("without funnel_entries", ("funnel_entries",))):
        kept = [[cost for cost in costs if cost.table not in left_out] for costs in (day, whole)]
        of_day, of_all = (sum(cost.engine for cost in costs) for costs in kept)
        print(f"{title}: {of_day:.2f} s of {of_all:.2f} s, {of_day / of_all:.1%}")
        of_day, of_all = (sum(cost.processor for cost in costs) for costs in kept)
        print(f"  by the processor's time, checks included: {of_day / of_all:.1%}")
    show_differences(grown, at_once)
    shutil.rmtree(landing)


def new_run(landing: Path, home: Path, n_days: int) -> SourceRun:
    """Open an empty warehouse of the source taobao with the limits of the settings."""
    source = read_source("taobao")
    first_day, _ = source.day_range()
    source = source.model_copy(update={"last_day": first_day + dt.timedelta(days=n_days - 1)})
    run = run_source("taobao", source, landing, home)
    run.warehouse.engine.connection.execute(
        f"set memory_limit = '{settings.memory_limit()}'; set threads = {settings.threads()}; "
        f"set temp_directory = '{home / 'spill'}'"
    )
    return run


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


def compute(run: SourceRun, layers: Sequence[str]) -> list[Cost]:
    """Compute what is outdated of the tables of some layers, in order of need."""
    parameters = run.pipeline.parameters(run.now)
    costs = []
    for model in run.pipeline.models.values():
        table = run.pipeline.tables[model.name]
        if table.layer not in layers:
            continue
        days = run.days() if table.partition_by else None
        outdated = run.warehouse.outdated(model, parameters, days)
        if not outdated:
            continue
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


@contextmanager
def measured(title: str, scan: float | None = None) -> Iterator[None]:
    """Print how long a block took, and the most memory that the process held meanwhile."""
    # 5 resets the peak of the process: proc_pid_clear_refs(5).
    Path("/proc/self/clear_refs").write_text("5")
    started = time.perf_counter()
    yield
    seconds = time.perf_counter() - started
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 2**20
    ratio = f", {seconds / scan:.1f} scans" if scan else ""
    print(f"{title}: {seconds:.2f} s{ratio}, peak memory {peak:.2f} GB")


def show(costs: Sequence[Cost], scan: float) -> None:
    print(
        f"{'table':24}{'engine':>9}{'scans':>8}{'checks':>9}{'processor':>11}{'read':>13}{'written':>13}"
    )
    for cost in sorted(costs, key=lambda cost: -cost.engine):
        print(
            f"{cost.table:24}{cost.engine:7.2f} s{cost.engine / scan:8.2f}{cost.checks:7.2f} s"
            f"{cost.processor:9.2f} s{cost.rows_read:13,}{cost.rows:13,}"
        )


def show_total(title: str, costs: Sequence[Cost], scan: float) -> None:
    engine, checks = sum(cost.engine for cost in costs), sum(cost.checks for cost in costs)
    print(
        f"{title}: {engine:.2f} s, {engine / scan:.2f} scans; checks {checks:.2f} s, "
        f"{checks / scan:.2f} scans"
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
