"""What runs by itself: the daily refresh of an open log, and the watch over its landing folder.

Both ask for runs that leave alone what is up to date, so asking twice costs little.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import duckdb
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from customer_assets import settings
from customer_assets.components.table_assets import ONLY_OUTDATED
from customer_assets.ingest.landing import LandingError, list_files
from customer_assets.pipeline import AnyPipeline, Pipeline
from customer_assets.planning import plan, successive
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.engine import DuckDBEngine
from customer_assets.warehouse.versions import digest

REFRESH_HOUR = 3
LOOK_EVERY_SECONDS = 60


def daily_refresh(
    pipeline: Pipeline[EventLogSource],
    job: UnresolvedAssetJobDefinition,
    days: dg.DailyPartitionsDefinition,
) -> dg.ScheduleDefinition:
    """Refresh yesterday, and the days that yesterday completes, each night in the source's zone."""
    reach = _days_completed_by_one(pipeline)

    @dg.schedule(
        name=f"daily_{job.name}",
        job=job,
        cron_schedule=f"0 {REFRESH_HOUR} * * *",
        execution_timezone=pipeline.source.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Each night at {REFRESH_HOUR}:00 {pipeline.source.timezone}: yesterday, and "
        f"the {reach} days before it that it completes.",
    )
    def refresh(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        keys = days.get_partition_keys(current_time=context.scheduled_execution_time)
        if not keys:
            return dg.SkipReason("the log's first day is not over yet")
        return range_request(keys[-1 - reach :], f"daily {keys[-1]}")

    return refresh


def weekly_training(
    pipeline: Pipeline[EventLogSource], job: UnresolvedAssetJobDefinition
) -> dg.ScheduleDefinition:
    """Train each Monday, an hour after the refresh of the night."""
    hour = REFRESH_HOUR + 1
    return dg.ScheduleDefinition(
        name=f"weekly_{job.name}",
        job=job,
        cron_schedule=f"0 {hour} * * 1",
        execution_timezone=pipeline.source.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Each Monday at {hour}:00 {pipeline.source.timezone}: train anew; a model "
        "replaces the champion only if it passes the gate.",
    )


def landing_sensor(
    pipeline: Pipeline[EventLogSource],
    ingest_job: UnresolvedAssetJobDefinition,
    refresh_job: UnresolvedAssetJobDefinition,
    days: dg.DailyPartitionsDefinition,
) -> dg.SensorDefinition:
    """Take in files that came, changed or went, then ask for exactly the days they made dirty."""

    @dg.sensor(
        name=f"landing_{pipeline.name}",
        jobs=[ingest_job, refresh_job],
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
        # A closed log changes only when somebody corrects it, who may then switch this on.
        default_status=(
            dg.DefaultSensorStatus.STOPPED
            if pipeline.source.last_day
            else dg.DefaultSensorStatus.RUNNING
        ),
        description=f"Looks every {LOOK_EVERY_SECONDS} seconds at the landing folder of "
        f"{pipeline.name}; asks for the days that new, late, replaced or withdrawn files changed.",
    )
    def watch(
        context: dg.SensorEvaluationContext,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        folder = settings.landing() / pipeline.name
        try:
            fingerprint = landing_fingerprint(pipeline, folder)
        except LandingError as error:
            yield dg.SkipReason(str(error))
            return
        if fingerprint != context.cursor:
            context.update_cursor(fingerprint)
            yield dg.RunRequest(run_key=f"landing {fingerprint}", job_name=ingest_job.name)
            return
        with duckdb.connect() as connection:
            ranges = dirty_ranges(
                pipeline,
                DuckDBEngine(connection),
                days.get_partition_keys(),
                dt.datetime.now(dt.UTC),
            )
        if not ranges:
            yield dg.SkipReason("nothing landed and nothing is outdated")
        for keys in ranges:
            run_key = f"dirty {fingerprint} {keys[0]} {keys[-1]}"
            yield range_request(keys, run_key, refresh_job.name)

    return watch


def whole_landing_sensor(
    pipeline: AnyPipeline, refresh_job: UnresolvedAssetJobDefinition
) -> dg.SensorDefinition:
    """Refresh a source without days when any of its files came, changed or went."""

    @dg.sensor(
        name=f"landing_{pipeline.name}",
        job=refresh_job,
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
        description=f"Looks every {LOOK_EVERY_SECONDS} seconds at the landing folder of "
        f"{pipeline.name} and refreshes its tables when files came, changed or went.",
    )
    def watch(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        try:
            fingerprint = landing_fingerprint(pipeline, settings.landing() / pipeline.name)
        except LandingError as error:
            return dg.SkipReason(str(error))
        if fingerprint == context.cursor:
            return dg.SkipReason("nothing landed")
        context.update_cursor(fingerprint)
        return dg.RunRequest(run_key=f"landing {fingerprint}")

    return watch


def landing_fingerprint(pipeline: AnyPipeline, folder: Path) -> str:
    """Digest names, sizes and times of the files that may be read now."""
    patterns = pipeline.source.files
    patterns = [patterns] if isinstance(patterns, str) else patterns
    if isinstance(pipeline.source, EventLogSource):
        patterns = [*patterns, *pipeline.source.lookups.values()]
    entries = list_files(folder, patterns, dt.datetime.now(dt.UTC))
    return digest(
        f"{entry.file} {entry.bytes} {entry.modified_us}" for entry in entries if not entry.waiting
    )


def dirty_ranges(
    pipeline: Pipeline[EventLogSource], engine: DuckDBEngine, keys: Sequence[str], now: dt.datetime
) -> list[list[str]]:
    """Return the days whose tables are outdated, as runs of successive days.

    Days that depend on each other are in one run: the runs that one look asks for have no order.
    """
    warehouse = pipeline.warehouse(settings.warehouse_folder(), engine)
    if not warehouse.manifest("raw_events").version:
        return []
    days = [dt.date.fromisoformat(key) for key in keys]
    parameters = pipeline.parameters(now)
    planned = plan(pipeline, warehouse, parameters, days)
    dirty = {day for table in planned for day in table.days or ()}
    if planned and not dirty:
        # Rejected rows or a renamed file change tables that have no days: any day will do.
        dirty = {days[-1]}
    return [[day.isoformat() for day in run] for run in successive(sorted(dirty))]


def range_request(keys: Sequence[str], run_key: str, job_name: str | None = None) -> dg.RunRequest:
    """Return the request of one run over a range of days that leaves alone what is up to date."""
    return dg.RunRequest(
        run_key=run_key,
        job_name=job_name,
        tags={
            "dagster/asset_partition_range_start": keys[0],
            "dagster/asset_partition_range_end": keys[-1],
            # Ahead of a long backfill, which would make a schedule wait.
            "dagster/priority": "1",
            ONLY_OUTDATED: "true",
        },
    )


def _days_completed_by_one(pipeline: Pipeline[EventLogSource]) -> int:
    """Return how far back the daily tables reach that a new day completes."""
    ahead = [
        hint.days[1] for model in pipeline.models.values() for hint in model.neighbours.values()
    ]
    return max(ahead, default=0)
