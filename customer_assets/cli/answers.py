"""An answer on the screen: a table to read, or CSV and JSON for what comes next."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from customer_assets.ask import AskError, Shop, open_warehouse
from customer_assets.cli.app import UserError, told
from customer_assets.explain import on_one_line
from customer_assets.project import UnknownSourceError

_LOOK_EVERY_SECONDS = 0.05
_LONGEST_CELL = 60
_SHARES = ("conversion", "share")


@dataclass(frozen=True)
class Form:
    """How an answer is written, as its options say."""

    csv: bool
    json: bool
    limit: int

    def __post_init__(self) -> None:
        if self.csv and self.json:
            raise UserError("choose one of --csv and --json")


@contextlib.contextmanager
def asked(source: str) -> Iterator[Shop]:
    """Open a source for a question, and tell what cannot be asked in its own words."""
    with told(UnknownSourceError, AskError, ValueError):
        yield open_warehouse(source)


def answer(shop: Shop, ask: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """Return the answer to a question; on a terminal a bar says how far it is."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return ask()
    columns = (TextColumn("asking"), BarColumn(), TimeElapsedColumn())
    with ThreadPoolExecutor(1) as pool, Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("asking", total=1.0)
        asking = pool.submit(ask)
        try:
            while not asking.done():
                bar.update(task, completed=shop.asking.share_done or 0.0)
                time.sleep(_LOOK_EVERY_SECONDS)
        except KeyboardInterrupt:
            shop.asking.stop()
            raise
        return asking.result()


def show(
    rows: pl.DataFrame, form: Form, shown: Mapping[str, str] | None = None, keep: str = ""
) -> int:
    """Print an answer in its form; below a table, the lines of YAML that keep the question.

    `shown` are the columns of the table on the screen with their titles, by default all.
    """
    if form.csv:
        from customer_assets.reports.tables import write_csv

        write_csv(rows, sys.stdout.buffer)
        return 0
    if form.json:
        print(json.dumps(rows.to_dicts(), indent=1, default=_plain, ensure_ascii=False))
        return 0
    shown = {name: name for name in rows.columns} if shown is None else shown
    Console(highlight=False).print(_table(rows, form.limit, shown))
    if rows.height > form.limit:
        print(f"{rows.height - form.limit:,} more rows; --csv or --json has all")
    if keep:
        print(f"To keep the question, in the source's defs.yaml (choose a name):\n{keep.rstrip()}")
    return 0


def _table(rows: pl.DataFrame, limit: int, shown: Mapping[str, str]) -> Table:
    """Return rows as a table; an estimate has its interval in the same cell."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for name, title in shown.items():
        has_interval = f"{name}_low" in rows.columns
        justify: Literal["left", "right"] = "right" if rows[name].dtype.is_numeric() else "left"
        table.add_column(Text(title), justify=justify, overflow="fold", no_wrap=has_interval)
        if has_interval:
            table.caption = "In brackets: 95 % intervals."
    for row in rows.head(limit).iter_rows(named=True):
        table.add_row(*(Text(_cell(name, row)) for name in shown))
    return table


def _cell(name: str, row: Mapping[str, Any]) -> str:
    is_share = name.endswith(_SHARES) or (name == "difference" and "customer_conversion" in row)
    value = _written(row[name], is_share)
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    if low is None or high is None:
        return value
    ends = (_written(end, is_share).removesuffix(" %") for end in (low, high))
    return f"{value} [{', '.join(ends)}]"


def _written(value: Any, is_share: bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return on_one_line(value, _LONGEST_CELL)
    if is_share:
        return f"{100 * value:.1f} %"
    return f"{value:,.3f}" if abs(value) < 1_000 else f"{value:,.0f}"


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
