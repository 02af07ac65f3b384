"""What docs/deploy says: the units of systemd, and PostgreSQL for Dagster's history."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import dagster as dg
import pytest

from customer_assets import dev, settings
from customer_assets.doctor import examine
from customer_assets_tests.nights.shop import DAYS, lines

DEPLOY = settings.PROJECT_ROOT / "docs" / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_units_pass_the_checker_of_systemd(tmp_path):
    for unit in UNITS:
        text = unit.read_text().replace("/opt/customer_assets", str(settings.PROJECT_ROOT))
        text = text.replace("/etc/customer-assets.env", str(DEPLOY / "customer-assets.env"))
        (tmp_path / unit.name).write_text(text.replace("User=customer-assets", "User=root"))
    units = sorted(tmp_path.iterdir())
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert len(units) == 3


def test_the_units_run_what_make_dev_runs(tmp_path):
    started = {
        " ".join(Path(word).name for word in command)
        .replace("code-server start --socket code.sock", "api grpc --host 127.0.0.1 --port 4266")
        .replace(f" --working-directory {settings.PROJECT_ROOT.name}", "")
        for command in dev.commands(tmp_path, 3000).values()
    }
    stated = {re.search("^ExecStart=(.+)$", unit.read_text(), re.MULTILINE)[1] for unit in UNITS}
    assert {" ".join(Path(word).name for word in line.split()) for line in stated} == started


@pytest.fixture
def postgres(tmp_path_factory):
    """A PostgreSQL server of its own, on a socket in a folder of its own; yields its URL."""
    if not POSTGRES:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    folder = Path("/tmp") / tmp_path_factory.mktemp("postgres").name
    as_user = []
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        # The server refuses to be root.
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"
    commands = [
        ["initdb", "--auth=trust", "--username=owner", "--no-sync", "-D", data],
        ["pg_ctl", "-w", "-D", data, "-l", folder / "log", "-o",
         f"-c listen_addresses='' -c unix_socket_directories={folder}", "start"],
    ]  # fmt: skip
    try:
        for name, *arguments in commands:
            command = [*as_user, POSTGRES[-1] / name, *arguments]
            subprocess.run(command, check=True, capture_output=True, cwd="/")
        yield f"postgresql+psycopg2://owner@/postgres?host={folder}"
    finally:
        stop = [*as_user, POSTGRES[-1] / "pg_ctl", "-D", data, "-m", "immediate", "stop"]
        subprocess.run(stop, check=False, capture_output=True, cwd="/")
        shutil.rmtree(folder)


def test_dagsters_history_is_kept_by_postgresql(shop, postgres, monkeypatch):
    monkeypatch.setenv("CUSTOMER_ASSETS_POSTGRES", postgres)
    shutil.rmtree(settings.dagster_home())
    shop.land("late.csv", lines(DAYS[4], [50, 51]))
    assert shop.run("ingest").success
    with dg.DagsterInstance.get() as instance:
        (run,) = instance.get_runs()
        assert run.job_name == "ingest_shop"
        landed = dg.AssetKey(["shop", "landed_files"])
        assert instance.get_latest_materialization_event(landed).run_id == run.run_id
    assert not list(settings.dagster_home().rglob("*.db"))
    assert not [f.text for f in examine() if f.subject == "Dagster" and f.is_problem]
