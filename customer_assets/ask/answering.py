"""A question while it is answered: one locked-down connection over the snapshot of a source.

Inputs are views over published files; what is computed on the way is a temporary table, gone with
the connection.
"""

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from customer_assets import settings
from customer_assets.project import AnySource, open_engine, read_source
from customer_assets.source_kinds import kind_of
from customer_assets.sources import EventLogSource
from customer_assets.suggestions import alternatives
from customer_assets.warehouse.catalog import read_snapshot
from customer_assets.warehouse.engine import Relation, relation_sql
from customer_assets.warehouse.manifest import Manifest
from customer_assets.warehouse.places import read_models
from customer_assets.warehouse.quoting import quoted
from customer_assets.warehouse.source_warehouse import SourceWarehouse
from customer_assets.warehouse.sql_model import SqlModel
from customer_assets.warehouse.table import Table


class AskError(ValueError):
    """A question that cannot be answered as it is asked. The text says why, and what would do."""


@dataclass(frozen=True)
class Snapshot:
    """What readers see of a source: what it states, its tables, and the files of each."""

    name: str
    source: AnySource
    tables: Mapping[str, Table]
    manifests: Mapping[str, Manifest]

    @classmethod
    def of(cls, name: str) -> "Snapshot":
        """Return the newest. Raises UnknownSourceError, ValueError, DamagedFileError, AskError."""
        source = read_source(name)
        shown = read_snapshot(settings.warehouse_folder() / name)
        if not shown:
            raise AskError(
                f"nothing of {name} is published in {settings.warehouse_folder()}: run "
                f"`customer-assets demo --sources {name}`, or refresh it"
            )
        tables = {each: table for each, (table, _) in shown.items()}
        return cls(name, source, tables, {each: manifest for each, (_, manifest) in shown.items()})

    @property
    def log(self) -> EventLogSource:
        if not isinstance(self.source, EventLogSource):
            raise AskError(f"{self.name} has one row per customer, no log of events to ask")
        return self.source

    @contextlib.contextmanager
    def ask(self, shows: "Asking | None" = None) -> Iterator["Question"]:
        """Open a connection for one question; `shows` is told of it while it is open."""
        folder = settings.warehouse_folder() / self.name
        with open_engine([folder]) as engine:
            warehouse = SourceWarehouse(folder, engine, self.tables, shown=self.manifests)
            if shows is not None:
                shows.connection = engine.connection
            try:
                yield Question(self, warehouse)
            except (duckdb.IOException, duckdb.BinderException) as error:
                raise AskError(
                    f"the tables of {self.name} were replaced, or are of another version of the "
                    f"project: open the warehouse again, or refresh it ({_first_line(error)})"
                ) from error
            finally:
                if shows is not None:
                    shows.connection = None


@dataclass
class Asking:
    """How far the question is that is being answered; it may be asked from another thread."""

    connection: duckdb.DuckDBPyConnection | None = None

    def stop(self) -> None:
        """Let the question end without an answer."""
        if (connection := self.connection) is not None:
            connection.interrupt()

    @property
    def share_done(self) -> float | None:
        """Return from 0 to 1; None where nothing is asked, or it cannot be told yet."""
        connection = self.connection
        percent = -1.0 if connection is None else connection.query_progress()
        return percent / 100 if percent >= 0 else None


@dataclass
class Question:
    """One connection over a snapshot, and the tables that were computed on it."""

    snapshot: Snapshot
    warehouse: SourceWarehouse
    made: dict[str, Table] = field(default_factory=dict)

    @cached_property
    def last_day(self) -> dt.date:
        """The last complete day that the published tables know: the same is mature to both."""
        self.needs("calendar")
        self.view_for("select calendar_date from calendar", "calendar")
        row = self.warehouse.engine.connection.execute(
            "select max(calendar_date) from calendar"
        ).fetchone()
        if row is None or row[0] is None:
            raise AskError(f"no day of {self.snapshot.name} is published yet")
        return row[0]

    @cached_property
    def first_day(self) -> dt.date:
        return self.snapshot.log.day_range()[0]

    def parameters(self, source: AnySource) -> dict[str, Any]:
        """Return what models may ask for, as of the moment of the published tables."""
        zone = ZoneInfo(self.snapshot.log.timezone)
        noon = dt.datetime.combine(self.last_day + dt.timedelta(days=1), dt.time(12), zone)
        return kind_of(source).parameters(source, noon)

    def models(self, source: AnySource, *names: str) -> dict[str, SqlModel]:
        """Return the models of these tables, for a source that may state other than it does."""
        kind = kind_of(source)
        found = read_models(settings.table_roots(), self.snapshot.name, kind.name, source, {*names})
        models = {}
        for name in names:
            model = found.get(name)
            if model is None or not model.requires <= source.capabilities():
                raise AskError(f"{self.snapshot.name} has no table {name}")
            model = kind.configured(model, source)
            # Only tables that are SQL are asked for by another definition.
            assert isinstance(model, SqlModel)
            table = model.table.with_source_types(source.source_types())
            models[name] = replace(model, table=table)
        return models

    def needs(self, *names: str) -> None:
        """Raise AskError where a table is not among those that readers see."""
        for name in names:
            if name not in self.snapshot.tables:
                raise AskError(
                    f"{self.snapshot.name} has no table {name!r}"
                    f"{alternatives(name, sorted(self.snapshot.tables))}"
                )

    def compute(
        self,
        model: SqlModel,
        parameters: Mapping[str, Any],
        days: Sequence[dt.date] | None = None,
    ) -> None:
        """Compute a table, of some successive days or whole, as a temporary table of its name.

        It reads the tables that were computed before it, else the published ones.
        """
        inputs = {}
        for name in model.inputs:
            if name not in self.made:
                self.needs(name)
                read = days and self.warehouse.days.read(model, name, days, parameters)
                inputs[name] = self.warehouse.relation(name, read)
        statement = self.warehouse.engine.statement(model, inputs, parameters)
        if days is not None:
            day = quoted(str(model.table.partition_by))
            statement += f" where {day} between date '{days[0]}' and date '{days[-1]}'"
        self._make(model.table, statement)

    def act_events(
        self, days: Sequence[dt.date] | None = None, among: pl.DataFrame | None = None
    ) -> None:
        """Let `events` be what customers did, of some customer_id or all.

        No passive event, and no day of a suspected bot where these are left out of rates.
        """
        engine = self.warehouse.engine
        engine.view("logged", self.warehouse.relation("events", days))
        conditions = ["event_number is not null"]
        if self.parameters(self.snapshot.log)["leaves_out_bots"]:
            self.needs("customer_day")
            engine.view("active_days", self.warehouse.relation("customer_day", days))
            conditions.append(
                "not exists (select 1 from active_days as d where d.is_suspected_bot "
                "and d.customer_id = logged.customer_id and d.event_date = logged.event_date)"
            )
        if among is not None:
            engine.connection.register("among", among.to_arrow())
            conditions.append("customer_id in (select customer_id from among)")
        engine.connection.execute(
            "create or replace temp view events as select * from logged "
            f"where {' and '.join(conditions)}"
        )
        self.made["events"] = self.snapshot.tables["events"]

    def hold(self, table: Table, rows: pl.DataFrame) -> None:
        """Let a table have these rows, for what is computed from it."""
        self.warehouse.engine.connection.register("held", rows.to_arrow())
        self._make(table, "select * from held")
        self.warehouse.engine.connection.unregister("held")

    def leave_empty(self, model: SqlModel) -> None:
        """Let a table have no row, where what is computed from it is not asked for."""
        self._make(model.table, relation_sql(Relation(model.table, [])))

    def _make(self, table: Table, statement: str) -> None:
        self.warehouse.engine.connection.execute(
            f"create or replace temp table {quoted(table.name)} as {statement}"
        )
        self.made[table.name] = table

    def view_for(self, sql: str, *names: str, days: Sequence[dt.date] | None = None) -> None:
        """Make views of published tables for a statement; of daily ones of these days, or all."""
        self.needs(*names)
        relations = {name: self.warehouse.relation(name, days) for name in names}
        self.warehouse.engine.view_for(sql, relations)

    def rows(self, statement: str) -> pl.DataFrame:
        return self.warehouse.query(statement)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
