"""`make dev`: the Dagster UI in a real browser, what it refuses, and what is started again."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import dagster as dg
import pytest

CHROMIUM = shutil.which("chromium")
STARTS_WITHIN_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def dev(refreshed):
    """A running `make dev`: its address and process, ended with all that it started."""
    port = free_port()
    with (refreshed.home / "dev.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "customer_assets", "dev", "--port", str(port)],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"{url}/server_info", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, (refreshed.home / "dev.log").read_text()
                assert time.monotonic() < deadline, (refreshed.home / "dev.log").read_text()
                time.sleep(0.5)
        yield url, server
    finally:
        server.terminate()
        server.wait(timeout=60)


@pytest.fixture
def address(dev):
    return dev[0]


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)")
def test_an_asset_is_materialized_from_its_page(address, refreshed):
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(60_000)
        page.goto(f"{address}/assets/online_retail/segment_profile")
        expect(page.get_by_text("One row per k-means segment").first).to_be_visible(timeout=60_000)
        expect(page.get_by_text("Name of the segment").first).to_be_visible()
        page.get_by_role("button", name="Materialize", exact=False).first.click()
        expect(page.get_by_text("Launched run").first).to_be_visible(timeout=60_000)
        asked = {dg.AssetKey(["online_retail", "segment_profile"])}
        runs = refreshed.instance.get_runs(limit=5)
        (launched,) = [run for run in runs if run.asset_selection == asked]
        page.goto(f"{address}/runs/{launched.run_id}")
        expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=90_000)
        browser.close()
    finished = refreshed.instance.get_run_by_id(launched.run_id)
    assert finished.status.value == "SUCCESS"


MUTATION = "mutation { setNuxSeen }"
BY_POST = json.dumps({"query": MUTATION}).encode()


@pytest.mark.parametrize(
    ("headers", "data", "status"),
    [
        ({}, BY_POST, 200),
        ({"Origin": "{address}"}, BY_POST, 200),
        ({"Origin": "http://shop.example"}, BY_POST, 403),
        ({"Origin": "null"}, BY_POST, 403),
        ({"Host": "shop.example"}, BY_POST, 400),
        ({}, None, 403),
        ({"Origin": "http://shop.example"}, None, 403),
    ],
)
def test_only_its_own_pages_and_programs_of_this_machine_ask_for_anything(
    address, headers, data, status
):
    url = f"{address}/graphql" + ("" if data else f"?query={urllib.parse.quote(MUTATION)}")
    headers = {name: value.format(address=address) for name, value in headers.items()}
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            found = answer.status
            assert json.load(answer) == {"data": {"setNuxSeen": True}}
    except urllib.error.HTTPError as refused:
        found = refused.code
    assert found == status


def children(pid):
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are told by /proc")
def test_what_dies_is_started_again_and_the_rest_goes_on(dev, refreshed):
    _, server = dev
    before = children(server.pid)
    (daemon,) = [p for p in before if b"dagster-daemon" in Path(f"/proc/{p}/cmdline").read_bytes()]
    os.kill(int(daemon), signal.SIGKILL)
    deadline = time.monotonic() + 30
    while len(now := children(server.pid) - {daemon}) < 3 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert len(now) == 3
    assert now > before - {daemon}
    assert "the daemon ended; it is started again" in (refreshed.home / "dev.log").read_text()


def test_a_busy_port_is_said_and_another_proposed(refreshed):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        found = subprocess.run(
            [sys.executable, "-m", "customer_assets", "dev", "--port", str(port)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert found.returncode == 1
    assert (
        f"port {port} is busy. Choose another: customer-assets dev --port {port + 1}"
        in found.stderr
    )
