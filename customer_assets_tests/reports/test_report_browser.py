"""The pages as a reader opens them: from disk, in a real browser."""

import datetime as dt
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from customer_assets.reports import CatalogueTable, CheckView, wording, write_report
from customer_assets.reports.page import PAGE, SURENESS_PAGE
from customer_assets.sources import CustomerTableSource, EventLogSource
from customer_assets.warehouse.table import Table

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

WIDE, PHONE = 1280, 390
# How long a page may be at the wider of them, and on paper.
MOST_PIXELS, MOST_SHEETS = 15_000, 15


@pytest.fixture(scope="module")
def browser() -> Iterator["sync_api.Browser"]:
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield running
        running.close()


@pytest.fixture(scope="module")
def report(
    source: EventLogSource,
    customer_source: CustomerTableSource,
    tables: dict[str, Table],
    hostile_frames: dict[str, pl.DataFrame],
    people_frames: dict[str, pl.DataFrame],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    write_report("one_table", customer_source, tables, people_frames, folder)
    catalogue = [
        CatalogueTable(
            tables["sales_monthly"],
            "SQL",
            ("rfm",),
            checks=[CheckView("not_null_revenue", "error", "revenue is not null.")],
            rows=3,
            published_at="2024-03-09T03:00:00",
            lineage={"revenue": [("rfm", "monetary")]},
            statement="select '</code><script>alert(1)</script>' as net_revenue",
            file="sql/commerce/sales_monthly.sql",
            first_rows=[{"sales_month": dt.date(2024, 2, 1), "net_revenue": 1.5}],
        ),
        CatalogueTable(tables["rfm"], "Python"),
    ]
    return write_report("small_shop", source, tables, hostile_frames, folder, catalogue)


class Opened:
    """A page that was opened, and what went wrong while it was."""

    def __init__(self, browser: "sync_api.Browser", path: Path, width: int, scheme: str) -> None:
        self.problems: list[str] = []
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
        )
        self.page = context.new_page()
        self.page.on("console", lambda message: self.problems.append(message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("dialog", lambda dialog: self.problems.append(dialog.message))
        self.page.route("**/*", self._only_files)
        self.page.goto(path.as_uri())

    def _only_files(self, route: "sync_api.Route") -> None:
        if route.request.url.startswith("file://"):
            route.continue_()
        else:
            self.problems.append(f"asked for {route.request.url}")
            route.abort()


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
@pytest.mark.parametrize(
    "name",
    [
        "small_shop/index.html",
        "small_shop/how_sure.html",
        "small_shop/catalogue.html",
        "one_table/index.html",
        "index.html",
    ],
)
def test_pages_open_clean_and_accessible(
    browser: "sync_api.Browser", report: Path, name: str, width: int, scheme: str
) -> None:
    opened = Opened(browser, report.parent.parent / name, width, scheme)
    opened.page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    violations = axe.Axe().run(opened.page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in violations] == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.problems == []


def test_a_page_with_every_section_stays_within_its_limits(
    browser: "sync_api.Browser", report: Path
) -> None:
    page = Opened(browser, report, WIDE, "light").page
    assert page.evaluate("document.documentElement.scrollHeight") <= MOST_PIXELS
    assert len(re.findall(rb"/Type ?/Page\b", page.pdf(format="A4"))) <= MOST_SHEETS
    for width in (WIDE, PHONE):
        page = Opened(browser, report, width, "light").page
        cards = page.locator(".cards").bounding_box()
        assert cards is not None
        assert cards["y"] + cards["height"] <= 900
    # On a phone a table is cards; none has to be moved sideways.
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    wider = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth).length"
    assert page.locator(".scroll").evaluate_all(wider) == 0


def test_pictures_are_there_in_both_widths(browser: "sync_api.Browser", report: Path) -> None:
    for width, shown, hidden in ((WIDE, ".wide", ".narrow"), (PHONE, ".narrow", ".wide")):
        page = Opened(browser, report, width, "light").page
        pictures = page.locator(f".picture {shown} svg")
        assert pictures.count() == page.locator(".picture").count() >= 17
        for picture in pictures.all():
            box = picture.bounding_box()
            assert box is not None
            assert box["width"] > 200
            assert box["height"] > 25
        assert not any(svg.is_visible() for svg in page.locator(f".picture {hidden} svg").all())


def test_a_column_sorts_both_ways(browser: "sync_api.Browser", report: Path) -> None:
    page = Opened(browser, report, WIDE, "light").page
    page.get_by_text("Sales by month").click()
    table = page.locator("table[aria-labelledby=table-sales_monthly]")
    header = table.locator("thead th", has_text="Purchase lines")
    for direction, expected in (
        ("descending", ["25", "20", "5"]),
        ("ascending", ["5", "20", "25"]),
    ):
        header.get_by_role("button").click()
        assert header.get_attribute("aria-sort") == direction
        assert table.locator("tbody tr td:nth-child(4)").all_inner_texts() == expected


def test_missing_values_sort_last(browser: "sync_api.Browser", report: Path) -> None:
    page = Opened(browser, report.with_name(SURENESS_PAGE), WIDE, "light").page
    table = page.locator("table[aria-labelledby=table-reproduction]")
    button = table.get_by_role("button", name="Ours")
    for _ in range(2):
        button.press("Enter")
        assert table.locator("tbody tr td:nth-child(3)").all_inner_texts()[-1] == wording.ABSENT


def test_long_tables_filter(browser: "sync_api.Browser", report: Path) -> None:
    page = Opened(browser, report, WIDE, "light").page
    page.locator("#filter-table-rfm").fill("£200.00")
    assert page.locator("table[aria-labelledby=table-rfm] tbody tr:visible").count() == 1
    assert page.get_by_text("1 of 20 rows").is_visible()


def test_a_chosen_number_stands_in_its_command(browser: "sync_api.Browser", report: Path) -> None:
    page = Opened(browser, report, WIDE, "light").page
    page.get_by_text("Sales by month").click()
    table = page.locator(".table", has=page.locator("table[aria-labelledby=table-sales_monthly]"))
    table.locator("tbody tr").nth(1).locator("td.number").nth(2).click()
    command = table.locator(".explain code").inner_text()
    assert command.endswith(
        "--table sales_monthly --where \"sales_month = '2024-02-01'\" --column net_revenue"
    )


def test_other_terms_redraw_the_curve(browser: "sync_api.Browser", report: Path) -> None:
    opened = Opened(browser, report, WIDE, "light")
    what_if = opened.page.locator(".what-if")
    before = what_if.locator(".wide svg").inner_html()
    what_if.get_by_label("A contact costs").fill("20")
    assert "Contact the 5 most likely: £20 (95% interval" in what_if.locator("output").inner_text()
    assert what_if.locator(".wide svg").inner_html() != before
    what_if.get_by_label("A contact costs").fill("100")
    assert what_if.locator("output").inner_text() == "Contact nobody: no list earns anything."
    assert opened.problems == []


def test_the_catalogue_finds_a_column(browser: "sync_api.Browser", report: Path) -> None:
    page = Opened(browser, report.with_name("catalogue.html"), WIDE, "light").page
    shown = page.locator("[data-entry]:visible h2")
    assert shown.all_inner_texts() == []
    page.locator("#finder").fill("recency_days")
    assert page.locator(".tables a:visible").all_inner_texts() == ["rfm"]
    assert page.get_by_text("1 of 2 tables").is_visible()
    page.locator("#finder").press("Enter")
    assert shown.all_inner_texts() == ["rfm"]
    page.locator("[data-entry]:visible .neighbours a").last.click()
    assert shown.all_inner_texts() == ["sales_monthly"]


def test_every_link_leads_somewhere(browser: "sync_api.Browser", report: Path) -> None:
    page = Opened(browser, report, WIDE, "light").page
    for link in page.locator("a").all():
        file, _, target = (link.get_attribute("href") or "").partition("#")
        assert not target or f' id="{target}"' in (report.parent / (file or PAGE)).read_text()
        assert (report.parent / file).exists()
