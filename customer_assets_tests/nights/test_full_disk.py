"""A disk that is full, or nearly: nothing published is harmed, and it is said what to do."""

import os
import shutil
import subprocess

import dagster as dg
import pytest

from customer_assets import settings
from customer_assets.cli import main
from customer_assets.components.liveness import report_gone_runs
from customer_assets.disk import bytes_to_write
from customer_assets.history import prepare_dagster_home
from customer_assets.project import open_warehouse
from customer_assets_tests.drill.kills import ledger_agrees, run_in_process, shown
from customer_assets_tests.nights.shop import DAYS, lines


def failure(result):
    (text,) = [
        event.step_failure_data.user_failure_data.description
        for event in result.all_events
        if event.is_step_failure
    ]
    return text


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own, with room for the shop and little more."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here: that takes root and tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def leave(disk, n_bytes):
    """Fill a disk but for a few bytes; return the file to remove."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - n_bytes)
    return filler


def test_a_disk_that_fills_up_harms_nothing_and_the_next_run_goes_on(shop, small_disk, monkeypatch):
    before = shown(shop)
    shop.land("late.csv", lines(DAYS[4], [50, 51]))
    shutil.copytree(settings.home(), small_disk / "home")
    monkeypatch.setenv("CUSTOMER_ASSETS_HOME", str(small_disk / "home"))
    monkeypatch.setenv("CUSTOMER_ASSETS_DISK_RESERVE", "0MB")
    filler = leave(small_disk, 600_000)
    status, _ = run_in_process(shop, "refresh", only_outdated=True)
    assert status != 0
    assert shown(shop) == before
    filler.unlink()
    monkeypatch.setenv("DAGSTER_HOME", str(prepare_dagster_home()))
    with dg.DagsterInstance.get() as instance:
        report_gone_runs(instance)
        assert not instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    assert shop.run("refresh").success
    assert shown(shop) != before
    assert ledger_agrees(shop)


def test_a_step_that_meets_a_full_disk_says_what_to_do(shop, small_disk):
    shop.land("late.csv", lines(DAYS[4], [50, 51]))
    shutil.copytree(shop.folder, small_disk / "shop")
    shutil.rmtree(shop.folder)
    shop.folder.symlink_to(small_disk / "shop")
    leave(small_disk, 20_000)
    assert "is full" in failure(shop.run("ingest"))


def test_a_run_stops_before_it_writes_where_the_reserve_would_be_used(shop, monkeypatch, capsys):
    monkeypatch.setenv("CUSTOMER_ASSETS_DISK_RESERVE", "900TB")
    before = shop.manifests()
    shop.land("late.csv", lines(DAYS[4], [50, 51]))
    assert "900,000,000 MB that are kept free" in failure(shop.run("refresh"))
    assert shop.manifests() == before
    assert main(["demo"]) == 1
    assert "(CUSTOMER_ASSETS_DISK_RESERVE). Free some space" in capsys.readouterr().err


def test_what_a_run_will_write_is_what_it_replaces_and_what_landed(shop):
    with open_warehouse(shop.pipeline()) as warehouse:
        bytes_of = {name: warehouse.manifest(name).bytes for name in shop.pipeline().tables}
        of_whole = bytes_to_write(shop.pipeline(), warehouse)
        of_days = bytes_to_write(shop.pipeline(), warehouse, DAYS)
        late = shop.land("late.csv", lines(DAYS[4], [50, 51]))
        with_late = bytes_to_write(shop.pipeline(), warehouse)
    assert of_days == sum(bytes_of.values())
    assert 0 < of_whole < of_days
    assert with_late == of_whole + late.stat().st_size
