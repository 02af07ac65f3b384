"""Headline figures: what they were, what they are, and why they moved."""

import datetime as dt
import json
from collections import defaultdict

import polars as pl

from customer_assets.pipeline import pipeline_of
from customer_assets.reports import write_report
from customer_assets.reports.content import ReportInput, TableView
from customer_assets.reports.sections.history import what_changed
from customer_assets.warehouse.versions import Version
from customer_assets_tests.reports.conftest import text_of
from customer_assets_tests.tables import computed

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def moved(source, tables, frames) -> dict[str, tuple[str, str]]:
    (_, table) = what_changed(ReportInput("shop", source, tables, frames))
    assert isinstance(table, TableView)
    return {row[0].text: (row[3].text, row[4].text) for row in table.rows}


def test_a_figure_that_moved_says_why(source, tables, frames):
    assert moved(source, tables, frames) == {
        "Revenue": (
            "+3.6%",
            "30 rows of 1 new day; 4 rows late for 1 day known before; 2 rows of 1 day withdrawn",
        ),
        "Orders": (
            "+11.1%",
            "its definition changed (sql/commerce/orders.sql); 30 rows of 1 new day; 4 rows late "
            "for 1 day known before; 2 rows of 1 day withdrawn",
        ),
    }


def test_the_same_data_and_definitions_are_restated(source, tables, frames):
    frames["headline_history"] = frames["headline_history"].with_columns(
        data_version=pl.lit("same"), definition_version=pl.lit("same")
    )
    why = {why for _, why in moved(source, tables, frames).values()}
    assert why == {"restated: the same files and definitions gave another value"}


def test_the_first_report_has_nothing_to_compare(source, tables, frames, tmp_path):
    first = frames["headline_history"]["known_at"].min()
    frames["headline_history"] = frames["headline_history"].filter(pl.col("known_at") == first)
    page = write_report("shop", source, tables, frames, tmp_path)
    assert "Since the last report" not in text_of(page)


def test_a_report_in_which_nothing_moved_says_so(source, tables, frames):
    same = pl.lit(1).cast(frames["headline_history"]["value"].dtype)
    frames["headline_history"] = frames["headline_history"].with_columns(value=same)
    (only,) = what_changed(ReportInput("shop", source, tables, frames))
    assert only.text.startswith("No headline figure has moved since the report of 7 March 2024")


def test_an_entry_of_the_ledger_has_every_figure_with_what_is_behind_it(source, frames):
    frames["landed_files"] = frames["landed_files"].with_columns(loaded_hash=pl.lit("abc"))
    versions = defaultdict(lambda: Version({"sales_daily": "d1"}))
    parameters = {"definition_versions": versions}
    entry = computed("headline_history", frames, parameters)
    in_all = frames["headlines"].filter(pl.col("period").is_null())
    assert entry["figure"].to_list() == in_all["name"].to_list()
    revenue = entry.row(by_predicate=pl.col("figure") == "net_revenue", named=True)
    assert revenue["value"] == 1015
    assert revenue["definition_version"] == versions["sales_daily"].digest
    assert json.loads(revenue["definition"]) == {"sales_daily": "d1"}
    assert revenue["as_of"] == dt.date(2024, 3, 10)
    frames["landed_files"] = frames["landed_files"].with_columns(loaded_hash=pl.lit("abd"))
    again = computed("headline_history", frames, parameters)
    assert again["data_version"][0] != entry["data_version"][0]


def test_a_definition_of_the_source_moves_the_version_of_its_tables(source):
    other = source.model_copy(update={"session_timeout": "1 hour"})
    pipelines = [pipeline_of("shop", each) for each in (source, other)]
    before, after = (each.parameters(NOW)["definition_versions"] for each in pipelines)
    assert set(before) == set(pipelines[0].tables)
    moved = after["sessions"].moved_since(before["sessions"].parts)
    assert moved == ["definition session_timeout_us"]
    assert before == pipeline_of("shop", source).parameters(NOW)["definition_versions"]
