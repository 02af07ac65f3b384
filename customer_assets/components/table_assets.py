"""One model, one Dagster asset: dependencies, partitions, checks and metadata of a table."""

import datetime as dt
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from customer_assets.components.presentation import (
    check_evaluation,
    check_result,
    code_metadata,
    column_schema,
    table_metadata,
)
from customer_assets.components.warehouse_resource import WarehouseResource
from customer_assets.pipeline import AnyPipeline
from customer_assets.progress import Done, tell_detail, tell_done
from customer_assets.quality import Check, CheckResult, checks_of, one_each
from customer_assets.warehouse.manifest import Manifest
from customer_assets.warehouse.model import Model
from customer_assets.warehouse.source_warehouse import (
    ChecksFailedError,
    Published,
    SourceWarehouse,
)
from customer_assets.warehouse.table import Table

logger = logging.getLogger("customer_assets")

# A run with this tag leaves alone what is up to date.
ONLY_OUTDATED = "customer_assets/only_outdated"

# A night's refresh that is a few hours late warns, one that was left out fails; so does a week's
# training.
NIGHTLY = dg.FreshnessPolicy.time_window(
    fail_window=dt.timedelta(hours=50), warn_window=dt.timedelta(hours=27)
)
WEEKLY = dg.FreshnessPolicy.time_window(
    fail_window=dt.timedelta(days=15), warn_window=dt.timedelta(days=8)
)

# Of a table that a run left as it is.
NOTHING_DONE = {"is_up_to_date": True, "rows_published": 0, "rows_read": 0, "seconds": 0.0}

AssetEvents = Iterator[dg.MaterializeResult | dg.AssetCheckResult]


def asset_key(pipeline: AnyPipeline, table: str) -> dg.AssetKey:
    return dg.AssetKey([pipeline.name, table])


def asset_group(pipeline: AnyPipeline, layer: str) -> str:
    """Return the group of a layer of a source: the UI draws one row of groups per source."""
    return f"{pipeline.name}_{layer}"


def asset_tags(pipeline: AnyPipeline, layer: str) -> dict[str, str]:
    """Return the tags by which assets are chosen over all sources: `tag:layer=models`."""
    return {"source": pipeline.name, "layer": layer}


def asset_spec(
    pipeline: AnyPipeline,
    table: Table,
    kinds: set[str],
    deps: Sequence[dg.AssetDep] = (),
    code_version: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> dg.AssetSpec:
    """Return what the UI knows of a table before it was ever materialized."""
    return dg.AssetSpec(
        key=asset_key(pipeline, table.name),
        description=table.description,
        group_name=asset_group(pipeline, table.layer),
        kinds=kinds,
        owners=[pipeline.source.owner],
        tags=asset_tags(pipeline, table.layer) | ({"ledger": ""} if table.ledger else {}),
        deps=deps,
        code_version=code_version,
        freshness_policy=freshness(pipeline, table.name),
        metadata={
            "dagster/column_schema": column_schema(table),
            "dagster/table_name": f"{pipeline.name}.{table.name}",
            "key": ", ".join(table.key),
            **(metadata or {}),
        },
    )


def freshness(pipeline: AnyPipeline, table: str) -> dg.FreshnessPolicy | None:
    """Return how old a table of an open source may be: refreshed every night, trained every week.

    What is closed is as fresh as its files.
    """
    if not pipeline.source.is_open:
        return None
    return WEEKLY if table in pipeline.training else NIGHTLY


def check_specs(pipeline: AnyPipeline, table: Table) -> list[dg.AssetCheckSpec]:
    return [_check_spec(pipeline, table, check) for check in checks_of(table)]


def model_asset(
    pipeline: AnyPipeline,
    model: Model,
    partitions: dg.DailyPartitionsDefinition | None,
    parameters: Mapping[str, Any],
) -> dg.AssetsDefinition:
    """Return the asset that computes, audits and publishes a model's table.

    `partitions` are the days of the source's daily tables; a source without days has none.
    `parameters` are what its models may ask for, as the definitions load.
    """
    table = pipeline.tables[model.name]
    is_daily = table.partition_by is not None
    spec = asset_spec(
        pipeline,
        table,
        kinds={"duckdb", model.language},
        deps=[_dependency(pipeline, model, name) for name in model.inputs],
        code_version=model.version(parameters).digest,
        metadata=code_metadata(model),
    )

    @dg.multi_asset(
        name=f"{pipeline.name}__{table.name}",
        specs=[spec],
        check_specs=check_specs(pipeline, table),
        partitions_def=partitions if is_daily else None,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def materialize(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> AssetEvents:
        days = partition_days(context, partitions) if is_daily and partitions else None
        chunks: list[Published] = []
        with warehouse.open(pipeline) as source_warehouse:
            parameters = pipeline.parameters(warehouse.now)
            if context.run.tags.get(ONLY_OUTDATED):
                outdated = source_warehouse.outdated(model, parameters, days)
                if days is not None:
                    days = [dt.date.fromisoformat(day) for day in outdated]
                if not outdated:
                    yield from _nothing_to_do(
                        context, pipeline, source_warehouse, model, parameters, is_daily
                    )
                    return
            try:
                for chunk in source_warehouse.materialize(model, parameters, days):
                    chunks.append(chunk)
                    _tell_chunk(pipeline, chunk)
            except ChecksFailedError as failure:
                tell_done(Done(pipeline.name, table.name, "failed"))
                results = [result for chunk in chunks for result in chunk.checks]
                yield from check_results(pipeline, table, [*results, *failure.results])
                raise dg.Failure(str(failure), allow_retries=False) from failure
            metadata = table_metadata(
                pipeline.name, source_warehouse, model, chunks, model.version(parameters).digest
            )
            manifest = source_warehouse.manifest(model.name)
        tell_published(pipeline, table, chunks)
        if is_daily:
            _say_of_days(context, manifest, metadata)
        yield dg.MaterializeResult(
            asset_key=spec.key,
            metadata={} if is_daily else metadata,
            # A range stamps one version on all its days: only a whole table can say its own.
            data_version=None if is_daily else dg.DataVersion(manifest.content_hash),
        )
        yield from check_results(pipeline, table, [r for chunk in chunks for r in chunk.checks])

    return materialize


def _nothing_to_do(
    context: dg.AssetExecutionContext,
    pipeline: AnyPipeline,
    warehouse: SourceWarehouse,
    model: Model,
    parameters: Mapping[str, Any],
    is_daily: bool,
) -> AssetEvents:
    """Say of a table whose code and inputs are those it was made from that it stands."""
    table = pipeline.tables[model.name]
    tell_done(Done(pipeline.name, table.name, "up to date"))
    manifest = warehouse.manifest(table.name)
    metadata = table_metadata(
        pipeline.name, warehouse, model, [], model.version(parameters).digest
    ) | {"is_up_to_date": True}
    if is_daily:
        _say_of_days(context, manifest, metadata)
    yield dg.MaterializeResult(
        asset_key=asset_key(pipeline, table.name),
        metadata={} if is_daily else metadata,
        data_version=None if is_daily else dg.DataVersion(manifest.content_hash),
    )
    if not warehouse.words_moved(table.name):
        published = warehouse.audit_published(table.name, model, parameters)
        yield from check_results(pipeline, table, published)
        return
    try:
        results = warehouse.republish_words(table.name, model, parameters)
    except ChecksFailedError as failure:
        yield from check_results(pipeline, table, failure.results)
        raise dg.Failure(str(failure), allow_retries=False) from failure
    logger.info("%s/%s: its description is published again", pipeline.name, table.name)
    yield from check_results(pipeline, table, results)


def say_again(
    context: dg.AssetExecutionContext,
    pipeline: AnyPipeline,
    warehouse: SourceWarehouse,
    parameters: Mapping[str, Any],
    names: Iterable[str],
) -> None:
    """Say of tables that stand, and have no step in this run, what was last said of them.

    They were looked at, so they count as fresh. Of their checks those that failed are told.
    """
    keys = {name: asset_key(pipeline, name) for name in names}
    records = context.instance.get_asset_records(list(keys.values()))
    entries = {record.asset_entry.asset_key: record.asset_entry for record in records}
    for name, key in keys.items():
        tell_done(Done(pipeline.name, name, "up to date"))
        last = entries[key].last_materialization if key in entries else None
        if last and last.asset_materialization:
            said = last.asset_materialization
            context.log_event(said.with_metadata({**said.metadata, **NOTHING_DONE}))
        if model := pipeline.models.get(name):
            for result in warehouse.audit_published(name, model, parameters):
                if not result.passed:
                    context.log_event(check_evaluation(key, result))


def said_before(context: dg.AssetExecutionContext, key: dg.AssetKey) -> dict[str, Any]:
    """Return what was last said of what stands and has a step in this run."""
    last = context.instance.get_latest_materialization_event(key)
    said = last.asset_materialization if last else None
    return {**(said.metadata if said else {}), **NOTHING_DONE}


def _say_of_days(
    context: dg.AssetExecutionContext, manifest: Manifest, of_table: Mapping[str, Any]
) -> None:
    """Say of each day asked for what it holds; of the table once, not with each of its days."""
    for day in context.partition_keys:
        said = dict(of_table) if day == context.partition_keys[-1] else {}
        if piece := manifest.pieces.get(day):
            said["dagster/partition_row_count"] = piece.rows
            said["content_hash"] = piece.content_hash
        context.add_asset_metadata(said, partition_key=day)


def check_results(
    pipeline: AnyPipeline, table: Table, results: Sequence[CheckResult]
) -> Iterator[dg.AssetCheckResult]:
    """Yield one Dagster result per check, also where chunks were checked one by one."""
    for result in one_each(results):
        yield check_result(asset_key(pipeline, table.name), result)


def partition_days(
    context: dg.AssetExecutionContext, partitions: dg.DailyPartitionsDefinition
) -> list[dt.date]:
    """Return the days a run was asked for.

    Raises dagster.Failure where there are none, or where the log has no such day.
    """
    if not context.has_partition_key_range:
        raise dg.Failure(
            "This table has one partition a day. Choose a day or a range of days: in the UI in "
            "the materialize dialog, with dg by --partition-range '2011-11-01...2011-11-30'.",
            allow_retries=False,
        )
    keys = context.partition_keys
    unknown = [key for key in keys if not partitions.has_partition_key(key)]
    if unknown or not keys:
        first, last = partitions.get_first_partition_key(), partitions.get_last_partition_key()
        wrong = unknown[0] if unknown else str(context.partition_key_range)
        raise dg.Failure(
            f"{wrong}: there is no such day. Days go from {first} to {last}.", allow_retries=False
        )
    return [dt.date.fromisoformat(key) for key in keys]


def tell_published(pipeline: AnyPipeline, table: Table, chunks: Sequence[Published]) -> None:
    """Say that a table is published, of as many chunks of days as there were."""
    failed = [result.check.name for chunk in chunks for result in chunk.checks if not result.passed]
    tell_done(
        Done(
            pipeline.name,
            table.name,
            "published",
            sum(chunk.rows for chunk in chunks),
            sum(chunk.seconds for chunk in chunks),
            tuple(dict.fromkeys(failed)),
        )
    )


def _tell_chunk(pipeline: AnyPipeline, chunk: Published) -> None:
    days = [key for key in chunk.pieces if key[:2].isdigit() and len(key) == 10]
    if days:
        span = f"{days[0]}...{days[-1]}"
        tell_detail(
            f"{pipeline.name}/{chunk.table.name} {span}: {chunk.rows:,} rows, {chunk.seconds:.1f} s"
        )


def _check_spec(pipeline: AnyPipeline, table: Table, check: Check) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        name=check.name,
        asset=asset_key(pipeline, table.name),
        description=check.description,
        # The step itself publishes nothing when an error fails, and so stops what follows.
        blocking=check.is_blocking,
        metadata={"expectation": check.expectation, "severity": check.severity},
    )


def _dependency(pipeline: AnyPipeline, model: Model, name: str) -> dg.AssetDep:
    key = asset_key(pipeline, name)
    back, ahead = model.neighbours[name].days if name in model.neighbours else (0, 0)
    is_near = pipeline.tables[name].partition_by and (back or ahead)
    if not is_near or name in pipeline.raw_tables:
        return dg.AssetDep(key)
    mapping = dg.TimeWindowPartitionMapping(
        start_offset=back, end_offset=ahead, allow_nonexistent_upstream_partitions=True
    )
    return dg.AssetDep(key, partition_mapping=mapping)
