"""What readers see: a DuckDB file with one view per published table, and its export.

When a run over a source ends well, a snapshot of its manifests is taken: tables that belong
together. The catalog is the views over all snapshots. It holds no rows; it is built under a
temporary name and swapped in by rename, so that a reader who opened it before goes on reading
what belonged together then.
"""

import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import duckdb
from pydantic import ValidationError

from customer_assets.warehouse.connection import connect
from customer_assets.warehouse.engine import Relation, relation_sql
from customer_assets.warehouse.manifest import (
    DamagedFileError,
    Manifest,
    TableStore,
    as_manifest,
    read_json,
    write_atomically,
)
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.table import Table
from customer_assets.warehouse.versions import digest

logger = logging.getLogger("customer_assets")

SNAPSHOT = "snapshot.json"

# By source and table: what makes it, and what describes it.
_Statements = dict[tuple[str, str], tuple[str, str]]


def take_snapshot(source_folder: Path, tables: Iterable[Table]) -> None:
    """Record what is published of a source's tables now as what readers shall see together."""
    shown = {}
    for table in tables:
        manifest = TableStore(source_folder / table.name, table.partition_by).manifest()
        if manifest.version:
            shown[table.name] = {"table": table.model_dump(), "manifest": manifest.document()}
    source_folder.mkdir(parents=True, exist_ok=True)
    write_atomically(source_folder / SNAPSHOT, json.dumps(shown))


def read_snapshot(source_folder: Path) -> Mapping[str, tuple[Table, Manifest]]:
    """Return the tables that readers see, as they were when the last snapshot was taken.

    Raises DamagedFileError.
    """
    path = source_folder / SNAPSHOT
    try:
        return {
            name: (Table.model_validate(entry["table"]), as_manifest(entry["manifest"]))
            for name, entry in (read_json(path) or {}).items()
        }
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise DamagedFileError(f"{path} is no snapshot of tables: {reason}") from None


def snapshot_relations(source_folder: Path) -> Iterator[Relation]:
    """Yield the tables of the last snapshot of a source. Raises DamagedFileError."""
    for table, manifest in read_snapshot(source_folder).values():
        folder = source_folder / table.name
        files = [piece.file(folder) for piece in manifest.pieces.values()]
        yield Relation(table, files, manifest.rows)


def build_catalog(warehouse: Path, catalog_file: Path) -> None:
    """Write the catalog of all snapshots and swap it in, where it does not show them already.

    A source whose snapshot is damaged, or names a lost file, keeps nobody else out of view: it
    is missing until its next refresh. Of a file that is lost later DuckDB tells who reads it.
    """
    catalog_file.parent.mkdir(parents=True, exist_ok=True)
    # Two runs that end together must not swap in a catalog that misses the other's snapshot.
    with (warehouse / ".catalog.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        skipped: list[str] = []

        def skip(source: str, error: Exception) -> None:
            skipped.append(source)
            reason = str(error).splitlines()[0]
            logger.warning("%s is not shown: %s; refresh it", source, reason)

        shown = _statements(warehouse, "view", skip)
        if not skipped and lock.read() == _catalog_version(shown, catalog_file):
            return
        lock.truncate(0)
        _build(warehouse, catalog_file, shown, skip)
        if not skipped:
            lock.write(_catalog_version(shown, catalog_file))


def _catalog_version(shown: _Statements, catalog_file: Path) -> str:
    """Return what tells a catalog from one of other statements, and from another file."""
    written = catalog_file.stat().st_mtime_ns if catalog_file.exists() else "nothing"
    return digest([version("duckdb"), f"{catalog_file} {written}", repr(shown)])


def export(warehouse: Path, target: Path) -> dict[str, int]:
    """Write a self-contained DuckDB database of real tables; return rows by table.

    Raises FileExistsError where `target` exists: an export never replaces somebody's file, and
    DamagedFileError where a table cannot be read whole.
    """
    if target.exists():
        raise FileExistsError(f"{target} exists; name another file or move it away first")
    if not target.absolute().parent.is_dir():
        raise FileNotFoundError(f"{target.parent} is no folder: make it first")
    return _build(warehouse, target, _statements(warehouse, "table", _refuse), _refuse)


def _refuse(source: str, error: Exception) -> None:
    raise DamagedFileError(f"{source}: {str(error).splitlines()[0]}; refresh it") from error


def _statements(
    warehouse: Path, kind: str, complain: Callable[[str, Exception], None]
) -> _Statements:
    """Return by source and table what makes a view, or a table, of a snapshot, and describes it."""
    statements: _Statements = {}
    for snapshot in sorted(warehouse.glob(f"*/{SNAPSHOT}")):
        source = snapshot.parent.name
        try:
            relations = list(snapshot_relations(snapshot.parent))
        except DamagedFileError as error:
            complain(source, error)
            continue
        for relation in relations:
            table = relation.table
            name = f"{quoted(source)}.{quoted(table.name)}"
            create = f"create {kind} {name} as {relation_sql(relation)}"
            statements[source, table.name] = create, _comments(kind, name, table)
    return statements


def _comments(kind: str, name: str, table: Table) -> str:
    words = {f"{kind} {name}": table.description}
    for column, described in table.columns.items():
        words[f"column {name}.{quoted(column)}"] = described.description
    comments = "".join(f"comment on {what} is {literal(text)};" for what, text in words.items())
    # In one transaction: each by itself would wait for the disk.
    return f"begin; {comments} commit"


def _build(
    warehouse: Path,
    target: Path,
    statements: _Statements,
    complain: Callable[[str, Exception], None],
) -> dict[str, int]:
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    rows: dict[str, int] = {}
    try:
        with connect([warehouse], temporary) as connection:
            for (source, table), (create, comments) in statements.items():
                name = f"{source}.{table}"
                connection.execute(f"create schema if not exists {quoted(source)}")
                try:
                    result = connection.execute(create).fetchone()
                except duckdb.Error as error:
                    complain(name, error)
                    continue
                rows[name] = int(result[0]) if result else 0
                connection.execute(comments)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return rows
