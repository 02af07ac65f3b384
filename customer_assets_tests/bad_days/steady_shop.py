"""A shop whose days are alike, night by night, without Dagster."""

import copy
import datetime as dt
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import yaml

from customer_assets.quality import CheckResult
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.engine import DuckDBEngine
from customer_assets_tests.conftest import run_source

LOG = """
  files: "*.csv"
  columns: {customer_id: {from: user, type: bigint}, event_at: when, event_type: what,
    item_id: item, value: amount}
  attributes: {channel: channel}
  view_event: view
  purchase_event: buy
  timezone: Europe/Berlin
  first_day: 2025-03-03
"""
HEADER = "user,when,what,item,amount,channel"
DAYS = [dt.date(2025, 3, 3) + dt.timedelta(days=n) for n in range(35)]
BAD_DAY = DAYS[-1] + dt.timedelta(days=1)
TABLES = ("events", "accounting", "findings")


def rows_of(day: dt.date, per_hour: int = 3) -> list[str]:
    """Rows of a day: from 8 to 18 o'clock people look, and some buy; it differs a little by day."""
    rows = []
    for hour in range(8, 18):
        for n in range(per_hour + (day.toordinal() + hour) % 2):
            user, channel = 100 + (day.day * 7 + hour + n) % 40, ("web", "app")[n % 2]
            what, amount = ("buy", "5.00") if (n + hour) % 3 == 0 else ("view", "")
            when = f"{day} {hour:02}:{(n * 7) % 60:02}:{n % 60:02}"
            rows.append(f"{user},{when},{what},{700 + n},{amount},{channel}")
    return rows


def _linked(source: str, target: str) -> None:
    # The landed files stay those that were read: a copy would be another one.
    if "/landing/" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def night_after(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(2), tzinfo=dt.UTC)


def landed(path: Path, text: str, day: dt.date) -> Path:
    """Write a file that landed in the night after a day."""
    path.write_text(text)
    moment = night_after(day).timestamp() - 3600
    os.utime(path, (moment, moment))
    return path


class SteadyShop:
    """The shop below a folder: its landing folder and its tables."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        source = EventLogSource.model_validate(yaml.safe_load(LOG))
        (folder / "landing").mkdir(parents=True)
        self.run = run_source("shop", source, folder / "landing", folder / "warehouse")

    def copied(self, folder: Path) -> "SteadyShop":
        """Return a shop of its own with what this one has."""
        shutil.copytree(self.folder, folder, copy_function=_linked)
        other = copy.copy(self)
        other.folder = folder
        run = self.run
        warehouse = run.pipeline.warehouse(folder / "warehouse", DuckDBEngine(duckdb.connect()))
        other.run = replace(run, warehouse=warehouse, landing=folder / "landing")
        return other

    def state(self, **settings: Any) -> None:
        """Let the source state something else."""
        pipeline = self.run.pipeline
        stated = pipeline.source.model_dump(by_alias=True) | settings
        source = EventLogSource.model_validate(stated)
        self.run = replace(self.run, pipeline=replace(pipeline, source=source))

    def land(self, name: str, text: str, day: dt.date) -> Path:
        """Write a file that landed in the night after a day."""
        return landed(self.folder / "landing" / name, text, day)

    def night(self, day: dt.date, may_withdraw: bool = False) -> list[CheckResult]:
        """Run the refresh of the night after a day; return what its checks found."""
        self.run.now = night_after(day)
        self.run.may_withdraw = may_withdraw
        self.run.ingest()
        parameters = self.run.pipeline.parameters(self.run.now)
        warehouse, results = self.run.warehouse, []
        for model in self.run.pipeline.models.values():
            if model.name not in TABLES:
                continue
            is_daily = model.table.partition_by is not None
            outdated = warehouse.outdated(model, parameters, self.run.days() if is_daily else None)
            days = [dt.date.fromisoformat(day) for day in outdated] if is_daily else None
            for chunk in warehouse.materialize(model, parameters, days) if outdated else ():
                results += chunk.checks
        return results

    def frame(self, name: str) -> pl.DataFrame:
        return self.run.frame(name)

    def rows(self, name: str, condition: str) -> list[dict[str, Any]]:
        return (
            pl.SQLContext({name: self.frame(name)})
            .execute(f"select * from {name} where {condition}", eager=True)
            .to_dicts()
        )
