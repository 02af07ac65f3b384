"""What runs by itself: the daily refresh of an open log, and the watch over its landing folder.

Both ask for runs that leave alone what is up to date, so asking twice costs little.
"""

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from customer_assets import settings
from customer_assets.components.partition_tags import range_tags
from customer_assets.components.table_assets import ONLY_OUTDATED, asset_key
from customer_assets.customer_tables.staging import customer_table_version
from customer_assets.generation import ingested_landing, outstanding, refreshed
from customer_assets.ingest import ingest_version
from customer_assets.ingest.landing import LandingError, fingerprint, list_files
from customer_assets.ingest.rows_sql import rows_sql
from customer_assets.pipeline import AnyPipeline
from customer_assets.planning import plan, successive
from customer_assets.project import open_warehouse
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.source_warehouse import SourceWarehouse
from customer_assets.warehouse.versions import digest

REFRESH_HOUR = 3
LOOK_EVERY_SECONDS = 60
# What a sensor asked for: files, definitions and days.
ASKED = "customer_assets/asked_for"

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_MOST_FAILURES = 12
_LONGEST_PAUSE_MINUTES = 360


def daily_refresh(
    pipeline: AnyPipeline, job: UnresolvedAssetJobDefinition
) -> dg.ScheduleDefinition:
    """Refresh what is outdated each night, in the source's zone.

    Where something landed that nobody has read yet, nobody knows what follows from it: then all
    tables look at yesterday, and at the days that yesterday completes.
    """
    reach = _days_completed_by_one(pipeline)

    @dg.schedule(
        name=f"daily_{job.name}",
        job=job,
        cron_schedule=f"0 {REFRESH_HOUR} * * *",
        execution_timezone=pipeline.source.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Each night at {REFRESH_HOUR}:00 {pipeline.source.timezone}: what is new.",
    )
    def refresh(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = context.scheduled_execution_time
        days = [str(day) for day in pipeline.days(now)]
        if pipeline.kind.has_days and not days:
            return dg.SkipReason("the log's first day is not over yet")
        if landing_moved(pipeline):
            return dg.RunRequest(tags=_tags(days[-1 - reach :]))
        return outdated_request(context.instance, pipeline, now)

    return refresh


def weekly_training(
    pipeline: AnyPipeline, job: UnresolvedAssetJobDefinition
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
    pipeline: AnyPipeline,
    ingest_job: UnresolvedAssetJobDefinition,
    refresh_job: UnresolvedAssetJobDefinition,
) -> dg.SensorDefinition:
    """Take in files that came, changed or went, then ask for exactly what they made outdated."""

    @dg.sensor(
        name=f"landing_{pipeline.name}",
        jobs=[ingest_job, refresh_job],
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
        default_status=_sensor_status(pipeline),
        description=f"Looks every {LOOK_EVERY_SECONDS} seconds at the landing folder of "
        f"{pipeline.name}; asks for the tables, and their days, that new, late, replaced or "
        "withdrawn files changed.",
    )
    def watch(
        context: dg.SensorEvaluationContext,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        def refreshes() -> list[dg.RunRequest]:
            now = dt.datetime.now(dt.UTC)
            keys = [str(day) for day in pipeline.days(now)]
            with open_warehouse(pipeline) as warehouse:
                ranges = dirty_ranges(pipeline, warehouse, keys, now)
                tables = outstanding(pipeline, warehouse, now).tables if ranges else ()
            return [_request(pipeline, tables, days, refresh_job.name) for days in ranges]

        yield from _asked_for(
            context.instance,
            pipeline,
            lambda: dg.RunRequest(job_name=ingest_job.name),
            refreshes,
        )

    return watch


def _sensor_status(pipeline: AnyPipeline) -> dg.DefaultSensorStatus:
    # A closed source changes only when somebody corrects it, who may then switch the sensor on.
    status = dg.DefaultSensorStatus
    return status.RUNNING if pipeline.source.is_open else status.STOPPED


def _asked_for(
    instance: dg.DagsterInstance,
    pipeline: AnyPipeline,
    ingest: Callable[[], dg.RunRequest],
    refreshes: Callable[[], list[dg.RunRequest]],
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Yield the runs that a source needs now.

    What is needed follows from what is there: the landing folder against what the last ingest
    saw of it, then the tables against what they are computed from. Requests have no run key: what
    was there once may be there again. While a run of the source is under way nothing is asked
    for, and what failed is asked for again, at growing intervals, or at once when it changed.
    """
    under_way = instance.get_runs(
        dg.RunsFilter(tags={"source": pipeline.name}, statuses=_UNFINISHED), limit=1
    )
    if under_way:
        yield dg.SkipReason(f"run {under_way[0].run_id} is under way; this looks again after it")
        return
    try:
        landed = landing_fingerprint(pipeline, settings.landing() / pipeline.name)
    except LandingError as error:
        yield dg.SkipReason(str(error))
        return
    is_new = landed != ingested_landing(settings.warehouse_folder() / pipeline.name)
    requests = [ingest()] if is_new else refreshes()
    if not requests:
        yield dg.SkipReason("nothing landed and nothing is outdated")
    definition = digest(v.digest for v in pipeline.definition_versions.values())
    for request in requests:
        asked = digest([landed, definition, str(request.job_name), *sorted(request.tags.values())])
        if next_try := _next_try(instance, asked):
            yield dg.SkipReason(f"it failed and is tried again at {next_try:%Y-%m-%d %H:%M} UTC")
        else:
            yield request.with_replaced_attrs(tags={**request.tags, ASKED: asked})


def _next_try(instance: dg.DagsterInstance, asked: str) -> dt.datetime | None:
    """Return when a run that failed may be asked for again; None: now."""
    records = instance.get_run_records(dg.RunsFilter(tags={ASKED: asked}), limit=_MOST_FAILURES)
    failed = list(
        itertools.takewhile(lambda r: r.dagster_run.status != dg.DagsterRunStatus.SUCCESS, records)
    )
    if not failed:
        return None
    minutes = min(2 ** (len(failed) - 1), _LONGEST_PAUSE_MINUTES)
    ended = failed[0].update_timestamp.replace(tzinfo=dt.UTC)
    again = ended + dt.timedelta(minutes=minutes)
    return again if again > dt.datetime.now(dt.UTC) else None


def landing_fingerprint(pipeline: AnyPipeline, folder: Path) -> str:
    """Digest the files that may be read now, as the ingest would see them."""
    source = pipeline.source
    if isinstance(source, EventLogSource):
        patterns = [*source.patterns, *source.lookups.values()]
        version = ingest_version(source, rows_sql(pipeline.name, source, folder))
    else:
        patterns = source.patterns
        version = customer_table_version(source)
    entries = list_files(folder, patterns, dt.datetime.now(dt.UTC))
    return fingerprint(entries, version)


def landing_moved(pipeline: AnyPipeline) -> bool:
    """Say whether something landed, or would be read otherwise, since the last ingest."""
    try:
        landed = landing_fingerprint(pipeline, settings.landing() / pipeline.name)
    except LandingError:
        # Which the ingest says, and fails.
        return True
    return landed != ingested_landing(settings.warehouse_folder() / pipeline.name)


def outdated_request(
    instance: dg.DagsterInstance, pipeline: AnyPipeline, now: dt.datetime, is_read: bool = False
) -> dg.RunRequest:
    """Return the request of a refresh of what is outdated, once what landed is read.

    It looks at the landing folder itself, unless that `is_read` just now. What Dagster's history
    does not know is said again.
    """
    with open_warehouse(pipeline) as warehouse:
        found = outstanding(pipeline, warehouse, now)
    keys = {asset_key(pipeline, name): name for name in refreshed(pipeline)}
    known = {record.asset_entry.asset_key for record in instance.get_asset_records(list(keys))}
    unknown = {name for key, name in keys.items() if key not in known}
    days = pipeline.days(now) if unknown else found.days or pipeline.days(now)[-1:]
    names = found.tables | unknown
    looks_first = () if is_read and names else pipeline.raw_tables
    return _request(pipeline, [*looks_first, *sorted(names)], [str(day) for day in days])


def dirty_ranges(
    pipeline: AnyPipeline,
    warehouse: SourceWarehouse,
    keys: Sequence[str],
    now: dt.datetime,
) -> list[list[str]]:
    """Return the days whose tables are outdated, as runs of successive days; a source without
    days has one run, of none.

    Days that depend on each other are in one run: the runs that one look asks for have no order.
    """
    if not warehouse.manifest("landed_files").version:
        return []
    days = [dt.date.fromisoformat(key) for key in keys]
    planned = plan(pipeline, warehouse, pipeline.parameters(now), days)
    dirty = {day for table in planned for day in table.days or ()}
    if planned and not dirty:
        # Rejected rows or a renamed file change tables that have no days: any day will do.
        return [[*keys[-1:]]]
    return [[day.isoformat() for day in run] for run in successive(sorted(dirty))]


def _request(
    pipeline: AnyPipeline, tables: Iterable[str], days: Sequence[str], job_name: str | None = None
) -> dg.RunRequest:
    """Return the request of a run over some tables that leaves alone what is up to date."""
    return dg.RunRequest(
        job_name=job_name,
        asset_selection=[asset_key(pipeline, name) for name in tables],
        tags=_tags(days),
    )


def _tags(days: Sequence[str]) -> dict[str, str]:
    return {
        **(range_tags(days) if days else {}),
        # Ahead of a long backfill, which would make a schedule wait.
        "dagster/priority": "1",
        ONLY_OUTDATED: "true",
    }


def _days_completed_by_one(pipeline: AnyPipeline) -> int:
    """Return how far back the daily tables reach that a new day completes."""
    ahead = [
        hint.days[1] for model in pipeline.models.values() for hint in model.neighbours.values()
    ]
    return max(ahead, default=0)
