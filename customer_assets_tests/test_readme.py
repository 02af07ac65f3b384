"""The README is right: its examples run, and what it names exists."""

import datetime as dt
import re

import duckdb
import pytest
import yaml

from customer_assets import settings
from customer_assets.cli import main
from customer_assets.sample import SOURCES
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.catalog import build_catalog, take_snapshot
from customer_assets.warehouse.header import ModelError
from customer_assets.warehouse.sql_model import read_model
from customer_assets_tests.conftest import run_source

README = (settings.PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"<!-- example: (?P<name>\S+) -->\n```\w+\n(?P<text>.*?)```\n", re.DOTALL)
EXAMPLES = {match["name"]: match["text"] for match in EXAMPLE.finditer(README)}
SOURCE = EXAMPLES["customer_assets/defs/my_shop/defs.yaml"]


@pytest.fixture(scope="module")
def my_shop(tmp_path_factory):
    """The README's source with the README's table, as one who followed it would have them."""
    tmp_path = tmp_path_factory.mktemp("my_shop")
    for name, text in EXAMPLES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    source = EventLogSource.model_validate(yaml.safe_load(SOURCE)["attributes"])
    landing = tmp_path / "landing" / "my_shop"
    roots = (*settings.table_roots(), tmp_path / "sql")
    run = run_source("my_shop", source, landing, tmp_path / "warehouse", roots)
    run.ingest()
    run.materialize()
    return run


def test_the_source_takes_ten_lines():
    assert len(SOURCE.splitlines()) == 10


def test_the_query_gives_the_rows_that_stand_below_it(my_shop, tmp_path):
    take_snapshot(my_shop.warehouse.folder, my_shop.warehouse.tables.values())
    build_catalog(my_shop.warehouse.folder.parent, tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as reader:
        rows = reader.sql(EXAMPLES["query.sql"]).fetchall()
    shown = "".join("  ".join(str(v).lower() for v in row) + "\n" for row in rows)
    assert shown == EXAMPLES["query.txt"]


def test_the_added_table_is_a_table(my_shop):
    table = my_shop.pipeline.tables["item_interest"]
    assert (table.layer, table.partition_by) == ("commerce", "event_date")
    interest = my_shop.frame("item_interest").rows()
    assert interest[:2] == [
        (dt.date(2025, 3, 1), "mug", 2, 1),
        (dt.date(2025, 3, 2), "bowl", 3, 0),
    ]


def test_a_wrong_header_names_file_and_line(tmp_path):
    path = tmp_path / "item_interest.sql"
    path.write_text(EXAMPLES["sql/commerce/item_interest.sql"].replace("requires:", "needs:"))
    with pytest.raises(ModelError, match=r"item_interest\.sql:5: needs"):
        read_model(path, "commerce")


def test_every_key_of_a_header_is_described():
    used = set()
    for path in (*settings.SQL_ROOT.glob("*/**/*.sql"), *settings.TABLES_ROOT.rglob("*.py")):
        if header := re.search(r"---\n(.*?)\n---", path.read_text(), re.DOTALL):
            used |= yaml.safe_load(header[1]).keys()
    section = README.split("| key of the header |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE)) == used


@pytest.mark.parametrize("command", sorted(set(re.findall(r"-m customer_assets (\w+)", README))))
def test_the_commands_exist(command, capsys):
    assert main([command, "--help"]) == 0


def test_the_targets_of_make_exist():
    makefile = (settings.PROJECT_ROOT / "Makefile").read_text()
    named = set(re.findall(r"(?:`|    |landing )make ([a-z]+)", README))
    assert named >= {"demo", "dev", "test"}
    assert named <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


def test_the_variables_and_the_links_exist():
    read = (settings.PROJECT_ROOT / "customer_assets/settings.py").read_text()
    for variable in set(re.findall(r"CUSTOMER_ASSETS_\w+", README)):
        assert f'"{variable}"' in read
    for link in re.findall(r"\]\((?!http)(.+?)\)", README):
        assert (settings.PROJECT_ROOT / link).exists(), link


def test_every_source_and_every_room_has_its_line():
    rooms = (settings.PROJECT_ROOT / "customer_assets").glob("*/__init__.py")
    for source in SOURCES:
        assert f"\n| {source} | " in README
    for path in rooms:
        assert f"\n| `customer_assets/{path.parent.name}/` | " in README


def test_the_tests_that_the_security_page_names_exist():
    page = (settings.PROJECT_ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+/test_\w+\.py)`", page))
    assert len(named) > 8
    tests = settings.PROJECT_ROOT / "customer_assets_tests"
    assert [name for name in named if not (tests / name).is_file()] == []
