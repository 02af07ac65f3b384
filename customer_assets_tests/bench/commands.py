"""What commands over a small source cost, as processor seconds of the processes that they start.

Belongs here: whole commands, imports included, as a schedule runs them every night. The source is
web_shop's sample. The file of the last day, and one row of a day three weeks before it, are kept
back and land later.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from customer_assets.sample import write_sample

SOURCE = "web_shop"
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
    load = "from customer_assets.definitions import defs; defs()"
    yield "definitions of all sources", _seconds([sys.executable, "-c", load], environment)


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
