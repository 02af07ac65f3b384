"""The tables of one source: compute, audit, publish, and read back.

Every table passes through here, whether SQL, Python or the ingest made its rows: files are
written, their blocking checks run on them, and only then does the manifest name them. How a kind
of table is computed stands in `kinds`, which days it reads in `days`.
"""

import datetime as dt
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from customer_assets.quality import Check, CheckResult, audit, checks_of
from customer_assets.warehouse.catalog import TABLE, remember_table
from customer_assets.warehouse.days import CHUNK_ROWS, Days, chunks
from customer_assets.warehouse.engine import DuckDBEngine, Relation, relation_sql
from customer_assets.warehouse.kinds import kind_of
from customer_assets.warehouse.manifest import (
    WHOLE,
    Manifest,
    Piece,
    StagedPiece,
    TableStore,
    write_atomically,
)
from customer_assets.warehouse.model import MOVING_PARAMETERS, Lineage, Model
from customer_assets.warehouse.quoting import quoted
from customer_assets.warehouse.table import Table
from customer_assets.warehouse.versions import Version, description_version, digest

_TIMES = ("before", "after")
VERSION = "version.json"
LINEAGE = "lineage.json"
# In the lineage of a table that a function computes: each of its columns.
EVERY_COLUMN = "*"


@dataclass(frozen=True)
class Published:
    """What one chunk of a step published."""

    table: Table
    pieces: Mapping[str, Piece]
    checks: Sequence[CheckResult]
    seconds: float
    rows_read: int = 0
    withdrawn: Sequence[str] = ()

    @property
    def rows(self) -> int:
        return sum(piece.rows for piece in self.pieces.values())


class ChecksFailedError(RuntimeError):
    """Blocking checks failed; nothing was published and the previous version is in view."""

    def __init__(self, table: Table, results: Sequence[CheckResult]) -> None:
        self.results = list(results)
        self.failed = [r for r in results if not r.passed and r.check.severity == "error"]
        reasons = "; ".join(_reason(result, table) for result in self.failed)
        super().__init__(
            f"{table.name} was not published, its previous version stays in view: {reasons}"
        )


@dataclass
class SourceWarehouse:
    """One source's folder of tables, and the engine that computes them.

    `tables` describes every table of the source with the source's own types. The caller holds
    the writer lock while it publishes.
    """

    folder: Path
    engine: DuckDBEngine
    tables: Mapping[str, Table]
    chunk_rows: int = CHUNK_ROWS
    run_id: str = ""
    _checks: dict[str, list[Check]] = field(default_factory=dict)

    @cached_property
    def days(self) -> Days:
        """Return what tells which days a day is computed from."""
        return Days(self.engine, self.relation)

    def store(self, name: str) -> TableStore:
        return TableStore(self.folder / name, self.tables[name].partition_by)

    def manifest(self, name: str) -> Manifest:
        return self.store(name).manifest()

    def checks(self, name: str) -> list[Check]:
        if name not in self._checks:
            self._checks[name] = checks_of(self.tables[name])
        return self._checks[name]

    def relation(self, name: str, days: Sequence[dt.date] | None = None) -> Relation:
        """Return the published files of a table, of some days or of all."""
        store = self.store(name)
        manifest = store.manifest()
        pieces = list(manifest.pieces.values())
        if days is not None and store.partition_by is not None:
            by_day = manifest.days()
            pieces = [piece for day in days for piece in by_day.get(day.isoformat(), [])]
        files = [store.folder / piece.path for piece in pieces]
        return Relation(self.tables[name], files, sum(piece.rows for piece in pieces))

    def frame(self, name: str) -> pl.DataFrame:
        """Return all published rows of a table, in key order where it has a key."""
        order = ", ".join(quoted(column) for column in self.tables[name].key)
        return self.query(
            relation_sql(self.relation(name)) + (f" order by {order}" if order else "")
        )

    def query(self, statement: str) -> pl.DataFrame:
        return self.engine.connection.execute(statement).pl()

    def materialize(
        self,
        model: Model,
        parameters: Mapping[str, Any],
        days: Sequence[dt.date] | None = None,
    ) -> Iterator[Published]:
        """Compute a table, for the given days or whole; yield what each chunk published.

        Raises ChecksFailedError where a blocking check failed; chunks before it stay published.
        """
        yield from kind_of(model).materialize(self, model, parameters, days)

    def publish(
        self,
        name: str,
        staged: Mapping[str, StagedPiece],
        withdrawn: Sequence[str] = (),
        started: float | None = None,
        rows_read: int = 0,
    ) -> Published:
        """Audit staged files and publish them. Raises ChecksFailedError, publishing nothing.

        Where the table's description moved, what stays published is audited by it too, so that
        its words hold for all rows that are of this version.
        """
        started = time.monotonic() if started is None else started
        table = self.tables[name]
        store = self.store(name)
        files = [piece.path for piece in staged.values()]
        kept = []
        if self.words_moved(name):
            versions = {piece.code_version for piece in staged.values()}
            kept = [
                store.folder / piece.path
                for key, piece in store.manifest().pieces.items()
                if key not in staged
                and key not in withdrawn
                and (piece.code_version in versions or not staged)
            ]
        try:
            results = self._audited(name, [*kept, *files])
        except ChecksFailedError:
            for path in files:
                path.unlink(missing_ok=True)
            raise
        manifest = store.manifest()
        if staged or withdrawn or not manifest.version:
            manifest = store.publish(staged, withdrawn)
        remember_table(store.folder, table)
        pieces = {key: manifest.pieces[key] for key in staged}
        seconds = time.monotonic() - started
        return Published(table, pieces, results, seconds, rows_read, list(withdrawn))

    def republish_words(self, name: str) -> list[CheckResult]:
        """Audit all rows of a table by its description as it is now, and publish its words.

        Raises ChecksFailedError where its checks do not hold for what is published; then the
        description that it was published with stays in view.
        """
        results = self._audited(name, self.relation(name).files)
        remember_table(self.folder / name, self.tables[name])
        return results

    def _audited(self, name: str, files: Sequence[Path]) -> list[CheckResult]:
        results = self._audit(name, files)
        if any(not r.passed and r.check.severity == "error" for r in results):
            raise ChecksFailedError(self.tables[name], results)
        return results

    def _audit(self, name: str, files: Sequence[Path]) -> list[CheckResult]:
        table = self.tables[name]
        self.engine.view("audited", Relation(table.deriving(()), files))
        return audit(
            self.engine.connection, "audited", self.checks(name), partition_by=table.partition_by
        )

    def audit_published(self, name: str) -> list[CheckResult]:
        """Check the newest published partition of a table, or the whole table, as it stands."""
        files = list(self.relation(name).files)
        return self._audit(name, files[-1:] if self.tables[name].partition_by else files)

    def inputs_versions(
        self,
        model: Model,
        parameters: Mapping[str, Any],
        days: Sequence[dt.date] | None = None,
    ) -> dict[str, str]:
        """Digest, by partition, the content of what each partition is computed from."""
        moving = sorted(MOVING_PARAMETERS.intersection(model.parameters))
        told = [f"{name}={parameters[name]}" for name in moving]
        # Columns that are computed when read change with their expression, not with the files.
        told += [f"{n} {self.tables[n].derived}" for n in model.inputs if self.tables[n].derived]
        manifests = {name: self.manifest(name) for name in model.inputs}
        if days is None:
            return {
                WHOLE: digest([*told, *(f"{n}={m.content_hash}" for n, m in manifests.items())])
            }
        by_day = {name: manifest.days() for name, manifest in manifests.items()}
        versions = {}
        for day in days:
            parts = list(told)
            for name, manifest in manifests.items():
                if self.tables[name].partition_by is None:
                    parts.append(f"{name}={manifest.content_hash}")
                    continue
                for near in self.days.read(model, name, [day], parameters):
                    pieces = by_day[name].get(near.isoformat(), [])
                    hashes = sorted(piece.content_hash for piece in pieces)
                    parts.append(f"{name}/{near}={','.join(hashes)}")
            versions[day.isoformat()] = digest(parts)
        return versions

    def outdated(
        self,
        model: Model,
        parameters: Mapping[str, Any],
        days: Sequence[dt.date] | None = None,
    ) -> list[str]:
        """Return the partitions that were computed by other code, from other rows, or never."""
        return kind_of(model).outdated(self, model, parameters, days)

    def words_moved(self, name: str) -> bool:
        """Say whether a table was published under another description, prose and checks included.

        A table that was never published, or whose description cannot be read, was.
        """
        try:
            known = Table.model_validate_json((self.folder / name / TABLE).read_text())
        except (OSError, ValueError):
            return True
        return description_version(known) != description_version(self.tables[name])

    def remember_version(self, name: str, version: Version) -> None:
        """Keep the parts of the version that a table was last computed by."""
        known = {"version": version.digest, "parts": dict(version.parts)}
        write_atomically(self.folder / name / VERSION, json.dumps(known, indent=1))

    def moved_parts(self, model: Model, parameters: Mapping[str, Any]) -> list[str]:
        """Return what of a table's definition is not what it was last computed by."""
        try:
            known = json.loads((self.folder / model.name / VERSION).read_text())
        except (OSError, ValueError):
            return []
        return model.version(parameters).moved_since(known["parts"])

    def rows_of_other_runs(self, name: str) -> Relation:
        """Return the rows of a ledger that this run did not write."""
        store = self.store(name)
        pieces = store.manifest().pieces
        files = [store.folder / piece.path for key, piece in pieces.items() if key != self.run_id]
        return Relation(self.tables[name], files)

    def chunks(self, model: Model, days: Sequence[dt.date]) -> list[list[dt.date]]:
        """Split days into those that a model computes at once."""
        daily = [self.manifest(n) for n in model.inputs if self.tables[n].partition_by]
        largest = max(daily, key=lambda m: m.rows).days() if daily else {}
        rows = {dt.date.fromisoformat(d): sum(p.rows for p in ps) for d, ps in largest.items()}
        return chunks(model, days, rows, self.chunk_rows)

    def lineage(self, model: Model, version: str) -> Lineage:
        """Return the input columns of each column, worked out once per version of the code.

        Of a table that a function computes: what it read when it last ran, for EVERY_COLUMN.
        """
        path = self.folder / model.name / LINEAGE
        try:
            known = json.loads(path.read_text())
            if known["version"] == version or EVERY_COLUMN in known["columns"]:
                return {c: [(t, o) for t, o in pairs] for c, pairs in known["columns"].items()}
        except (OSError, ValueError, KeyError):
            pass
        schemas = {
            name: {
                column: described.type for column, described in self.tables[name].columns.items()
            }
            for name in model.inputs
        }
        if model.compares is not None:
            schemas = {f"{model.compares}_{when}": schemas[model.compares] for when in _TIMES}
        columns = model.lineage(schemas)
        if columns:
            self._remember_lineage(model.name, version, columns)
        return columns

    def remember_columns_read(
        self, name: str, version: str, read: Mapping[str, Sequence[str]]
    ) -> None:
        """Keep which columns of its inputs a function read: the lineage of its table."""
        pairs = [(table, column) for table, columns in read.items() for column in columns]
        self._remember_lineage(name, version, {EVERY_COLUMN: pairs})

    def _remember_lineage(self, name: str, version: str, columns: Lineage) -> None:
        path = self.folder / name / LINEAGE
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps({"version": version, "columns": columns}))


def _reason(result: CheckResult, table: Table) -> str:
    if result.error:
        return f"{result.check.name} could not run: {result.error}"
    rows = f"{result.failing_rows:,} of {result.total_rows:,} rows" if result.failing_rows else ""
    failed = f"{result.check.name} failed ({rows or f'observed {result.observed}'})"
    if not result.sample:
        return failed
    first = result.sample[0]
    shown = [name for name in first if name in (*table.key, *result.check.columns)] or [*first][:4]
    where = ", ".join(f"{name} {first[name]}" for name in shown)
    return f"{failed}, such as {where}: {result.check.description}"
