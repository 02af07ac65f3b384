"""The catalogue page: what is in it, and that no name in it does harm."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from customer_assets.reports import CatalogueTable, CheckView, write_report
from customer_assets.reports.catalogue import Place, entries, graph
from customer_assets.warehouse.table import Column, Table

HOSTILE = "</script><script>alert(1)</script>\u202e" + "x" * 10_000


def described(name: str, layer: str, *columns: str, text: str = "Meaning.") -> Table:
    return Table(
        name=name, layer=layer, description=f"One row per {name}. {text}",
        columns={c: Column(type="bigint", description=text) for c in columns}, key=[columns[0]],
    )  # fmt: skip


@pytest.fixture
def catalogue() -> list[CatalogueTable]:
    return [
        CatalogueTable(described("totals", "commerce", "day", "n"), "SQL", ("events",),
                       checks=[CheckView("not_null_n", "error", "n is not null.")],
                       rows=3, bytes=20, published_at="2025-01-01T10:00:00",
                       lineage={"day": [("events", "at")], "n": []},
                       file="sql/commerce/totals.sql"),
        CatalogueTable(described("events", "staging", "at", text=HOSTILE), "SQL", ("raw",),
                       statement=HOSTILE, first_rows=[{"at": HOSTILE}, {"at": None}]),
        CatalogueTable(described("raw", "raw", "at"), "the ingest"),
    ]  # fmt: skip


def test_tables_stand_in_the_order_of_the_layers_with_their_neighbours(catalogue):
    found = entries(catalogue)
    assert [entry.name for entry in found] == ["raw", "events", "totals"]
    assert [(entry.upstream, entry.downstream) for entry in found] == [
        ([], ["events"]), (["raw"], ["totals"]), (["events"], []),
    ]  # fmt: skip
    assert found[2].columns[0] == ("day", "bigint", "Meaning.", "events.at")
    assert ("Rows", "3") in found[2].facts
    assert ("Rows", "never published") in found[0].facts


def test_a_table_shows_its_file_its_rows_and_where_it_is_used(catalogue):
    place = Place("Sales", "index.html#sales")
    found = {entry.name: entry for entry in entries(catalogue, {"totals": [place]})}
    assert ("Made by", "SQL, sql/commerce/totals.sql") in found["totals"].facts
    assert found["totals"].places == [place]
    first, second = found["events"].first_rows
    assert len(first[0]) == 40
    assert second == [""]


def test_a_table_stands_between_its_neighbours(catalogue):
    drawn = {entry.name: entry.neighbours for entry in entries(catalogue)}["events"]
    across = {box.full: box.x for box in drawn.boxes}
    assert across["raw"] < across["events"] < across["totals"]
    assert len(drawn.curves) == 2


def test_the_graph_goes_from_left_to_right(catalogue):
    drawn = graph(catalogue)
    across = {box.full: box.x for box in drawn.boxes}
    assert across["raw"] < across["events"] < across["totals"]
    assert len(drawn.curves) == 2


def test_the_page_is_self_contained_and_harmless(catalogue, source, tables, frames, tmp_path: Path):
    page = write_report("shop", source, tables, frames, tmp_path, catalogue)
    text = page.with_name("catalogue.html").read_text()
    scripts = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: scripts.append(tag)
    parser.feed(text)
    assert scripts.count("script") == 1
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    assert 'href="catalogue.html"' in page.read_text()
    assert "shop/catalogue.html" in (tmp_path / "index.html").read_text()


def test_a_number_of_the_report_carries_its_command(source, tables, frames, tmp_path: Path):
    text = write_report("shop", source, tables, frames, tmp_path).read_text()
    assert (
        "python -m customer_assets explain --source shop --table sales_monthly --where "
        "&#34;sales_month = &#39;2024-03-01&#39;&#34; --column returned_value" in text
    )


def test_no_key_makes_a_command_that_does_more(source, tables, hostile_frames, tmp_path: Path):
    text = write_report("shop", source, tables, hostile_frames, tmp_path).read_text()
    commands = [
        line for line in text.splitlines() if "explain --source" in line and "code>" in line
    ]
    conditions = text.split('data-where="')[1:]
    assert commands
    assert conditions
    for condition in conditions:
        where = condition.split('"')[0]
        assert "\u202e" not in where
        assert len(where) < 400
        # In double quotes a shell would still act on these.
        assert not (where.startswith("&#34;") and any(c in where for c in "$`\\!"))
