"""Sheets of spreadsheet files as text rows, each with its number in the sheet."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from customer_assets.ingest.plain import FileRefusedError
from customer_assets.ingest.reading import Reading
from customer_assets.ingest.text_readers import CarefulText, write_rows
from customer_assets.sources import FileFormat


def sheet_reading(path: Path, file_format: FileFormat, scratch: Path) -> Reading:
    """Return the reading of the one sheet of a file, or of the one that the format names.

    Raises:
        FileRefusedError: it is no readable spreadsheet, or it is not clear which sheet is meant.
    """
    from python_calamine import CalamineError, CalamineWorkbook, WorksheetNotFound

    try:
        book = CalamineWorkbook.from_path(str(path))
        name = file_format.sheet
        if name is None:
            filled = [each for each in book.sheet_names if book.get_sheet_by_name(each).height]
            if len(filled) != 1:
                listed = ", ".join(repr(each) for each in filled)
                raise FileRefusedError(
                    f"it has {len(filled)} filled sheets ({listed}): name one in the format, "
                    "`sheet: ...`"
                )
            (name,) = filled
        sheet = book.get_sheet_by_name(name)
    except WorksheetNotFound as error:
        raise FileRefusedError(f"it has no sheet {name!r}, but {book.sheet_names}") from error
    except CalamineError as error:
        raise FileRefusedError(f"it is no readable spreadsheet ({error})") from error
    rows = ((n, [_text(value) for value in row]) for n, row in enumerate(sheet.iter_rows(), 1))
    filled_rows = ((n, row) for n, row in rows if any(row))
    header = next(filled_rows, None) if file_format.header and file_format.names is None else None
    names = header[1] if header else file_format.names or [f"column{i}" for i in range(sheet.width)]
    width = len(names)
    target = scratch / "sheet.parquet"
    n_rows = write_rows(_landed(filled_rows, width), target, width)
    return CarefulText(target, names, "utf-8", None, width, n_rows, None)


def _landed(
    rows: Iterator[tuple[int, list[str]]], width: int
) -> Iterator[tuple[int, str, str | None, list[str | None]]]:
    for number, row in rows:
        fields: list[str | None] = [*row[:width], *[None] * (width - len(row))]
        has_more = any(row[width:])
        yield number, "\t".join(row), "more cells than columns" if has_more else None, fields


def _text(value: Any) -> str:
    """Return a cell as text: a whole number without a point, a time in ISO form."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return str(value)
