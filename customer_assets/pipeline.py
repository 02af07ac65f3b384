"""Which tables a source has, and what they are told: configuration joined with models.

The one place that knows both `sources` and `warehouse`. No Dagster: the components turn a
pipeline into assets, the tests run it as it is. No table is named here: what each one needs, and
whether a source has it, stands in its own file.
"""

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from customer_assets import settings
from customer_assets.advice.actions import check_action, check_consent
from customer_assets.advice.exposures import Exposures
from customer_assets.learning.store import ModelStore
from customer_assets.segments.known_customers import known_types, measure_types
from customer_assets.segments.parameters import parameters as segment_parameters
from customer_assets.segments.parameters import question_names
from customer_assets.segments.rules import check_rule
from customer_assets.source_kinds import SourceKind, kind_of
from customer_assets.sources import CustomerTableSource, EventLogSource
from customer_assets.sources.configuration import ConfigurationError, at
from customer_assets.spark import check_portable
from customer_assets.warehouse.binding import bind, check_checks
from customer_assets.warehouse.engine import DuckDBEngine
from customer_assets.warehouse.header import ModelError
from customer_assets.warehouse.model import Model
from customer_assets.warehouse.places import described_names, in_order_of_need, read_models
from customer_assets.warehouse.source_warehouse import SourceWarehouse
from customer_assets.warehouse.table import Table
from customer_assets.warehouse.versions import Version

SourceT = TypeVar("SourceT", bound=EventLogSource | CustomerTableSource)


@dataclass(frozen=True)
class Pipeline(Generic[SourceT]):
    """The tables of one source: those the ingest fills, then models in order of need."""

    name: str
    source: SourceT
    raw_tables: Mapping[str, Table]
    models: Mapping[str, Model]
    tables: Mapping[str, Table]

    @property
    def kind(self) -> SourceKind:
        return kind_of(self.source)

    def parameters(self, now: dt.datetime) -> dict[str, Any]:
        """Return what models may ask for, by name."""
        return {
            **self._definitions(now),
            "definition_versions": self.definition_versions,
        }

    def _definitions(self, now: dt.datetime) -> dict[str, Any]:
        # No row depends on the words of a question.
        questions = {
            name: question.model_copy(update={"title": "", "published": []})
            for name, question in self.source.questions.items()
        }
        return {
            **segment_parameters(self.source),
            "questions": questions,
            "exposures": Exposures.below(settings.exposures_folder() / self.name),
            "model_store": ModelStore(settings.models_folder() / self.name),
            **self.kind.parameters(self.source, now),
        }

    @functools.cached_property
    def definition_versions(self) -> dict[str, Version]:
        """Return for each table all that its rows depend on, beside what landed: its own data
        version, and those of all tables that it is computed from."""
        reading = Version({"reading of landed files": self.kind.reading_version(self.source)})
        versions = dict.fromkeys(self.raw_tables, reading)
        told = self._definitions(dt.datetime(2000, 1, 1, tzinfo=dt.UTC))
        for name, model in self.models.items():
            # The history itself is told of the versions; of its own nobody asks.
            own = model.version({**told, "definition_versions": None}).of_table(name)
            behind = [versions[each].parts for each in model.inputs]
            versions[name] = Version({p: d for parts in (*behind, own) for p, d in parts.items()})
        return versions

    def warehouse(self, warehouse_folder: Path, engine: DuckDBEngine) -> SourceWarehouse:
        return SourceWarehouse(warehouse_folder / self.name, engine, self.tables)

    def days(self, now: dt.datetime) -> list[dt.date]:
        """Return the days that are over, in order; none where a source has no days."""
        return self.kind.days(self.source, now)

    @property
    def training(self) -> list[str]:
        """Return the models that are trained on purpose: a refresh leaves them as they are."""
        return [model.name for model in self.models.values() if model.training]

    def downstream(self, name: str) -> list[str]:
        """Return the models that depend on a table, in order of need."""
        reached = {name}
        for model in self.models.values():
            if reached.intersection(model.inputs):
                reached.add(model.name)
        return [model for model in self.models if model in reached]


AnyPipeline = Pipeline[Any]


def pipeline_of(
    name: str, source: SourceT, roots: Sequence[Path] | None = None
) -> Pipeline[SourceT]:
    """Return the pipeline of a source.

    A model is part of it if the source offers what it requires, has all of its inputs, and can tell
    what it asks for. `roots` are the folders of tables, those of the settings by default.

    Raises ConfigurationError where the source asks for what cannot be, and ModelError where a file
    reads a table that no file describes, a column that there is not, or checks one.
    """
    roots = settings.table_roots() if roots is None else roots
    kind = kind_of(source)
    kind.check(name, source, roots)
    raw_tables = kind.raw_tables(source)
    found = read_models(roots, name, kind.name, source)
    tables, models = dict(raw_tables), {}
    told = Pipeline(name, source, raw_tables, {}, {}).parameters(dt.datetime.now(dt.UTC)).keys()
    offered, known = source.capabilities(), {*raw_tables, *found, *described_names(roots)}
    # What the source does not offer, and what would be computed from that.
    absent = known - {*raw_tables, *found}
    for table_name in in_order_of_need(found):
        model = found[table_name]
        missing = set(model.inputs) - set(tables)
        unknown = missing - known if model.owner != name else missing - absent
        if unknown:
            raise ModelError(f"{model.path}:1: no table is named {', '.join(sorted(unknown))}")
        if not model.requires <= offered or missing & absent:
            absent.add(table_name)
        if missing or not model.requires <= offered:
            continue
        model = model.reading(tables)
        is_told = model.parameters.keys() <= told
        if not is_told or (model.optional_inputs and not model.inputs):
            continue
        model = kind.configured(model, source)
        table = model.table.with_source_types(source.source_types())
        models[table_name] = replace(model, table=table)
        tables[table_name] = table
    pipeline = Pipeline(name, source, raw_tables, models, tables)
    _check_conditions(source, tables)
    check_checks(models.values(), raw_tables)
    bind(models.values(), tables, settings.bound_models_file())
    check_portable(models.values(), tables)
    return pipeline


def _check_conditions(
    source: EventLogSource | CustomerTableSource, tables: Mapping[str, Table]
) -> None:
    """Raise ConfigurationError where a rule or an action asks for what the tables will not have."""
    asked: dict[tuple[str | int, ...], str] = {
        ("segment_rules", number, "question"): rule.question
        for number, rule in enumerate(source.segment_rules)
        if rule.question
    }
    if source.advice.campaign is not None:
        asked["advice", "campaign", "question"] = source.advice.campaign.question
    for location, question in asked.items():
        if source.questions and question not in source.questions:
            raise ConfigurationError(
                location,
                f"no question is named {question!r}; there are {', '.join(source.questions)}",
            )
    columns = {n: {c: said.type for c, said in t.columns.items()} for n, t in tables.items()}
    if source.advice.consent:
        with at("advice", "consent"):
            check_consent(source.advice.consent, columns)
    types = known_types(columns, question_names(source))
    for number, rule in enumerate(source.segment_rules):
        with at("segment_rules", number, "condition"):
            check_rule(rule, types)
    for number, action in enumerate(source.advice.actions):
        with at("advice", "actions", number):
            check_action(action, measure_types(types))
