"""What commands over a small source cost, as processor seconds of the processes that they start.

Belongs here: whole commands, imports included, as a schedule runs them every night. The source is
web_shop's sample, and one like it with a year of days of some hundred rows. The file of the last
day, and one row of a day three weeks before it, are kept back and land later.
"""

import datetime as dt
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from customer_assets import settings
from customer_assets.init import make_project
from customer_assets.sample import write_next_day, write_sample

SOURCE = "web_shop"
SOURCES_OF_PROJECT = 50
_OURS = [sys.executable, "-m", "customer_assets"]
_LOAD = "from customer_assets.definitions import defs; defs()"
# What the sensor of a source does each minute.
_TICK = """
import datetime as dt
import sys
import time
from customer_assets.components.automation import dirty_ranges
from customer_assets.project import open_warehouse, read_pipeline

pipeline = read_pipeline(sys.argv[1])
for _ in range(2):
    started = time.process_time()
    with open_warehouse(pipeline) as warehouse:
        now = dt.datetime.now(dt.UTC)
        dirty_ranges(pipeline, warehouse, [str(day) for day in pipeline.days(now)], now)
print(time.process_time() - started)
"""
_LATE_BY = 21
YEAR, ROWS_A_DAY, DAYS_OF_SAMPLE = 365, 100, 60


def measure(scratch: Path) -> Iterator[tuple[str, float]]:
    """Yield what was run, and its processor seconds, in the order of a source's life."""
    landing = scratch / "landing" / SOURCE
    files = write_sample(SOURCE, landing, tell=lambda text: None)
    environment = _environment(scratch)
    yield from _first_and_nights(SOURCE, files, ["train"], environment)
    yield "what would be redone", _seconds([*_OURS, "plan", SOURCE], environment)
    dg = str(Path(sys.executable).with_name("dg"))
    one = [dg, "launch", "--assets", f"{SOURCE}/stickiness"]
    yield "dg launch of one small asset", _seconds(one, environment)
    yield "a look at whether anything is outdated", _look(SOURCE, environment)
    project = make_project(scratch / "project")
    for number in range(SOURCES_OF_PROJECT):
        _copy_source(project, f"shop_{number}")
    environment |= {"CUSTOMER_ASSETS_PROJECT": str(project)}
    yield "definitions with 50 sources", _seconds([sys.executable, "-c", _LOAD], environment)


def measure_year(scratch: Path) -> Iterator[tuple[str, float]]:
    """Yield the same of a source with a year of days, each of some hundred rows."""
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    landing = scratch / "landing" / "year"
    rows = ROWS_A_DAY * DAYS_OF_SAMPLE
    until = yesterday - dt.timedelta(days=YEAR - DAYS_OF_SAMPLE)
    files = write_sample(SOURCE, landing, rows=rows, until=until, tell=lambda text: None)
    while len(files) < YEAR:
        files.append(write_next_day(landing, rows=rows, tell=lambda text: None))
    project = make_project(scratch / "project")
    source = _copy_source(project, "year")
    first = yesterday - dt.timedelta(days=YEAR - 1)
    stated = source.read_text()
    source.write_text(re.sub(r"first_day: \S+", f"first_day: {first}", stated))
    environment = _environment(scratch) | {"CUSTOMER_ASSETS_PROJECT": str(project)}
    yield from _first_and_nights("year", files, [], environment)
    yield "a look at whether anything is outdated", _look("year", environment)
    again = [*_OURS, "refresh", "year", "--days", f"{first}...{yesterday}"]
    yield f"a backfill of {YEAR} days", _seconds(again, environment)


def _first_and_nights(
    source: str, files: Sequence[Path], then: Sequence[str], environment: dict[str, str]
) -> Iterator[tuple[str, float]]:
    """Yield everything for the first time, what is done `then`, and nights."""
    last_day, earlier = files[-1], files[-_LATE_BY]
    new, *lines = earlier.read_text().splitlines(keepends=True)
    earlier.write_text("".join(lines))
    night = last_day.rename(last_day.parents[2] / last_day.name)
    refresh = [*_OURS, "refresh", source]
    yield "everything for the first time", _seconds(refresh, environment)
    for purpose in then:
        yield f"{purpose}ing", _seconds([*_OURS, purpose, source], environment)
        # What rests on it moved.
        _seconds(refresh, environment)
    yield "a night without news", _seconds(refresh, environment)
    night.rename(last_day)
    yield "a night with the rows of one day", _seconds(refresh, environment)
    (last_day.parent / "events_late.jsonl").write_text(new)
    yield "a night with one late row", _seconds(refresh, environment)


def _environment(scratch: Path) -> dict[str, str]:
    return {
        **os.environ,
        "CUSTOMER_ASSETS_HOME": str(scratch / "home"),
        "CUSTOMER_ASSETS_LANDING": str(scratch / "landing"),
        "DAGSTER_HOME": str(scratch / "home" / "dagster"),
    }


def _copy_source(project: Path, name: str) -> Path:
    """Copy the source into a project under another name; return its `defs.yaml`."""
    folder = project / "sources" / name
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(settings.source_root() / SOURCE, folder, ignore=ignored)
    return folder / "defs.yaml"


def _look(source: str, environment: dict[str, str]) -> float:
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _TICK, source],
        env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return float(told.stdout)


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
