"""What commands over a small source cost, as processor seconds of the processes that they start.

Belongs here: whole commands, imports included, as a schedule runs them every night. The source is
web_shop's sample. The file of the last day, and one row of a day three weeks before it, are kept
back and land later.
"""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from customer_assets import settings
from customer_assets.init import make_project
from customer_assets.sample import write_sample

SOURCE = "web_shop"
SOURCES_OF_PROJECT = 50
_LOAD = "from customer_assets.definitions import defs; defs()"
# What the sensor of a source does each minute.
_TICK = f"""
import datetime as dt
import time
from customer_assets.components.automation import dirty_ranges
from customer_assets.project import open_warehouse, read_pipeline

pipeline = read_pipeline("{SOURCE}")
for _ in range(2):
    started = time.process_time()
    with open_warehouse(pipeline) as warehouse:
        now = dt.datetime.now(dt.UTC)
        dirty_ranges(pipeline, warehouse, [str(day) for day in pipeline.days(now)], now)
print(time.process_time() - started)
"""
_LATE_BY = 21


def measure(scratch: Path) -> Iterator[tuple[str, float]]:
    """Yield what was run, and its processor seconds, in the order of a source's life."""
    landing = scratch / "landing" / SOURCE
    files = write_sample(SOURCE, landing, tell=lambda text: None)
    last_day, earlier = files[-1], files[-_LATE_BY]
    new, *lines = earlier.read_text().splitlines(keepends=True)
    earlier.write_text("".join(lines))
    night = scratch / last_day.name
    last_day.rename(night)
    environment = {
        **os.environ,
        "CUSTOMER_ASSETS_HOME": str(scratch / "home"),
        "CUSTOMER_ASSETS_LANDING": str(landing.parent),
        "DAGSTER_HOME": str(scratch / "home" / "dagster"),
    }
    dg = str(Path(sys.executable).with_name("dg"))
    ours = [sys.executable, "-m", "customer_assets"]
    yield "everything for the first time", _seconds([*ours, "refresh", SOURCE], environment)
    yield "training", _seconds([*ours, "train", SOURCE], environment)
    yield "a night without news", _seconds([*ours, "refresh", SOURCE], environment)
    night.rename(last_day)
    yield "a night with the rows of one day", _seconds([*ours, "refresh", SOURCE], environment)
    (landing / "events_late.jsonl").write_text(new)
    yield "a night with one late row", _seconds([*ours, "refresh", SOURCE], environment)
    yield "what would be redone", _seconds([*ours, "plan", SOURCE], environment)
    one = [dg, "launch", "--assets", f"{SOURCE}/stickiness"]
    yield "dg launch of one small asset", _seconds(one, environment)
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _TICK],
        env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    yield "a look at whether anything is outdated", float(told.stdout)
    project = make_project(scratch / "project")
    for number in range(SOURCES_OF_PROJECT):
        shutil.copytree(
            settings.source_root() / SOURCE, project / "sources" / f"shop_{number}",
            ignore=shutil.ignore_patterns("__pycache__"),
        )  # fmt: skip
    environment |= {"CUSTOMER_ASSETS_PROJECT": str(project)}
    yield "definitions with 50 sources", _seconds([sys.executable, "-c", _LOAD], environment)


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
