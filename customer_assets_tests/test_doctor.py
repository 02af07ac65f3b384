"""The doctor finds what is wrong, says what to do, and mends nothing."""

import shutil

import pytest

from customer_assets import doctor, settings
from customer_assets.cli import main
from customer_assets.history import prepare_dagster_home
from customer_assets.warehouse.catalog import build_catalog, take_snapshot
from customer_assets.warehouse.engine import DuckDBEngine
from customer_assets.warehouse.lock import writer_lock
from customer_assets.warehouse.manifest import StagedPiece, TableStore
from customer_assets.warehouse.table import Column, Table

DAYS = Table(
    name="days", layer="staging", description="One row per day.", key=["n"],
    columns={"n": Column(type="bigint", description="Number.")},
)  # fmt: skip


@pytest.fixture
def home(connection):
    """A home with one published table, in view."""
    source = settings.warehouse_folder() / "shop"
    store = TableStore(source / "days")
    publish(store, connection, 1)
    take_snapshot(source, [DAYS])
    build_catalog(settings.warehouse_folder(), settings.catalog_file())
    prepare_dagster_home()
    return store


def publish(store, connection, rows):
    path = store.new_staged_file()
    DuckDBEngine(connection).write(f"select n::bigint as n from range({rows}) as t(n)", path)
    store.publish({"all": StagedPiece(path, rows, "v1")})


def problems():
    return {f.subject: (f.text, f.remedy) for f in doctor.examine() if f.is_problem}


def notes():
    return {f.subject: f.text for f in doctor.examine() if f.remedy and not f.is_problem}


def test_a_sound_home_has_no_problem(home, capsys):
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert "nothing is wrong" in text
    assert "+ Warehouse shop: 1 tables, all files there, readers see the newest" in text


def test_a_lost_file_is_found(home, capsys):
    lost = next(home.folder.glob("*.parquet"))
    lost.unlink()
    assert problems()["Warehouse shop"][0] == f"{lost}: No such file or directory"
    assert main(["doctor"]) == 1
    assert "! Warehouse shop" in capsys.readouterr().out


def test_a_broken_manifest_is_found(home):
    (home.folder / "manifest.json").write_text("{")
    assert "cannot be read" in problems()["Warehouse shop"][0]


def test_readers_behind_the_newest_rows_are_found(home, connection):
    publish(home, connection, 2)
    assert notes()["Warehouse shop"] == "published, not shown yet: days"
    take_snapshot(home.folder.parent, [DAYS])
    assert problems()["Catalog"][0] == "it is behind for shop.days"


def test_a_missing_catalog_is_found(home):
    settings.catalog_file().unlink()
    assert "is not there" in problems()["Catalog"][0]


def test_a_writer_at_work_is_no_problem(home):
    with writer_lock(home.folder.parent, "run 7"):
        assert notes()["Warehouse shop"].startswith("run 7 (process ")


def test_packages_beside_the_lock_are_found(home, tmp_path, monkeypatch):
    shutil.copy(settings.PROJECT_ROOT / "dagster.yaml", tmp_path / "dagster.yaml")
    lock = (
        'duckdb==0.0.1 \\\n    --hash=x\nno-such-package==1.0\npolars==0 ; python_version < "3"\n'
    )
    (tmp_path / "requirements.lock").write_text(lock)
    monkeypatch.setattr(settings, "PROJECT_ROOT", tmp_path)
    text, remedy = problems()["Packages"]
    assert "the lock says 0.0.1" in text
    assert "no-such-package 1.0 is missing" in text
    assert "polars" not in text
    assert ".ci/install" in remedy


def test_another_dagster_home_and_its_settings_are_found(home, monkeypatch, tmp_path):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "other"))
    assert "unset DAGSTER_HOME" in problems()["Dagster"][1]
    monkeypatch.delenv("DAGSTER_HOME")
    (settings.dagster_home() / "dagster.yaml").write_text("telemetry: {enabled: true}\n")
    assert "is not the project's dagster.yaml" in problems()["Dagster"][0]
