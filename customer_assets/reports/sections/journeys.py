"""The section on what customers do in a session, step by step, and on the paths to a purchase.

How far people get along a stated funnel belongs to `funnels`.
"""

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.charts.bars import Bar, ranked_bars
from customer_assets.reports.charts.heat_map import HeatMap, heat_map
from customer_assets.reports.content import (
    CUSTOMERS,
    Block,
    Paragraph,
    Picture,
    ReportInput,
    section,
)
from customer_assets.reports.tables import Columns, table_view

_START, _END = "(start)", "(end)"
_NAMES = {_START: "start of the session", _END: "end of the session"}
_MOST_TYPES, _MOST_PATHS = 7, 6


@section(
    "journeys",
    "What happens in a session",
    CUSTOMERS,
    175,
    needs=("step_matrix",),
    uses=("transitions", "paths"),
)
def journeys(report: ReportInput) -> list[Block]:
    """Return the step matrix, what follows what, and the paths that lead to a purchase."""
    matrix = report.frames["step_matrix"]
    blocks: list[Block] = [Paragraph(_in_words(matrix), is_lead=True), _matrix_picture(matrix)]
    # Who is seen buying only goes one way.
    if report.has_rows("paths") and report.event_log.view_event is not None:
        blocks.append(_paths_picture(report.frames["paths"].sort("rank")))
    columns: Columns = {
        "step": ("Step", wording.count),
        "event_type": ("Event", _name),
        "n_sessions": ("Sessions", wording.count),
        "session_share": ("Share", wording.share),
    }
    blocks.append(table_view(report, "step_matrix", "Steps of a session", columns))
    if report.has_rows("transitions"):
        blocks.append(_transitions(report))
    if report.has_rows("paths"):
        of_paths: Columns = {
            "path": ("Path", _path),
            "n_item_purchases": ("Customers and products", wording.count),
            "item_purchase_share": ("Share", wording.share),
        }
        paths = report.frames["paths"].sort("rank")
        blocks.append(table_view(report, "paths", "Paths to a purchase", of_paths, paths))
    return blocks


def _name(event_type: str) -> str:
    return _NAMES.get(event_type) or wording.title(event_type, 40)


def _path(path: str) -> str:
    return wording.shown(path.replace(">", " \u2192 "), 120)


def _in_words(matrix: pl.DataFrame) -> str:
    first = matrix.filter(pl.col("step") == 1).sort(
        "n_sessions", "event_type", descending=[True, False]
    )
    row = first.row(0, named=True)
    over = dict(
        matrix.filter(pl.col("event_type") == _END).select("step", "session_share").iter_rows()
    )
    text = (
        f"{wording.share(row['session_share'])} of the sessions begin with "
        f"{_name(row['event_type']).lower()}"
    )
    if 2 in over:
        text += f"; {wording.share(over[2])} never do anything else"
    return f"{text}."


def _matrix_picture(matrix: pl.DataFrame) -> Picture:
    steps = sorted(matrix["step"].unique())
    by_type = (
        matrix.filter(pl.col("event_type") != _END)
        .group_by("event_type")
        .agg(pl.max("session_share"))
        .sort("session_share", "event_type", descending=[True, False])
    )
    types = [*by_type["event_type"].head(_MOST_TYPES), _END]
    share = {(row[0], row[1]): row[2] for row in
             matrix.select("event_type", "step", "session_share").iter_rows()}  # fmt: skip
    values = [[share.get((kind, step), 0.0) for step in steps] for kind in types]
    labels = ["Session is over" if kind == _END else wording.title(kind, 16) for kind in types]
    heat = HeatMap(
        rows=labels,
        columns=[str(step) for step in steps],
        values=values,
        texts=[[f"{100 * value:.0f}" if value >= 0.005 else "" for value in row] for row in values],
        tips=[
            [
                f"{label}, step {step}: {wording.share(value)} of the sessions"
                for step, value in zip(steps, row, strict=True)
            ]
            for label, row in zip(labels, values, strict=True)
        ],
        row_totals=[""] * len(types),
        column_totals=[""] * len(steps),
    )
    wide, narrow = heat_map("step-matrix", heat, is_turned=False)
    told = "; ".join(tip for row in heat.tips for tip in row[:2])
    more = (
        f" The {_MOST_TYPES} most frequent events are drawn." if len(by_type) > _MOST_TYPES else ""
    )
    return Picture(
        "step-matrix",
        alt=f"Matrix of events by step of the session. {told}.",
        caption="Percentage of all sessions with each event at their first five steps; an event "
        f"that repeats at once is one step.{more}",
        wide=wide,
        narrow=narrow,
    )


def _paths_picture(paths: pl.DataFrame) -> Picture:
    bars = [
        Bar(
            _path(row["path"])[:44],
            [(row["item_purchase_share"], "accent")],
            wording.share(row["item_purchase_share"]),
            tip=f"{_path(row['path'])}: {wording.share(row['item_purchase_share'])}",
        )
        for row in paths.head(_MOST_PATHS).iter_rows(named=True)
    ]
    wide, narrow = ranked_bars("paths", bars, label_widths=(300, 190))
    return Picture(
        "paths",
        alt="Bars of the paths to a purchase. " + "; ".join(bar.tip for bar in bars) + ".",
        caption="Paths of a customer to buying a product, each event where it comes first: share "
        "of all purchases of a product by a customer. Where a log begins in the middle of "
        "histories, paths lack their beginning.",
        wide=wide,
        narrow=narrow,
    )


def _transitions(report: ReportInput) -> Block:
    rows = report.frames["transitions"].sort(
        "n_transitions", "from_event", "to_event", descending=[True, False, False]
    )
    columns: Columns = {
        "from_event": ("After", _name),
        "to_event": ("Comes", _name),
        "n_transitions": ("Times", wording.count),
        "share_of_from": ("Of all that follows the one", wording.share),
        "share_of_to": ("Of all that comes before the other", wording.share),
    }
    return table_view(report, "transitions", "What follows what in a session", columns, rows)
