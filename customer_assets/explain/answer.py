"""An explanation as text, CSV or JSON. Words and layout only; what is in it is `explanation`'s."""

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from customer_assets.explain.explanation import Explanation
from customer_assets.explain.steps import Step, Used
from customer_assets.reports.tables import write_csv

_LONGEST_CELL = 60
_LONGEST_LINE = 300


def as_text(answer: Explanation, limit: int = 20) -> str:
    """Return an explanation to read on a screen; of every list the first `limit` rows."""
    return "\n".join(_lines(answer, limit)) + "\n"


def as_csv(answer: Explanation) -> bytes:
    """Return the landed rows as CSV in UTF-8, one line each, harmless to a spreadsheet.

    Columns: `table` (the raw table), that table's own, `file`, `row`, `raw_text`.
    """
    frames = [
        frame.select(pl.lit(table).alias("table"), pl.all())
        for table, frame in answer.landed.rows.items()
    ]
    together = (
        pl.concat(frames, how="diagonal_relaxed")
        if frames
        else pl.DataFrame(schema={"table": pl.String, "file": pl.String, "row": pl.Int64})
    )
    target = io.BytesIO()
    write_csv(together, target)
    return target.getvalue()


def as_json(answer: Explanation) -> str:
    """Return everything that was found as JSON: times as ISO text, money as text."""
    document = {
        "source": answer.source,
        "table": answer.cell.table,
        "column": answer.cell.column,
        "where": answer.cell.condition,
        "meaning": answer.meaning,
        "rows": answer.rows.to_dicts(),
        "is_proved": answer.is_proved,
        "adds_up": answer.adds_up,
        "customers": answer.customers.to_dicts(),
        "steps": [
            {
                "table": step.table,
                "rows": step.n_rows,
                "is_proved": step.is_proved,
                "proof": step.proof,
                "inputs": [
                    {
                        "table": used.table,
                        "rows": used.n_rows,
                        "of": used.n_all,
                        "takes_all": used.is_whole,
                    }
                    for used in step.used
                ],
            }
            for step in answer.steps
        ],
        "tables": {table: frame.to_dicts() for table, frame in answer.tables.items()},
        "landed": {table: frame.to_dicts() for table, frame in answer.landed.rows.items()},
        "problems": [*answer.notes, *answer.landed.problems],
    }
    return json.dumps(document, indent=1, default=_plain, ensure_ascii=False)


def _lines(answer: Explanation, limit: int) -> Iterator[str]:
    cell = answer.cell
    yield f"{answer.source}.{cell.table}: {cell.column} where {on_one_line(cell.condition, 200)}"
    yield f"  {answer.meaning}"
    yield ""
    if answer.rows.height == 1:
        for name, value in answer.rows.row(0, named=True).items():
            marker = ">" if name == cell.column else " "
            yield f"  {marker} {name:28} {on_one_line(value, _LONGEST_LINE)}"
    else:
        yield f"  {_plural(answer.rows.height, 'row')}"
        yield from _table(answer.rows, limit)
    if not answer.customers.is_empty():
        yield ""
        how = "; what they add makes up the figure" if answer.adds_up else ""
        yield f"Customers: {answer.customers.height:,}{how}"
        yield from _table(answer.customers, limit)
    if answer.steps:
        yield ""
        yield "Where it comes from"
        for step in answer.steps:
            inputs = _inputs(step) or "no table"
            yield f"  {step.table}: {_plural(step.n_rows, 'row')}, from {inputs}"
            yield f"    {step.proof}"
    for table, frame in answer.landed.rows.items():
        files = frame["file"].n_unique()
        yield ""
        yield f"Landed rows of {table}: {frame.height:,}, in {_plural(files, 'file')}"
        for row in frame.head(limit).iter_rows(named=True):
            place = f"row {row['row']}" if row["row"] is not None else "not found"
            raw = on_one_line(row["raw_text"] or "", _LONGEST_LINE)
            yield f"  {on_one_line(row['file'], 120)}  {place}  {raw}"
        yield from _more(frame.height, limit)
    for problem in [*answer.notes, *answer.landed.problems]:
        yield ""
        yield f"! {on_one_line(problem, 1000)}"
    if answer.steps:
        yield ""
        yield (
            "Proved: each table above, computed again from the rows found, gives the same values."
            if answer.is_proved
            else "Not proved from these rows alone: see above which table takes more than them."
        )


def _inputs(step: Step) -> str:
    return ", ".join(_input(used) for used in step.used)


def _input(used: Used) -> str:
    if used.is_whole:
        shown = "" if used.n_rows == used.n_all else f" ({used.n_rows:,} followed)"
        return f"all {used.n_all:,} of {used.table}{shown}"
    return f"{used.n_rows:,} of {used.n_all:,} of {used.table}"


def _table(frame: pl.DataFrame, limit: int) -> Iterator[str]:
    rows = [list(frame.columns)]
    rows += [
        [on_one_line(value, _LONGEST_CELL) for value in row] for row in frame.head(limit).rows()
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(frame.width)]
    for row in rows:
        padded = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        yield f"    {padded}".rstrip()
    yield from _more(frame.height, limit)


def _more(n_rows: int, limit: int) -> Iterator[str]:
    if n_rows > limit:
        yield f"    ... and {n_rows - limit:,} more; --format csv or json has all"


def _plural(number: int, one: str) -> str:
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def on_one_line(value: Any, limit: int) -> str:
    """Return a value on one line; what a terminal would act on is written out."""
    if value is None:
        return "-"
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = ", ".join(str(each) for each in value)
    text = str(value)
    text = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
