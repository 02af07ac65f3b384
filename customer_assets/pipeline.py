"""Which tables a source has, and what they are told: configuration joined with models.

The one place that knows both `sources` and `warehouse`. No Dagster: the components turn a
pipeline into assets, the tests run it as it is.
"""

import datetime as dt
import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Generic, TypeVar

from customer_assets import customer_tables, ingest, settings
from customer_assets.advice import actions, campaign
from customer_assets.behavior import funnel, succession
from customer_assets.behavior.parameters import parameters as behavior_parameters
from customer_assets.behavior.windows import window_end_day
from customer_assets.learning import FORESIGHT, SCORING, TRAINING, leakage
from customer_assets.learning.store import ModelStore
from customer_assets.reports.history import HEADLINE_HISTORY
from customer_assets.segments import identity, kmeans, profile, rfem, rules, stability
from customer_assets.segments.known_customers import known_types, measure_types
from customer_assets.segments.parameters import parameters as segment_parameters
from customer_assets.segments.parameters import question_names
from customer_assets.sources import CustomerTableSource, EventLogSource, parse_duration
from customer_assets.warehouse.engine import DuckDBEngine
from customer_assets.warehouse.manifest import digest
from customer_assets.warehouse.quoting import quoted
from customer_assets.warehouse.source_warehouse import Model, PythonModel, SourceWarehouse
from customer_assets.warehouse.sql_model import (
    Neighbours,
    SqlModel,
    SqlModelError,
    read_models,
)
from customer_assets.warehouse.table import Column, Table

PYTHON_MODELS: tuple[PythonModel, ...] = (
    *TRAINING,
    *SCORING,
    *FORESIGHT,
    kmeans.CUSTOMER_SEGMENTS,
    kmeans.SEGMENT_CHOICE,
    stability.SEGMENT_STABILITY,
    rules.RULE_SEGMENTS,
    rules.SEGMENT_RULES,
    profile.SEGMENT_PROFILE,
    profile.SEGMENT_MEASURES,
    profile.SEGMENT_ATTRIBUTES,
    identity.SEGMENT_MEMBERS,
    identity.SEGMENT_MOVES,
    actions.SEGMENT_ACTIONS,
    campaign.CAMPAIGN_ECONOMICS,
    HEADLINE_HISTORY,
)


SourceT = TypeVar("SourceT", bound=EventLogSource | CustomerTableSource)


@dataclass(frozen=True)
class Pipeline(Generic[SourceT]):
    """The tables of one source: those the ingest fills, then models in order of need."""

    name: str
    source: SourceT
    raw_tables: Mapping[str, Table]
    models: Mapping[str, Model]
    tables: Mapping[str, Table]

    def parameters(self, now: dt.datetime) -> dict[str, Any]:
        """Return what the SQL may ask for, by name."""
        source = self.source
        of_both_kinds = segment_parameters(source) | {
            "questions": source.questions,
            "model_store": ModelStore(settings.models_folder() / self.name),
            "definition_versions": self.definition_versions,
        }
        if isinstance(source, CustomerTableSource):
            return of_both_kinds
        return (
            of_both_kinds
            | behavior_parameters(source, source.last_complete_day(now))
            | {
                "return_event": source.return_event,
                "keep_duplicates": source.duplicates == "keep",
                "horizon_us": parse_duration(source.horizon) * 1_000_000,
                "n_cut_offs": source.cut_offs,
                "holidays": [str(day) for day in source.holidays],
            }
        )

    @functools.cached_property
    def definition_versions(self) -> dict[str, str]:
        """Return for each table a digest of what defines it: its model, those that it is computed
        from, and everything that the source states about itself."""
        stated = digest([self.source.model_dump_json()])
        versions = dict.fromkeys(self.raw_tables, stated)
        for name, model in self.models.items():
            own = model.sql if isinstance(model, SqlModel) else inspect.getsource(model.compute)
            before = [versions.get(each, "") for each in model.inputs]
            versions[name] = digest([stated, model.table.model_dump_json(), own, *before])[:12]
        return versions

    def warehouse(self, warehouse_folder: Path, engine: DuckDBEngine) -> SourceWarehouse:
        return SourceWarehouse(warehouse_folder / self.name, engine, self.tables)

    @property
    def training(self) -> list[str]:
        """Return the models that are trained on purpose: a refresh leaves them as they are."""
        names = {model.name for model in TRAINING}
        return [name for name in self.models if name in names]

    def downstream(self, name: str) -> list[str]:
        """Return the models that depend on a table, in order of need."""
        reached = {name}
        for model in self.models.values():
            if reached.intersection(model.inputs):
                reached.add(model.name)
        return [model for model in self.models if model in reached]


AnyPipeline = Pipeline[Any]


def event_log_pipeline(
    name: str, source: EventLogSource, sql_root: Path | None = None
) -> Pipeline[EventLogSource]:
    """Return the pipeline of an event log.

    A model is part of it if the source offers what it requires and has all of its inputs.
    Raises SqlModelError where a model reads a table that no file describes.
    """
    ingest.read_rows_sql(name, source, sql_root)
    raw_tables = ingest.tables(source)
    raw_tables["raw_events"] = _with_occurrences(raw_tables["raw_events"], source)
    found: dict[str, Model] = dict(read_models(sql_root or settings.SQL_ROOT, name))
    found |= {model.name: model for model in PYTHON_MODELS}
    if source.funnels:
        found["funnel_entries"] = _funnel_entries(source)
    features = found.get(leakage.FEATURES)
    if isinstance(features, SqlModel) and leakage.CUT_OFFS in features.inputs:
        found[leakage.LEAKAGE_CHECK.name] = leakage.leakage_check(features)
    described = {*raw_tables, *found, "funnel_entries"}
    for model in found.values():
        unknown = set(model.inputs) - described
        if unknown and isinstance(model, SqlModel):
            raise SqlModelError(f"{model.path}:1: no table is named {', '.join(sorted(unknown))}")
    offered = source.capabilities()
    models: dict[str, Model] = {}
    tables = dict(raw_tables)
    for table_name in _in_order_of_need(found):
        model = found[table_name]
        if not set(model.inputs) <= set(tables):
            continue
        if not model.requires <= offered:
            continue
        model = _with_optional_inputs(model, tables)
        if isinstance(model, PythonModel) and not model.inputs:
            continue
        table = model.table
        if isinstance(model, SqlModel) and model.attributes:
            table = _with_attributes(model, source)
        if isinstance(model, SqlModel) and table_name == "events":
            order = [name for name in table.key if name != "customer_id"]
            model = replace(model, sql=succession.with_succession(model.sql, order))
            table = table.model_copy(update={"columns": table.columns | succession.COLUMNS})
        models[table_name] = model
        tables[table_name] = table.with_source_types(source.source_types())
    _check_conditions(source, tables)
    return Pipeline(name, source, raw_tables, models, tables)


def customer_table_pipeline(
    name: str, source: CustomerTableSource, sql_root: Path | None = None
) -> Pipeline[CustomerTableSource]:
    """Return the pipeline of a customer table: its own SQL files and what its YAML states.

    A shared model is part of it if it reads tables of the source only. Raises SqlModelError where
    a SQL file of the source reads a table that no file describes.
    """
    raw_tables = customer_tables.tables(source)
    found: dict[str, Model] = dict(read_models(sql_root or settings.SQL_ROOT, name))
    found |= customer_tables.models(name, source)
    of_logs = found.pop(rfem.NAME, None)
    if source.rfem is not None and isinstance(of_logs, SqlModel):
        found[rfem.NAME] = rfem.rfem_model(name, source, of_logs)
    found |= {model.name: model for model in PYTHON_MODELS}
    models: dict[str, Model] = {}
    tables = dict(raw_tables)
    for table_name in _in_order_of_need(found):
        model = found[table_name]
        if not model.requires <= source.capabilities():
            continue
        unknown = ", ".join(sorted(set(model.inputs) - set(tables)))
        if unknown and isinstance(model, SqlModel) and model.source == name:
            raise SqlModelError(f"{model.path}:1: no table is named {unknown}")
        model = _with_optional_inputs(model, tables)
        if unknown or not model.inputs:
            continue
        if isinstance(model, SqlModel):
            model = customer_tables.described(model, source)
        models[table_name] = model
        tables[table_name] = model.table.with_source_types(source.source_types())
    _check_conditions(source, tables)
    return Pipeline(name, source, raw_tables, models, tables)


def _check_conditions(
    source: EventLogSource | CustomerTableSource, tables: Mapping[str, Table]
) -> None:
    """Raise ValueError where a rule or an action asks for what the tables will not have."""
    asked = [rule.question for rule in source.segment_rules if rule.question]
    if source.advice.campaign is not None:
        asked.append(source.advice.campaign.question)
    unknown = sorted(set(asked) - set(source.questions)) if source.questions else []
    if unknown:
        raise ValueError(f"segment_rules or campaign: no question is named {', '.join(unknown)}")
    consent = source.advice.consent
    if consent and ("customers" not in tables or consent not in tables["customers"].columns):
        raise ValueError(f"advice: consent: {consent}: no such column of customers")
    types = known_types(tables, question_names(source))
    rules.check_rules(source.segment_rules, types)
    actions.check_actions(source.advice.actions, measure_types(types))


def _in_order_of_need(found: Mapping[str, Model]) -> list[str]:
    graph = {
        name: [n for n in (*model.inputs, *_optional_inputs(model)) if n in found and n != name]
        for name, model in found.items()
    }
    return list(TopologicalSorter(graph).static_order())


def _optional_inputs(model: Model) -> tuple[str, ...]:
    return model.optional_inputs if isinstance(model, PythonModel) else ()


def _with_optional_inputs(model: Model, tables: Mapping[str, Table]) -> Model:
    """Return a model that reads those of its optional inputs that the source has."""
    there = tuple(name for name in _optional_inputs(model) if name in tables)
    return replace(model, inputs=(*model.inputs, *there)) if there else model


def _funnel_entries(source: EventLogSource) -> SqlModel:
    """Return the model of funnel_entries, whose SQL is built from the source's funnels."""
    funnels = {name: funnel.of_source(stated) for name, stated in source.funnels.items()}
    longest = max(parse_duration(stated.window) for stated in source.funnels.values())
    # A window over a day of 23 hours ends an hour later by the clock.
    widest = -(-longest // 86_400) + 1
    reads_events = Neighbours(
        days=(0, widest),
        until=functools.partial(window_end_day, window_seconds=longest, timezone=source.timezone),
    )
    by_session = any(stated.actor == "session" for stated in source.funnels.values())
    neighbours = {"events": reads_events}
    if by_session:
        neighbours["sessions"] = reads_events.model_copy(update={"days": (-1, widest)})
    instant = ("event_ts", "sequence") if source.columns.sequence else ("event_ts",)
    return SqlModel(
        path=Path(funnel.__file__),
        table=funnel.ENTRIES,
        sql=funnel.entries_sql(funnels, instant),
        inputs=tuple(neighbours),
        neighbours=neighbours,
        parameters={},
        requires=frozenset({"funnel"}),
        attributes=False,
        source=None,
    )


def _with_occurrences(raw_events: Table, source: EventLogSource) -> Table:
    """Return raw_events with the columns by which staging tells copies of an event."""
    names = [name for name in raw_events.columns if name != "source_file"]
    unknown = sorted(set(source.key) - set(names))
    if unknown:
        raise ValueError(f"key: {', '.join(unknown)}: no such column; there are {', '.join(names)}")
    # Business time follows from event_ts; a longer key only costs time.
    idle = {*_unmapped(source), "event_at"}
    key = source.key or [name for name in names if name not in idle]
    same = ", ".join(quoted(name) for name in dict.fromkeys(["event_date", *key]))
    rest = [name for name in names if name not in key] if source.key else []
    order = ", ".join(quoted(name) for name in [*rest, "source_file"])
    described = {
        "occurrence": "k for the k-th row of its day with the same key.",
        "n_copies": "Rows of the day with the same key.",
    }
    columns = {n: Column(type="bigint", description=text) for n, text in described.items()}
    return raw_events.model_copy(
        update={
            "key": [],
            "columns": {**raw_events.columns, **columns},
            "derived": {
                "occurrence": f"row_number() over (partition by {same} order by {order})",
                "n_copies": f"count(*) over (partition by {same})",
            },
        }
    )


def _with_attributes(model: SqlModel, source: EventLogSource) -> Table:
    """Return a table of events with the columns that only the configuration knows."""
    table = model.table
    columns = dict(table.columns)
    source_file = columns.pop("source_file")
    flags = {
        f"is_{rule.name}": Column(type="boolean", description=rule.description or rule.condition)
        for rule in source.rules
        if rule.action == "flag" and rule.enabled
    }
    own = {
        name: Column(type=kind, description=f"The source's own attribute {name}.")
        for name, kind in source.attribute_types().items()
    }
    # Rows that differ in an attribute alone are different events.
    key = [name for name in table.key if name != "occurrence"] + [*own, "occurrence"]
    if model.source is None:
        key = [name for name in key if name not in _unmapped(source)]
    if source.columns.sequence is not None:
        own = {"sequence": ingest.tables(source)["raw_events"].columns["sequence"], **own}
        key.insert(key.index("event_ts") + 1, "sequence")
    columns |= own | flags | {"source_file": source_file}
    return table.model_copy(update={"columns": columns, "key": key})


def _unmapped(source: EventLogSource) -> set[str]:
    """Return the canonical columns that are null in every row of a source."""
    mapped = source.columns
    optional = ("item_id", "item_name", "category_id", "order_id", "quantity", "unit_price")
    unmapped = {name for name in optional if getattr(mapped, name) is None}
    if mapped.value is None and {"quantity", "unit_price"} & unmapped:
        unmapped.add("value")
    return unmapped
