"""A customer table source in a folder of its own: land files, read them, look at the tables."""

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
import yaml

from customer_assets import customer_tables, settings
from customer_assets.ingest import Ingest
from customer_assets.pipeline import pipeline_of
from customer_assets.sources import CustomerTableSource
from customer_assets.warehouse.engine import Relation, relation_sql
from customer_assets.warehouse.manifest import TableStore
from customer_assets.warehouse.quoting import quoted
from customer_assets.warehouse.sql_model import SqlModel, load_macros

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
# Long before NOW: a file that was just written would be looked at twice, a moment apart.
LANDED = dt.datetime(2025, 6, 1, tzinfo=dt.UTC).timestamp()

PEOPLE = "id,plan,visits,paid\n1,basic,3,1.50\n2,gold,0,20\n3,basic,-1,0\n"
CALLS = "id,month,minutes\n1,may,10\n1,june,20\n2,may,5\n"


def shop_source(**changes: Any) -> CustomerTableSource:
    """A wide input with the label, and a long one."""
    stated = {
        "customer_id": {"from": ["id", "customer"], "type": "bigint"},
        "tables": {
            "people": {
                "files": "people*.csv",
                "columns": {"plan": "plan", "visits": "visits", "paid": "paid"},
            },
            "calls": {
                "files": "calls*.csv",
                "key": ["customer_id", "month"],
                "columns": {"month": "month", "minutes": {"type": "double"}},
            },
        },
        "label": {"type": "boolean", "description": "Whether gold."},
        "attributes": {
            "plan": {"description": "Plan."},
            "visits": {"type": "bigint", "description": "Visits."},
            "paid": {"type": "decimal", "description": "Paid."},
            "minutes": {"type": "double", "description": "Minutes in all."},
        },
    }
    return CustomerTableSource.model_validate(stated | changes)


SHOP_JOINED = """/* ---
description: One row per customer.
key: [customer_id]
attributes: true
columns:
  customer_id: {type: source, description: Who.}
--- */
with people as (select * from typed_people where occurrence = 1),
calls as (
    select customer_id, sum(minutes) as minutes from typed_calls
    where occurrence = 1 group by customer_id
),
known as (select customer_id from people union select customer_id from calls)
select known.customer_id, plan, visits, paid, minutes, plan = 'gold' as label
from known
left join people on known.customer_id = people.customer_id
left join calls on known.customer_id = calls.customer_id
"""


def shipped_source(name: str) -> CustomerTableSource:
    """The configuration of a source that the project ships."""
    text = (settings.PROJECT_ROOT / "customer_assets/defs" / name / "defs.yaml").read_text()
    return CustomerTableSource.model_validate(yaml.safe_load(text)["attributes"])


@dataclass
class CustomerRun:
    """A source's landing folder and its tables, without checks and without Dagster."""

    folder: Path
    name: str = "shop"
    source: CustomerTableSource = field(default_factory=shop_source)
    connection: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)
    told: list[str] = field(default_factory=list)

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    def land(self, file: str, content: str | bytes, at: float = LANDED) -> None:
        path = self.landing / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (at, at))

    def prepare(self) -> Ingest:
        return customer_tables.prepare(
            self.connection,
            self.name,
            self.source,
            self.landing,
            self.folder / "warehouse",
            now=NOW,
            run_id="test",
            tell=self.told.append,
        )

    def read(self) -> Ingest:
        """Read the landing and publish its raw tables."""
        prepared = self.prepare()
        for table in customer_tables.tables(self.source):
            self.store(table).publish(prepared.staged.get(table, {}))
        return prepared

    def store(self, table: str) -> TableStore:
        return TableStore(self.folder / "warehouse" / table)

    def models(self) -> Mapping[str, SqlModel]:
        """Return the models in SQL, but for those that read what functions compute."""
        roots = settings.table_roots()
        if self.name == "shop":
            roots = (*roots, self.folder / "sql")
            path = roots[-1] / "staging" / "shop" / "customers_joined.sql"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(SHOP_JOINED)
        pipeline = pipeline_of(self.name, self.source, roots)
        own = (self.name, pipeline.kind.name)
        return {
            n: m
            for n, m in pipeline.models.items()
            if isinstance(m, SqlModel)
            and m.owner in own
            and not {"model_metrics", "segment_measures"} & {*m.inputs}
        }

    def build(self) -> "CustomerRun":
        """Read the landing and compute all tables."""
        self.read()
        load_macros(self.connection)
        for name, table in customer_tables.tables(self.source).items():
            relation = relation_sql(Relation(table, self.store(name).files()))
            self.connection.execute(f"create or replace temp view {quoted(name)} as {relation}")
        models = self.models()
        for name in TopologicalSorter({n: m.inputs for n, m in models.items()}).static_order():
            if name in models:
                columns = ", ".join(quoted(column) for column in models[name].table.columns)
                self.connection.execute(
                    f"create or replace temp table {quoted(name)} as "
                    f"select {columns} from ({models[name].sql})"
                )
        return self

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        selected = ", ".join(columns) or "*"
        return self.connection.execute(f"select {selected} from {table} order by all").fetchall()

    def state(self) -> dict[str, list[str]]:
        """The contents of every published table, by hash; landed_files says also when."""
        described = customer_tables.tables(self.source)
        return {
            table: [piece.content_hash for piece in self.store(table).manifest().pieces.values()]
            for table in described
            if table != "landed_files"
        }
