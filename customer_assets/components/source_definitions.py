"""All Dagster definitions of one source: its assets and its jobs."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from customer_assets.components.alert_sensors import staleness_sensor
from customer_assets.components.automation import (
    daily_refresh,
    landing_sensor,
    weekly_training,
)
from customer_assets.components.ingest_assets import ingest_asset
from customer_assets.components.report_asset import report_asset
from customer_assets.components.table_assets import asset_key, model_asset
from customer_assets.components.verification_asset import verification_asset
from customer_assets.pipeline import AnyPipeline, Pipeline
from customer_assets.sources import CustomerTableSource, EventLogSource

# Training and backfills may take as long as dagster.yaml allows.
MOST_HOURS = {"report": 1, "ingest": 4, "refresh": 6}


def source_definitions(pipeline: AnyPipeline) -> dg.Definitions:
    """Return the assets of a source, its jobs, and what runs them by itself."""
    if pipeline.kind.has_days:
        return event_log_definitions(pipeline)
    return customer_table_definitions(pipeline)


def event_log_definitions(pipeline: Pipeline[EventLogSource]) -> dg.Definitions:
    """Return the assets of an event log, its jobs, and what runs them by itself."""
    partitions = daily_partitions(pipeline)
    parameters = pipeline.parameters(dt.datetime.now(dt.UTC))
    steps = [ingest_asset(pipeline), verification_asset(pipeline), report_asset(pipeline)]
    assets = [
        *dg.with_source_code_references(steps),
        *(
            model_asset(pipeline, model, partitions, parameters)
            for model in pipeline.models.values()
        ),
    ]
    jobs = source_jobs(pipeline)
    return dg.Definitions(
        assets=assets,
        jobs=list(jobs.values()),
        **_automation(pipeline, jobs),
    )


def customer_table_definitions(pipeline: Pipeline[CustomerTableSource]) -> dg.Definitions:
    """Return the assets of a customer table, its jobs, and what runs them by itself."""
    parameters = pipeline.parameters(dt.datetime.now(dt.UTC))
    assets = [
        *dg.with_source_code_references([ingest_asset(pipeline), report_asset(pipeline)]),
        *(model_asset(pipeline, model, None, parameters) for model in pipeline.models.values()),
    ]
    jobs = source_jobs(pipeline)
    return dg.Definitions(
        assets=assets,
        jobs=list(jobs.values()),
        **_automation(pipeline, jobs),
    )


def _automation(
    pipeline: AnyPipeline, jobs: Mapping[str, UnresolvedAssetJobDefinition]
) -> dict[str, Any]:
    """Return what runs a source by itself, as arguments of its definitions.

    Of a closed source that is the look at its landing folder alone.
    """
    landing = landing_sensor(pipeline, jobs["ingest"], jobs["refresh"])
    if not pipeline.source.is_open:
        return {"sensors": [landing]}
    training = [weekly_training(pipeline, jobs["train"])] if "train" in jobs else []
    staleness = staleness_sensor(
        pipeline.name, [job_name(purpose, pipeline.name) for purpose in ("refresh", "backfill")]
    )
    nightly = daily_refresh(pipeline, jobs["refresh"])
    return {"schedules": [nightly, *training], "sensors": [landing, staleness]}


def source_jobs(pipeline: AnyPipeline) -> dict[str, UnresolvedAssetJobDefinition]:
    """Return the jobs of a source by what they do: ingest, refresh, train, report, backfill."""
    name = pipeline.name
    everything = dg.AssetSelection.key_prefixes(name)
    training = [asset_key(pipeline, table) for table in pipeline.training]
    report = dg.AssetSelection.assets(asset_key(pipeline, "report"))
    raw = dg.AssetSelection.assets(*(asset_key(pipeline, table) for table in pipeline.raw_tables))
    has_days = pipeline.kind.has_days
    recompute = "the chosen days and every table that covers all days" if has_days else "its tables"
    stated = {
        "backfill": (
            everything,
            f"Read what is new in the landing folder of {name}, recompute {recompute}, train its "
            "models and write its report.",
        ),
        "refresh": (
            everything - dg.AssetSelection.assets(*training),
            f"Read what is new in the landing folder of {name}, recompute {recompute} and score "
            "with the models there are.",
        ),
        "ingest": (raw, f"Read what is new in the landing folder of {name}, nothing else."),
        "report": (report, f"Write the report of {name} from its published tables."),
    }
    if training:
        # Ledgers of the refresh that a training moves are downstream of it, and so is the report.
        selection = dg.AssetSelection.assets(*training).downstream() & everything
        stated["train"] = (
            selection,
            f"Train and judge the models of {name} on its published features, let those that pass "
            "the gate replace their champion, and redo what rests on them.",
        )
    return {
        purpose: dg.define_asset_job(
            job_name(purpose, name),
            selection=selection,
            description=description,
            tags={"source": name, **runtime(purpose)},
        )
        for purpose, (selection, description) in stated.items()
    }


def runtime(purpose: str) -> dict[str, str]:
    """Return the tag that ends a run which hangs; others have the limit of dagster.yaml."""
    hours = MOST_HOURS.get(purpose)
    return {"dagster/max_runtime": str(hours * 3600)} if hours else {}


def job_name(purpose: str, source: str) -> str:
    """Return the name of a job: refresh_web_shop."""
    return f"{purpose}_{source}"


def daily_partitions(pipeline: Pipeline[EventLogSource]) -> dg.DailyPartitionsDefinition:
    """Return the days of a source, in its own zone; an open log's end is yesterday."""
    first, last = pipeline.source.day_range()
    return dg.DailyPartitionsDefinition(
        start_date=first.isoformat(),
        end_date=(last + dt.timedelta(days=1)).isoformat() if last else None,
        timezone=pipeline.source.timezone,
    )
