"""A part of `make drill`, and what a ledger says whatever happened."""

import datetime as dt
import os
import shutil

import pytest

from customer_assets import settings
from customer_assets_tests.drill.__main__ import OF_SHOP, drill
from customer_assets_tests.drill.kills import ledger_agrees
from customer_assets_tests.nights.shop import DAYS, lines


@pytest.mark.parametrize("fault", OF_SHOP[1:2], ids=lambda fault: fault.name)
def test_killed_runs_lose_nothing_show_no_halves_and_stop_nobody(shop, tmp_path, fault):
    sound = tmp_path / "sound"
    shutil.copytree(settings.home(), sound / "home")
    shutil.copytree(settings.landing(), sound / "landing")
    tries = drill(fault, shop, sound, tmp_path / "try", n_tries=2)
    assert [each.text for each in tries if each.text] == []


def test_a_touched_file_counts_once_in_the_ledger(shop):
    # Landed at noon of its own day: what a row of that evening is depends on when it landed.
    file = shop.land("late.csv", [*lines(DAYS[0], [40]), *lines(DAYS[5], [40])])
    for day in (DAYS[1], DAYS[3], DAYS[7]):
        moment = dt.datetime.combine(day, dt.time(12)).timestamp()
        os.utime(file, (moment, moment))
        assert shop.run("ingest").success
    assert shop.run("refresh").success
    assert ledger_agrees(shop)


def test_the_ledger_agrees_when_its_own_entries_were_lost(shop):
    next((shop.folder / "arrivals").glob("*.parquet")).unlink()
    assert shop.run("refresh").success
    assert ledger_agrees(shop)


def test_readers_see_the_old_generation_until_the_new_one_is_whole(shop):
    before = shop.query("select count(*) from shop.raw_events")
    shop.land("late.csv", lines(DAYS[4], [50, 51]))
    assert shop.run("ingest").success
    assert shop.run("refresh", tables=["events"]).success
    assert shop.query("select count(*) from shop.raw_events") == before
    assert shop.run("refresh").success
    assert shop.query("select count(*) from shop.raw_events") == [(before[0][0] + 3,)]


def test_the_report_says_what_newer_tables_wait_for(shop):
    shop.land("late.csv", lines(DAYS[4], [50, 51]))
    result = shop.run("ingest")
    assert "waits for events 2025-03-05" in str(result.dagster_run.tags)
    assert shop.run("report").success
    page = settings.reports_folder() / "shop" / "index.html"
    assert "not shown yet: they wait for events 2025-03-05" in page.read_text()
