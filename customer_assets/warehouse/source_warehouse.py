"""The tables of one source: compute, audit, publish, and read back.

Every table passes through here, whether SQL, Python or the ingest made its rows: files are
written, their blocking checks run on them, and only then does the manifest name them.
"""

import datetime as dt
import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from customer_assets.quality import Check, CheckResult, audit, checks_of
from customer_assets.warehouse.catalog import remember_table
from customer_assets.warehouse.engine import (
    DuckDBEngine,
    EngineError,
    Output,
    Relation,
    quoted,
    relation_sql,
)
from customer_assets.warehouse.manifest import (
    WHOLE,
    Manifest,
    Piece,
    StagedPiece,
    TableStore,
    digest,
)
from customer_assets.warehouse.sql_model import MOVING_PARAMETERS, SqlModel
from customer_assets.warehouse.table import Table

# A chunk of days is as many as hold about this many input rows: hundreds of tiny days are
# faster together, one huge window is slower and bigger than days apart.
CHUNK_ROWS = 10_000_000


@dataclass(frozen=True)
class PythonModel:
    """A table that a pure function computes: frames by input name in, one frame out."""

    table: Table
    inputs: tuple[str, ...]
    compute: Callable[[Mapping[str, pl.DataFrame], Mapping[str, Any]], pl.DataFrame]
    parameters: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.table.name

    def code_version(self, parameters: Mapping[str, Any]) -> str:
        """Return a hash of the module that holds the function and what it is told."""
        module = inspect.getmodule(self.compute)
        source = inspect.getsource(module) if module else ""
        values = (f"{name}={parameters.get(name)!r}" for name in sorted(self.parameters))
        return digest([source, self.table.model_dump_json(), *values])[:12]


Model = SqlModel | PythonModel


@dataclass(frozen=True)
class Published:
    """What one chunk of a step published."""

    table: Table
    pieces: Mapping[str, Piece]
    checks: Sequence[CheckResult]
    seconds: float
    withdrawn: Sequence[str] = ()

    @property
    def rows(self) -> int:
        return sum(piece.rows for piece in self.pieces.values())


class ChecksFailedError(RuntimeError):
    """Blocking checks failed; nothing was published and the previous version is in view."""

    def __init__(self, table: Table, results: Sequence[CheckResult]) -> None:
        self.results = list(results)
        self.failed = [r for r in results if not r.passed and r.check.severity == "error"]
        reasons = "; ".join(_reason(result) for result in self.failed)
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
    _checks: dict[str, list[Check]] = field(default_factory=dict)

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
        if days is None or store.partition_by is None:
            return Relation(self.tables[name], store.files())
        by_day = store.manifest().days()
        wanted = (piece for day in days for piece in by_day.get(day.isoformat(), []))
        return Relation(self.tables[name], [store.folder / piece.path for piece in wanted])

    def frame(self, name: str) -> pl.DataFrame:
        """Return all published rows of a table in key order."""
        table = self.tables[name]
        order = ", ".join(quoted(column) for column in table.key)
        return self.query(f"{relation_sql(self.relation(name))} order by {order}")

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
    ) -> Published:
        """Audit staged files and publish them. Raises ChecksFailedError, publishing nothing."""
        started = time.monotonic() if started is None else started
        table = self.tables[name]
        files = [piece.path for piece in staged.values()]
        self.engine.view("audited", Relation(table, files))
        results = audit(
            self.engine.connection, "audited", self.checks(name), partition_by=table.partition_by
        )
        if any(not r.passed and r.check.severity == "error" for r in results):
            for path in files:
                path.unlink(missing_ok=True)
            raise ChecksFailedError(table, results)
        store = self.store(name)
        manifest = store.publish(staged, withdrawn)
        remember_table(store.folder, table)
        pieces = {key: manifest.pieces[key] for key in staged}
        return Published(table, pieces, results, time.monotonic() - started, list(withdrawn))

    def inputs_version(
        self, model: Model, parameters: Mapping[str, Any], day: dt.date | None = None
    ) -> str:
        """Digest the content of what a partition is computed from."""
        moving = sorted(MOVING_PARAMETERS.intersection(model.parameters))
        parts = [f"{name}={parameters[name]}" for name in moving]
        for name in model.inputs:
            manifest = self.manifest(name)
            if day is None or self.tables[name].partition_by is None:
                parts.append(f"{name}={manifest.content_hash}")
                continue
            by_day = manifest.days()
            for near in self._days_read(model, name, [day]):
                hashes = sorted(piece.content_hash for piece in by_day.get(near.isoformat(), []))
                parts.append(f"{name}/{near}={','.join(hashes)}")
        return digest(parts)

    def _materialize_chunk(
        self, model: Model, parameters: Mapping[str, Any], days: Sequence[dt.date] | None
    ) -> Published:
        started = time.monotonic()
        store = self.store(model.name)
        if isinstance(model, SqlModel):
            inputs = {
                name: self.relation(name, days and self._days_read(model, name, days))
                for name in model.inputs
            }
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
                inputs=self.inputs_version(
                    model, parameters, dt.date.fromisoformat(key) if days else None
                ),
            )
            for key, output in outputs.items()
        }
        return self.publish(model.name, staged, started=started)

    def _compute(self, model: PythonModel, parameters: Mapping[str, Any], path: Path) -> Output:
        table = self.tables[model.name]
        frames = {name: self.frame(name) for name in model.inputs}
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
        rows = self.engine.write(f"select {columns} from computed order by {order}", path)
        self.engine.connection.unregister("computed")
        return Output(path, rows)

    def _days_read(self, model: Model, name: str, days: Sequence[dt.date]) -> list[dt.date]:
        back, ahead = model.neighbours.get(name, (0, 0)) if isinstance(model, SqlModel) else (0, 0)
        near = {day + dt.timedelta(days=n) for day in days for n in range(back, ahead + 1)}
        return sorted(near)

    def _chunks(self, model: Model, days: Sequence[dt.date]) -> Iterator[list[dt.date]]:
        """Split days so that the largest daily input has about `chunk_rows` rows a chunk."""
        daily = [self.manifest(n) for n in model.inputs if self.tables[n].partition_by]
        by_day = max(daily, key=lambda m: m.rows).days() if daily else {}
        chunk: list[dt.date] = []
        rows = 0
        for day in days:
            of_day = sum(piece.rows for piece in by_day.get(day.isoformat(), []))
            if chunk and rows + of_day > self.chunk_rows:
                yield chunk
                chunk, rows = [], 0
            chunk.append(day)
            rows += of_day
        if chunk:
            yield chunk


def _reason(result: CheckResult) -> str:
    if result.error:
        return f"{result.check.name} could not run: {result.error}"
    rows = f"{result.failing_rows:,} of {result.total_rows:,} rows" if result.failing_rows else ""
    return f"{result.check.name} failed ({rows or f'observed {result.observed}'})"
