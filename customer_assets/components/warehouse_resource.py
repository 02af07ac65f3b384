"""The warehouse as a Dagster resource: one DuckDB connection a run, one writer a source."""

import contextlib
import logging
from collections.abc import Iterator

import dagster as dg
from dagster_duckdb import DuckDBResource
from pydantic import PrivateAttr

from customer_assets import settings
from customer_assets.pipeline import AnyPipeline
from customer_assets.warehouse.catalog import build_catalog, snapshot_relations, take_snapshot
from customer_assets.warehouse.changes import seen_files
from customer_assets.warehouse.engine import DuckDBEngine
from customer_assets.warehouse.lock import writer_lock
from customer_assets.warehouse.manifest import sweep
from customer_assets.warehouse.source_warehouse import SourceWarehouse

logger = logging.getLogger("customer_assets")


def duckdb_resource() -> DuckDBResource:
    """Return DuckDB in process, with the limits of the settings."""
    return DuckDBResource(database=":memory:", connection_config=settings.duckdb_limits())


class WarehouseResource(dg.ConfigurableResource):
    """Opens the warehouse of a source for writing, for the length of a run.

    The first step of a source takes its lock and sweeps what a killed run left behind. When
    the run ends and no step of it failed, the catalog shows what it published.
    """

    duckdb: dg.ResourceDependency[DuckDBResource]

    _stack: contextlib.ExitStack = PrivateAttr()
    _engine: DuckDBEngine = PrivateAttr()
    _opened: dict[str, SourceWarehouse] = PrivateAttr()
    _has_failed: bool = PrivateAttr(default=False)
    _run_id: str = PrivateAttr(default="")

    @contextlib.contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["WarehouseResource"]:
        settings.spill_folder().mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            self._stack = stack
            self._engine = DuckDBEngine(stack.enter_context(self.duckdb.get_connection()))
            self._opened = {}
            self._has_failed = False
            self._run_id = context.run.run_id if context.run else ""
            yield self
            if self._opened and not self._has_failed:
                for warehouse in self._opened.values():
                    take_snapshot(warehouse.folder)
                build_catalog(settings.warehouse_folder(), settings.catalog_file())

    @contextlib.contextmanager
    def open(self, pipeline: AnyPipeline) -> Iterator[SourceWarehouse]:
        """Give a step its source's tables; a step that fails keeps the run out of view."""
        if pipeline.name not in self._opened:
            warehouse = pipeline.warehouse(settings.warehouse_folder(), self._engine)
            holder = f"run {self._run_id}"
            self._stack.enter_context(writer_lock(warehouse.folder, holder, logger.warning))
            in_view = [
                path for relation in snapshot_relations(warehouse.folder) for path in relation.files
            ]
            sweep(warehouse.folder, [*in_view, *seen_files(warehouse.folder)])
            warehouse.run_id = self._run_id
            self._opened[pipeline.name] = warehouse
        try:
            yield self._opened[pipeline.name]
        except BaseException:
            self._has_failed = True
            raise
