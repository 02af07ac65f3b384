"""The ingest of a source as one Dagster step with four tables."""

import datetime as dt
import logging
import time
from collections.abc import Callable

import dagster as dg

from customer_assets import customer_tables, ingest, settings
from customer_assets.components.presentation import table_metadata
from customer_assets.components.table_assets import (
    AssetEvents,
    asset_key,
    asset_spec,
    check_results,
    check_specs,
    log_progress,
)
from customer_assets.components.warehouse_resource import WarehouseResource
from customer_assets.generation import remember_landing
from customer_assets.pipeline import AnyPipeline
from customer_assets.sources import CustomerTableSource
from customer_assets.warehouse.source_warehouse import ChecksFailedError

logger = logging.getLogger("customer_assets")


def ingest_asset(pipeline: AnyPipeline) -> dg.AssetsDefinition:
    """Return the step that reads what is new in a source's landing folder."""
    tables = pipeline.raw_tables
    is_customer_table = isinstance(pipeline.source, CustomerTableSource)
    prepare: Callable[..., ingest.Ingest] = (
        customer_tables.prepare if is_customer_table else ingest.prepare
    )

    @dg.multi_asset(
        name=f"{pipeline.name}__ingest",
        specs=[asset_spec(pipeline, table, kinds={"duckdb", "file"}) for table in tables.values()],
        check_specs=[spec for table in tables.values() for spec in check_specs(pipeline, table)],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def read_landing(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> AssetEvents:
        with warehouse.open(pipeline) as source_warehouse:
            started = time.monotonic()
            try:
                prepared = prepare(
                    source_warehouse.engine.connection,
                    pipeline.name,
                    pipeline.source,
                    settings.landing() / pipeline.name,
                    source_warehouse.folder,
                    now=dt.datetime.now(dt.UTC),
                    run_id=context.run.run_id,
                    tell=logger.info,
                )
            except ingest.LandingError as error:
                raise dg.Failure(str(error), allow_retries=False) from error
            read_seconds = time.monotonic() - started
            try:
                published = source_warehouse.publish_as_one(
                    prepared.staged, prepared.withdrawn, list(tables)
                )
            except ChecksFailedError as failure:
                yield from check_results(pipeline, failure.table, failure.results)
                raise dg.Failure(str(failure), allow_retries=False) from failure
            if prepared.fingerprint:
                remember_landing(source_warehouse.folder, prepared.fingerprint)
            for of_table in published:
                name = of_table.table.name
                log_progress(pipeline, of_table)
                metadata = table_metadata(pipeline.name, source_warehouse, None, [of_table])
                if name == "raw_events":
                    metadata["dirty_days"] = len(prepared.dirty_days)
                    metadata["seconds_reading"] = round(read_seconds, 3)
                yield dg.MaterializeResult(
                    asset_key=asset_key(pipeline, name),
                    metadata=metadata,
                    data_version=dg.DataVersion(source_warehouse.manifest(name).content_hash),
                )
                yield from check_results(pipeline, of_table.table, of_table.checks)

    return read_landing
