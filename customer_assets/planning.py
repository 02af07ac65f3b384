"""What a change will cost before it runs: the exact partitions to redo, and the rows to read.

A partition is redone if its code or the content of what it reads changed, or will: what is
about to be redone counts as changed for everything after it.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from customer_assets.pipeline import Pipeline
from customer_assets.warehouse.source_warehouse import Model, SourceWarehouse


@dataclass(frozen=True)
class PlannedTable:
    """A table to redo: its days (None where it is not partitioned) and the rows it will read."""

    name: str
    days: list[dt.date] | None
    rows_read: int


def plan(
    pipeline: Pipeline,
    warehouse: SourceWarehouse,
    parameters: Mapping[str, Any],
    days: Sequence[dt.date],
    landed: Mapping[dt.date, int] | None = None,
) -> list[PlannedTable]:
    """Return the tables to redo, in order.

    `days` are the days that the log may have; `landed` gives, for the days whose raw rows are
    about to change, how many rows each will hold.
    """
    sizes = _Sizes(pipeline, warehouse, landed or {})
    changed: dict[str, set[dt.date] | None] = {"raw_events": set(landed or {})} if landed else {}
    planned = []
    for model in pipeline.models.values():
        is_daily = pipeline.tables[model.name].partition_by is not None
        if is_daily:
            redone = _days_to_redo(model, pipeline, warehouse, parameters, days, changed)
            if not redone:
                continue
            changed[model.name] = set(redone)
        else:
            if not changed.keys() & set(model.inputs) and not warehouse.outdated(model, parameters):
                continue
            redone = None
            changed[model.name] = None
        rows = sizes.rows_read(model, parameters, redone)
        sizes.predict(model, redone)
        planned.append(PlannedTable(model.name, redone, rows))
    return planned


def _days_to_redo(
    model: Model,
    pipeline: Pipeline,
    warehouse: SourceWarehouse,
    parameters: Mapping[str, Any],
    days: Sequence[dt.date],
    changed: Mapping[str, set[dt.date] | None],
) -> list[dt.date]:
    outdated = set(warehouse.outdated(model, parameters, days))
    touched = []
    for day in days:
        is_touched = day.isoformat() in outdated
        for name in model.inputs:
            if is_touched or name not in changed:
                continue
            of_input = changed[name]
            is_touched = of_input is None or not of_input.isdisjoint(
                warehouse.days_read(model, name, [day], parameters)
            )
        if is_touched:
            touched.append(day)
    return touched


class _Sizes:
    """Rows by table and day: as published, or as they are expected to become."""

    def __init__(
        self, pipeline: Pipeline, warehouse: SourceWarehouse, landed: Mapping[dt.date, int]
    ) -> None:
        self._warehouse = warehouse
        self._pipeline = pipeline
        self._by_day = {
            name: {
                dt.date.fromisoformat(day): sum(piece.rows for piece in pieces)
                for day, pieces in warehouse.manifest(name).days().items()
            }
            for name, table in pipeline.tables.items()
            if table.partition_by is not None
        }
        self._whole = {
            name: warehouse.manifest(name).rows
            for name, table in pipeline.tables.items()
            if table.partition_by is None
        }
        self._published = {name: dict(sizes) for name, sizes in self._by_day.items()}
        self._by_day["raw_events"].update(landed)

    def rows_read(
        self, model: Model, parameters: Mapping[str, Any], days: Sequence[dt.date] | None
    ) -> int:
        rows = 0
        for name in model.inputs:
            if name in self._whole:
                rows += self._whole[name]
            elif days is None:
                rows += sum(self._by_day[name].values())
            else:
                near = self._warehouse.days_read(model, name, days, parameters)
                rows += sum(self._by_day[name].get(day, 0) for day in near)
        return rows

    def predict(self, model: Model, days: Sequence[dt.date] | None) -> None:
        """Expect a redone day to grow as its input does, a new one to be like the others."""
        daily = [name for name in model.inputs if name in self._by_day]
        if days is None or not daily:
            return
        before, after = self._published[daily[0]], self._by_day[daily[0]]
        mine = self._published[model.name]
        total = sum(before.get(day, 0) for day in mine)
        usual = sum(mine.values()) / total if total else 1.0
        for day in days:
            ratio = mine[day] / before[day] if mine.get(day) and before.get(day) else usual
            self._by_day[model.name][day] = round(after.get(day, 0) * ratio)
