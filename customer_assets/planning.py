"""What a change will cost before it runs: the exact partitions to redo, and the rows to read.

A partition is redone if its code or the content of what it reads changed, or will: what is
about to be redone counts as changed for everything after it. So the plan is an upper bound: a
partition that is redone to equal rows redoes nothing after it. Ledgers are no part of it: they
are written on, never redone; nor is training, which a refresh leaves alone. Nothing here
publishes.
"""

import datetime as dt
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from customer_assets import settings
from customer_assets.pipeline import AnyPipeline
from customer_assets.project import open_warehouse, read_pipeline
from customer_assets.warehouse.days import chunks
from customer_assets.warehouse.model import Model
from customer_assets.warehouse.source_warehouse import SourceWarehouse

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class PlannedTable:
    """A table to redo: its days (None where it is not partitioned) and the rows it will read.

    `is_first`: it was never published, so what follows reads a guessed number of its rows. `why`:
    what of its definition is not what it was computed by, by file and function.
    """

    name: str
    days: list[dt.date] | None
    rows_read: int
    is_first: bool
    why: Sequence[str] = ()


@dataclass(frozen=True)
class Landed:
    """Raw rows as they will be once what has landed is read.

    `days`: rows of the days of `raw_events` that change; `tables`: rows of the other raw tables
    that do.
    """

    days: Mapping[dt.date, int] = field(default_factory=dict)
    tables: Mapping[str, int] = field(default_factory=dict)


def plan(
    pipeline: AnyPipeline,
    warehouse: SourceWarehouse,
    parameters: Mapping[str, Any],
    days: Sequence[dt.date],
    landed: Landed | None = None,
) -> list[PlannedTable]:
    """Return the tables to redo, in order.

    `days` are the days that the log may have, in order; a customer table has none.
    """
    landed = landed or Landed()
    sizes = _Sizes(pipeline, warehouse, landed)
    changed: dict[str, Collection[dt.date] | None] = dict.fromkeys(landed.tables)
    if landed.days:
        changed["raw_events"] = landed.days
    planned = []
    published = {name for name in pipeline.models if warehouse.manifest(name).version}
    for model in pipeline.models.values():
        table = pipeline.tables[model.name]
        redone: list[dt.date] | None = None
        if table.ledger or model.name in pipeline.training:
            continue
        if table.partition_by is not None:
            redone = _days_to_redo(model, warehouse, parameters, days, changed)
            if not redone:
                continue
        elif changed.keys().isdisjoint(model.inputs) and not warehouse.outdated(model, parameters):
            continue
        why = warehouse.moved_parts(model, parameters) if model.name in published else []
        changed[model.name] = redone
        is_first = model.name not in published
        rows = sizes.rows_read(model, parameters, redone)
        sizes.foresee(model, redone)
        planned.append(PlannedTable(model.name, redone, rows, is_first, why))
    return planned


def _days_to_redo(
    model: Model,
    warehouse: SourceWarehouse,
    parameters: Mapping[str, Any],
    days: Sequence[dt.date],
    changed: Mapping[str, Collection[dt.date] | None],
) -> list[dt.date]:
    outdated = set(warehouse.outdated(model, parameters, days))
    touched = {day for day in days if day.isoformat() in outdated}
    for name in model.inputs:
        if name not in changed:
            continue
        of_input = changed[name]
        if of_input is None:
            return list(days)
        moved = set(of_input)
        read = warehouse.days.each(model, name, days, parameters)
        touched.update(day for day, near in read.items() if not moved.isdisjoint(near))
    return sorted(touched)


class _Sizes:
    """Rows by table and day: as published, or as they are expected to become."""

    def __init__(self, pipeline: AnyPipeline, warehouse: SourceWarehouse, landed: Landed) -> None:
        self._warehouse = warehouse
        self._by_day: dict[str, dict[dt.date, int]] = {}
        self._whole: dict[str, int] = {}
        for name, table in pipeline.tables.items():
            manifest = warehouse.manifest(name)
            if table.partition_by is None:
                self._whole[name] = manifest.rows
            else:
                self._by_day[name] = {
                    dt.date.fromisoformat(day): sum(piece.rows for piece in pieces)
                    for day, pieces in manifest.days().items()
                }
        self._published = {name: dict(sizes) for name, sizes in self._by_day.items()}
        self._whole.update(landed.tables)
        if landed.days:
            self._by_day["raw_events"].update(landed.days)

    def rows_read(
        self, model: Model, parameters: Mapping[str, Any], days: Sequence[dt.date] | None
    ) -> int:
        """Return the rows of all chunks: each reads the days around it and all that is whole."""
        if days is None:
            return sum(self._total(name) for name in model.inputs)
        rows = 0
        for chunk in self._chunks(model, days):
            for name in model.inputs:
                if name in self._whole:
                    rows += self._whole[name]
                    continue
                near = self._warehouse.days.read(model, name, chunk, parameters)
                rows += sum(self._by_day[name].get(day, 0) for day in near)
        return rows

    def foresee(self, model: Model, days: Sequence[dt.date] | None) -> None:
        """Expect a redone day to grow as its input does, a new one to be like the others."""
        daily = [name for name in model.inputs if name in self._by_day]
        if days is None or not daily:
            return
        largest = max(daily, key=self._total)
        before, after = self._published[largest], self._by_day[largest]
        mine = self._published[model.name]
        total = sum(before.get(day, 0) for day in mine)
        usual = sum(mine.values()) / total if total else 1.0
        for day in days:
            ratio = mine[day] / before[day] if mine.get(day) and before.get(day) else usual
            self._by_day[model.name][day] = round(after.get(day, 0) * ratio)

    def _total(self, name: str) -> int:
        return self._whole[name] if name in self._whole else sum(self._by_day[name].values())

    def _chunks(self, model: Model, days: Sequence[dt.date]) -> list[list[dt.date]]:
        daily = [name for name in model.inputs if name in self._by_day]
        largest = self._by_day[max(daily, key=self._total)] if daily else {}
        return chunks(model, days, largest, self._warehouse.chunk_rows)


def plan_lines(
    source_name: str, days: list[dt.date] | None, tell: Callable[[str], None]
) -> list[str]:
    """Return in lines what the next run over a source would redo and read.

    Foresees the files that have landed since the last run or, where `days` are given, acts as
    if just those days had changed. `tell` is told of each file that is read for that. Raises
    UnknownSourceError, LandingError, and ValueError where the source is wrong or has no days.
    """
    pipeline = read_pipeline(source_name)
    now = dt.datetime.now(dt.UTC)
    if days is not None:
        check_days(pipeline, days, now)
    with open_warehouse(pipeline) as warehouse:
        if days is None:
            folder = settings.landing() / source_name
            landed = read_landed(pipeline, warehouse, folder, now, tell)
        else:
            landed = as_if_changed(warehouse, days)
        planned = plan(pipeline, warehouse, pipeline.parameters(now), pipeline.days(now), landed)
        reworded = [
            name
            for name in pipeline.tables
            if warehouse.manifest(name).version and warehouse.words_moved(name)
        ]
    return _lines(source_name, landed, planned, reworded)


def check_days(pipeline: AnyPipeline, days: Sequence[dt.date], now: dt.datetime) -> None:
    """Raise ValueError where a source has not these successive days, or none that is over."""
    if not pipeline.kind.has_days:
        raise ValueError(f"{pipeline.name} has no days: leave --days out")
    known = pipeline.days(now)
    if not known:
        raise ValueError(f"no day of {pipeline.name} is over yet: leave --days out")
    if days[0] < known[0] or days[-1] > known[-1]:
        raise ValueError(
            f"--days are of {known[0]}...{known[-1]}, the days of the log that are over"
        )


def read_landed(
    pipeline: AnyPipeline,
    warehouse: SourceWarehouse,
    landing_folder: Path,
    now: dt.datetime,
    tell: Callable[[str], None],
) -> Landed:
    """Read what a landing folder has new, count it, and leave no trace.

    Takes no lock: it stages in a folder of its own. Raises LandingError where the ingest would.
    """
    settings.spill_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="plan-", dir=settings.spill_folder()) as staging:
        prepared = pipeline.kind.prepare(
            warehouse.engine.connection,
            pipeline.name,
            pipeline.source,
            landing_folder,
            warehouse.folder,
            now=now,
            run_id="plan",
            tell=tell,
            staging=Path(staging),
        )
        rows_by_day: dict[dt.date, int] = {}
        tables = {}
        for name in {**prepared.staged, **prepared.withdrawn}:
            rows = {key: piece.rows for key, piece in warehouse.manifest(name).pieces.items()}
            for key in prepared.withdrawn.get(name, ()):
                rows.pop(key, None)
            for key, piece in prepared.staged.get(name, {}).items():
                rows[key] = piece.rows
            if warehouse.tables[name].partition_by is not None and name != "raw_events":
                # A day that is held, or is so no more, is dirty.
                continue
            if name != "raw_events":
                tables[name] = sum(rows.values())
                continue
            rows_by_day = dict.fromkeys(prepared.dirty_days, 0)
            for key, count in rows.items():
                day = dt.date.fromisoformat(key.split("/")[0])
                if day in rows_by_day:
                    rows_by_day[day] += count
    return Landed(rows_by_day, tables)


def as_if_changed(warehouse: SourceWarehouse, days: Iterable[dt.date]) -> Landed:
    """Return the raw rows of some days as if they had changed and were as many as before.

    Raises ValueError for a customer table, which has no days.
    """
    if "raw_events" not in warehouse.tables:
        raise ValueError(f"{warehouse.folder.name} is a customer table: it has no days")
    published = warehouse.manifest("raw_events").days()
    rows = {d: sum(piece.rows for piece in published.get(d.isoformat(), [])) for d in days}
    return Landed(rows)


def successive(days: Iterable[dt.date]) -> list[list[dt.date]]:
    """Split sorted days into runs without a gap."""
    runs: list[list[dt.date]] = []
    for day in days:
        if not runs or day - runs[-1][-1] > _DAY:
            runs.append([])
        runs[-1].append(day)
    return runs


def ranges_text(days: Iterable[dt.date]) -> str:
    """Return sorted days as `2017-11-25, 2017-11-27...2017-11-30`."""
    return ", ".join(
        f"{run[0]}...{run[-1]}" if len(run) > 1 else str(run[0]) for run in successive(days)
    )


def _lines(
    name: str, landed: Landed, planned: Sequence[PlannedTable], reworded: Sequence[str]
) -> list[str]:
    lines = []
    if landed.days:
        lines.append(f"{name}: raw rows change on {ranges_text(sorted(landed.days))}")
    if reworded:
        lines.append(
            f"{name}: words, owner or checks moved, so these are audited and described anew, "
            f"without a row redone: {', '.join(reworded)}"
        )
    if not planned:
        return [*lines, *([] if reworded else [f"{name}: nothing to do"])]
    tables_by_cause: dict[str, list[str]] = {}
    for table in planned:
        for cause in table.why:
            tables_by_cause.setdefault(cause, []).append(table.name)
    lines += [f"{name}: {cause} moved: {', '.join(t)}" for cause, t in tables_by_cause.items()]
    width = max(len(table.name) for table in planned)
    lines.append(f"{'table':{width}} {'partitions':>10} {'rows to read':>15}  which")
    for table in planned:
        count = 1 if table.days is None else len(table.days)
        which = "all of it" if table.days is None else ranges_text(table.days)
        lines.append(f"{table.name:{width}} {count:>10,} {table.rows_read:>15,}  {which}")
    partitions = sum(1 if table.days is None else len(table.days) for table in planned)
    rows = sum(table.rows_read for table in planned)
    lines.append(f"{'total':{width}} {partitions:>10,} {rows:>15,}")
    first = [table.name for table in planned if table.is_first]
    if first:
        lines.append(f"never published, so that the rows they will have are a guess: {len(first)}")
    return lines
