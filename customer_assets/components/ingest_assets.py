"""The ingest of a source as one Dagster step with four tables."""

import datetime as dt
import logging
import time

import dagster as dg

from customer_assets import ingest, settings
from customer_assets.components.partition_tags import tagged_days
from customer_assets.components.presentation import table_metadata
from customer_assets.components.table_assets import (
    ONLY_OUTDATED,
    AssetEvents,
    asset_key,
    asset_spec,
    check_results,
    check_specs,
    say_again,
    tell_published,
)
from customer_assets.components.warehouse_resource import ACCEPT, WarehouseResource
from customer_assets.disk import bytes_to_write, demand_room
from customer_assets.generation import outstanding, refreshed, remember_landing
from customer_assets.pipeline import AnyPipeline
from customer_assets.progress import Done, tell_done
from customer_assets.warehouse.source_warehouse import ChecksFailedError, SourceWarehouse

logger = logging.getLogger("customer_assets")


def ingest_asset(pipeline: AnyPipeline) -> dg.AssetsDefinition:
    """Return the step that reads what is new in a source's landing folder."""
    tables = pipeline.raw_tables

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
            # What is read here is what the rest of the run works on.
            days = tagged_days(context.run.tags)
            demand_room(bytes_to_write(pipeline, source_warehouse, days))
            started = time.monotonic()
            is_new = source_warehouse.manifest("landed_files").version == 0
            try:
                prepared = pipeline.kind.prepare(
                    source_warehouse.engine.connection,
                    pipeline.name,
                    pipeline.source,
                    settings.landing() / pipeline.name,
                    source_warehouse.folder,
                    now=dt.datetime.now(dt.UTC),
                    run_id=context.run.run_id,
                    tell=logger.info,
                    may_withdraw=context.run.tags.get(ACCEPT) == "withdrawal",
                )
            except ingest.LandingError as error:
                raise dg.Failure(str(error), allow_retries=False) from error
            read_seconds = time.monotonic() - started
            _tell_files(pipeline, prepared, read_seconds)
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
                if of_table.pieces or of_table.withdrawn or is_new:
                    tell_published(pipeline, of_table.table, [of_table])
                else:
                    tell_done(Done(pipeline.name, name, "up to date"))
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
            # Why each file has no row is published; what follows would be computed from nothing.
            if (prepared.files or is_new) and (why := _nothing_read(pipeline, prepared)):
                raise dg.Failure(why, allow_retries=False)
            _say_what_stands(context, pipeline, source_warehouse, warehouse.now)

    return read_landing


def _say_what_stands(
    context: dg.AssetExecutionContext,
    pipeline: AnyPipeline,
    source_warehouse: SourceWarehouse,
    now: dt.datetime,
) -> None:
    """Say of what has no step in this run that it stands, if it does once all that landed is read.

    What does not is the business of the next run.
    """
    if ONLY_OUTDATED not in context.run.tags:
        return
    in_run = {key.path[-1] for key in context.job_def.asset_layer.selected_asset_keys}
    left_out = [name for name in refreshed(pipeline) if name not in in_run]
    if left_out:
        to_do = outstanding(pipeline, source_warehouse, now).tables
        stands = [name for name in left_out if name not in to_do]
        say_again(context, pipeline, source_warehouse, pipeline.parameters(now), stands)


def _tell_files(pipeline: AnyPipeline, prepared: ingest.Ingest, seconds: float) -> None:
    """Say in one line what was read, however many files it was."""
    files = prepared.files
    if not files:
        return
    n_landed, n_rejected = (
        sum(getattr(file, name) for file in files) for name in ("rows_landed", "rows_rejected")
    )
    logger.info(
        "%s: %s, %s rows landed, %s rejected, %.1f s",
        pipeline.name, f"{len(files):,} file{'s' if len(files) != 1 else ''}", f"{n_landed:,}",
        f"{n_rejected:,}", seconds,
    )  # fmt: skip


def _nothing_read(pipeline: AnyPipeline, prepared: ingest.Ingest) -> str | None:
    """Return why there is no row to go on with; null where there is one."""
    folder = settings.landing() / pipeline.name
    if any(file.rows_loaded for file in prepared.files):
        return None
    if not prepared.files:
        return f"{pipeline.name}: no file in {folder} fits `files` of its defs.yaml"
    told = [
        f"{file.file} ({file.status}): "
        + (file.reason or f"{file.rows_rejected:,} of its {file.rows_landed:,} rows are rejected")
        for file in prepared.files
    ]
    more = f"; and {len(told) - 5} more files" if len(told) > 5 else ""
    return (
        f"{pipeline.name}: no row of the files in {folder} was read, so nothing follows. "
        f"{'; '.join(told[:5])}{more}. Each rejected row, with its reason, is in "
        f"{pipeline.name}.rejected_rows; correct the files or the source's defs.yaml"
    )
