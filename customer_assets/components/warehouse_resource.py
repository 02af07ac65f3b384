"""The warehouse as a Dagster resource: one DuckDB connection a run, one writer a source."""

import contextlib
import datetime as dt
import logging
from collections.abc import Iterator, Mapping

import dagster as dg
from dagster_duckdb import DuckDBResource
from pydantic import PrivateAttr

from customer_assets import settings
from customer_assets.components.liveness import process_tags
from customer_assets.components.partition_tags import tagged_days
from customer_assets.disk import demand_room, words_on
from customer_assets.generation import accept_days, in_words, open_source, show
from customer_assets.pipeline import AnyPipeline
from customer_assets.spark import engine_on
from customer_assets.warehouse.catalog import build_catalog, snapshot_relations
from customer_assets.warehouse.changes import seen_files
from customer_assets.warehouse.connection import lock_down, of_project
from customer_assets.warehouse.engine import DuckDBEngine, RemoteError
from customer_assets.warehouse.lock import writer_lock
from customer_assets.warehouse.manifest import DamagedFileError, sweep
from customer_assets.warehouse.source_warehouse import SourceWarehouse

logger = logging.getLogger("customer_assets")

# A run with this tag says yes: `day` to its days, which are right although they stand out, and
# `withdrawal` to files that are gone.
ACCEPT = "customer_assets/accept"
# A run with this tag published what readers do not see yet.
NOT_SHOWN = "customer_assets/published_not_shown_yet"


# Of a run: the schedule or sensor that asked for it, `UI` or `command line`.
STARTED_BY = "customer_assets/started_by"


def started_by(tags: Mapping[str, str]) -> str:
    """Return what started a run, by the tags that Dagster gives it."""
    for kind in ("schedule", "sensor"):
        if name := tags.get(f"dagster/{kind}_name"):
            return f"{kind} {name}"
    by_hand = ("dagster/from_ui", "dagster/backfill")
    return "UI" if any(tag in tags for tag in by_hand) else "command line"


def duckdb_resource() -> DuckDBResource:
    """Return DuckDB in process, with the limits of the settings."""
    return DuckDBResource(database=":memory:", connection_config=settings.duckdb_limits())


class WarehouseResource(dg.ConfigurableResource):
    """Opens the warehouse of a source for writing, for the length of a run.

    The first step of a source takes its lock and clears up what a killed run left behind. When
    the run ends, the catalog shows what is published of the source, if that is whole.
    """

    duckdb: dg.ResourceDependency[DuckDBResource]

    _stack: contextlib.ExitStack = PrivateAttr()
    _engine: DuckDBEngine = PrivateAttr()
    _opened: dict[str, tuple[AnyPipeline, SourceWarehouse]] = PrivateAttr()
    _run_id: str = PrivateAttr(default="")
    _accepted_days: list[dt.date] = PrivateAttr(default_factory=list)
    _now: dt.datetime = PrivateAttr()

    @property
    def now(self) -> dt.datetime:
        """The clock of the run: a run over midnight computes all of its tables for one day."""
        return self._now

    @contextlib.contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["WarehouseResource"]:
        self._run_id = context.run.run_id if context.run else ""
        tags = context.run.tags if context.run else {}
        self._accepted_days = tagged_days(tags) if tags.get(ACCEPT) == "day" else []
        if context.run and context.instance:
            told = {**process_tags(self._run_id), STARTED_BY: started_by(tags)}
            context.instance.add_run_tags(self._run_id, told)
        settings.spill_folder().mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            self._stack = stack
            connection = stack.enter_context(self.duckdb.get_connection())
            self._engine = stack.enter_context(engine_on(lock_down(connection, of_project())))
            self._opened = {}
            self._now = dt.datetime.now(dt.UTC)
            yield self
            waits = {}
            try:
                for pipeline, warehouse in self._opened.values():
                    if lacking := show(pipeline, warehouse, self._now):
                        waits[NOT_SHOWN] = f"waits for {in_words(lacking)}"
                if self._opened:
                    build_catalog(settings.warehouse_folder(), settings.catalog_file())
            except Exception as error:
                if not (why := words_on(error)):
                    raise
                logger.error("published, not shown yet: %s", why)
                waits[NOT_SHOWN] = "waits for room on the disk"
            if waits and context.instance:
                context.instance.add_run_tags(self._run_id, waits)

    @contextlib.contextmanager
    def open(self, pipeline: AnyPipeline) -> Iterator[SourceWarehouse]:
        """Give a step its source's tables.

        Raises dagster.Failure where the disk is full, or so before anything was written, and where
        another engine than DuckDB did not compute a table.
        """
        try:
            yield self._open(pipeline)
        except RemoteError as error:
            raise dg.Failure(str(error)) from error
        except Exception as error:
            if why := words_on(error):
                raise dg.Failure(why, allow_retries=False) from error
            raise

    def _open(self, pipeline: AnyPipeline) -> SourceWarehouse:
        if pipeline.name not in self._opened:
            warehouse = pipeline.warehouse(settings.warehouse_folder(), self._engine)
            holder = f"run {self._run_id}"
            self._stack.enter_context(writer_lock(warehouse.folder, holder, logger.warning))
            open_source(warehouse, pipeline)
            with contextlib.suppress(DamagedFileError):
                # While nobody knows what readers see, nothing is taken from them.
                in_view = [
                    path
                    for relation in snapshot_relations(warehouse.folder)
                    for path in relation.files
                ]
                sweep(warehouse.folder, [*in_view, *seen_files(warehouse.folder)])
            demand_room()
            warehouse.run_id = self._run_id
            if self._accepted_days and pipeline.kind.has_days:
                accept_days(pipeline, warehouse, self._accepted_days, self._now)
            self._opened[pipeline.name] = (pipeline, warehouse)
        return self._opened[pipeline.name][1]
