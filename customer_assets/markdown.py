"""Tables in Markdown, as the Dagster UI and the pages under docs/ show them."""

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

_LONGEST_CELL = 200


def cell(value: Any) -> str:
    """Return a value as text in which nothing is markup, whatever file it comes from."""
    if value is None:
        return "*NULL*"
    text = " ".join(str(value).split())
    if len(text) > _LONGEST_CELL:
        text = text[: _LONGEST_CELL - 1] + "…"
    return re.sub(r"([\\`*_\[\]|~#!])", r"\\\1", html.escape(text, quote=False))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of texts that are Markdown already."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def frame_table(frame: pl.DataFrame) -> str:
    """Return a frame as a table; nothing in a cell can end it or become markup."""
    return table(
        [cell(name) for name in frame.columns], [[*map(cell, row)] for row in frame.rows()]
    )


def code(text: str, language: str) -> str:
    """Return a text as it stands, in a fence that nothing in it can end."""
    longest = max((len(ticks) for ticks in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
