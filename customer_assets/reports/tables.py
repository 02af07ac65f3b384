"""Tables on the page and the CSV files beside it, from frames and the tables' descriptions.

Which columns a section shows and what it calls them is the section's own business.
"""

import datetime as dt
import re
import shlex
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.content import Cell, ColumnView, ReportInput, TableView
from customer_assets.warehouse.quoting import literal
from customer_assets.warehouse.table import Table

# A page stays small and quick whatever the source, and so do the files beside it.
MAX_ROWS = 100
MAX_CSV_ROWS = 250_000
INTERVAL = "95% interval"

# Excel holds no more in a cell.
_MAX_CSV_CELL = 32_767
# What spreadsheets take for a formula, also after blanks and in full-width form.
_FORMULA = r"^(?:[\t\r\n]|\s*[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}])"
_PLAIN_NUMBER = r"^[+-]?[0-9]+(?:[.,][0-9]+)?$"

_LONGEST_KEY = 100

# What reads as words stands where words stand, also if it is a number.
_WORDS = (wording.shown, wording.title, wording.weekday, wording.hours)

Format = Callable[[Any], str]
# By name of a column: its label and how its values are written.
Columns = Mapping[str, tuple[str, Format]]


def table_view(
    report: ReportInput,
    table: str,
    title: str,
    columns: Columns,
    frame: pl.DataFrame | None = None,
    marks: Mapping[str, Mapping[str, str]] | None = None,
    note: str = "",
    n_rows: int | None = None,
) -> TableView:
    """Return a table of the page: the first rows of `frame`, by default all of the table.

    Columns that the frame lacks are left out. Beside a column whose 95 % interval the frame has,
    as `<column>_low` and `<column>_high`, it stands in one cell. `marks` gives for a column of
    texts the icon that stands before each. `n_rows` is how many rows there are, where the frame
    has but the first. The columns' meanings come from the table's description.
    """
    frame = report.frames[table] if frame is None else frame
    described = report.tables.get(table)
    meanings = {} if described is None else described.columns
    present = {name: spec for name, spec in columns.items() if name in frame.columns}
    shown = frame.head(MAX_ROWS)
    views, cells = [], []
    for name, (label, form) in present.items():
        is_number = frame.schema[name].is_numeric() and form not in _WORDS
        meaning = meanings[name].description if name in meanings else ""
        views.append(ColumnView(name, label, is_number, meaning))
        cells.append([_cell(value, form, (marks or {}).get(name, {})) for value in shown[name]])
        low, high = f"{name}_low", f"{name}_high"
        is_told = {low, high} <= set(frame.columns) and not {low, high} & set(columns)
        if is_told and shown[low].count():
            ends = shown.select(low, high).iter_rows()
            views.append(ColumnView(f"{name}_interval", INTERVAL, is_number=False))
            cells.append([_interval_cell(*both, form=form) for both in ends])
    rows = list(zip(*cells, strict=True))
    grain = described.description if described else ""
    conditions = _conditions(described, shown) if described else []
    command = (
        f"python -m customer_assets explain --source {shlex.quote(report.name)} "
        f"--table {shlex.quote(table)}"
    )
    n_rows = frame.height if n_rows is None else n_rows
    return TableView(table, title, views, rows, n_rows, grain, note, command, conditions)


def _conditions(table: Table, frame: pl.DataFrame) -> list[str]:
    """Return for each row the condition on the table's key, quoted for a shell.

    Nothing where the frame lacks the key, as one that sums up does, and for what holds no numbers
    of its own. A row whose key a command line should not hold has an empty one.
    """
    is_followed = table.layer not in ("raw", "reports") and not table.ledger
    if not is_followed or not table.key or not set(table.key) <= set(frame.columns):
        return []
    return [_condition(row) for row in frame.select(table.key).iter_rows(named=True)]


def _condition(key: Mapping[str, Any]) -> str:
    parts = []
    for name, value in key.items():
        text = str(value)
        # What a terminal acts on, or what nobody would paste, stays out of a command.
        if not text.isprintable() or len(text) > _LONGEST_KEY:
            return ""
        is_plain = isinstance(value, bool | int | float | Decimal)
        written = text if is_plain else literal(text)
        parts.append(f"{name} is null" if value is None else f"{name} = {written}")
    condition = " and ".join(parts)
    is_plain = not re.search(r"[\"$`\\!]", condition)
    return f'"{condition}"' if is_plain else shlex.quote(condition)


def _cell(value: Any, form: Format, marks: Mapping[str, str]) -> Cell:
    if value is None:
        return Cell(wording.ABSENT, None)
    text = form(value)
    if isinstance(value, bool | int | float | Decimal):
        return Cell(text, float(value))
    if isinstance(value, dt.date):
        return Cell(text, value.isoformat())
    return Cell(text, text, marks.get(text))


def _interval_cell(low: Any, high: Any, *, form: Format) -> Cell:
    text = interval(low, high, form)
    return Cell(text, None if text == wording.ABSENT else float(low))


def write_csv(frame: pl.DataFrame, path: Path | BinaryIO) -> None:
    """Write a frame as a CSV file that a spreadsheet opens without running anything in it.

    UTF-8 with a byte-order mark, since Excel takes it for Latin-1 otherwise. A text that a
    spreadsheet would take for a formula gets an apostrophe in front; numbers stay numbers, also
    where a column of texts holds one. Texts are cut at what a spreadsheet's cell can hold.
    """
    harmless = frame.with_columns(
        _harmless(name) for name, kind in frame.schema.items() if kind == pl.String
    )
    names = [f"'{n}" if re.match(r"\s*[=+\-@]", n) else n for n in frame.columns]
    harmless.rename(dict(zip(frame.columns, names, strict=True))).write_csv(
        path, include_bom=True, datetime_format="%Y-%m-%d %H:%M:%S", float_precision=None
    )


def _harmless(column: str) -> pl.Expr:
    text = pl.col(column).str.slice(0, _MAX_CSV_CELL - 1)
    is_formula = text.str.contains(_FORMULA) & ~text.str.contains(_PLAIN_NUMBER)
    return pl.when(is_formula).then(pl.concat_str(pl.lit("'"), text)).otherwise(text).alias(column)


def interval(low: Any, high: Any, form: Format) -> str:
    """Return the ends of an interval in one cell; a dash where it is not known."""
    return wording.ABSENT if low is None or high is None else f"{form(low)} to {form(high)}"
