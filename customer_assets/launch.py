"""The jobs of a source, run from the command line: the same as the UI launches.

What cannot run is said before anything starts; the runs themselves keep their history.
"""

import datetime as dt
import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import dagster as dg

from customer_assets import settings
from customer_assets.components.automation import landing_moved, outdated_request
from customer_assets.components.partition_tags import range_tags
from customer_assets.components.report_asset import cannot_be_reported
from customer_assets.components.source_definitions import job_name
from customer_assets.components.table_assets import ONLY_OUTDATED
from customer_assets.generation import open_shown
from customer_assets.ingest.landing import LandingError, list_files
from customer_assets.pipeline import AnyPipeline
from customer_assets.planning import check_days
from customer_assets.progress import Collected, listening
from customer_assets.progress_bars import shown
from customer_assets.project import read_pipeline

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class LaunchError(ValueError):
    """A job that cannot run as it is asked for. The text says why, and what would do."""


@dataclass
class Outcome:
    """What the run over one source came to."""

    source: str
    problem: str = ""
    checks_passed: int = 0
    checks_failed: list[str] = field(default_factory=list)
    seconds: float = 0.0
    n_published: int = 0
    n_up_to_date: int = 0
    n_warned: int = 0
    n_failed: int = 0
    n_skipped: int = 0

    def followed_by(self, other: "Outcome") -> "Outcome":
        """Return what two runs came to, the second over what the first left to do."""
        both = {
            each.name: getattr(self, each.name) + getattr(other, each.name)
            for each in fields(self)
            if each.name not in ("source", "problem")
        }
        return Outcome(self.source, self.problem or other.problem, **both)


def launch(
    purpose: str, source: str, days: Sequence[dt.date] | None = None, is_verbose: bool = False
) -> Outcome:
    """Run the job of a source that refreshes, trains or reports, over some successive days.

    Without `days` a refresh redoes what is outdated, of whatever day. Shows how far it is.

    Raises UnknownSourceError, ValueError where the source's `defs.yaml` is wrong, and LaunchError.
    """
    pipeline = read_pipeline(source)
    # Before Dagster's definitions are read, which takes longer.
    if days is not None:
        check_days(pipeline, days, dt.datetime.now(dt.UTC))
    if purpose == "train" and not pipeline.training:
        raise LaunchError(f"{source} asks no question of its customers: there is no model to train")
    _check_ready(purpose, pipeline)
    job = job_of(purpose, source)
    with shown({source: n_tables(job)}, is_verbose):
        if purpose == "refresh" and days is None:
            return _refresh_outdated(pipeline, job)
        return run_job(source, job, tags_of(job, days))


def _refresh_outdated(pipeline: AnyPipeline, job: dg.JobDefinition) -> Outcome:
    """Read what landed, if anything did, then redo what follows from it and nothing else."""
    outcome = Outcome(pipeline.name)
    is_new = landing_moved(pipeline)
    if is_new:
        outcome = run_job(pipeline.name, job_of("ingest", pipeline.name), {ONLY_OUTDATED: "true"})
        if outcome.problem:
            n_done = outcome.n_published + outcome.n_up_to_date + outcome.n_failed
            return replace(outcome, n_skipped=n_tables(job) - n_done)
    with dg.DagsterInstance.get() as instance:
        asked = outdated_request(instance, pipeline, dt.datetime.now(dt.UTC), is_read=is_new)
    return outcome.followed_by(run_job(pipeline.name, job, asked.tags, asked.asset_selection))


def tags_of(job: dg.JobDefinition, days: Sequence[dt.date] | None = None) -> Mapping[str, str]:
    """Return the tags of a run over some successive days, or over all."""
    keys = job.partitions_def.get_partition_keys() if job.partitions_def is not None else []
    asked = keys if days is None else [day.isoformat() for day in days]
    return range_tags(asked) if asked else {}


def _check_ready(purpose: str, pipeline: AnyPipeline) -> None:
    """Raise LaunchError where what a job rests on is not there, with what to do first."""
    name = pipeline.name
    with open_shown(pipeline) as warehouse:
        if purpose == "refresh":
            folder, patterns = settings.landing() / name, pipeline.source.patterns
            try:
                files = list_files(folder, patterns, dt.datetime.now(dt.UTC))
            except LandingError as error:
                raise LaunchError(str(error)) from error
            if not files and not warehouse.shown:
                raise LaunchError(f"no file in {folder} fits {', '.join(patterns)}, its `files`")
        elif not warehouse.shown:
            raise LaunchError(f"nothing of {name} is published: customer-assets refresh {name}")
        elif purpose == "report" and (why := cannot_be_reported(pipeline, warehouse)):
            raise LaunchError(why)


@functools.cache
def _definitions(source: str) -> dg.Definitions:
    from customer_assets.definitions import defs_of_source

    return defs_of_source(source)


def job_of(purpose: str, source: str) -> dg.JobDefinition:
    return _definitions(source).resolve_job_def(job_name(purpose, source))


def n_tables(job: dg.JobDefinition) -> int:
    """Return how many tables a job makes, its report counted too."""
    return len(job.asset_layer.selected_asset_keys)


def run_job(
    source: str,
    job: dg.JobDefinition,
    tags: Mapping[str, str],
    keys: Sequence[dg.AssetKey] | None = None,
) -> Outcome:
    """Run a job of a source in this process, with its history; of its assets only `keys`."""
    started = time.monotonic()
    outcome = Outcome(source)
    said = Collected()
    with dg.DagsterInstance.get() as instance, listening(said):
        result = job.execute_in_process(
            instance=instance,
            tags=tags,
            asset_selection=keys,
            raise_on_error=False,
            run_config=_QUIET,
        )
    for event in result.all_events:
        if event.is_step_failure:
            if _is_interrupt(event):
                raise KeyboardInterrupt
            outcome.problem = outcome.problem or f"{event.step_key}: {_reason(event)}"
            outcome.n_failed += 1
    if not result.success and not outcome.problem:
        outcome.problem = "the run failed; see its events in the UI"
    for evaluation in result.get_asset_check_evaluations():
        if evaluation.passed:
            outcome.checks_passed += 1
        else:
            table = "/".join(evaluation.asset_key.path)
            could_not_run = "error" in evaluation.metadata
            severity = "could not be run" if could_not_run else evaluation.severity.value.lower()
            outcome.checks_failed.append(f"{table}: {evaluation.check_name} ({severity})")
    for done in said.tables.values():
        outcome.n_published += done.status == "published"
        outcome.n_up_to_date += done.status == "up to date"
        outcome.n_warned += bool(done.warned)
    # A step that ended in an error of its own said nothing.
    told_failed = sum(done.status == "failed" for done in said.tables.values())
    n_asked = n_tables(job) if keys is None else len(keys)
    not_done = n_asked - len(said.tables) - max(0, outcome.n_failed - told_failed)
    outcome.n_skipped = max(0, not_done)
    outcome.seconds = time.monotonic() - started
    return outcome


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return the last line of runs: `published 320, warned 5, failed 0`.

    Of a published table that warned both are counted. What follows a failure is skipped.
    """
    said = []
    for name in ("published", "up_to_date", "warned", "failed", "skipped"):
        count = sum(getattr(outcome, f"n_{name}") for outcome in outcomes)
        if count or name not in ("up_to_date", "skipped"):
            said.append(f"{name.replace('_', ' ')} {count:,}")
    return ", ".join(said)


def _is_interrupt(failed: dg.DagsterEvent) -> bool:
    # Dagster ends the run well, and would let the next source begin.
    error = failed.step_failure_data.error
    return error is not None and error.cls_name == dg.DagsterExecutionInterruptedError.__name__


def _reason(failed: dg.DagsterEvent) -> str:
    """Return what went wrong in the words of the step, not of what ran it."""
    failure = failed.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error and error.cause:
        error = error.cause
    return error.message.strip() if error else "unknown"
