"""Which events of Dagster somebody is told of, and the sensors that do so.

A run that failed; an error of a check, and a warning that lasts over two runs or is about what
came of a day; a source whose last refresh is too long ago. How an alert is kept and sent is the
business of `alerts`.
"""

import datetime as dt
import logging
from collections.abc import Iterator, Mapping

import dagster as dg

from customer_assets import settings
from customer_assets.alerts import Alert, UndeliveredError, deliver, keep
from customer_assets.components.presentation import FINDINGS

logger = logging.getLogger("customer_assets")

SEND_EVERY_SECONDS = 30
LOOK_EVERY_SECONDS = 1800
# A night's refresh that was left out is told of.
STALE_AFTER = dt.timedelta(hours=50)
_RUNNING = dg.DefaultSensorStatus.RUNNING


def alerts_of_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Iterator[Alert]:
    """Yield what is to be told of a run that is over."""
    source = run.tags.get("source", "")
    if run.status == dg.DagsterRunStatus.FAILURE:
        steps = [
            str(event.step_key)
            for event in _events(instance, run.run_id, dg.DagsterEventType.STEP_FAILURE)
        ]
        where = f" at {', '.join(steps)}" if steps else ""
        text = f"{run.job_name} failed{where}; the run says why"
        yield Alert(f"run/{run.run_id}", "run_failed", source, text, run.run_id)
    lasting = None
    for check in _failed_checks(instance, run.run_id):
        is_error = check.severity == dg.AssetCheckSeverity.ERROR
        kind = "check_failed" if is_error else "check_warns"
        found = getattr(check.metadata.get(FINDINGS), "value", None)
        if isinstance(found, Mapping):
            # Whichever of its checks tells of a day first.
            for day, words in found.items():
                key = f"finding/{source}/{day}/{words}"
                yield Alert(key, kind, source, f"{source}, {day}: {words}", run.run_id)
            continue
        if not is_error:
            lasting = _warned_before(instance, run) if lasting is None else lasting
            if (check.asset_key, check.check_name) not in lasting:
                continue
        name = f"{check.asset_key.to_user_string()} {check.check_name}"
        # The description of a check that could not be run may quote a row.
        n_rows = check.metadata.get("failing_rows")
        text = f"{name}: {f'{n_rows.value} rows fail it' if n_rows else 'failed'}"
        # Counts of rows move from night to night; what they are about does not.
        yield Alert(f"{kind}/{name}", kind, source, text, run.run_id)


def stale_alert(
    instance: dg.DagsterInstance, source: str, jobs: list[str], now: dt.datetime
) -> Alert | None:
    """Return what is to be told where the last refresh of a source is too long ago."""
    done = [
        record.update_timestamp.replace(tzinfo=dt.UTC)
        for job in jobs
        for record in instance.get_run_records(
            dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS]), limit=1
        )
    ]
    # What never ran waits for somebody who starts it.
    if not done or now - max(done) < STALE_AFTER:
        return None
    last = f"{max(done):%Y-%m-%d %H:%M} UTC"
    return Alert(f"stale/{source}/{last}", "stale", source, f"{source} was last refreshed {last}")


@dg.run_failure_sensor(
    name="alert_failed_runs",
    default_status=_RUNNING,
    description="Writes down an alert for each run that failed, and for its failed checks.",
)
def alert_failed_runs(context: dg.RunFailureSensorContext) -> None:
    """Keep the alerts of a run that failed."""
    _keep_alerts(context)


@dg.run_status_sensor(
    name="alert_failed_checks",
    run_status=dg.DagsterRunStatus.SUCCESS,
    default_status=_RUNNING,
    description="Writes down an alert for errors and lasting warnings of the checks of a run.",
)
def alert_failed_checks(context: dg.RunStatusSensorContext) -> None:
    """Keep the alerts of a run that succeeded."""
    _keep_alerts(context)


@dg.sensor(
    name="send_alerts",
    minimum_interval_seconds=SEND_EVERY_SECONDS,
    default_status=_RUNNING,
    description="Sends what alerts.jsonl has and CUSTOMER_ASSETS_ALERT_URL did not take yet.",
)
def send_alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Send the alerts that were not taken yet; asks for no run."""
    url = settings.alert_url()
    if url is None:
        return dg.SkipReason("CUSTOMER_ASSETS_ALERT_URL is not set: alerts stay in alerts.jsonl")
    n_sent = 0
    try:
        for place in deliver(url, int(context.cursor or 0)):
            context.update_cursor(str(place))
            n_sent += 1
    except UndeliveredError as error:
        return dg.SkipReason(f"{n_sent} alerts are sent; the next one is tried again: {error}")
    return dg.SkipReason(f"{n_sent} alerts are sent")


def staleness_sensor(source: str, jobs: list[str]) -> dg.SensorDefinition:
    """Return the watch over the age of a source's last refresh."""

    @dg.sensor(
        name=f"stale_{source}",
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
        default_status=_RUNNING,
        description=f"Writes down an alert when the last refresh of {source} is over "
        f"{STALE_AFTER.total_seconds() / 3600:.0f} hours ago.",
    )
    def watch(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        alert = stale_alert(context.instance, source, jobs, dt.datetime.now(dt.UTC))
        if alert is None:
            return dg.SkipReason("it is fresh, or was never refreshed")
        return dg.SkipReason(f"{alert.text}, {'told' if keep(alert) else 'told before'}")

    return watch


ALERT_SENSORS = [alert_failed_runs, alert_failed_checks, send_alerts]


def _keep_alerts(context: dg.RunStatusSensorContext) -> None:
    for alert in alerts_of_run(context.instance, context.dagster_run):
        keep(alert)


def _failed_checks(instance: dg.DagsterInstance, run_id: str) -> Iterator[dg.AssetCheckEvaluation]:
    for event in _events(instance, run_id, dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        evaluation = event.asset_check_evaluation_data
        if not evaluation.passed:
            yield evaluation


def _warned_before(
    instance: dg.DagsterInstance, run: dg.DagsterRun
) -> set[tuple[dg.AssetKey, str]]:
    """Return the checks that failed in the run of the job before this one."""
    runs = [each.run_id for each in instance.get_runs(dg.RunsFilter(job_name=run.job_name))[:10]]
    before = runs[runs.index(run.run_id) + 1 :][:1] if run.run_id in runs else []
    return {(c.asset_key, c.check_name) for r in before for c in _failed_checks(instance, r)}


def _events(
    instance: dg.DagsterInstance, run_id: str, kind: dg.DagsterEventType
) -> Iterator[dg.DagsterEvent]:
    for record in instance.get_records_for_run(run_id, of_type=kind).records:
        event = record.event_log_entry.dagster_event
        if event is not None:
            yield event
