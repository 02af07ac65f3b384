"""A small shop whose nights are run by Dagster, in this process or in one that is killed."""

import datetime as dt
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import duckdb
import yaml

from customer_assets import settings
from customer_assets.components.liveness import gone_runs_sensor
from customer_assets.components.source_definitions import job_name, source_definitions
from customer_assets.components.table_assets import ONLY_OUTDATED
from customer_assets.components.warehouse_resource import WarehouseResource, duckdb_resource
from customer_assets.history import prepare_dagster_home
from customer_assets.pipeline import AnyPipeline, pipeline_of
from customer_assets.sources import CustomerTableSource, EventLogSource
from customer_assets.warehouse.manifest import TableStore

LOG = """
type: customer_assets.EventLog
attributes:
  files: "*.csv"
  columns: {customer_id: {from: user, type: bigint}, event_at: when, event_type: what,
    item_id: item, order_id: order, value: amount}
  view_event: view
  purchase_event: buy
  timezone: UTC
  first_day: 2025-03-01
  last_day: 2025-03-09
  funnels: {purchase: {steps: [view, buy], window: 1 day}}
"""
HEADER = "user,when,what,item,order,amount"
DAYS = [dt.date(2025, 3, 1) + dt.timedelta(days=n) for n in range(9)]


def lines(day: dt.date, users: Sequence[int] = (17, 18, 19)) -> list[str]:
    """Rows of a day: each user views in the morning and, but for the last, buys."""
    rows = []
    for user in users:
        rows.append(f"{user},{day} 10:0{user % 10}:00,view,mug,,")
        if user != users[-1]:
            rows.append(f"{user},{day} 10:1{user % 10}:00,buy,mug,{user}-{day},5.00")
    return rows


# From the landed files to sessions and the figures of the days, a ledger among them: what happens
# to a run over all tables, happens to one over these.
FEW = [
    "staging/events", "staging/accounting", "behavior/customer_day", "behavior/session_fragments",
    "behavior/sessions", "behavior/session_changes", "behavior/first_seen",
    "behavior/hourly_traffic", "behavior/daily_traffic",
]  # fmt: skip


@dataclass
class Shop:
    """A source below the test's own home and landing folder, as Dagster has it.

    It has the tables of `sql_root`, by default those of `tables` alone.
    """

    name: str
    stated: str = LOG
    sql_root: Path | None = None
    tables: Sequence[str] = tuple(FEW)

    def __post_init__(self) -> None:
        if self.sql_root is None:
            self.sql_root = settings.home() / "sql"
            for table in self.tables:
                file = self.sql_root / f"{table}.sql"
                file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(settings.SQL_ROOT / f"{table}.sql", file)
            of_source = settings.SQL_ROOT / "staging" / self.name
            if of_source.is_dir():
                shutil.copytree(of_source, self.sql_root / "staging" / self.name)
            for layer in ("raw", "staging"):
                own = settings.TABLES_ROOT / layer
                shutil.copytree(own, self.sql_root / layer, dirs_exist_ok=True)

    @property
    def landing(self) -> Path:
        return settings.landing() / self.name

    @property
    def folder(self) -> Path:
        return settings.warehouse_folder() / self.name

    def pipeline(self) -> AnyPipeline:
        stated = yaml.safe_load(self.stated)
        is_log = stated["type"].endswith("EventLog")
        kind = EventLogSource if is_log else CustomerTableSource
        source = kind.model_validate(stated["attributes"])
        assert self.sql_root is not None
        everything = self.sql_root == settings.SQL_ROOT
        roots = settings.table_roots() if everything else (self.sql_root,)
        return pipeline_of(self.name, source, roots)

    def definitions(self) -> dg.Definitions:
        return dg.Definitions.merge(
            source_definitions(self.pipeline()),
            dg.Definitions(
                resources={"warehouse": WarehouseResource(duckdb=duckdb_resource())},
                executor=dg.in_process_executor,
                sensors=[gone_runs_sensor],
            ),
        )

    def land(self, name: str, rows: Sequence[str]) -> Path:
        self.landing.mkdir(parents=True, exist_ok=True)
        path = self.landing / name
        path.unlink(missing_ok=True)
        path.write_text("\n".join([HEADER, *rows]) + "\n")
        # Written a while ago: nothing waits for its end.
        hour_ago = dt.datetime.now().timestamp() - 3600
        os.utime(path, (hour_ago, hour_ago))
        return path

    def run(
        self,
        purpose: str,
        days: Sequence[dt.date] = DAYS,
        only_outdated: bool = True,
        tables: Sequence[str] = (),
        asked: Mapping[str, str] = {},
    ) -> dg.ExecuteInProcessResult:
        os.environ["DAGSTER_HOME"] = str(prepare_dagster_home())
        job = self.definitions().resolve_job_def(job_name(purpose, self.name))
        tags = {ONLY_OUTDATED: "true"} if only_outdated else {}
        tags |= asked
        if job.partitions_def is not None:
            tags |= {
                "dagster/asset_partition_range_start": str(days[0]),
                "dagster/asset_partition_range_end": str(days[-1]),
            }
        with dg.DagsterInstance.get() as of_home:
            return job.execute_in_process(
                instance=of_home,
                raise_on_error=False,
                asset_selection=[dg.AssetKey([self.name, table]) for table in tables] or None,
                tags=tags,
            )

    def manifests(self) -> Mapping[str, int]:
        """The version of each table that was ever published."""
        folders = [path.parent for path in self.folder.glob("*/manifest.json")]
        return {folder.name: TableStore(folder).manifest().version for folder in folders}

    def query(self, statement: str) -> list[tuple]:
        with duckdb.connect(str(settings.catalog_file()), read_only=True) as reader:
            return reader.sql(statement).fetchall()


def main() -> None:
    """Run a job of the shop in this process, so that it can be killed."""
    name, stated, purpose, only_outdated = sys.argv[1:5]
    result = Shop(name, Path(stated).read_text()).run(purpose, only_outdated=only_outdated == "1")
    sys.exit(0 if result.success else 1)


if __name__ == "__main__":
    main()
