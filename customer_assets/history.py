"""Dagster's history on the disk: its SQLite files, and what to do with one that is damaged.

What is lost with a file of history is what runs said of themselves. Tables are not in it.
"""

import contextlib
import datetime as dt
import importlib.util
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import yaml

from customer_assets import settings


def prepare_dagster_home() -> Path:
    """Put the project's dagster.yaml where Dagster reads it, and name that home to it.

    Raises SettingError where its history is to be kept by what is not installed.
    """
    home = settings.dagster_home()
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(dagster_yaml())
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def dagster_yaml() -> str:
    """Return Dagster's settings: the project's own, by PostgreSQL instead of SQLite if asked."""
    text = (settings.SHIPPED / "dagster.yaml").read_text()
    if not settings.postgres_url():
        return text
    if importlib.util.find_spec("dagster_postgres") is None:
        raise settings.SettingError(
            f"{settings.POSTGRES} is set, which needs the package dagster-postgres: install what "
            "is locked, by `make install`"
        )
    stated = yaml.safe_load(text)
    del stated["event_log_storage"]
    stated["storage"] = {"postgres": {"postgres_url": {"env": settings.POSTGRES}}}
    return yaml.safe_dump(stated)


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


def write_back(dagster_home: Path) -> None:
    """Take what waits in the -wal files below Dagster's home into their databases."""
    for waiting in sorted(dagster_home.rglob("*.db-wal")):
        with contextlib.closing(sqlite3.connect(str(waiting).removesuffix("-wal"))) as connection:
            connection.execute("pragma wal_checkpoint(truncate)")


def put_away_damaged(dagster_home: Path) -> Iterator[str]:
    """Rename damaged files, so that Dagster begins new ones; yield what was done."""
    for path, why in list(damaged_databases(dagster_home)):
        moment = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S")
        target = path.with_name(f"{path.name}.damaged-{moment}")
        path.replace(target)
        for beside in ("-wal", "-shm"):
            path.with_name(path.name + beside).unlink(missing_ok=True)
        yield f"{path} is damaged ({why}): it is {target.name} now, and history begins anew"
