"""Alerts: told once, sent until they are taken, and without what is nobody's business."""

import datetime as dt
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import dagster as dg
import pytest

from customer_assets.alerts import Alert, alerts_file, keep
from customer_assets.components.alert_sensors import (
    STALE_AFTER,
    alert_failed_checks,
    alert_failed_runs,
    send_alerts,
    stale_alert,
)
from customer_assets.history import prepare_dagster_home
from customer_assets_tests.nights.shop import DAYS, lines


@pytest.fixture
def receiver(monkeypatch):
    """A server that takes alerts but for the first, which it refuses once."""
    taken, answers = [], iter([503])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = next(answers, 200)
            if status == 200:
                taken.append(json.loads(body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}/hook?token=geheim"
        monkeypatch.setenv("CUSTOMER_ASSETS_ALERT_URL", url)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield taken
        server.shutdown()
        thread.join()


def send(cursor):
    with (
        dg.DagsterInstance.get() as instance,
        dg.build_sensor_context(instance=instance, cursor=cursor) as context,
    ):
        said = send_alerts(context).skip_message
        return context.cursor, said


def told_of(result):
    """Let the sensors look at a run, twice."""
    sensor = alert_failed_checks if result.success else alert_failed_runs
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(result.run_id)
        kinds = dg.DagsterEventType
        kind = kinds.RUN_SUCCESS if result.success else kinds.RUN_FAILURE
        event = dg.DagsterEvent(kind.value, run.job_name, message="over")
        for _ in range(2):
            context = dg.build_run_status_sensor_context(sensor.name, event, instance, run)
            sensor(context if result.success else context.for_run_failure())


def test_a_held_day_and_a_failed_run_are_told_once_and_sent_until_they_are_taken(shop, receiver):
    os.environ["DAGSTER_HOME"] = str(prepare_dagster_home())
    shop.land(f"{DAYS[8]}.csv", [row.replace(",view,", ",VIEW,") for row in lines(DAYS[8])])
    told_of(shop.run("ingest"))
    shop.landing.rename(shop.landing.with_name("away"))
    failed = shop.run("ingest")
    told_of(failed)
    cursor, said = send(None)
    assert (receiver, said) == ([], "0 alerts are sent; the next one is tried again: "
                                    "it is answered by status 503")  # fmt: skip
    cursor, _ = send(cursor)
    cursor, said = send(cursor)
    assert said == "0 alerts are sent"
    assert [alert["kind"] for alert in receiver] == ["check_failed", "run_failed"]
    # A name that was never there may be a text out of a row.
    assert receiver[0]["text"] == f"shop, {DAYS[8]}: event type new"
    assert (receiver[1]["source"], receiver[1]["run_id"]) == ("shop", failed.run_id)
    told = [json.loads(line) for line in alerts_file().read_text().splitlines()]
    assert len(told) == 2
    # The clock may show any number.
    kept = json.dumps([{n: v for n, v in alert.items() if n != "at"} for alert in told])
    for secret in ("geheim", "token", "17", "mug", "VIEW"):
        assert secret not in kept.replace(failed.run_id, "").replace(receiver[0]["run_id"], "")


def test_what_still_holds_after_a_week_is_told_again():
    first = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    at = [(first + dt.timedelta(days=n)).isoformat() for n in (0, 6, 8)]
    assert [keep(Alert("k", "stale", "shop", "old", at=each)) for each in at] == [True, False, True]


def test_a_refresh_that_is_too_long_ago_is_told(shop):
    os.environ["DAGSTER_HOME"] = str(prepare_dagster_home())
    with dg.DagsterInstance.get() as instance:
        now = dt.datetime.now(dt.UTC)
        jobs = ["refresh_shop", "backfill_shop"]
        assert stale_alert(instance, "shop", jobs, now) is None
        alert = stale_alert(instance, "shop", jobs, now + STALE_AFTER)
        assert alert.text.startswith("shop was last refreshed ")
        assert stale_alert(instance, "other", ["refresh_other"], now) is None
