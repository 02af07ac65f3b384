import csv
from pathlib import Path

import polars as pl
import pytest

from customer_assets.reports import wording
from customer_assets.reports.content import ReportInput
from customer_assets.reports.tables import table_view, write_csv
from customer_assets.sources import EventLogSource


def _cells(frame: pl.DataFrame, folder: Path) -> list[list[str]]:
    path = folder / "table.csv"
    write_csv(frame, path)
    with path.open(newline="", encoding="utf-8-sig") as lines:
        return list(csv.reader(lines))


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1+1", "-"],
)
def test_formulas_become_text(text: str, tmp_path: Path) -> None:
    assert _cells(pl.DataFrame({"x": [text]}), tmp_path)[1] == [f"'{text}"]


@pytest.mark.parametrize("text", ["-5", "+4.50", "12", "name@host", "a=b", ""])
def test_what_is_no_formula_stays(text: str, tmp_path: Path) -> None:
    rows = _cells(pl.DataFrame({"x": [text], "y": [1]}), tmp_path)
    assert rows[1] == [text, "1"]


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    frame = pl.DataFrame({"n": [-5], "x": [-0.5], "=bad": ["q"]})
    assert _cells(frame, tmp_path) == [["n", "x", "'=bad"], ["-5", "-0.5", "q"]]


def test_a_cell_fits_a_spreadsheet(tmp_path: Path) -> None:
    cell = _cells(pl.DataFrame({"x": ["=" + "a" * 50_000]}), tmp_path)[1][0]
    assert len(cell) == 32_767


def test_cells_sort_by_value_and_nulls_have_none(source: EventLogSource) -> None:
    frame = pl.DataFrame({"weekday": [2, None], "n": [1000, None]})
    report = ReportInput("shop", source, {}, {"t": frame})
    columns = {"weekday": ("Day", wording.weekday), "n": ("N", wording.count)}
    view = table_view(report, "t", "Title", {**columns, "gone": ("Gone", wording.shown)})
    assert [(c.text, c.sort) for c in view.rows[0]] == [("Tuesday", 2.0), ("1,000", 1000.0)]
    assert [(c.text, c.sort) for c in view.rows[1]] == [(wording.ABSENT, None)] * 2
    assert [column.is_number for column in view.columns] == [False, True]
