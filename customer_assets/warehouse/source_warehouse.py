"""The tables of one source: compute, audit, publish, and read back.

Every table passes through here, whether SQL, Python or the ingest made its rows: files are
written, their blocking checks run on them, and only then does the manifest name them. How a kind
of table is computed stands in `kinds`, which days it reads in `days`.
"""

import contextlib
import datetime as dt
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from customer_assets.quality import Check, CheckResult, audit, checks_of, one_each
from customer_assets.warehouse.days import CHUNK_ROWS, Days, chunks
from customer_assets.warehouse.engine import DuckDBEngine, Relation, relation_sql
from customer_assets.warehouse.kinds import kind_of
from customer_assets.warehouse.manifest import (
    WHOLE,
    Change,
    DamagedFileError,
    Manifest,
    Piece,
    StagedPiece,
    TableStore,
    publish_as_one,
    read_json,
    write_atomically,
)
from customer_assets.warehouse.model import MOVING_PARAMETERS, Lineage, Model
from customer_assets.warehouse.quoting import quoted
from customer_assets.warehouse.table import Table
from customer_assets.warehouse.verdicts import keep, recalled, verdict_key
from customer_assets.warehouse.versions import Version, description_version, digest

_TIMES = ("before", "after")
VERSION = "version.json"
DESCRIBED = "described.json"
LINEAGE = "lineage.json"
_ENTRY = re.compile(r"\d{6}-")
# In the lineage of a table that a function computes: each of its columns.
EVERY_COLUMN = "*"


@dataclass(frozen=True)
class Published:
    """What one chunk of a step published. `computed_by`: see `Output`."""

    table: Table
    pieces: Mapping[str, Piece]
    checks: Sequence[CheckResult]
    seconds: float
    rows_read: int = 0
    withdrawn: Sequence[str] = ()
    computed_by: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(piece.rows for piece in self.pieces.values())


class ChecksFailedError(RuntimeError):
    """Blocking checks failed; nothing was published and the previous version is in view."""

    def __init__(self, table: Table, results: Sequence[CheckResult]) -> None:
        self.table = table
        self.results = list(results)
        self.failed = [r for r in results if not r.passed and r.check.is_blocking]
        reasons = "; ".join(result.reason_in(table.key) for result in self.failed)
        super().__init__(
            f"{table.name} was not published, its previous version stays in view: {reasons}"
        )


@dataclass
class SourceWarehouse:
    """One source's folder of tables, and the engine that computes them.

    `tables` describes every table of the source with the source's own types. `shown` are the
    manifests that it reads instead of the newest ones: what readers see. The caller holds the
    writer lock while it publishes.
    """

    folder: Path
    engine: DuckDBEngine
    tables: Mapping[str, Table]
    chunk_rows: int = CHUNK_ROWS
    run_id: str = ""
    shown: Mapping[str, Manifest] | None = None
    _checks: dict[str, list[Check]] = field(default_factory=dict)

    @cached_property
    def days(self) -> Days:
        """Return what tells which days a day is computed from."""
        return Days(self.engine, self.manifest, self.relation)

    def store(self, name: str) -> TableStore:
        return TableStore(self.folder / name, self.tables[name].partition_by)

    def manifest(self, name: str) -> Manifest:
        if self.shown is not None:
            return self.shown.get(name, Manifest())
        return self.store(name).manifest()

    def checks(self, name: str) -> list[Check]:
        if name not in self._checks:
            self._checks[name] = checks_of(self.tables[name])
        return self._checks[name]

    def relation(self, name: str, days: Sequence[dt.date] | None = None) -> Relation:
        """Return the published files of a table, of some days or of all."""
        store = self.store(name)
        manifest = self.manifest(name)
        pieces = list(manifest.pieces.values())
        if days is not None and store.partition_by is not None:
            by_day = manifest.days()
            pieces = [piece for day in days for piece in by_day.get(day.isoformat(), [])]
        files = [piece.file(store.folder) for piece in pieces]
        return Relation(self.tables[name], files, sum(piece.rows for piece in pieces))

    def frame(self, name: str) -> pl.DataFrame:
        """Return all published rows of a table, in key order where it has a key."""
        order = ", ".join(quoted(column) for column in self.tables[name].key)
        return self.query(
            relation_sql(self.relation(name)) + (f" order by {order}" if order else "")
        )

    def lacking(self, name: str) -> list[str]:
        """Return the columns that published rows lack, since an earlier release made them."""
        known, folder = set(self.tables[name].columns), self.store(name).folder
        # One piece of each version of the code tells for all of them.
        pieces = {piece.code_version: piece for piece in self.manifest(name).pieces.values()}
        for piece in pieces.values():
            known &= pl.read_parquet_schema(piece.file(folder)).keys()
        return [column for column in self.tables[name].columns if column not in known]

    def scan(self, name: str) -> pl.LazyFrame:
        """Return the published rows of a table, to be read as far as they are asked for."""
        files = self.relation(name).files
        return pl.scan_parquet(list(files)) if files else self.frame(name).lazy()

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
        done = []
        for published in kind_of(self, model, parameters).materialize(days):
            done.append(published)
            yield published
        self._remember_verdicts(model, parameters, done)

    def publish(
        self,
        name: str,
        staged: Mapping[str, StagedPiece],
        withdrawn: Sequence[str] = (),
        started: float | None = None,
        rows_read: int = 0,
        inputs: Mapping[str, Relation] = {},
    ) -> Published:
        """Audit staged files and publish them. Raises ChecksFailedError, publishing nothing.

        `inputs` are what the rows were computed from: a check may ask for them by name.
        """
        started = time.monotonic() if started is None else started
        audited = self._audited(name, staged, withdrawn, inputs)
        (manifest,) = publish_as_one([Change(self.store(name), staged, withdrawn)])
        self._remember_description(name)
        pieces = {key: manifest.pieces[key] for key in staged}
        seconds = time.monotonic() - started
        return Published(self.tables[name], pieces, audited, seconds, rows_read, list(withdrawn))

    def publish_as_one(
        self,
        staged: Mapping[str, Mapping[str, StagedPiece]],
        withdrawn: Mapping[str, Sequence[str]],
        names: Sequence[str],
    ) -> list[Published]:
        """Audit several tables, then publish all of them or, raising ChecksFailedError, none."""
        audits = {}
        for name in names:
            started = time.monotonic()
            try:
                results = self._audited(name, staged.get(name, {}), withdrawn.get(name, ()), {})
            except ChecksFailedError:
                for piece in (piece for pieces in staged.values() for piece in pieces.values()):
                    piece.path.unlink(missing_ok=True)
                raise
            audits[name] = (results, time.monotonic() - started)
        manifests = publish_as_one(
            [
                Change(self.store(name), staged.get(name, {}), withdrawn.get(name, ()))
                for name in names
            ]
        )
        for name in names:
            self._remember_description(name)
        return [
            Published(
                self.tables[name],
                {key: manifest.pieces[key] for key in staged.get(name, {})},
                *audits[name],
                withdrawn=list(withdrawn.get(name, ())),
            )
            for name, manifest in zip(names, manifests, strict=True)
        ]

    def republish_words(
        self, name: str, model: Model | None = None, parameters: Mapping[str, Any] = {}
    ) -> list[CheckResult]:
        """Audit all rows of a table by its description as it is now, and publish its words.

        Raises ChecksFailedError where its checks do not hold for what is published; then the
        description that it was published with stays in view.
        """
        inputs = self.inputs(model, parameters, None) if model else {}
        results = self._audit(name, self.relation(name).files, inputs)
        self._demand(name, results)
        self._remember_description(name)
        return results

    def _audited(
        self,
        name: str,
        staged: Mapping[str, StagedPiece],
        withdrawn: Sequence[str],
        inputs: Mapping[str, Relation],
    ) -> list[CheckResult]:
        """Return the results of a table's checks on staged files.

        Where the table's description moved, what stays published is audited by it too, so that
        its words hold for all rows that are of this version. Raises ChecksFailedError, and removes
        the files, where a check that blocks has failed.
        """
        files = [piece.path for piece in staged.values()]
        kept = []
        if self.words_moved(name):
            versions = {piece.code_version for piece in staged.values()}
            kept = [
                piece.file(self.folder / name)
                for key, piece in self.manifest(name).pieces.items()
                if key not in staged
                and key not in withdrawn
                and (piece.code_version in versions or not staged)
            ]
        results = None if kept else self._judged_before(name, staged, inputs)
        if results is None:
            audit_of = self._audit if kept or files else self._audit_once
            results = audit_of(name, [*kept, *files], inputs)
        try:
            self._demand(name, results)
        except ChecksFailedError:
            for path in files:
                path.unlink(missing_ok=True)
            raise
        return results

    def _judged_before(
        self, name: str, staged: Mapping[str, StagedPiece], inputs: Mapping[str, Relation]
    ) -> list[CheckResult] | None:
        """Return what was said of just these rows when they were published, if they were."""
        contents = {key: piece.content_hash for key, piece in staged.items() if piece.content_hash}
        if not staged or len(contents) < len(staged):
            return None
        places = [self.store(name).place(key, content) for key, content in contents.items()]
        key = self._verdict_key(name, places, inputs)
        return recalled(self.folder / name, key, self.checks(name))

    def _demand(self, name: str, results: Sequence[CheckResult]) -> None:
        if any(not r.passed and r.check.is_blocking for r in results):
            raise ChecksFailedError(self.tables[name], results)

    def _audit(
        self, name: str, files: Sequence[Path], inputs: Mapping[str, Relation]
    ) -> list[CheckResult]:
        table, checks = self.tables[name], self.checks(name)
        for each, relation in self._asked_for(name, inputs).items():
            self.engine.view(each, relation)
        self.engine.view("audited", Relation(table.deriving(()), files))
        return audit(self.engine.connection, "audited", checks, partition_by=table.partition_by)

    def _audit_once(
        self, name: str, files: Sequence[Path], inputs: Mapping[str, Relation]
    ) -> list[CheckResult]:
        """Return what a table's checks say of published files, or of none, as they said before."""
        folder, key = self.folder / name, self._verdict_key(name, files, inputs)
        known = recalled(folder, key, self.checks(name))
        if known is None:
            known = self._audit(name, files, inputs)
            keep(folder, key, known)
        return known

    def _verdict_key(self, name: str, files: Sequence[Path], inputs: Mapping[str, Relation]) -> str:
        read = [path for each in self._asked_for(name, inputs).values() for path in each.files]
        return verdict_key(self.tables[name], [*files, *read], self.folder)

    def _asked_for(self, name: str, inputs: Mapping[str, Relation]) -> dict[str, Relation]:
        """Return the inputs that the checks of a table read."""
        queries = [check.arguments.get("unexpected_rows_query", "") for check in self.checks(name)]
        asked = " ".join(map(str, queries))
        return {n: each for n, each in inputs.items() if re.search(rf"\b{re.escape(n)}\b", asked)}

    def audit_published(
        self, name: str, model: Model | None = None, parameters: Mapping[str, Any] = {}
    ) -> list[CheckResult]:
        """Check the newest published partition of a table, or the whole table, as it stands.

        Its checks may ask for the inputs of its model, as when the table was computed.
        """
        return self._audit_once(name, *self._newest(name, model, parameters))

    def _newest(
        self, name: str, model: Model | None, parameters: Mapping[str, Any]
    ) -> tuple[list[Path], dict[str, Relation]]:
        """Return the newest published partition of a table, or all of it, and what it is from."""
        files, days = list(self.relation(name).files), None
        if self.tables[name].partition_by is not None:
            files = files[-1:]
            days = [dt.date.fromisoformat(day) for day in list(self.manifest(name).days())[-1:]]
        return files, self.inputs(model, parameters, days) if model else {}

    def _remember_verdicts(
        self, model: Model, parameters: Mapping[str, Any], done: Sequence[Published]
    ) -> None:
        """Keep what was said of the newest rows as they were published: nobody asks it again."""
        files, inputs = self._newest(model.name, model, parameters)
        written = {p.file(self.folder / model.name) for each in done for p in each.pieces.values()}
        if files and files[-1] in written:
            results = one_each([result for each in done for result in each.checks])
            keep(self.folder / model.name, self._verdict_key(model.name, files, inputs), results)

    def inputs(
        self, model: Model, parameters: Mapping[str, Any], days: Sequence[dt.date] | None
    ) -> dict[str, Relation]:
        """Return what some days of a table, or all of it, are computed from."""
        if model.compares is not None:
            compared = self.tables[model.compares]
            return {f"{model.compares}_{when}": Relation(compared, []) for when in _TIMES}
        return {
            name: self.relation(name, days and self.days.read(model, name, days, parameters))
            for name in model.inputs
        }

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
        read = {
            name: self.days.each(model, name, days, parameters)
            for name in manifests
            if self.tables[name].partition_by is not None
        }
        versions = {}
        for day in days:
            parts = list(told)
            for name, manifest in manifests.items():
                if name not in read:
                    parts.append(f"{name}={manifest.content_hash}")
                    continue
                for near in read[name][day]:
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
        return kind_of(self, model, parameters).outdated(days)

    def words_moved(self, name: str) -> bool:
        """Say whether a table was published under another description, prose and checks included.

        A table that was never published, or whose description cannot be read, was.
        """
        with contextlib.suppress(DamagedFileError, AttributeError):
            known = read_json(self.folder / name / DESCRIBED) or {}
            return bool(known.get("as") != description_version(self.tables[name]))
        return True

    def _remember_description(self, name: str) -> None:
        said = {"as": description_version(self.tables[name])}
        write_atomically(self.folder / name / DESCRIBED, json.dumps(said))

    def remember_version(self, name: str, version: Version) -> None:
        """Keep the parts of the version that a table was last computed by."""
        known = {"version": version.digest, "parts": dict(version.parts)}
        write_atomically(self.folder / name / VERSION, json.dumps(known, indent=1))

    def moved_parts(self, model: Model, parameters: Mapping[str, Any]) -> list[str]:
        """Return what of a table's definition is not what it was last computed by."""
        with contextlib.suppress(DamagedFileError, KeyError, TypeError, AttributeError):
            known = read_json(self.folder / model.name / VERSION)
            return model.version(parameters).moved_since(known["parts"]) if known else []
        return []

    def is_said(self, ledger: str, inputs: str, version: str | None = None) -> bool:
        """Say whether the newest entry of a ledger was made from just these inputs and code.

        An older one may have been: what was, and is so again, is said again.
        """
        newest = list(self.manifest(ledger).pieces.values())[-1:]
        return any(
            piece.inputs == inputs and version in (None, piece.code_version) for piece in newest
        )

    def next_entry(self, ledger: str) -> str:
        """Return the key of the next entry of a ledger: keys are in the order of time."""
        keys = self.manifest(ledger).pieces
        last = max((int(key[:6]) for key in keys if _ENTRY.match(key)), default=0)
        return f"{last + 1:06d}-{self.run_id}"

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
        # What cannot be read is worked out again.
        with contextlib.suppress(DamagedFileError, KeyError, TypeError, AttributeError, ValueError):
            known = read_json(path) or {}
            if known.get("version") == version or EVERY_COLUMN in known.get("columns", ()):
                return {c: [(t, o) for t, o in pairs] for c, pairs in known["columns"].items()}
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
