"""Generations: what readers see of a source is whole, or it stays as it was.

A generation is whole when no table that a refresh computes is outdated against the others: trained
tables and ledgers apart, which do not follow from the landed files alone. The snapshot of a source
moves from one whole generation to the next. A run that was killed, blocked by a check or made of
one asset leaves it where it is until what is missing is there; until then it is said what is
waited for.

Also what belongs to a source as a whole and is no table: what the ingest last saw of the landing
folder, why a generation is held back, and what the verification and the report were made from. What
a refresh has to do follows from all of it.
"""

import contextlib
import datetime as dt
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from customer_assets import settings
from customer_assets.ingest import (
    day_checksums,
    read_accepted,
    remember_accepted,
    staged_findings,
)
from customer_assets.pipeline import AnyPipeline, Pipeline
from customer_assets.planning import plan, ranges_text
from customer_assets.project import open_warehouse
from customer_assets.sample.files import sample_contents
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.catalog import SNAPSHOT, read_snapshot, take_snapshot
from customer_assets.warehouse.manifest import (
    STAGING,
    DamagedFileError,
    file_hash,
    finish_publishing,
    read_json,
    recover,
    write_atomically,
)
from customer_assets.warehouse.source_warehouse import SourceWarehouse
from customer_assets.warehouse.versions import description_version, digest

logger = logging.getLogger("customer_assets")

WAITING = "waiting.json"
LANDING = "landing.json"
MADE = "made.json"
# What is made from a source's tables and is none itself, in the order in which it is made.
VERIFICATION, REPORT = "verification", "report"
# What the verification compares with the events.
VERIFIED = ("sessions", "funnel_entries", "first_seen")
_CODE = {".css", ".jinja", ".js", ".py", ".sql", ".yaml"}


@dataclass(frozen=True)
class Outstanding:
    """What a refresh has to do: tables, the verification and the report among them, and the days
    of daily ones."""

    tables: frozenset[str]
    days: Sequence[dt.date]


def show(pipeline: AnyPipeline, warehouse: SourceWarehouse, now: dt.datetime) -> list[str]:
    """Let readers see what is published of a source, if that is whole.

    Returns what is waited for: tables, with the days of daily ones; nothing where readers see the
    newest. `now` is the clock of the run. The caller holds the source's writer lock.
    """
    note = warehouse.folder / WAITING
    if _is_shown(pipeline, warehouse):
        note.unlink(missing_ok=True)
        return []
    lacking = _lacking(pipeline, warehouse, now)
    if lacking:
        state = _state(pipeline, warehouse)
        write_atomically(note, json.dumps({"waits_for": lacking, "state": state}))
        logger.warning(
            "%s: published, not shown yet, waits for %s", pipeline.name, in_words(lacking)
        )
        return lacking
    take_snapshot(warehouse.folder, pipeline.tables.values())
    note.unlink(missing_ok=True)
    return []


def outstanding(pipeline: AnyPipeline, warehouse: SourceWarehouse, now: dt.datetime) -> Outstanding:
    """Return what a refresh has to do at most, once what has landed is read.

    Everything else stands: it follows from what is published, by the code and in the words of now.
    `now` is the clock of the run.
    """
    parameters, days = pipeline.parameters(now), pipeline.days(now)
    planned = {table.name: table.days for table in plan(pipeline, warehouse, parameters, days)}
    redone = {day for of_table in planned.values() for day in of_table or ()}
    # A plan says nothing of ledgers, nor of what is computed from them.
    written: set[str] = set()
    models = [m for m in pipeline.models.values() if m.name not in pipeline.training]
    for model in models:
        moving = {*planned, *written} if model.table.ledger else written
        is_outdated = model.table.ledger and warehouse.outdated(model, parameters)
        if is_outdated or not moving.isdisjoint(model.inputs):
            written.add(model.name)
    if any(pipeline.tables[name].partition_by for name in written - set(planned)):
        redone.update(days)
    reworded = {model.name for model in models if warehouse.words_moved(model.name)}
    tables = {*planned, *written, *reworded}
    is_moved = bool(tables)
    for name in _made_of(pipeline):
        if is_moved or not is_made(pipeline, warehouse, name):
            tables.add(name)
    return Outstanding(frozenset(tables), sorted(redone))


def refreshed(pipeline: AnyPipeline) -> list[str]:
    """Return what a refresh looks at once what has landed is read, in order of need."""
    models = [name for name in pipeline.models if name not in pipeline.training]
    return [*models, *_made_of(pipeline)]


def _made_of(pipeline: AnyPipeline) -> list[str]:
    return [VERIFICATION, REPORT] if pipeline.kind.has_days else [REPORT]


def is_made(pipeline: AnyPipeline, warehouse: SourceWarehouse, name: str) -> bool:
    """Say whether the verification or the report was made from what there is now."""
    with contextlib.suppress(DamagedFileError, AttributeError):
        made = (read_json(warehouse.folder / MADE) or {}).get(name)
        return bool(made == _followed(pipeline, warehouse, name))
    return False


def remember_made(pipeline: AnyPipeline, warehouse: SourceWarehouse, name: str) -> None:
    """Keep what the verification or the report was made from."""
    known: dict[str, str] = {}
    with contextlib.suppress(DamagedFileError, TypeError, ValueError):
        known = dict(read_json(warehouse.folder / MADE) or {})
    known[name] = _followed(pipeline, warehouse, name)
    write_atomically(warehouse.folder / MADE, json.dumps(known))


def _followed(pipeline: AnyPipeline, warehouse: SourceWarehouse, name: str) -> str:
    """Digest what the verification or the report follows from. Raises DamagedFileError.

    Any change of our code counts, and of what a report shows beside tables: words of the source,
    which files are samples, what is waited for. So does a page that is gone.
    """
    if name == VERIFICATION:
        compared = ("events", *(each for each in VERIFIED if each in pipeline.tables))
        of_tables = [f"{each} {warehouse.manifest(each).version}" for each in compared]
        return digest([*of_tables, pipeline.source.model_dump_json(), _code()])
    shown = as_shown(warehouse)
    of_tables = [
        f"{each} {shown.manifest(each).version} {description_version(table)}"
        for each, table in pipeline.tables.items()
    ]
    page = settings.reports_folder() / pipeline.name / "index.html"
    beside = [
        *sorted(sample_contents(settings.landing() / pipeline.name)),
        *waits_for(warehouse.folder),
        f"{page.is_file()}",
    ]
    return digest([*of_tables, pipeline.source.model_dump_json(), *beside, _code()])


def _code() -> str:
    """Digest the files of our code, and of tables of one's own."""
    folders = [Path(__file__).parent, *settings.table_roots()]
    files = (path for folder in folders for path in sorted(folder.rglob("*")))
    return digest(file_hash(path) for path in files if path.suffix in _CODE)


def hold_back(pipeline: AnyPipeline, warehouse: SourceWarehouse, reason: str) -> None:
    """Keep what is published now from being shown, until something else is published."""
    state = _state(pipeline, warehouse)
    held = {"waits_for": [reason], "state": state, "is_held": True}
    write_atomically(warehouse.folder / WAITING, json.dumps(held))


def waits_for(source_folder: Path) -> list[str]:
    """Return what the newest published tables of a source wait for before they are shown."""
    try:
        return [str(each) for each in (read_json(source_folder / WAITING) or {})["waits_for"]]
    except (DamagedFileError, KeyError, TypeError):
        return []


def in_words(waits: list[str]) -> str:
    more = f" and {len(waits) - 3} more" if len(waits) > 3 else ""
    return ", ".join(waits[:3]) + more


def accept_days(
    pipeline: Pipeline[EventLogSource],
    warehouse: SourceWarehouse,
    days: Sequence[dt.date],
    now: dt.datetime,
) -> None:
    """Let days through that stand out, as long as their rows stay what they are.

    The caller holds the source's writer lock.
    """
    connection, folder = warehouse.engine.connection, warehouse.folder
    files = warehouse.relation("day_counts").files
    rows = day_checksums(connection, files)
    told = {day: rows[day] for day in days if day in rows}
    remember_accepted(folder, read_accepted(folder) | told)
    staged, released = staged_findings(
        connection, pipeline.source, files, folder, folder / STAGING, warehouse.tables, now
    )
    warehouse.publish_as_one(staged, {"held_days": released}, ["day_findings", "held_days"])


def open_source(warehouse: SourceWarehouse, pipeline: AnyPipeline) -> None:
    """Make a source fit to be written: finish what a killed run began, leave damage out.

    The caller holds the source's writer lock.
    """
    finish_publishing(warehouse.folder)
    for damage in recover(warehouse.store(name) for name in pipeline.tables):
        logger.warning("%s: what follows from landed files is computed again", damage)


@contextlib.contextmanager
def open_shown(pipeline: AnyPipeline) -> Iterator[SourceWarehouse]:
    """Open a source's tables as its readers see them. Takes no lock.

    Raises DamagedFileError.
    """
    with open_warehouse(pipeline) as warehouse:
        yield as_shown(warehouse)


def as_shown(warehouse: SourceWarehouse) -> SourceWarehouse:
    """Return a source's tables as its readers see them. Raises DamagedFileError."""
    shown = {name: manifest for name, (_, manifest) in read_snapshot(warehouse.folder).items()}
    return replace(warehouse, shown=shown)


def remember_landing(source_folder: Path, fingerprint: str) -> None:
    """Keep what the ingest saw of the landing folder, once its tables are published."""
    write_atomically(source_folder / LANDING, json.dumps({"fingerprint": fingerprint}))


def ingested_landing(source_folder: Path) -> str:
    """Return the fingerprint of the landing folder that the last ingest took in; "" if none."""
    try:
        return str((read_json(source_folder / LANDING) or {}).get("fingerprint", ""))
    except (DamagedFileError, AttributeError):
        return ""


def _is_shown(pipeline: AnyPipeline, warehouse: SourceWarehouse) -> bool:
    try:
        shown = read_snapshot(warehouse.folder)
    except DamagedFileError as error:
        logger.warning("%s; it is taken again", error)
        return False
    published = {
        name: (table, manifest)
        for name, table in pipeline.tables.items()
        if (manifest := warehouse.manifest(name)).version
    }
    return (warehouse.folder / SNAPSHOT).is_file() and published == dict(shown)


def _lacking(pipeline: AnyPipeline, warehouse: SourceWarehouse, now: dt.datetime) -> list[str]:
    with contextlib.suppress(DamagedFileError, AttributeError):
        note = read_json(warehouse.folder / WAITING) or {}
        if note.get("is_held") and note["state"] == _state(pipeline, warehouse):
            return [str(each) for each in note["waits_for"]]
    # Days that no table has are not begun: they are no part of the generation.
    days = {
        dt.date.fromisoformat(day)
        for name in pipeline.models
        if pipeline.tables[name].partition_by is not None
        for day in warehouse.manifest(name).days()
    }
    planned = plan(pipeline, warehouse, pipeline.parameters(now), sorted(days))
    reworded = [
        f"the words of {name}"
        for name in pipeline.tables
        if warehouse.manifest(name).version and warehouse.words_moved(name)
    ]
    return [
        *(f"{t.name} {ranges_text(t.days)}" if t.days else t.name for t in planned),
        *reworded,
    ]


def _state(pipeline: AnyPipeline, warehouse: SourceWarehouse) -> str:
    return digest(f"{name}={warehouse.manifest(name).content_hash}" for name in pipeline.tables)
