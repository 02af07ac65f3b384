"""What readers see: a DuckDB file with one view per published table, and its export.

When a run over a source ends well, a snapshot of its manifests is taken: tables that belong
together. The catalog is the views over all snapshots. It holds no rows; it is built under a
temporary name and swapped in by rename, so that a reader who opened it before goes on reading
what belonged together then.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

import duckdb

from customer_assets.warehouse.engine import Relation, relation_sql
from customer_assets.warehouse.manifest import TableStore, write_atomically
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.table import Table

TABLE = "table.json"
SNAPSHOT = "snapshot.json"


def remember_table(folder: Path, table: Table) -> None:
    """Keep a table's description beside its files: the catalog needs nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / TABLE, table.model_dump_json(indent=1))


def take_snapshot(source_folder: Path) -> None:
    """Record what is published of a source now as what readers shall see together."""
    tables = {}
    for description in sorted(source_folder.glob(f"*/{TABLE}")):
        table = Table.model_validate_json(description.read_text())
        store = TableStore(description.parent, table.partition_by)
        if store.manifest().version:
            files = [path.relative_to(source_folder).as_posix() for path in store.files()]
            tables[table.name] = {"table": table.model_dump(), "files": files}
    write_atomically(source_folder / SNAPSHOT, json.dumps(tables))


def snapshot_relations(source_folder: Path) -> Iterator[Relation]:
    """Yield the tables of the last snapshot of a source."""
    path = source_folder / SNAPSHOT
    if path.exists():
        for entry in json.loads(path.read_text()).values():
            table = Table.model_validate(entry["table"])
            yield Relation(table, [source_folder / file for file in entry["files"]])


def build_catalog(warehouse: Path, catalog_file: Path) -> None:
    """Write the catalog of all snapshots and swap it in."""
    catalog_file.parent.mkdir(parents=True, exist_ok=True)
    # Two runs that end together must not swap in a catalog that misses the other's snapshot.
    with (warehouse / ".catalog.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _build(warehouse, catalog_file, "view")


def export(warehouse: Path, target: Path) -> dict[str, int]:
    """Write a self-contained DuckDB database of real tables; return rows by table.

    Raises FileExistsError where `target` exists: an export never replaces somebody's file.
    """
    if target.exists():
        raise FileExistsError(f"{target} exists; name another file or move it away first")
    return _build(warehouse, target, "table")


def _build(warehouse: Path, target: Path, kind: str) -> dict[str, int]:
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    rows: dict[str, int] = {}
    try:
        with duckdb.connect(str(temporary)) as connection:
            for snapshot in sorted(warehouse.glob(f"*/{SNAPSHOT}")):
                source = snapshot.parent.name
                connection.execute(f"create schema if not exists {quoted(source)}")
                for relation in snapshot_relations(snapshot.parent):
                    table = relation.table
                    name = f"{quoted(source)}.{quoted(table.name)}"
                    statement = f"create {kind} {name} as {relation_sql(relation)}"
                    result = connection.execute(statement).fetchone()
                    rows[f"{source}.{table.name}"] = int(result[0]) if result else 0
                    _comment(connection, kind, name, table)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return rows


def _comment(connection: duckdb.DuckDBPyConnection, kind: str, name: str, table: Table) -> None:
    connection.execute(f"comment on {kind} {name} is {literal(table.description)}")
    for column, described in table.columns.items():
        connection.execute(
            f"comment on column {name}.{quoted(column)} is {literal(described.description)}"
        )
