"""Days that are as they should be: nobody is told of them."""

import datetime as dt

import pytest

from customer_assets.ingest.judging import judge
from customer_assets.sample import write_sample
from customer_assets.sources.expected import Expected
from customer_assets_tests.conftest import read_source, run_source


def judged(name, landing, home, now):
    run = run_source(name, read_source(name), landing, home)
    run.now = now
    run.ingest()
    run.materialize("findings")
    return run, run.frame("findings")


def warned_days(findings):
    return findings.filter(findings["severity"] == "warn")["event_date"].n_unique()


def test_the_real_log_has_no_error_and_few_days_that_warn(real_landing, tmp_path):
    now = dt.datetime(2012, 1, 1, tzinfo=dt.UTC)
    run, found = judged("online_retail", real_landing / "online_retail", tmp_path, now)
    assert "error" not in found["severity"].to_list()
    assert warned_days(found) <= 0.02 * 374
    # Fed day by day it is judged as at once: a day is held against those before it alone.
    # (Nothing stands out but by stricter limits.)
    stricter = Expected(warn_factor=1.5, warn_spreads=1)
    source = run.pipeline.source.model_copy(update={"expected": stricter})
    files = run.warehouse.relation("day_counts").files
    rows = judge(run.warehouse.engine.connection, source, files, dt.date(2011, 12, 9), {})
    assert rows
    for day in (dt.date(2010, 12, 19), dt.date(2011, 4, 21), dt.date(2011, 11, 14)):
        fed = judge(run.warehouse.engine.connection, source, files, day, {})
        assert fed == [row for row in rows if row[0] <= day]


@pytest.mark.parametrize("name", ["online_retail", "taobao", "web_shop"])
def test_no_day_of_a_sample_stands_out(name, tmp_path):
    write_sample(name, tmp_path / name, until=dt.date(2026, 11, 22), tell=lambda text: None)
    now = dt.datetime(2026, 11, 23, 3, tzinfo=dt.UTC)
    run, found = judged(name, tmp_path / name, tmp_path / "home", now)
    assert "error" not in found["severity"].to_list(), found
    assert warned_days(found) <= 0.02 * len(run.days())
