"""One try of a drill: a run that is killed at a moment, what readers see then, and the next run.

A run is killed with SIGKILL, in a process of its own: before its n-th rename, which is how
everything comes into view, or after some time.
"""

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import duckdb

from customer_assets import settings
from customer_assets.components.liveness import report_gone_runs
from customer_assets.generation import as_shown
from customer_assets.warehouse.engine import DuckDBEngine
from customer_assets_tests.nights.shop import Shop

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["customer_assets_tests.nights.shop", "customer_assets.quality.gx_duckdb"]
)
# A run that waits longer than this for a dead one is stuck.
STUCK_SECONDS = 60


class _StuckError(BaseException):
    """A run took too long; nothing between takes it for an error of a step."""


_STARTED = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])

# Content hashes by table.
State = Mapping[str, str]


@dataclass(frozen=True)
class Fault:
    """A change of the landing folder, the job that is killed meanwhile, and the one after it."""

    name: str
    purpose: str
    change: Callable[[Shop], None]
    only_outdated: bool = True
    heal: str = "refresh"


@dataclass(frozen=True)
class Try:
    """What became of a try: rows lost, something wrong in view, a run that had to wait."""

    is_lost: bool = False
    is_wrong: bool = False
    is_stuck: bool = False
    text: str = ""


def run_in_process(
    shop: Shop,
    purpose: str,
    only_outdated: bool,
    at_rename: int | None = None,
    after_seconds: float | None = None,
) -> tuple[int | None, int]:
    """Run a job in a process of its own; return its exit status and how often it renamed."""
    log = settings.home() / "drill.log"
    counted = settings.home() / "renames"
    counted.write_bytes(b"")
    process = _PROCESSES.Process(
        target=_child,
        args=(dict(os.environ), shop, purpose, only_outdated, at_rename, log, counted),
    )
    process.start()
    process.join(STUCK_SECONDS * 3 if after_seconds is None else after_seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
    return process.exitcode, counted.stat().st_size


def _child(
    environment: dict[str, str],
    shop: Shop,
    purpose: str,
    only_outdated: bool,
    at_rename: int | None,
    log: Path,
    counted: Path,
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with log.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    counter = counted.open("ab", buffering=0)
    n_renames = 0

    def look(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal n_renames
        if event == "os.rename" and shop.name in str(arguments[0]):
            n_renames += 1
            counter.write(b".")
            if n_renames == at_rename:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)
    result = shop.run(purpose, only_outdated=only_outdated)
    sys.exit(0 if result.success else 1)


def shown(shop: Shop) -> State:
    """Return what readers see of the tables that follow from the landed files."""
    with duckdb.connect() as connection:
        warehouse = shop.pipeline().warehouse(settings.warehouse_folder(), DuckDBEngine(connection))
        in_view = as_shown(warehouse)
        return {
            name: in_view.manifest(name).content_hash
            for name, table in shop.pipeline().tables.items()
            # The times of a landed file are not those of its copy.
            if name != "landed_files" and not table.ledger
        }


def ledger_agrees(shop: Shop) -> bool:
    """Say whether what landed less what was withdrawn is what is there, day by day."""
    found = shop.query(
        f"""
        with said as (
            select event_date, sum(case change when 'landed' then rows else -rows end) as n
            from {shop.name}.arrivals group by event_date having n <> 0
        ),
        there as (select event_date, count(*) as n from {shop.name}.raw_events group by event_date)
        select count(*) from said full join there using (event_date)
        where said.n is distinct from there.n
        """
    )
    return found == [(0,)]


@contextlib.contextmanager
def copy_of(sound: Path, folder: Path) -> Iterator[None]:
    """Work in a copy of a sound home and landing folder."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound, folder)
    before = dict(os.environ)
    os.environ["CUSTOMER_ASSETS_HOME"] = str(folder / "home")
    os.environ["CUSTOMER_ASSETS_LANDING"] = str(folder / "landing")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def attempt(
    fault: Fault,
    shop: Shop,
    before: State,
    after: State,
    at_rename: int | None = None,
    after_seconds: float | None = None,
    usual_seconds: float = 0.0,
) -> Try:
    """Kill a run and let the next refresh follow; `after` is what a run without a kill shows.

    `usual_seconds` is what that one took here: on a busy machine all of them take longer.
    """
    fault.change(shop)
    run_in_process(shop, fault.purpose, fault.only_outdated, at_rename, after_seconds)
    moment = f"rename {at_rename}" if at_rename else f"{after_seconds} s"
    patience = STUCK_SECONDS + round(3 * usual_seconds)
    where = f"{fault.name}, killed at {moment}: "
    try:
        with _at_most(patience):
            # An ingest alone may follow first; it must not bring halves into view.
            shop.run("ingest" if "events" in before else "report")
            in_view = shown(shop)
            if in_view not in (before, after):
                new = [name for name in before if in_view.get(name) != before[name]]
                return Try(is_wrong=True, text=f"{where}in view are the old tables, but for {new}")
            with dg.DagsterInstance.get() as instance:
                # A run that had not said yet in which process it is, is believed for a while.
                while report_gone_runs(instance) or instance.get_runs(_STARTED):
                    time.sleep(1)
        with _at_most(patience):
            healed = shop.run(fault.heal)
    except _StuckError:
        return Try(is_stuck=True, text=f"{where}the next run did not end in {patience} s")
    in_view = shown(shop)
    if not healed.success or in_view != after:
        other = [name for name in after if in_view.get(name) != after[name]]
        return Try(is_lost=True, text=f"{where}after the next {fault.heal} differ {other}")
    if "arrivals" in shop.pipeline().tables and not ledger_agrees(shop):
        return Try(is_wrong=True, text=f"{where}the ledger says other than what is there")
    return Try()


@contextlib.contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _StuckError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
