"""The command `doctor`: looks at the installation and the home, says what is wrong and what to do.

Looks only; `mend` puts right what no run would. A finding is a problem where something will fail
or is not as readers think it is; anything else worth knowing is a note.
"""

import contextlib
import datetime as dt
import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from customer_assets import settings
from customer_assets.generation import in_words, waits_for
from customer_assets.history import dagster_yaml, damaged_databases
from customer_assets.warehouse.catalog import read_snapshot, snapshot_relations
from customer_assets.warehouse.connection import connect
from customer_assets.warehouse.lock import lock_holder
from customer_assets.warehouse.manifest import (
    HISTORY,
    STAGING,
    DamagedFileError,
    TableStore,
    manifest_files,
    read_manifest,
)

_PYTHONS = ((3, 11), (3, 13))
# What the project itself names, with the pins that were measured (pyproject.toml).
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)(?:\s*;\s*(.*?))?\s*\\?$")


@dataclass(frozen=True)
class Finding:
    """Something that was looked at; `remedy` is empty where all is well."""

    subject: str
    text: str
    remedy: str = ""
    is_problem: bool = False


def examine(deep: bool = False) -> Iterator[Finding]:
    """Yield what is found about Python, packages, folders, disk, runs and published tables."""
    looks: dict[str, Callable[[], Iterable[Finding]]] = {
        "Python": lambda: [_python()],
        "Packages": _packages,
        "Settings": _settings,
        "Folders": _folders,
        "Sources": _sources,
        "Dagster": _dagster,
        "Warehouse": lambda: _warehouse(deep),
    }
    for subject, look in looks.items():
        try:
            yield from look()
        # Whatever a look meets, the others are worth having.
        except Exception as error:
            text = f"could not be looked at: {type(error).__name__}: {error}"
            yield Finding(subject, text.splitlines()[0], "mend that file or folder first", True)


def mend() -> Iterator[str]:
    """Yield what was put right: runs of dead processes, history that nobody can read."""
    import dagster as dg

    from customer_assets.components.liveness import report_gone_runs
    from customer_assets.history import prepare_dagster_home, put_away_damaged

    yield from put_away_damaged(prepare_dagster_home())
    with dg.DagsterInstance.get() as instance:
        for run_id in report_gone_runs(instance):
            yield f"run {run_id} is reported as failed: its process is gone"


def _settings() -> Iterator[Finding]:
    try:
        limits = settings.duckdb_limits()
    except settings.SettingError as error:
        yield Finding("Settings", str(error), "set it right, or unset it", True)
        return
    yield Finding("Settings", f"{limits['memory_limit']} of memory, {limits['threads']} threads")


def _python() -> Finding:
    version = sys.version_info[:2]
    text = f"{sys.version.split()[0]} in {sys.prefix}"
    if not _PYTHONS[0] <= version <= _PYTHONS[1]:
        return Finding("Python", text, "use Python 3.11, 3.12 or 3.13 and run `make` again", True)
    return Finding("Python", text)


def _packages() -> Iterator[Finding]:
    lock = settings.PROJECT_ROOT / "requirements.lock"
    if settings.IS_WHEEL:
        yield Finding("Packages", f"customer_assets {metadata.version('customer_assets')}")
        return
    if not lock.is_file():
        yield Finding(
            "Packages", "requirements.lock is missing", "check out the project again", True
        )
        return
    wrong, n_checked = [], 0
    for name, wanted in _locked(lock):
        n_checked += 1
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} {wanted} is missing")
            continue
        if found != wanted:
            wrong.append(f"{name} is {found}, the lock says {wanted}")
    if wrong:
        more = f" and {len(wrong) - 8} more" if len(wrong) > 8 else ""
        text = "; ".join(wrong[:8]) + more
        yield Finding("Packages", text, "run `.ci/install` to install what is locked", True)
    else:
        yield Finding("Packages", f"{n_checked} as locked")


def _locked(lock: Path) -> Iterator[tuple[str, str]]:
    """Yield the packages of the lock that belong on this machine, with their versions."""
    from packaging.markers import Marker

    for line in lock.read_text().splitlines():
        match = _PIN.match(line)
        if match and (not match[3] or Marker(match[3].rstrip(" \\")).evaluate()):
            yield match[1], match[2]


def _folders() -> Iterator[Finding]:
    for subject, folder in (("Home", settings.home()), ("Spill folder", settings.spill_folder())):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        if not os.access(there, os.W_OK):
            yield Finding(subject, f"{folder} cannot be written", f"chown or chmod {there}", True)
            continue
        free = shutil.disk_usage(there).free
        text = f"{folder}, {free // 1_000_000:,} MB free"
        if free < settings.disk_reserve():
            remedy = "free some space, or set CUSTOMER_ASSETS_HOME to a folder on another disk"
            yield Finding(subject, text, remedy, True)
        else:
            yield Finding(subject, text)


def _sources() -> Iterator[Finding]:
    from customer_assets.ingest.landing import LandingError, list_files
    from customer_assets.project import read_pipeline, source_names

    for name in source_names():
        subject = f"Source {name}"
        try:
            source = read_pipeline(name).source
        except ValueError as error:
            text = str(error).splitlines()[0]
            yield Finding(subject, text, "`.venv/bin/dg check defs` names the line", True)
            continue
        folder = settings.landing() / name
        try:
            entries = list_files(folder, source.patterns, dt.datetime.now(dt.UTC))
        except LandingError as error:
            remedy = "put files there; `customer-assets demo` writes samples into the default one"
            yield Finding(subject, str(error).split(":")[0], remedy)
            continue
        faulty = [f"{entry.file}: {entry.fault}" for entry in entries if entry.fault]
        if faulty:
            yield Finding(subject, "; ".join(faulty[:5]), "mend or remove these files", True)
        elif not entries:
            expected = ", ".join(source.patterns)
            yield Finding(subject, f"no file in {folder}", f"it looks for {expected}")
        else:
            waiting = sum(entry.waiting is not None for entry in entries)
            text = f"{len(entries):,} landed files"
            yield Finding(subject, text + (f", {waiting} still being written" if waiting else ""))


def _dagster() -> Iterator[Finding]:
    home = settings.dagster_home()
    named = os.environ.get("DAGSTER_HOME")
    if named and Path(named).resolve() != home:
        remedy = f"unset DAGSTER_HOME, or set it to {home}: the UI shows another history now"
        yield Finding("Dagster", f"DAGSTER_HOME is {named}", remedy, True)
    theirs = home / "dagster.yaml"
    if not theirs.is_file():
        yield Finding("Dagster", f"{home} is not there yet", "`customer-assets dev` makes it")
        return
    if theirs.read_text() != dagster_yaml():
        remedy = "`customer-assets dev` puts the project's own there; change that one"
        yield Finding("Dagster", f"{theirs} is not the project's dagster.yaml", remedy, True)
        return
    if damaged := list(damaged_databases(home)):
        for database, why in damaged:
            remedy = "`python -m customer_assets doctor --mend` puts it away; only history is lost"
            yield Finding("Dagster", f"{database} is damaged: {why}", remedy, True)
        return
    unfinished = _unfinished_runs(home)
    if unfinished:
        remedy = "if none is running now they were killed: `doctor --mend` reports them as failed"
        text = f"{unfinished} runs are said to be under way"
        yield Finding("Dagster", text, remedy)
    else:
        yield Finding("Dagster", f"history in {home}, no run under way")


def _unfinished_runs(home: Path) -> int:
    database = home / "history" / "runs.db"
    if not database.is_file():
        return 0
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        (count,) = connection.execute(
            "select count(*) from runs where status in ('STARTED', 'STARTING', 'CANCELING')"
        ).fetchone()
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()
    return int(count)


def _warehouse(deep: bool) -> Iterator[Finding]:
    folder = settings.warehouse_folder()
    sources = sorted(path for path in folder.glob("*") if path.is_dir())
    if not sources:
        yield Finding("Warehouse", "nothing is published yet", "run `customer-assets demo`")
        return
    for source in sources:
        yield from _tables(source, deep)
    yield from _catalog(sources)


def _tables(source: Path, deep: bool) -> Iterator[Finding]:
    subject = f"Warehouse {source.name}"
    if holder := lock_holder(source):
        yield Finding(subject, f"{holder} is writing", "wait for it, or end that process")
        return
    n_wrong, published = 0, {}
    refresh = f"refresh {source.name}: what follows from landed files is computed again"
    for folder in sorted(path for path in source.iterdir() if path.is_dir()):
        for path in manifest_files(folder):
            try:
                read_manifest(path)
            except DamagedFileError as error:
                n_wrong += 1
                stands = f"{refresh}; until then the newest good one of {folder / HISTORY} stands"
                yield Finding(subject, str(error), stands, True)
        manifest = TableStore(folder).manifest()
        if manifest.version:
            published[folder.name] = manifest
        for piece in manifest.pieces.values():
            if why := piece.damage(folder, deep):
                n_wrong += 1
                path = piece.file(folder)
                remedy = f"restore it from a backup, or remove it and {refresh}"
                yield Finding(subject, f"{path}: {why}", remedy, True)
    staged = list((source / STAGING).rglob("*")) if (source / STAGING).is_dir() else []
    left = [path for path in staged if path.is_file()]
    if left:
        text = f"{len(left)} files of a killed run in {source / STAGING}"
        yield Finding(subject, text, "the next run clears them once they are an hour old")
    try:
        shown = {name: manifest for name, (_, manifest) in read_snapshot(source).items()}
    except DamagedFileError as error:
        yield Finding(subject, str(error), f"run any job of {source.name}: it is taken again", True)
        return
    newer = [name for name, manifest in published.items() if shown.get(name) != manifest]
    if newer:
        waits = in_words(waits_for(source)) or "the end of a run"
        text = f"published, not shown yet: {', '.join(newer)}"
        yield Finding(subject, text, f"it waits for {waits}: refresh {source.name}")
    if not (n_wrong or left or newer):
        text = f"{len(published)} tables, all files there, readers see the newest"
        yield Finding(subject, text)


def _catalog(sources: list[Path]) -> Iterator[Finding]:
    """Compare the views of the catalog with the snapshots that it is made from."""
    import duckdb

    file = settings.catalog_file()
    remedy = "run any job of the source: it is built anew at the end"
    if not file.is_file():
        yield Finding("Catalog", f"{file} is not there", remedy, True)
        return
    try:
        with connect(database=file, read_only=True) as connection:
            views = {
                (schema, name): str(sql)
                for schema, name, sql in connection.execute(
                    "select schema_name, view_name, sql from duckdb_views() where not internal"
                ).fetchall()
            }
    except duckdb.Error as error:
        locked = "lock" in str(error).lower()
        yield Finding(
            "Catalog",
            f"{file} cannot be opened: {str(error).splitlines()[0]}",
            "a client holds it open for writing; open it read-only" if locked else remedy,
            True,
        )
        return
    behind = []
    for source in sources:
        with contextlib.suppress(DamagedFileError):
            for relation in snapshot_relations(source):
                sql = views.get((source.name, relation.table.name))
                if sql is None or not all(str(path) in sql for path in relation.files):
                    behind.append(f"{source.name}.{relation.table.name}")
    if behind:
        yield Finding("Catalog", f"it is behind for {', '.join(behind[:8])}", remedy, True)
        return
    yield Finding("Catalog", f"{file}, {len(views)} views, in step with what is published")
