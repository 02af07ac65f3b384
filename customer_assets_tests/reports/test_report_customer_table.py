import re
from pathlib import Path

import polars as pl
import pytest

from customer_assets.reports import write_report
from customer_assets.reports.content import ReportInput
from customer_assets.reports.sections.customer_table import data_status
from customer_assets.sources import CustomerTableSource
from customer_assets.warehouse.table import Table
from customer_assets_tests.reports.conftest import text_of

Frames = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def page(
    customer_source: CustomerTableSource,
    tables: dict[str, Table],
    people_frames: Frames,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("people")
    return write_report("people", customer_source, tables, people_frames, folder)


def test_headlines_count_customers_and_the_label(page: Path) -> None:
    text = text_of(page)
    assert "of 10 in the files; 2 left out" in text
    # Two of the seven whose label is known.
    assert "28.6%" in text
    assert "<dd>Whether the customer left (Ушёл).</dd>" in text
    assert "With the label, group 1: 50.0%, 30.0 points more than all other customers." in text
    assert "11 Mar 2024" in text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "Data may not be whole. 1 row of 15 cannot be read; 1 row of 15 contradict"),
        ({"n_landed": 16}, "Data is not whole. Some landed rows are unaccounted for."),
        (
            {
                "n_kept": pl.col("n_landed") - pl.col("n_duplicates"),
                "n_conflicting": 0,
                "n_rejected": 0,
            },
            "Data is whole.",
        ),
    ],
)
def test_the_first_line_says_whether_the_rows_are_whole(
    customer_source, tables, people_frames, changed, said
):
    accounting = people_frames["customer_accounting"].with_columns(**changed)
    report = ReportInput("shop", customer_source, tables, {"customer_accounting": accounting})
    assert data_status(report).startswith(said)


def test_only_what_the_source_has_is_there(page: Path) -> None:
    assert re.findall(r'<section id="([\w-]+)"', text_of(page)) == [
        "headlines", "totals", "segments", "label-rates", "cleaning", "unexpected-values",
        "published-figures", "customer-accounting", "definitions", "data",
    ]  # fmt: skip


def test_the_label_is_told_by_the_values_of_an_attribute(page: Path) -> None:
    text = text_of(page)
    assert "With the label: Plan parts most, 50.0% at &lt;b&gt;many&lt;/b&gt; and 10.0% at" in text
    assert "<bdi>38.0% to 62.0%</bdi>" in text
    assert "&lt;b&gt;many&lt;/b&gt;: 60 customers, 50.0%: with the label (38.0% to 62.0%)" in text


def test_rows_and_customers_are_accounted_for(page: Path) -> None:
    text = " ".join(re.sub(r"<[^>]+>", " ", text_of(page)).split())
    assert (
        "15 rows landed = 10 used + 3 copies removed + 1 in conflict with another row + 1 rejected"
        in text
    )
    assert "10 customers in the files = 8 kept + 2 left out by a rule" in text


def test_lost_rows_are_said_aloud(
    customer_source: CustomerTableSource,
    tables: dict[str, Table],
    customer_frames: Frames,
    tmp_path: Path,
) -> None:
    accounting = customer_frames["customer_accounting"]
    customer_frames["customer_accounting"] = accounting.with_columns(n_landed=pl.lit(16))
    text = text_of(write_report("people", customer_source, tables, customer_frames, tmp_path))
    assert "unaccounted for" in text
    assert "≠" in text


def test_rules_are_told_with_what_they_did(page: Path) -> None:
    text = text_of(page)
    assert "1 of 2 rules touch a customer" in text
    assert "1 is switched off: counted, but without effect" in text
    assert "<bdi>off</bdi>" in text
    # The rule looks at what was paid, so that stands beside whom it leaves out.
    assert '<th scope="col" class="number">Paid</th>' in text


def test_values_of_any_script_stand_as_they_landed(page: Path) -> None:
    text = text_of(page)
    assert "<bdi>стандартт</bdi>" in text
    assert "&lt;b&gt;many&lt;/b&gt;" in text
    assert "3 rows read as what was meant and 1 row left empty" in text
    assert "基本" in (page.parent / "csv" / "rejected_customers.csv").read_text("utf-8-sig")
