"""Dagster's history on the disk: its SQLite files, and what to do with one that is damaged.

What is lost with a file of history is what runs said of themselves. Tables are not in it.
"""

import datetime as dt
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from customer_assets import settings


def prepare_dagster_home() -> Path:
    """Put the project's dagster.yaml where Dagster reads it, and name that home to it."""
    home = settings.dagster_home()
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(settings.PROJECT_ROOT / "dagster.yaml", home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def damaged_databases(dagster_home: Path) -> Iterator[tuple[Path, str]]:
    """Yield the SQLite files below Dagster's home that cannot be used, and what is wrong."""
    for path in sorted(dagster_home.rglob("*.db")):
        try:
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
            try:
                (found,) = connection.execute("pragma quick_check(1)").fetchone()
            finally:
                connection.close()
        except sqlite3.OperationalError as error:
            # Somebody writes: that is no damage.
            if "locked" in str(error):
                continue
            found = str(error)
        except sqlite3.DatabaseError as error:
            found = str(error)
        if found != "ok":
            yield path, str(found)


def put_away_damaged(dagster_home: Path) -> Iterator[str]:
    """Rename damaged files, so that Dagster begins new ones; yield what was done."""
    for path, why in list(damaged_databases(dagster_home)):
        moment = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S")
        target = path.with_name(f"{path.name}.damaged-{moment}")
        path.replace(target)
        for beside in ("-wal", "-shm"):
            path.with_name(path.name + beside).unlink(missing_ok=True)
        yield f"{path} is damaged ({why}): it is {target.name} now, and history begins anew"
