"""Runs whose process is gone: told by tags, reported as failed.

Dagster learns of the end of a run from the process that runs it. Where that was killed, or the
machine was switched off, the run would stay "started" for ever, and its source would wait for it.
"""

import datetime as dt
import logging
from collections.abc import Iterator

import dagster as dg

from customer_assets.warehouse.process import Process

logger = logging.getLogger("customer_assets")

LOOK_EVERY_SECONDS = 20
# A run says which process it is in before its first step: soon after it has begun, but long after
# it was asked for where the code has to be read first.
_UNTAGGED_SECONDS = {dg.DagsterRunStatus.STARTED: 30}
_UNBEGUN_SECONDS = 180
_PREFIX = "customer_assets/process_"
# A run that is tried again takes over the tags of the one before, whose process they name.
_OF_RUN = f"{_PREFIX}of_run"
_UNDER_WAY = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def process_tags(run_id: str) -> dict[str, str]:
    """Return the tags by which a run says that it is in this process."""
    return {**Process.current().as_tags(_PREFIX), _OF_RUN: run_id}


def report_gone_runs(instance: dg.DagsterInstance) -> list[str]:
    """Report runs whose process is gone as failed; return the ids of those runs."""
    reported = []
    for run_id, process in gone_runs(instance):
        run = instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            who = str(process) if process else "its process, which began no step,"
            instance.report_run_failed(run, f"{who} is gone: it was killed, or the machine ended")
            logger.warning("run %s is reported as failed: %s is gone", run_id, who)
            reported.append(run_id)
    return reported


def gone_runs(instance: dg.DagsterInstance) -> Iterator[tuple[str, Process | None]]:
    """Yield the runs that are said to be under way and are not, with the process that they had."""
    now = dt.datetime.now(dt.UTC)
    for record in instance.get_run_records(dg.RunsFilter(statuses=_UNDER_WAY)):
        run = record.dagster_run
        is_own = run.tags.get(_OF_RUN) == run.run_id
        process = Process.of(run.tags, _PREFIX) if is_own else None
        age = (now - record.update_timestamp.replace(tzinfo=dt.UTC)).total_seconds()
        longest = _UNTAGGED_SECONDS.get(run.status, _UNBEGUN_SECONDS)
        if process.is_gone() if process else age > longest:
            yield run.run_id, process


@dg.sensor(
    name="gone_runs",
    minimum_interval_seconds=LOOK_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=f"Looks every {LOOK_EVERY_SECONDS} seconds for runs whose process is gone and "
    "reports them as failed, so that nobody waits for them.",
)
def gone_runs_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Report runs whose process is gone as failed; asks for no run itself."""
    reported = report_gone_runs(context.instance)
    return dg.SkipReason(
        f"reported as failed: {', '.join(reported)}" if reported else "every run has its process"
    )
