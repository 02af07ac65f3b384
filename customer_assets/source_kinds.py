"""The two kinds of source behind one protocol: what a pipeline needs to know of either.

A kind names its raw tables, gives a model the columns that only the configuration knows, says
what models may ask for by name, and reads landing folders. Who holds a source asks `kind_of`;
nobody else asks which of the two it is. No Dagster.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import duckdb

from customer_assets import customer_tables, ingest
from customer_assets.behavior import funnel, succession
from customer_assets.behavior.parameters import parameters as behavior_parameters
from customer_assets.customer_tables.cleaning import joined_columns, stated_rule
from customer_assets.ingest.event_columns import with_attributes, with_copies, without_held_days
from customer_assets.ingest.raw_tables import rule_columns
from customer_assets.ingest.rules import condition_sql
from customer_assets.sources import CustomerTableSource, EventLogSource, parse_duration
from customer_assets.sources.configuration import at
from customer_assets.warehouse.model import Model
from customer_assets.warehouse.sql_model import SqlModel
from customer_assets.warehouse.table import Table


class SourceKind(Protocol):
    """What is peculiar to event logs, or to customer tables."""

    name: str
    has_days: bool

    def check(self, name: str, source: Any, roots: Sequence[Path]) -> None:
        """Raise ConfigurationError where the configuration asks for what cannot be."""

    def raw_tables(self, source: Any) -> dict[str, Table]:
        """Return the tables that the ingest fills, in the order in which it publishes them."""

    def configured(self, model: Model, source: Any) -> Model:
        """Return a model with the columns that only the configuration knows."""

    def parameters(self, source: Any, now: dt.datetime) -> dict[str, Any]:
        """Return what models may ask for by name, beside what every source has."""

    def days(self, source: Any, now: dt.datetime) -> list[dt.date]:
        """Return the days that are over, in order; none where a source has no days."""

    def reading_version(self, source: Any) -> str:
        """Return a digest of all that decides what a landed file becomes."""

    def prepare(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        source: Any,
        landing_folder: Path,
        warehouse_folder: Path,
        *,
        now: dt.datetime,
        run_id: str,
        tell: Callable[[str], None],
        staging: Path | None = None,
        may_withdraw: bool = False,
    ) -> ingest.Ingest:
        """Read what is new in a landing folder and stage it. Raises LandingError."""


class EventLogs:
    """Logs with one row per event."""

    name = "event_log"
    has_days = True
    prepare = staticmethod(ingest.prepare)
    reading_version = staticmethod(ingest.ingest_version)

    def check(self, name: str, source: EventLogSource, roots: Sequence[Path]) -> None:
        ingest.read_rows_sql(name, source, roots)
        for number, rule in enumerate(source.rules):
            with at("rules", number, "condition"):
                condition_sql(rule, rule_columns(source))
        for name, stated in source.funnels.items():
            with at("funnels", name):
                funnel.of_source(stated)
        with at("key"):
            self.raw_tables(source)

    def raw_tables(self, source: EventLogSource) -> dict[str, Table]:
        found = ingest.tables(source)
        return {**found, "raw_events": with_copies(found["raw_events"], source)}

    def configured(self, model: Model, source: EventLogSource) -> Model:
        table = model.table
        if model.name == "events" and isinstance(model, SqlModel):
            model = without_held_days(model)
        if model.attributes:
            table = with_attributes(table, source, is_shared=model.owner is None)
        if not (model.succession and isinstance(model, SqlModel)):
            return replace(model, table=table)
        order = [name for name in table.key if name != "customer_id"]
        columns = table.columns | succession.COLUMNS
        return replace(
            model,
            sql=succession.with_succession(model.sql, order, source.passive_events),
            table=table.model_copy(update={"columns": columns}),
        )

    def parameters(self, source: EventLogSource, now: dt.datetime) -> dict[str, Any]:
        acquisition = source.advice.acquisition
        return {
            **behavior_parameters(source, source.last_complete_day(now)),
            "return_event": source.return_event,
            "keep_duplicates": source.duplicates == "keep",
            "horizon_us": parse_duration(source.horizon) * 1_000_000,
            "n_cut_offs": source.cut_offs,
            "acquisition_cost": acquisition.cost if acquisition else None,
            "acquisition_margin_share": acquisition.margin_share if acquisition else None,
            "holidays": [str(day) for day in source.holidays],
            **source.demand.model_dump(),
            "accepted_days": [str(day) for day in source.accept],
            "expects_every_day": source.expected.is_daily,
            "rejected_share": source.expected.rejected_share,
            "warn_rejected_share": source.expected.warn_rejected_share,
        }

    def days(self, source: EventLogSource, now: dt.datetime) -> list[dt.date]:
        first, _ = source.day_range()
        n_days = (source.last_complete_day(now) - first).days + 1
        return [first + dt.timedelta(days=n) for n in range(n_days)]


class CustomerTables:
    """Files that sum up each customer."""

    name = "customer_table"
    has_days = False
    prepare = staticmethod(customer_tables.prepare)
    reading_version = staticmethod(customer_tables.customer_table_version)
    raw_tables = staticmethod(customer_tables.tables)

    def check(self, name: str, source: CustomerTableSource, roots: Sequence[Path]) -> None:
        for number, rule in enumerate(source.rules):
            with at("rules", number, "condition"):
                stated_rule(rule, source.joined_types())

    def configured(self, model: Model, source: CustomerTableSource) -> Model:
        if not model.attributes:
            return model
        columns = {**model.table.columns, **joined_columns(source)}
        return replace(model, table=model.table.model_copy(update={"columns": columns}))

    def parameters(self, source: CustomerTableSource, now: dt.datetime) -> dict[str, Any]:
        return {}

    def days(self, source: CustomerTableSource, now: dt.datetime) -> list[dt.date]:
        return []


EVENT_LOG, CUSTOMER_TABLE = EventLogs(), CustomerTables()


def kind_of(source: EventLogSource | CustomerTableSource) -> SourceKind:
    return EVENT_LOG if isinstance(source, EventLogSource) else CUSTOMER_TABLE
