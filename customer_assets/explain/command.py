"""The command `explain`: words of a command line in, an explanation on the screen out."""

import datetime as dt
import sys

from customer_assets import settings
from customer_assets.explain.answer import as_csv, as_json, as_text
from customer_assets.explain.cell import CellError
from customer_assets.explain.explanation import explain
from customer_assets.generation import open_shown
from customer_assets.project import UnknownSourceError, read_pipeline

FORMATS = ("text", "csv", "json")


def run_explain(
    source: str, table: str, where: str, column: str, *, form: str = "text", limit: int = 20
) -> int:
    """Print what is behind a cell; return the exit status, 1 where there is no such cell."""
    try:
        pipeline = read_pipeline(source)
        with open_shown(pipeline) as warehouse:
            if not warehouse.folder.is_dir():
                raise CellError(f"{source} was never run here: `make demo SOURCES={source}`")
            answer = explain(
                pipeline,
                warehouse,
                settings.landing() / source,
                table,
                where,
                column,
                dt.datetime.now(dt.UTC),
            )
    except (UnknownSourceError, CellError) as error:
        _complain(f"customer_assets: {error}")
        return 1
    if form == "csv":
        sys.stdout.buffer.write(as_csv(answer))
    else:
        print(as_json(answer) if form == "json" else as_text(answer, limit), end="")
    return 0 if answer.rows.height else 1


def _complain(text: str) -> None:
    print(text, file=sys.stderr)
