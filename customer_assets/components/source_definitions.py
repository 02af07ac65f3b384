"""All Dagster definitions of one source: its assets and its jobs."""

import datetime as dt

import dagster as dg

from customer_assets.components.automation import (
    daily_refresh,
    landing_sensor,
    whole_landing_sensor,
)
from customer_assets.components.ingest_assets import ingest_asset
from customer_assets.components.report_asset import report_asset
from customer_assets.components.table_assets import asset_key, model_asset
from customer_assets.components.verification_asset import verification_asset
from customer_assets.pipeline import Pipeline
from customer_assets.sources import CustomerTableSource, EventLogSource


def event_log_definitions(pipeline: Pipeline[EventLogSource]) -> dg.Definitions:
    """Return the assets of an event log, its jobs, and what runs them by itself."""
    partitions = daily_partitions(pipeline)
    assets = [
        ingest_asset(pipeline),
        *(model_asset(pipeline, model, partitions) for model in pipeline.models.values()),
        verification_asset(pipeline),
        report_asset(pipeline),
    ]
    refresh = dg.define_asset_job(
        refresh_job_name(pipeline.name),
        selection=dg.AssetSelection.key_prefixes(pipeline.name),
        description=f"Read what is new in the landing folder of {pipeline.name} and recompute "
        "the chosen days and every table that covers all days.",
        tags={"source": pipeline.name},
    )
    ingest = dg.define_asset_job(
        f"ingest_{pipeline.name}",
        selection=dg.AssetSelection.assets(
            *(asset_key(pipeline, table) for table in pipeline.raw_tables)
        ),
        description=f"Read what is new in the landing folder of {pipeline.name}, nothing else.",
        tags={"source": pipeline.name},
    )
    _, last = pipeline.source.day_range()
    is_open = last is None
    return dg.Definitions(
        assets=assets,
        jobs=[refresh, ingest],
        schedules=[daily_refresh(pipeline, refresh, partitions)] if is_open else [],
        sensors=[landing_sensor(pipeline, ingest, refresh, partitions)],
    )


def customer_table_definitions(pipeline: Pipeline[CustomerTableSource]) -> dg.Definitions:
    """Return the assets of a customer table and the job that refreshes them all."""
    assets = [
        ingest_asset(pipeline),
        *(model_asset(pipeline, model, None) for model in pipeline.models.values()),
        report_asset(pipeline),
    ]
    refresh = dg.define_asset_job(
        refresh_job_name(pipeline.name),
        selection=dg.AssetSelection.key_prefixes(pipeline.name),
        description=f"Read the landing folder of {pipeline.name} and recompute every table.",
        tags={"source": pipeline.name},
    )
    return dg.Definitions(
        assets=assets, jobs=[refresh], sensors=[whole_landing_sensor(pipeline, refresh)]
    )


def refresh_job_name(source: str) -> str:
    return f"refresh_{source}"


def daily_partitions(pipeline: Pipeline[EventLogSource]) -> dg.DailyPartitionsDefinition:
    """Return the days of a source, in its own zone; an open log's end is yesterday."""
    first, last = pipeline.source.day_range()
    return dg.DailyPartitionsDefinition(
        start_date=first.isoformat(),
        end_date=(last + dt.timedelta(days=1)).isoformat() if last else None,
        timezone=pipeline.source.timezone,
    )
