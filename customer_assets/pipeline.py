"""Which tables a source has, and what they are told: configuration joined with models.

The one place that knows both `sources` and `warehouse`. No Dagster: the components turn a
pipeline into assets, the tests run it as it is.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from customer_assets import ingest, settings
from customer_assets.segments import kmeans
from customer_assets.sources import EventLogSource, parse_duration
from customer_assets.warehouse.engine import DuckDBEngine
from customer_assets.warehouse.source_warehouse import Model, PythonModel, SourceWarehouse
from customer_assets.warehouse.sql_model import SqlModel, SqlModelError, read_models
from customer_assets.warehouse.table import Column, Table

PYTHON_MODELS: tuple[PythonModel, ...] = (kmeans.CUSTOMER_SEGMENTS,)


@dataclass(frozen=True)
class Pipeline:
    """The tables of one event log: those the ingest fills, then models in order of need."""

    name: str
    source: EventLogSource
    raw_tables: Mapping[str, Table]
    models: Mapping[str, Model]
    tables: Mapping[str, Table]

    def parameters(self, now: dt.datetime) -> dict[str, Any]:
        """Return what the SQL may ask for, by name."""
        source = self.source
        return {
            "purchase_event": source.purchase_event,
            "return_event": source.return_event,
            "view_event": source.view_event,
            "keep_duplicates": source.duplicates == "keep",
            "session_timeout_us": parse_duration(source.session_timeout) * 1_000_000,
            "horizon_us": parse_duration(source.horizon) * 1_000_000,
            "segment_names": source.segments.names,
            "random_state": source.segments.random_state,
            "last_complete_day": source.last_complete_day(now).isoformat(),
        }

    def warehouse(self, warehouse_folder: Path, engine: DuckDBEngine) -> SourceWarehouse:
        return SourceWarehouse(warehouse_folder / self.name, engine, self.tables)

    def downstream(self, name: str) -> list[str]:
        """Return the models that depend on a table, in order of need."""
        reached = {name}
        for model in self.models.values():
            if reached.intersection(model.inputs):
                reached.add(model.name)
        return [model for model in self.models if model in reached]


def event_log_pipeline(name: str, source: EventLogSource, sql_root: Path | None = None) -> Pipeline:
    """Return the pipeline of an event log.

    A model is part of it if the source offers what it requires and has all of its inputs.
    Raises SqlModelError where a model reads a table that no file describes.
    """
    raw_tables = ingest.tables(source)
    found: dict[str, Model] = dict(read_models(sql_root or settings.SQL_ROOT, name))
    found |= {model.name: model for model in PYTHON_MODELS}
    described = {*raw_tables, *found}
    for model in found.values():
        unknown = set(model.inputs) - described
        if unknown and isinstance(model, SqlModel):
            raise SqlModelError(f"{model.path}:1: no table is named {', '.join(sorted(unknown))}")
    order = TopologicalSorter({n: m.inputs for n, m in found.items()}).static_order()

    offered = source.capabilities()
    models: dict[str, Model] = {}
    tables = dict(raw_tables)
    for table_name in order:
        model = found.get(table_name)
        if model is None or not set(model.inputs) <= set(tables):
            continue
        if isinstance(model, SqlModel) and not model.requires <= offered:
            continue
        models[table_name] = model
        tables[table_name] = _table_for(model, source)
    return Pipeline(name, source, raw_tables, models, tables)


def _table_for(model: Model, source: EventLogSource) -> Table:
    table = model.table
    if isinstance(model, SqlModel) and model.attributes:
        flags = {
            f"is_{rule.name}": Column(
                type="boolean", description=rule.description or rule.condition
            )
            for rule in source.rules
            if rule.action == "flag" and rule.enabled
        }
        own = {
            name: Column(type=kind, description=f"The source's own attribute {name}.")
            for name, kind in source.attribute_types().items()
        }
        columns = dict(table.columns)
        source_file = columns.pop("source_file")
        columns |= own | flags | {"source_file": source_file}
        # Rows that differ in an attribute alone are different events.
        key = [c for c in table.key if c != "occurrence"] + [*own, "occurrence"]
        table = table.model_copy(update={"columns": columns, "key": key})
    return table.with_source_types(source.source_types())
