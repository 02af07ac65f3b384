"""A small shop log, its landing folder and its warehouse, filled without Dagster."""

import datetime as dt
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from customer_assets import ingest
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.engine import Relation, relation_sql
from customer_assets.warehouse.manifest import TableStore

LANDED_AT = dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC)


def shop_source(**changes: Any) -> EventLogSource:
    settings: dict[str, Any] = {
        "files": "*",
        "columns": {
            "customer_id": "who",
            "event_at": "at",
            "event_type": "what",
            "quantity": "n",
            "unit_price": "price",
        },
        "timezone": "UTC",
        "first_day": "2024-01-01",
        "last_day": "2024-03-31",
    }
    return EventLogSource.model_validate(settings | changes)


@dataclass
class Shop:
    """One source's landing folder and warehouse."""

    folder: Path
    connection: duckdb.DuckDBPyConnection
    source: EventLogSource = field(default_factory=shop_source)
    told: list[str] = field(default_factory=list)
    runs: int = 0

    def __post_init__(self) -> None:
        self.landing.mkdir(parents=True)

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse"

    def land(self, name: str, content: bytes | str, at: dt.datetime = LANDED_AT) -> Path:
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (at.timestamp(), at.timestamp()))
        return path

    def prepare(self, now: dt.datetime | None = None) -> ingest.Ingest:
        self.runs += 1
        return ingest.prepare(
            self.connection,
            "shop",
            self.source,
            self.landing,
            self.warehouse,
            now=now or dt.datetime.now(dt.UTC) + dt.timedelta(hours=1),
            run_id=f"run{self.runs}",
            tell=self.told.append,
            may_withdraw=True,
        )

    def run(self) -> ingest.Ingest:
        prepared = self.prepare()
        for name, table in ingest.tables(self.source).items():
            self.store(name, table.partition_by).publish(
                prepared.staged.get(name, {}), prepared.withdrawn.get(name, ())
            )
        return prepared

    def store(self, name: str, partition_by: str | None = None) -> TableStore:
        return TableStore(self.warehouse / name, partition_by)

    def rows(self, name: str, columns: str = "*") -> list[Any]:
        """The published rows of a table, sorted; of one column, its values."""
        files = list(self.store(name).files())
        if not files:
            return []
        relation = relation_sql(Relation(ingest.tables(self.source)[name], files))
        found = self.connection.execute(
            f"select {columns} from ({relation}) order by all"
        ).fetchall()
        return [row[0] if len(row) == 1 else row for row in found]

    def accounting(self) -> tuple[int, int, int]:
        landed, loaded, rejected = zip(
            *self.rows("landed_files", "rows_landed, rows_loaded, rows_rejected"), strict=True
        )
        return sum(landed), sum(loaded), sum(rejected)
