"""Since the last report: the headline figures against the ledger of what they were.

`headline_history` has each figure's value with the data and the definitions behind it in two times:
the day up to which it holds (`as_of`), and when it was known (`known_at`). The section "Since the
last report" compares the last two of its entries, and says why a figure moved. How business moves
from period to period says `headlines`.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.content import (
    SURENESS,
    Block,
    Paragraph,
    ReportInput,
    section,
)
from customer_assets.reports.sections.headlines import SHARE, written, written_change
from customer_assets.reports.tables import Columns, table_view
from customer_assets.warehouse.versions import moved


@dataclass(frozen=True)
class Reports:
    """The figures of the newest entry of the ledger, and of the one before."""

    now: pl.DataFrame
    before: pl.DataFrame
    known_at: dt.datetime
    known_before: dt.datetime


def last_two(report: ReportInput) -> Reports | None:
    """Return the last two entries of the ledger; None where there is one only."""
    if not report.has_rows("headline_history"):
        return None
    history = report.frames["headline_history"]
    times = history["known_at"].unique().sort()
    if len(times) < 2:
        return None
    now, before = times[-1], times[-2]
    return Reports(
        history.filter(pl.col("known_at") == now),
        history.filter(pl.col("known_at") == before),
        now,
        before,
    )


@section(
    "changes",
    "Since the last report",
    SURENESS,
    5,
    needs=("headline_history",),
    uses=("headlines", "arrivals"),
)
def what_changed(report: ReportInput) -> list[Block]:
    """Return which headline figures moved since the report before, and why."""
    reports = last_two(report)
    if reports is None:
        return []
    joined = reports.now.join(reports.before, on="figure", how="left", suffix="_before")
    order = _order(report)
    in_order = sorted(
        joined.iter_rows(named=True), key=lambda r: order.get(r["figure"], len(order))
    )
    rows = []
    for row in in_order:
        if row["value_before"] is None or row["value"] == row["value_before"]:
            continue
        rows.append(
            {
                "label": row["label"],
                "before": written(report, row["value_before"], row["unit"]),
                "now": written(report, row["value"], row["unit"]),
                "change": _moved(report, row["value"], row["value_before"], row["unit"]),
                "why": _why(report, row, reports.known_before),
            }
        )
    when = f"{wording.day(reports.known_before)}, {reports.known_before:%H:%M} UTC"
    if not rows:
        text = f"No headline figure has moved since the report of {when}."
        return [Paragraph(text, is_lead=True)]
    of = wording.plural(joined.height, "headline figure")
    have = "has" if len(rows) == 1 else "have"
    lead = f"{len(rows)} of {of} {have} moved since the report of {when}."
    columns: Columns = {
        "label": ("Figure", wording.shown),
        "before": ("Before", wording.shown),
        "now": ("Now", wording.shown),
        "change": ("Change", wording.shown),
        "why": ("Why", _sentence),
    }
    view = table_view(
        report,
        "headline_history",
        "Figures that moved",
        columns,
        pl.DataFrame(rows),
        note="The CSV file has every headline figure of every report.",
    )
    return [Paragraph(lead, is_lead=True), view]


def _order(report: ReportInput) -> dict[str, int]:
    """Return where each figure stands in the report."""
    if not report.has_rows("headlines"):
        return {}
    names = report.frames["headlines"].sort("place", "name")["name"].unique(maintain_order=True)
    return {name: number for number, name in enumerate(names)}


def _sentence(text: str) -> str:
    return wording.shown(text, 400)


def _why(report: ReportInput, row: Mapping[str, Any], since: dt.datetime) -> str:
    """Return what happened between two entries that bears on a figure."""
    reasons = []
    if row["definition_version"] != row["definition_version_before"]:
        reasons.append(f"its definition changed{_where(row)}")
    if row["data_version"] != row["data_version_before"]:
        reasons += _arrived(report, row["as_of_before"], since) or ["the landed files changed"]
    if not reasons:
        reasons.append("restated: the same files and definitions gave another value")
    return "; ".join(reasons)


def _where(row: Mapping[str, Any]) -> str:
    """Return what of a definition changed: files, functions, settings, libraries."""
    if not (row["definition"] and row["definition_before"]):
        return ""
    parts = moved(json.loads(row["definition_before"]), json.loads(row["definition"]))
    return f" ({wording.some(parts)})"


def _arrived(report: ReportInput, known_day: dt.date | None, since: dt.datetime) -> list[str]:
    """Return what landed and went since, by days that were known before and new ones."""
    if not report.has_rows("arrivals") or known_day is None:
        return []
    arrivals = report.frames["arrivals"].filter(pl.col("recorded_at") > since)
    is_known = pl.col("event_date") <= known_day
    landed = pl.col("change") == "landed"
    kinds = (
        (landed & ~is_known, "{rows} of {days}", "new day"),
        (landed & is_known, "{rows} late for {days} known before", "day"),
        (~landed, "{rows} of {days} withdrawn", "day"),
    )
    reasons = []
    for condition, text, day in kinds:
        of_kind = arrivals.filter(condition)
        if not of_kind.is_empty():
            rows = wording.plural(int(of_kind["rows"].sum()), "row")
            days = wording.plural(of_kind["event_date"].n_unique(), day)
            reasons.append(text.format(rows=rows, days=days))
    return reasons


def _moved(report: ReportInput, now: Decimal, before: Decimal, unit: str) -> str:
    """Return a change with its sign: of a share in points, of another figure in per cent."""
    if unit == SHARE or not before:
        return written_change(report, now - before, unit)
    percent = 100 * float((now - before) / abs(before))
    digits = 1 if abs(percent) >= 0.1 else 3
    return f"{'+' if percent > 0 else ''}{wording.decimal(percent, digits)}%"
