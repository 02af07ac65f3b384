"""`make demo`: exit status and what it says."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

from customer_assets import demo as demo_module
from customer_assets import settings
from customer_assets.sample import write_sample


def demo(*arguments):
    command = [sys.executable, "-m", "customer_assets", "demo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)


@pytest.fixture
def one_click():
    folder = settings.landing() / "one_click"
    write_sample("one_click", folder, rows=300, tell=lambda text: None)
    return folder


def test_all_published_is_success_and_says_what_was_made(one_click):
    done = demo("--sources", "one_click")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rows landed 2,100 = used 2,100 + duplicates removed 0" in done.stdout
    assert "customers 300" in done.stdout
    assert str(settings.catalog_file()) in done.stdout
    assert (settings.reports_folder() / "one_click" / "index.html").exists()
    lines = done.stdout.splitlines()
    counted = [re.match(r"\[ *(\d+)/(\d+)\] one_click/\w+: ", line) for line in lines]
    n_tables = int(next(match for match in counted if match)[2])
    assert [int(match[1]) for match in counted if match] == list(range(1, n_tables + 1))
    assert "  one_click: 4 files, 2,100 rows landed, 0 rejected" in done.stdout
    assert re.fullmatch(rf"published {n_tables}, warned \d+, failed 0", lines[-1])
    assert "published rows per table" not in done.stdout


def test_sources_run_side_by_side_and_each_tells_its_own_problem(one_click):
    course_platform = settings.landing() / "course_platform"
    write_sample("course_platform", course_platform, rows=500, tell=lambda text: None)
    (one_click / "money.csv").unlink()
    (course_platform / "visit_info.csv").unlink()
    done = demo("--sources", "course_platform,one_click")
    assert done.returncode == 1
    first, second = done.stdout.split("\ncourse_platform: ")[1].split("\none_click: ")
    assert "FAILED" in first
    assert "visit_info*.csv" in first
    assert "FAILED" in second
    assert "money*.csv" in second


def test_who_interrupts_a_run_ends_the_demo_too(monkeypatch):
    @dg.asset
    def interrupted():
        raise dg.DagsterExecutionInterruptedError

    job = dg.Definitions(assets=[interrupted], jobs=[dg.define_asset_job("job")])
    monkeypatch.setattr(demo_module, "job_of", lambda *_: job.resolve_job_def("job"))
    with dg.instance_for_test(), pytest.raises(KeyboardInterrupt):
        demo_module._run_source("shop")


def test_a_source_without_files_in_a_folder_that_was_set_is_skipped_and_named():
    done = demo("--sources", "taobao")
    assert done.returncode == 1
    assert f"taobao: skipped, there are no files in {settings.landing() / 'taobao'}" in done.stdout
    assert not (settings.landing() / "taobao").exists()


def test_an_unknown_source_is_an_error_that_lists_the_known():
    done = demo("--sources", "tabao")
    assert done.returncode == 1
    assert "no source is named 'tabao'; there are course_platform, one_click" in done.stderr


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are told by /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_who_ends_the_demo_ends_its_workers(one_click, number):
    write_sample("course_platform", settings.landing() / "course_platform", rows=500)
    command = [sys.executable, "-m", "customer_assets", "demo", "--sources"]
    with subprocess.Popen(
        [*command, "course_platform,one_click"], stdout=subprocess.DEVNULL
    ) as run:
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
        deadline = time.monotonic() + 60
        # The two workers, and the process that keeps their books.
        while len(workers := children.read_text().split()) < 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        run.send_signal(number)
        assert run.wait(30) != 0
    assert len(workers) >= 3
    deadline = time.monotonic() + 30
    while any(map(is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [pid for pid in workers if is_alive(pid)] == []


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
