"""The hybrid engine: heavy tables on Spark, everything else on DuckDB, over the same files.

What a table's header says decides (`translate.is_candidate`), and how many rows it reads; no list
of names. Spark writes its rows into the staging folder, and DuckDB seals them: day by day, in key
order, in its own encoding, hashed as its own. So whoever audits, publishes or reads cannot tell
the engines apart, and to change the engine changes no version.
"""

import datetime as dt
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from customer_assets.spark.session import Cluster, Input
from customer_assets.spark.translate import (
    input_type,
    is_candidate,
    of_days,
    spark_type,
    translated,
    with_derived,
)
from customer_assets.warehouse.engine import (
    DuckDBEngine,
    EngineError,
    Output,
    Relation,
    RemoteError,
)
from customer_assets.warehouse.manifest import PARTS
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.sql_model import SqlModel, columns_asked_of


class HybridEngine(DuckDBEngine):
    """Runs models on one DuckDB connection, the heavy ones on a cluster.

    `from_rows`: a table that reads fewer rows stays on DuckDB.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, cluster: Cluster, from_rows: int
    ) -> None:
        super().__init__(connection)
        self.cluster = cluster
        self.from_rows = from_rows

    def run(
        self,
        model: SqlModel,
        inputs: Mapping[str, Relation],
        parameters: Mapping[str, Any],
        new_file: Callable[[], Path],
        days: Sequence[dt.date] | None = None,
    ) -> dict[str, Output]:
        if not self.routes(model, inputs):
            return super().run(model, inputs, parameters, new_file, days)
        # Bound by DuckDB too, over no rows: what a header says wrongly is told alike, and before
        # Spark begins.
        empty = {name: replace(relation, files=[]) for name, relation in inputs.items()}
        self.check_schema(model, self.statement(model, empty, parameters))
        with _parts(new_file()) as folder:
            said = self._written(model, inputs, parameters, days, folder)
            files = literal(f"{folder}/*.parquet")
            selected = ", ".join(quoted(name) for name in model.table.stored_columns)
            rows = f"select {selected} from read_parquet({files}, hive_partitioning = false)"
            outputs = self.seal(model, rows, new_file, days)
        return {key: replace(output, computed_by=said) for key, output in outputs.items()}

    def routes(self, model: SqlModel, inputs: Mapping[str, Relation]) -> bool:
        """Say whether a model's rows are computed on Spark."""
        rows = sum(relation.rows for relation in inputs.values())
        is_readable = all(
            input_type(column.type)
            for relation in inputs.values()
            for column in relation.table.stored_columns.values()
        )
        return is_candidate(model) and is_readable and rows >= self.from_rows

    def _written(
        self,
        model: SqlModel,
        inputs: Mapping[str, Relation],
        parameters: Mapping[str, Any],
        days: Sequence[dt.date] | None,
        folder: Path,
    ) -> dict[str, Any]:
        tables = {name: relation.table for name, relation in inputs.items()}
        statement = translated(model, tables, parameters)
        if model.table.partition_by is not None and days is not None:
            statement = of_days(statement, model.table.partition_by, days)
        views = {name: _input(model, name, relation) for name, relation in inputs.items()}
        columns = {n: str(spark_type(c.type)) for n, c in model.table.stored_columns.items()}
        try:
            return self.cluster.write(views, statement, columns, folder)
        except EngineError as error:
            raise RemoteError(f"{model.path}: {model.name}: {error}") from error


def _input(model: SqlModel, name: str, relation: Relation) -> Input:
    asked = columns_asked_of(model.sql, name, relation.table.derived)
    table = relation.table.deriving(asked)
    columns = {n: str(input_type(column.type)) for n, column in table.stored_columns.items()}
    source = f"{name}_files"
    select = with_derived(model.path, table, source) if table.derived else None
    return Input(columns, relation.files, source, select)


@contextmanager
def _parts(staged: Path) -> Iterator[Path]:
    """Give a folder beside a staged file for what Spark writes, until DuckDB has sealed it."""
    folder = staged.with_suffix(PARTS)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
