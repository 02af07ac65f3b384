"""What several test folders share: paths, a connection, a source run without Dagster."""

import datetime as dt
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import hypothesis
import polars as pl
import pytest
import yaml

from customer_assets import ingest, settings
from customer_assets.behavior.succession import with_succession
from customer_assets.components.source_definitions import job_name
from customer_assets.definitions import defs
from customer_assets.history import prepare_dagster_home
from customer_assets.pipeline import Pipeline, pipeline_of
from customer_assets.reports import REPORT_TABLES, write_report
from customer_assets.sample import write_sample
from customer_assets.sources import CustomerTableSource, EventLogSource
from customer_assets.warehouse.engine import DuckDBEngine, Relation, relation_sql
from customer_assets.warehouse.source_warehouse import SourceWarehouse

# How long an example takes is the machine's affair, and that of whatever else it does.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture(autouse=True)
def own_home(request, tmp_path, monkeypatch):
    """No test reads or writes the folders of whoever runs it."""
    if "refreshed" in request.fixturenames:
        return
    monkeypatch.setenv("CUSTOMER_ASSETS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CUSTOMER_ASSETS_LANDING", str(tmp_path / "landing"))


@pytest.fixture(scope="session")
def real_landing() -> Path:
    """The landing folder with the real Online Retail set, where there is one."""
    shared = Path(
        os.environ.get("CUSTOMER_ASSETS_SHARED") or settings.PROJECT_ROOT.parent / "shared"
    )
    if not (shared / "landing" / "online_retail" / "online_retail.parquet").exists():
        pytest.skip("the real Online Retail set is not beside the checkout (../shared/landing)")
    return shared / "landing"


SAMPLE_DAYS = ("2010-12-01", "2010-12-10")


@pytest.fixture(scope="session")
def refreshed(tmp_path_factory) -> Iterator["Refreshed"]:
    """A home in which Dagster refreshed ten days of the Online Retail sample."""
    folder = tmp_path_factory.mktemp("refreshed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTOMER_ASSETS_HOME", str(folder / "home"))
        patch.setenv("CUSTOMER_ASSETS_LANDING", str(folder / "landing"))
        patch.setenv("DAGSTER_HOME", str(prepare_dagster_home()))
        write_sample("online_retail", folder / "landing" / "online_retail", tell=lambda text: None)
        with dg.DagsterInstance.get() as instance:
            result = refresh(instance, *SAMPLE_DAYS)
            assert result.success
            yield Refreshed(folder / "home", folder / "landing", instance, result)


@dataclass
class Refreshed:
    """What a Dagster run left: its home, its history and its events."""

    home: Path
    landing: Path
    instance: dg.DagsterInstance
    result: dg.ExecuteInProcessResult

    def query(self, statement: str) -> list[tuple]:
        with duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True) as reader:
            return reader.sql(statement).fetchall()


def refresh(
    instance: dg.DagsterInstance,
    first: str,
    last: str,
    source: str = "online_retail",
    tables: Sequence[str] = (),
) -> dg.ExecuteInProcessResult:
    """Run a source's refresh job, or some tables of it, over a range of days, in this process."""
    return (
        defs()
        .resolve_job_def(job_name("refresh", source))
        .execute_in_process(
            instance=instance,
            raise_on_error=False,
            asset_selection=[dg.AssetKey([source, table]) for table in tables] or None,
            tags={
                "dagster/asset_partition_range_start": first,
                "dagster/asset_partition_range_end": last,
            },
        )
    )


def read_source(name: str) -> EventLogSource:
    """The configuration of a source that the project ships."""
    text = (settings.PROJECT_ROOT / "customer_assets/defs" / name / "defs.yaml").read_text()
    return EventLogSource.model_validate(yaml.safe_load(text)["attributes"])


@dataclass
class SourceRun:
    """A source's tables, filled without Dagster."""

    pipeline: Pipeline
    warehouse: SourceWarehouse
    landing: Path
    now: dt.datetime = NOW
    roots: Sequence[Path] | None = None
    may_withdraw: bool = True

    def days(self) -> list[dt.date]:
        return self.pipeline.days(self.now)

    def ingest(self) -> ingest.Ingest:
        # Files that sum up customers need no SQL of a source's own to be read.
        own = {} if self.roots is None else {"roots": self.roots}
        prepared = self.pipeline.kind.prepare(
            self.warehouse.engine.connection,
            self.pipeline.name,
            self.pipeline.source,
            self.landing,
            self.warehouse.folder,
            now=self.now,
            run_id="test",
            tell=lambda text: None,
            may_withdraw=self.may_withdraw,
            **own,
        )
        self.warehouse.publish_as_one(
            prepared.staged, prepared.withdrawn, list(self.pipeline.raw_tables)
        )
        return prepared

    def materialize(self, *names: str, days: list[dt.date] | None = None) -> None:
        """Compute tables, for some days or all, in order of need.

        If none is named, all that a refresh computes: everything but what is trained on purpose.
        """
        parameters = self.pipeline.parameters(self.now)
        names = names or tuple(set(self.pipeline.models) - set(self.pipeline.training))
        for model in self.pipeline.models.values():
            if model.name in names:
                for _ in self.warehouse.materialize(model, parameters, days or self.days()):
                    pass

    def frame(self, name: str) -> pl.DataFrame:
        return self.warehouse.frame(name)

    def report(self, folder: Path) -> Path:
        """Write the report over what is published, and return its page."""
        tables = self.pipeline.tables
        shown = {name: self.frame(name) for name in REPORT_TABLES if name in tables}
        return write_report(self.pipeline.name, self.pipeline.source, tables, shown, folder)

    def state(self) -> Mapping[str, str]:
        """A digest of the rows of every STATE table; what is kept by file takes no part."""
        return {
            name: _rows_digest(self.warehouse, name)
            for name, table in self.pipeline.tables.items()
            if not table.ledger and name not in ("landed_files", "day_counts")
        }


def _rows_digest(warehouse: SourceWarehouse, name: str) -> str:
    table = warehouse.tables[name]
    hidden = {"source_file", "file", "content_hash", *table.derived}
    columns = ", ".join(f'"{column}"' for column in table.columns if column not in hidden)
    relation = relation_sql(Relation(table, warehouse.relation(name).files))
    rows = warehouse.query(
        f"select count(*), sum(hash(rows))::varchar from (select ({columns}) as rows "
        f"from ({relation}))"
    )
    return str(rows.rows())


def add_succession(
    connection: duckdb.DuckDBPyConnection, *order: str, table: str = "events"
) -> None:
    """Give a table of events made by hand the columns by which they succeed each other."""
    events = with_succession(f"select * from {table}", order or ("event_ts", "event_type"))
    connection.execute(f"create or replace table {table} as {events}")


def run_source(
    name: str,
    source: EventLogSource | CustomerTableSource,
    landing: Path,
    home: Path,
    roots: Sequence[Path] | None = None,
) -> SourceRun:
    """Open a source's warehouse below `home`, on a connection of its own."""
    engine = DuckDBEngine(duckdb.connect())
    pipeline = pipeline_of(name, source, roots)
    return SourceRun(pipeline, pipeline.warehouse(home, engine), landing, roots=roots)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    passed = [report.nodeid for report in terminalreporter.stats.get("passed", [])]
    if any("test_vectors.py" in nodeid for nodeid in passed):
        from customer_assets_tests.test_vectors import summary

        for line in summary(passed):
            terminalreporter.write_line(line)
