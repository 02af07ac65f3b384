"""Damage of each kind: doctor names the file and a way out, the next refresh heals it."""

import os
import sqlite3

import pytest
from dagster.components.testing import create_defs_folder_sandbox

from customer_assets import doctor, settings
from customer_assets.cli import main
from customer_assets.history import prepare_dagster_home
from customer_assets_tests.drill.kills import ledger_agrees, shown
from customer_assets_tests.nights.shop import LOG


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


DAMAGE = {
    "missing": lambda path: path.unlink(),
    "cut": cut,
    "flipped": flip,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "null": lambda path: path.write_text("null"),
    "a list": lambda path: path.write_text("[1]"),
}


def problems(deep=False):
    return [(f.text, f.remedy) for f in doctor.examine(deep) if f.is_problem]


def not_named(*paths, deep=False):
    """Return the files that doctor does not name with a way out."""
    found = problems(deep)
    return [path for path in paths if not any(str(path) in text and way for text, way in found)]


def test_parquet_files_of_every_table_are_named_and_computed_again(shop):
    before = shown(shop)
    damaged = []
    tables = sorted(path for path in shop.folder.iterdir() if path.is_dir())
    for n, folder in enumerate(tables):
        for path in sorted(folder.rglob("*.parquet"))[:1]:
            DAMAGE[["missing", "cut", "flipped"][n % 3]](path)
            damaged.append(path)
    assert len(damaged) > 10
    assert not_named(*damaged) == []
    assert shop.run("refresh").success
    assert shown(shop) == before
    assert ledger_agrees(shop)
    assert not [text for text, _ in problems() if "shop" in text]


def test_bytes_that_changed_without_a_trace_are_found_by_a_deep_look(shop):
    path = next((shop.folder / "sessions").rglob("*.parquet"))
    status = path.stat()
    flip(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not_named(path) == [path]
    assert not_named(path, deep=True) == []


def test_documents_are_named_and_written_again(shop):
    before = shown(shop)
    kinds = ["truncated", "empty", "null", "a list"]
    tables = ["events", "raw_events", "arrivals", "session_changes", "sessions"]
    documents = [shop.folder / table / "manifest.json" for table in tables]
    documents += [
        sorted((shop.folder / "first_seen" / "history").glob("*.json"))[-1],
        shop.folder / "snapshot.json",
    ]
    unnamed = [shop.folder / "session_changes" / "compared.json", shop.folder / "landing.json"]
    for n, path in enumerate([*documents, *unnamed]):
        DAMAGE[kinds[n % 4]](path)
    assert not_named(*documents) == []
    assert shop.run("refresh").success
    assert shown(shop) == before
    assert ledger_agrees(shop)
    assert not [text for text, _ in problems() if "shop" in text]


@pytest.mark.parametrize("database", ["runs.db", "index.db"])
def test_a_damaged_history_is_named_and_put_away(shop, database, capsys):
    (path,) = prepare_dagster_home().rglob(database)
    path.write_bytes(b"no database at all" * 400)
    assert not_named(path) == []
    assert main(["doctor", "--mend"]) in (0, 1)
    assert f"{path} is damaged" in capsys.readouterr().out
    assert shop.run("report").success
    with sqlite3.connect(path) as connection:
        assert connection.execute("pragma quick_check").fetchone() == ("ok",)


def test_a_damaged_catalog_is_named_and_built_anew(shop):
    settings.catalog_file().write_bytes(b"no database")
    assert not_named(settings.catalog_file()) == []
    assert shop.run("report").success
    assert shop.query("select count(*) > 0 from shop.events") == [(True,)]


@pytest.mark.parametrize("text", ["", "null", "type: [", "type: customer_assets.EventLog\n"])
def test_a_damaged_source_is_named(monkeypatch, text):
    with create_defs_folder_sandbox() as sandbox, sandbox.build_component_tree() as tree:
        monkeypatch.setattr(settings, "source_root", lambda: sandbox.defs_folder_path)
        monkeypatch.setattr("customer_assets.project._tree", lambda project: tree)
        for name, stated in {"sound": LOG, "damaged": text}.items():
            (sandbox.defs_folder_path / name).mkdir()
            (sandbox.defs_folder_path / name / "defs.yaml").write_text(stated)
        sound, damaged = (sandbox.defs_folder_path / n / "defs.yaml" for n in ("sound", "damaged"))
        assert not_named(sound, damaged) == [sound]


@pytest.mark.parametrize(
    ("variable", "value"),
    [("MEMORY_LIMIT", "abc"), ("MEMORY_LIMIT", "0GB"), ("THREADS", "many"), ("THREADS", "0")],
)
def test_settings_that_cannot_be_used_are_named(monkeypatch, capsys, variable, value):
    monkeypatch.setenv(f"CUSTOMER_ASSETS_{variable}", value)
    assert main(["demo"]) == 1
    assert f"CUSTOMER_ASSETS_{variable}={value}: it is " in capsys.readouterr().err
    assert any(f"CUSTOMER_ASSETS_{variable}" in text for text, _ in problems())
