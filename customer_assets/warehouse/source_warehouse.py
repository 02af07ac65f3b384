"""The tables of one source: compute, audit, publish, and read back.

Every table passes through here, whether SQL, Python or the ingest made its rows: files are
written, their blocking checks run on them, and only then does the manifest name them.
"""

import contextlib
import datetime as dt
import functools
import inspect
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from customer_assets.quality import Check, CheckResult, audit, checks_of
from customer_assets.warehouse.changes import compare, remember
from customer_assets.warehouse.engine import (
    DuckDBEngine,
    EngineError,
    Output,
    Relation,
    relation_sql,
)
from customer_assets.warehouse.manifest import (
    WHOLE,
    Change,
    DamagedFileError,
    Manifest,
    Piece,
    StagedPiece,
    TableStore,
    digest,
    publish_as_one,
    read_json,
    write_atomically,
)
from customer_assets.warehouse.quoting import quoted
from customer_assets.warehouse.sql_model import (
    MOVING_PARAMETERS,
    Neighbours,
    SqlModel,
    column_lineage,
)
from customer_assets.warehouse.table import Table

_TIMES = ("before", "after")
_ENTRY = re.compile(r"\d{6}-")
# A chunk of days is as many as hold about this many input rows: hundreds of tiny days are
# faster together, one huge window is slower and bigger than days apart.
CHUNK_ROWS = 10_000_000


@dataclass(frozen=True)
class PythonModel:
    """A table that a pure function computes: frames by input name in, one frame out.

    `optional_inputs` are read too by a source that has them. What a source must offer is in
    `requires`, in the words of SQL headers. A ledger's function is also given the ledger's own
    rows, under its name, and returns the rows to add.
    """

    table: Table
    inputs: tuple[str, ...]
    compute: Callable[[Mapping[str, pl.DataFrame], Mapping[str, Any]], pl.DataFrame]
    parameters: tuple[str, ...] = ()
    optional_inputs: tuple[str, ...] = ()
    requires: frozenset[str] = frozenset()
    neighbours: Mapping[str, Neighbours] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.table.name

    def code_version(self, parameters: Mapping[str, Any]) -> str:
        """Return a hash of the room that holds the function and what it is told."""
        source = _code_of_room(Path(inspect.getfile(self.compute)).parent)
        values = (f"{name}={parameters.get(name)!r}" for name in sorted(self.parameters))
        return digest([*source, self.table.model_dump_json(), *values])[:12]


@functools.cache
def _code_of_room(folder: Path) -> list[str]:
    """Return the code of a room's modules, as it was when this process first asked."""
    return [path.read_text() for path in sorted(folder.glob("*.py"))]


Model = SqlModel | PythonModel


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
        self.table = table
        self.results = list(results)
        self.failed = [r for r in results if not r.passed and r.check.severity == "error"]
        reasons = "; ".join(result.reason for result in self.failed)
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
    _asked: dict[tuple[Any, ...], bool] = field(default_factory=dict)

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
        table = self.tables[model.name]
        if isinstance(model, SqlModel) and model.compares is not None:
            yield self._record_changes(model, model.compares, parameters)
            return
        if table.partition_by is None or days is None:
            yield self._materialize_chunk(model, parameters, None)
            return
        for chunk in self._chunks(model, sorted(days)):
            yield self._materialize_chunk(model, parameters, chunk)

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
        audited = self._audited(name, staged, inputs)
        (manifest,) = publish_as_one([Change(self.store(name), staged, withdrawn)])
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
                results = self._audited(name, staged.get(name, {}), {})
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
        return [
            Published(
                self.tables[name],
                {key: manifest.pieces[key] for key in staged.get(name, {})},
                *audits[name],
                withdrawn=list(withdrawn.get(name, ())),
            )
            for name, manifest in zip(names, manifests, strict=True)
        ]

    def _audited(
        self, name: str, staged: Mapping[str, StagedPiece], inputs: Mapping[str, Relation]
    ) -> list[CheckResult]:
        """Return the results of a table's checks on staged files.

        Raises ChecksFailedError, and removes the files, where one that blocks has failed.
        """
        files = [piece.path for piece in staged.values()]
        results = self._audit(name, files, inputs)
        if any(not r.passed and r.check.severity == "error" for r in results):
            for path in files:
                path.unlink(missing_ok=True)
            raise ChecksFailedError(self.tables[name], results)
        return results

    def _audit(
        self, name: str, files: Sequence[Path], inputs: Mapping[str, Relation]
    ) -> list[CheckResult]:
        table, checks = self.tables[name], self.checks(name)
        asked = " ".join(str(check.arguments.get("unexpected_rows_query", "")) for check in checks)
        for each, relation in inputs.items():
            if re.search(rf"\b{re.escape(each)}\b", asked):
                self.engine.view(each, relation)
        self.engine.view("audited", Relation(table.deriving(()), files))
        return audit(self.engine.connection, "audited", checks, partition_by=table.partition_by)

    def audit_published(
        self, name: str, model: Model | None = None, parameters: Mapping[str, Any] = {}
    ) -> list[CheckResult]:
        """Check the newest published partition of a table, or the whole table, as it stands.

        Its checks may ask for the inputs of its model, as when the table was computed.
        """
        files, days = list(self.relation(name).files), None
        if self.tables[name].partition_by is not None:
            files = files[-1:]
            days = [dt.date.fromisoformat(day) for day in list(self.manifest(name).days())[-1:]]
        return self._audit(name, files, self._inputs(model, parameters, days) if model else {})

    def _inputs(
        self, model: Model, parameters: Mapping[str, Any], days: Sequence[dt.date] | None
    ) -> dict[str, Relation]:
        """Return what some days of a table, or all of it, are computed from."""
        if isinstance(model, SqlModel) and model.compares is not None:
            compared = self.tables[model.compares]
            return {f"{model.compares}_{when}": Relation(compared, []) for when in _TIMES}
        return {
            name: self.relation(name, days and self.days_read(model, name, days, parameters))
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
        versions = {}
        for day in days:
            parts = list(told)
            for name, manifest in manifests.items():
                if self.tables[name].partition_by is None:
                    parts.append(f"{name}={manifest.content_hash}")
                    continue
                for near in self.days_read(model, name, [day], parameters):
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
        published = self.manifest(model.name).pieces
        if isinstance(model, SqlModel) and model.compares is not None:
            of_table = self.store(model.compares)
            comparison = compare(self.folder / model.name, self.tables[model.compares], of_table)
            return [] if comparison.is_up_to_date else [WHOLE]
        code_version, folder = model.code_version(parameters), self.store(model.name).folder
        if self.tables[model.name].ledger:
            inputs = self.inputs_versions(model, parameters)[WHOLE]
            return [] if self._is_said(model.name, inputs, code_version) else [WHOLE]
        return [
            key
            for key, inputs in self.inputs_versions(model, parameters, days).items()
            if key not in published
            or (published[key].code_version, published[key].inputs) != (code_version, inputs)
            or published[key].damage(folder)
        ]

    def _materialize_chunk(
        self, model: Model, parameters: Mapping[str, Any], days: Sequence[dt.date] | None
    ) -> Published:
        started = time.monotonic()
        store = self.store(model.name)
        inputs = self._inputs(model, parameters, days)
        inputs_versions = self.inputs_versions(model, parameters, days)
        if self.tables[model.name].ledger and self._is_said(
            model.name, inputs_versions[WHOLE], model.code_version(parameters)
        ):
            return self.publish(model.name, {}, started=started, inputs=inputs)
        if isinstance(model, SqlModel):
            outputs = self.engine.run(
                model, self.tables[model.name], inputs, parameters, store.new_staged_file, days
            )
        else:
            outputs = {WHOLE: self._compute(model, parameters, store.new_staged_file())}
        version = model.code_version(parameters)
        staged = {
            key: StagedPiece(
                path=output.path,
                rows=output.rows,
                code_version=version,
                inputs=inputs_versions[key],
                content_hash=output.content_hash,
            )
            for key, output in outputs.items()
        }
        if self.tables[model.name].ledger:
            staged = {self._next_entry(model.name): staged[WHOLE]}
        rows_read = sum(relation.rows for relation in inputs.values())
        return self.publish(model.name, staged, started=started, rows_read=rows_read, inputs=inputs)

    def _is_said(self, ledger: str, inputs: str, code_version: str | None = None) -> bool:
        """Say whether the newest entry of a ledger was made from just these inputs and code.

        An older one may have been: what was, and is so again, is said again.
        """
        newest = list(self.manifest(ledger).pieces.values())[-1:]
        return any(
            piece.inputs == inputs and code_version in (None, piece.code_version)
            for piece in newest
        )

    def _next_entry(self, ledger: str) -> str:
        """Return the key of the next entry of a ledger: keys are in the order of time."""
        keys = self.manifest(ledger).pieces
        last = max((int(key[:6]) for key in keys if _ENTRY.match(key)), default=0)
        return f"{last + 1:06d}-{self.run_id}"

    def lineage(self, model: SqlModel, code_version: str) -> dict[str, list[tuple[str, str]]]:
        """Return the input columns of each column, worked out once per version of the code."""
        path = self.folder / model.name / "lineage.json"
        # What cannot be read is worked out again.
        with contextlib.suppress(DamagedFileError, KeyError, TypeError, AttributeError, ValueError):
            known = read_json(path) or {}
            if known.get("code_version") == code_version:
                return {c: [(t, o) for t, o in pairs] for c, pairs in known["columns"].items()}
        schemas = {
            name: {
                column: described.type for column, described in self.tables[name].columns.items()
            }
            for name in model.inputs
        }
        if model.compares is not None:
            schemas = {f"{model.compares}_{when}": schemas[model.compares] for when in _TIMES}
        columns = column_lineage(model, schemas)
        write_atomically(path, json.dumps({"code_version": code_version, "columns": columns}))
        return columns

    def _record_changes(
        self, model: SqlModel, compared: str, parameters: Mapping[str, Any]
    ) -> Published:
        """Write down how a table's rows differ from those that the ledger last saw."""
        started = time.monotonic()
        store = self.store(model.name)
        comparison = compare(store.folder, self.tables[compared], self.store(compared))
        staged = {}
        # What was written down by a run that died before it remembered is not repeated.
        if comparison.before.files and not self._is_said(model.name, comparison.version):
            outputs = self.engine.run(
                model, self.tables[model.name], comparison.views, parameters, store.new_staged_file
            )
            staged = {
                self._next_entry(model.name): StagedPiece(
                    output.path,
                    output.rows,
                    model.code_version(parameters),
                    comparison.version,
                    output.content_hash,
                )
                for output in outputs.values()
            }
        inputs = self._inputs(model, parameters, None) | dict(comparison.views)
        published = self.publish(model.name, staged, started=started, inputs=inputs)
        remember(store.folder, comparison)
        return published

    def _compute(self, model: PythonModel, parameters: Mapping[str, Any], path: Path) -> Output:
        table = self.tables[model.name]
        frames = {name: self.frame(name) for name in model.inputs}
        if table.ledger:
            # Entry by entry, the oldest first.
            frames[model.name] = self.query(relation_sql(self.relation(model.name)))
        result = model.compute(frames, {name: parameters[name] for name in model.parameters})
        if set(result.columns) != set(table.columns):
            raise EngineError(
                f"{model.name}: computed columns {sorted(result.columns)}, described columns "
                f"{sorted(table.columns)}"
            )
        self.engine.connection.register("computed", result.to_arrow())
        columns = ", ".join(
            f"cast({quoted(name)} as {column.type}) as {quoted(name)}"
            for name, column in table.columns.items()
        )
        order = ", ".join(quoted(column) for column in table.key)
        output = self.engine.write(f"select {columns} from computed order by {order}", path)
        self.engine.connection.unregister("computed")
        return output

    def days_read(
        self,
        model: Model,
        name: str,
        days: Sequence[dt.date],
        parameters: Mapping[str, Any],
    ) -> list[dt.date]:
        """Return the days of a daily input that some days of a table are computed from."""
        hint = model.neighbours.get(name)
        if hint is None:
            return sorted(days)
        back, ahead = hint.days
        near: set[dt.date] = set()
        for day in days:
            last = hint.until(day) if hint.until else day + dt.timedelta(days=ahead)
            while hint.further_while is not None and self._goes_on(
                model, name, last, hint.further_while, parameters
            ):
                last += dt.timedelta(days=1)
            span = (last - day).days
            near.update(day + dt.timedelta(days=n) for n in range(back, span + 1))
        return sorted(near)

    def _goes_on(
        self,
        model: Model,
        name: str,
        day: dt.date,
        condition: str,
        parameters: Mapping[str, Any],
    ) -> bool:
        """Say whether a day of an input has a row with a condition: a scan, so asked once."""
        relation = self.relation(name, [day])
        told = (repr(parameters[parameter]) for parameter in sorted(model.parameters))
        question = (condition, *told, *relation.files)
        if relation.files and question not in self._asked:
            if isinstance(model, SqlModel):
                self.engine.set_variables(model, parameters)
            statement = f"select 1 from ({relation_sql(relation)}) where {condition} limit 1"
            row = self.engine.connection.execute(statement).fetchone()
            self._asked[question] = row is not None
        return self._asked.get(question, False)

    def chunks(
        self, model: Model, days: Sequence[dt.date], rows: Mapping[dt.date, int]
    ) -> list[list[dt.date]]:
        """Split days into those that a model computes at once.

        `rows` are the rows by day of its largest daily input; a day of its own may be too large.
        """
        # The whole rows of events are sorted three times: in small chunks they stay in caches.
        has_whole_rows = isinstance(model, SqlModel) and model.attributes
        limit = self.chunk_rows // 10 if has_whole_rows else self.chunk_rows
        chunks: list[list[dt.date]] = []
        in_chunk = 0
        for day in days:
            of_day = rows.get(day, 0)
            if not chunks or in_chunk + of_day > limit:
                chunks.append([])
                in_chunk = 0
            chunks[-1].append(day)
            in_chunk += of_day
        return chunks

    def _chunks(self, model: Model, days: Sequence[dt.date]) -> list[list[dt.date]]:
        daily = [self.manifest(n) for n in model.inputs if self.tables[n].partition_by]
        largest = max(daily, key=lambda m: m.rows).days() if daily else {}
        rows = {dt.date.fromisoformat(d): sum(p.rows for p in ps) for d, ps in largest.items()}
        return self.chunks(model, days, rows)
