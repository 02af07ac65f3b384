"""README and docs are right: their examples run, and what they name exists."""

import datetime as dt
import re
import runpy
from importlib import metadata

import duckdb
import pytest
import yaml

from customer_assets import settings
from customer_assets.cli import app
from customer_assets.sample import SOURCES
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.catalog import build_catalog, take_snapshot
from customer_assets.warehouse.header import ModelError
from customer_assets.warehouse.sql_model import read_model
from customer_assets_tests.conftest import run_source

ROOT = settings.PROJECT_ROOT
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
}
# The changelog names what there once was.
NOW = "\n".join(text for name, text in PAGES.items() if name != "CHANGELOG.md")
README, TUTORIAL = PAGES["README.md"], PAGES["docs/tutorial.md"]
EXAMPLE = re.compile(r"<!-- example: (?P<name>\S+) -->\n```\w+\n(?P<text>.*?)```\n", re.DOTALL)
EXAMPLES = {match["name"]: match["text"] for match in EXAMPLE.finditer(TUTORIAL)}
SOURCE = EXAMPLES["customer_assets/defs/my_shop/defs.yaml"]


@pytest.fixture(scope="module")
def my_shop(tmp_path_factory):
    """The tutorial's source with its table, as one who followed it would have them."""
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
    section = TUTORIAL.split("| key of the header |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE)) == used


def test_the_readme_is_read_in_one_go():
    assert len(README.splitlines()) <= 160


def test_the_commands_exist():
    named = set(
        re.findall(r"(?:-m customer_assets|bin/customer-assets|`customer-assets) (\w[\w-]*)", NOW)
    )
    assert len(named) > 10
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert named <= known


def test_the_targets_of_make_exist():
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"(?:`|    |landing |&& )make ([a-z-]+)", NOW))
    assert named >= {"demo", "dev", "test", "reference"}
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def test_every_variable_is_described_and_exists():
    read = (ROOT / "customer_assets/settings.py").read_text()
    known = set(re.findall(r'"(CUSTOMER_ASSETS_\w+)"', read))
    assert (
        set(re.findall(r"`(CUSTOMER_ASSETS_\w+)` \|", PAGES["docs/reference/settings.md"])) == known
    )
    assert set(re.findall(r"CUSTOMER_ASSETS_\w+", NOW)) <= known


def anchors(text):
    """The names by which headings of a page are linked to."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", PAGES[page], flags=re.DOTALL)
    for link in re.findall(r"\]\((?!http)(.+?)\)", text):
        file, _, anchor = link.partition("#")
        target = ((ROOT / page).parent / file).resolve() if file else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text()), link


def test_the_newest_changes_are_those_of_this_version():
    first = re.search(r"^## (\S+?),? ", PAGES["CHANGELOG.md"], re.MULTILINE)
    assert first[1] == metadata.version("customer_assets")


def test_every_page_is_found_from_the_readme():
    found, waiting = set(), ["README.md"]
    while waiting:
        page = waiting.pop()
        found.add(page)
        for link in re.findall(r"\]\((?!http)(.+?)\)", PAGES.get(page, "")):
            path = ((ROOT / page).parent / link.partition("#")[0]).resolve()
            inside = path.rglob("*.md") if path.is_dir() else [path]
            names = {each.relative_to(ROOT).as_posix() for each in inside if each.suffix == ".md"}
            waiting += names - found - set(waiting)
    assert set(PAGES) <= found


def test_every_source_and_every_room_has_its_line():
    rooms = (ROOT / "customer_assets").glob("*/__init__.py")
    for source in SOURCES:
        assert f"\n| {source} | " in PAGES["docs/case-studies.md"]
    for path in rooms:
        assert f"\n| `customer_assets/{path.parent.name}/` | " in PAGES["docs/ARCHITECTURE.md"]


def test_the_reference_is_what_sources_tables_and_commands_say_of_themselves():
    written = runpy.run_path(str(ROOT / ".ci" / "reference"))["pages"]()
    # After a change: make reference.
    assert written == {name: PAGES[f"docs/reference/{name}"] for name in written}


def test_every_field_column_and_option_says_what_it_means():
    for name in ("sources.md", "tables.md", "commands.md", "settings.md"):
        page = PAGES[f"docs/reference/{name}"]
        said = re.findall(
            r"^(?:\| `.*\||- `.*:)(?= )(.*)$", page.replace(" |\n", "\n"), re.MULTILINE
        )
        assert len(said) > 10
        assert all(meaning.strip() for meaning in said), name


def test_the_tests_that_the_security_page_names_exist():
    page = PAGES["docs/security.md"]
    named = set(re.findall(r"`(\w+/test_\w+\.py)`", page))
    assert len(named) > 8
    tests = ROOT / "customer_assets_tests"
    assert [name for name in named if not (tests / name).is_file()] == []
