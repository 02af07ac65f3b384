"""Old runs leave Dagster's history: a weekly job, so that nothing grows but data.

A refresh of all tables writes some megabytes of what was checked, planned and published. What is
needed of an old run is which days are filled and what was last said of each table: that stays. So
do the outcomes of its checks, which Dagster deletes with no run.
"""

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from customer_assets.history import write_back

KEPT_DAYS = 7

_FINISHED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
_PAGE = 1000
# What is carried over counts as news of its table. It must not make one look fresh that is not.
_FRESH = dt.timedelta(days=1)
# What a day's materialization goes on saying.
_CARRIED = ("dagster/partition_row_count", "content_hash")


@dg.op(description=f"Delete runs that ended more than {KEPT_DAYS} days ago and were followed.")
def delete_old_runs(context: dg.OpExecutionContext) -> None:
    now = dt.datetime.now(dt.UTC)
    deleted = tidy(context.instance, now - dt.timedelta(days=KEPT_DAYS), now)
    context.log.info(f"{len(deleted)} old runs are deleted")


@dg.job(
    executor_def=dg.in_process_executor,
    description="Delete old runs from Dagster's history. Tables, and which days are filled, stay.",
)
def tidy_history() -> None:
    delete_old_runs()


weekly_tidying = dg.ScheduleDefinition(
    job=tidy_history,
    cron_schedule="0 6 * * 0",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Each Sunday at 6:00 UTC.",
)


def tidy(instance: dg.DagsterInstance, before: dt.datetime, now: dt.datetime) -> list[str]:
    """Delete the runs that ended `before`, but for those that said the last of a table.

    Days whose newest materialization such a run made are materialized anew, in few words, by no
    run. Returns the ids of the deleted runs.
    """
    ended = dg.RunsFilter(statuses=_FINISHED, updated_before=before)
    old = {record.dagster_run.run_id for record in instance.get_run_records(ended)}
    carried: dict[dg.AssetKey, list[dg.AssetMaterialization]] = {}
    for key in instance.get_asset_keys():
        newest = instance.get_latest_materialization_event(key)
        if newest is None:
            continue
        by_partition = _newest_by_partition(instance, key)
        age = now - dt.datetime.fromtimestamp(newest.timestamp, dt.UTC)
        if age > _FRESH:
            old -= {newest.run_id, *(record.run_id for record in by_partition.values())}
        elif by_partition:
            carried[key] = [
                _in_few_words(record.asset_materialization)
                for record in by_partition.values()
                if record.run_id in old and record.asset_materialization
            ]
            if carried[key] and newest.asset_materialization:
                # What the page of the table shows is the last that was said of it.
                carried[key].append(newest.asset_materialization)
        old.discard(newest.run_id)
    for materializations in carried.values():
        for materialization in materializations:
            instance.report_runless_asset_event(materialization)
    for run_id in old:
        instance.delete_run(run_id)
        _remove_files(Path(instance.root_directory), run_id)
    write_back(Path(instance.root_directory))
    return sorted(old)


def _newest_by_partition(
    instance: dg.DagsterInstance, key: dg.AssetKey
) -> dict[str, dg.EventLogRecord]:
    newest: dict[str, dg.EventLogRecord] = {}
    for record in _materializations(instance, key):
        if record.partition_key is not None:
            newest.setdefault(record.partition_key, record)
    return newest


def _materializations(
    instance: dg.DagsterInstance, key: dg.AssetKey
) -> Iterator[dg.EventLogRecord]:
    """Yield what was said of a table, the newest first."""
    cursor = None
    while True:
        page = instance.fetch_materializations(key, limit=_PAGE, cursor=cursor)
        yield from page.records
        if not page.has_more:
            return
        cursor = page.cursor


def _in_few_words(said: dg.AssetMaterialization) -> dg.AssetMaterialization:
    metadata = {name: said.metadata[name] for name in _CARRIED if name in said.metadata}
    return dg.AssetMaterialization(said.asset_key, partition=said.partition, metadata=metadata)


def _remove_files(home: Path, run_id: str) -> None:
    """Remove what a deleted run leaves on the disk: its emptied database, what it printed."""
    for path in home.glob(f"{run_id}.db*"):
        path.unlink()
    shutil.rmtree(home / "storage" / run_id, ignore_errors=True)
