"""The main job, end to end, on this machine: what `make demo` runs.

Runs the same Dagster jobs as the UI, a source to a processor, and prints what they made.
"""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import Queue
from pathlib import Path

import dagster as dg

from customer_assets import settings
from customer_assets.disk import demand_room
from customer_assets.garbage import collect_seldom
from customer_assets.launch import Outcome, job_of, n_tables, run_job, summary, tags_of
from customer_assets.progress import tell_begun
from customer_assets.progress_bars import Shown, receiving, send_to, shown
from customer_assets.project import UnknownSourceError, source_names
from customer_assets.suggestions import alternatives
from customer_assets.warehouse.catalog import snapshot_relations
from customer_assets.warehouse.connection import connect
from customer_assets.warehouse.manifest import TableStore

_SECONDS_TO_STOP = 5
_ACCOUNTINGS = {
    "accounting": """
        select format(
            'rows landed {:,} = events {:,} + duplicates removed {:,} + rejected {:,} '
            || '+ pending {:,}',
            sum(n_landed)::bigint, sum(n_events)::bigint, sum(n_duplicates)::bigint,
            sum(n_rejected)::bigint, sum(n_pending)::bigint
        ) from read_parquet($files)
    """,
    "customer_accounting": """
        select format(
            'rows landed {:,} = used {:,} + duplicates removed {:,} + conflicting {:,} '
            || '+ rejected {:,}; customers {:,}, of whom rules reject {:,}',
            sum(n_landed) filter (is_input)::bigint, sum(n_kept) filter (is_input)::bigint,
            sum(n_duplicates) filter (is_input)::bigint,
            sum(n_conflicting) filter (is_input)::bigint,
            sum(n_rejected) filter (is_input)::bigint,
            sum(n_landed) filter (not is_input)::bigint,
            sum(n_rejected) filter (not is_input)::bigint
        ) from (select *, table_name <> 'customers' as is_input from read_parquet($files))
    """,
}


def run_demo(only: Sequence[str] | None = None, is_verbose: bool = False) -> int:
    """Run the sources and print the summary; return the exit status.

    `is_verbose` prints each file that is read, and the rows of each table. 0 when everything was
    published, rejected rows and warnings included. Raises UnknownSourceError.
    """
    started = time.monotonic()
    settings.home().mkdir(parents=True, exist_ok=True)
    demand_room()
    known = source_names()
    unknown = sorted(set(only or ()) - set(known))
    if unknown:
        raise UnknownSourceError(
            "; ".join(f"no source is named {each!r}{alternatives(each, known)}" for each in unknown)
        )
    wanted = list(only or known)
    sources = []
    for source in wanted:
        if _has_files(source) or _write_samples(source):
            sources.append(source)
        else:
            print(f"{source}: skipped, there are no files in {settings.landing() / source}")
    outcomes = _run_sources(sources, is_verbose)
    _print_summary(outcomes, time.monotonic() - started, is_verbose)
    failed = [outcome for outcome in outcomes if outcome.problem]
    if not outcomes:
        print(f"customer_assets: no source has files below {settings.landing()}")
    return 1 if failed or not outcomes else 0


def _run_sources(sources: Sequence[str], is_verbose: bool) -> list[Outcome]:
    """Run the sources, as many at a time as there are processors; they share no table."""
    n_at_once = min(len(sources), settings.threads())
    # Dagster's history is made here, before several processes write to it.
    with dg.DagsterInstance.get(), shown({}, is_verbose) as bars:
        if n_at_once <= 1:
            return [_run_source(source) for source in sources]
        outcomes = _run_in_processes(sources, n_at_once, bars)
        return [outcomes[source] for source in sources]


def _run_in_processes(sources: Sequence[str], n_at_once: int, bars: Shown) -> dict[str, Outcome]:
    context = multiprocessing.get_context("spawn")
    said = context.Queue()
    with (
        receiving(said, bars),
        ProcessPoolExecutor(n_at_once, context, _begin_worker, (said,)) as pool,
    ):
        return _run_in_pool(pool, n_at_once, sources)


def _run_in_pool(
    pool: ProcessPoolExecutor, n_at_once: int, sources: Sequence[str]
) -> dict[str, Outcome]:
    # The one with the most to read first: what is left to the end runs alone.
    in_turn = sorted(sources, key=_landed_bytes, reverse=True)
    outcomes: dict[str, Outcome] = {}
    running: dict[Future[Outcome], str] = {}
    try:
        # Nothing waits in the pool: who stops the demo begins no other source.
        while in_turn or running:
            while in_turn and len(running) < n_at_once:
                source = in_turn.pop(0)
                running[pool.submit(_run_source, source)] = source
            # Ctrl-C may reach another thread than this one, which sees it when it wakes up.
            for done in wait(running, timeout=1, return_when=FIRST_COMPLETED).done:
                source = running.pop(done)
                outcomes[source] = _outcome(source, done)
    except KeyboardInterrupt:
        # A library may have swallowed the signal; that run would go on to its end.
        wait(running, timeout=_SECONDS_TO_STOP)
        for process in multiprocessing.active_children():
            process.kill()
        raise
    return outcomes


def _outcome(source: str, done: Future[Outcome]) -> Outcome:
    try:
        return done.result()
    except BrokenProcessPool:
        return Outcome(
            source,
            problem="its process was ended from outside, perhaps for want of memory: run it alone, "
            f"`customer-assets demo --sources {source}`",
        )


def _run_source(source: str) -> Outcome:
    job = job_of("backfill", source)
    # Each process reads the definitions by itself: what began is counted as it begins.
    tell_begun(source, n_tables(job))
    return run_job(source, job, tags_of(job))


def _begin_worker(said: "Queue[logging.LogRecord]") -> None:
    collect_seldom()
    send_to(said)
    threading.Thread(target=_end_with_the_demo, daemon=True).start()


def _end_with_the_demo() -> None:
    """End this worker when the demo was killed: the next one would wait for it."""
    if demo := multiprocessing.parent_process():
        demo.join()
        os.kill(os.getpid(), signal.SIGKILL)


def _print_summary(outcomes: Sequence[Outcome], seconds: float, is_verbose: bool) -> None:
    for outcome in outcomes:
        folder = settings.warehouse_folder() / outcome.source
        print(f"\n{outcome.source}: {outcome.seconds:.1f} s")
        if outcome.problem:
            print(f"  FAILED  {outcome.problem}")
        print(f"  {_accounting(folder)}")
        if is_verbose:
            print("  published rows per table")
        for relation in snapshot_relations(folder) if is_verbose else ():
            manifest = TableStore(folder / relation.table.name).manifest()
            print(f"    {relation.table.name:24} {manifest.rows:>12,}")
        failed = outcome.checks_failed
        print(f"  checks: {outcome.checks_passed} passed, {len(failed)} failed")
        for name in failed:
            print(f"    failed: {name}")
        page = settings.reports_folder() / outcome.source / "index.html"
        print(f"  report: {page}" if page.is_file() else "  no report is written yet")
    if outcomes:
        print(f"\nDuckDB file (open it read-only): {settings.catalog_file()}")
        print(f"{seconds:.1f} s in all")
        print(summary(outcomes))


def _accounting(folder: Path) -> str:
    """Say where the landed rows of a source went, in one line."""
    for relation in snapshot_relations(folder):
        statement = _ACCOUNTINGS.get(relation.table.name)
        if statement and relation.files:
            files = {"files": [str(path) for path in relation.files]}
            with connect([folder]) as connection:
                row = connection.execute(statement, files).fetchone()
            if row and row[0]:
                return str(row[0])
    return "nothing was published"


def _has_files(source: str) -> bool:
    folder = settings.landing() / source
    return folder.is_dir() and any(
        path.is_file() and not path.name.startswith(".") for path in folder.rglob("*")
    )


def _landed_bytes(source: str) -> int:
    files = (settings.landing() / source).rglob("*")
    return sum(path.stat().st_size for path in files if path.is_file())


def _write_samples(source: str) -> bool:
    """Write sample files, only into the project's own landing folder."""
    from customer_assets.sample import SOURCES, write_sample

    if not settings.is_default_landing() or source not in SOURCES:
        return False
    print(f"{source}: no files in {settings.landing() / source}, writing samples")
    write_sample(source, settings.landing() / source)
    return True
