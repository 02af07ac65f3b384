"""The headline figures as numbers, and the ledger of what they were when they were known.

`figures` is the one place that computes them; `overview` and `customer_table` write them out in
words. The ledger has each figure's value with the data and the definitions behind it in two times:
the day up to which it holds (`as_of`), and when it was known (`known_at`). The section "What
changed" compares the last two of its entries, and says why a figure moved.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.content import Block, Paragraph, ReportInput
from customer_assets.reports.funnels import wilson
from customer_assets.reports.tables import Columns, table_view
from customer_assets.warehouse.manifest import digest
from customer_assets.warehouse.source_warehouse import PythonModel
from customer_assets.warehouse.table import Column, Table

COUNT, MONEY, SHARE = "count", "money", "share"
_VALUE = pl.Decimal(24, 6)


@dataclass(frozen=True)
class Figure:
    """A headline figure; a share has the ends of its 95 % interval (Wilson)."""

    name: str
    label: str
    value: Decimal | float | int | None
    unit: str
    table: str
    low: float | None = None
    high: float | None = None


def figures(frames: Mapping[str, pl.DataFrame]) -> list[Figure]:
    """Return the headline figures that the frames allow, by table name, in their order."""

    def has(name: str) -> bool:
        return name in frames and not frames[name].is_empty()

    found: list[Figure] = []
    if has("sales_daily"):
        days = frames["sales_daily"]
        net = days["net_revenue"].sum()
        found.append(Figure("net_revenue", "Revenue", net, MONEY, "sales_daily"))
        orders = int(days["n_orders"].sum())
        found.append(Figure("orders", "Orders", orders, COUNT, "sales_daily"))
    if has("rfm"):
        rfm = frames["rfm"]
        found.append(Figure("customers", "Known customers", rfm.height, COUNT, "rfm"))
        again = rfm.filter(pl.col("n_orders") > 1).height
        found.append(_share("repeat_share", "Ordered more than once", again, rfm.height, "rfm"))
    elif has("daily_traffic"):
        seen = int(frames["daily_traffic"]["n_new_customers"].sum())
        found.append(Figure("visitors", "Customers seen", seen, COUNT, "daily_traffic"))
    if has("daily_traffic") and "n_sessions" in frames["daily_traffic"].columns:
        days = frames["daily_traffic"]
        sessions = int(days["n_sessions"].sum())
        found.append(Figure("sessions", "Sessions", sessions, COUNT, "daily_traffic"))
        if (of_closed := bounces(days)) is not None:
            found.append(_share("bounce_rate", "Bounce rate", *of_closed, "daily_traffic"))
    if has("funnel"):
        found += _conversions(frames["funnel"])
    if has("accounting"):
        events = int(frames["accounting"]["n_events"].sum())
        found.append(Figure("events", "Events", events, COUNT, "accounting"))
    if has("customers"):
        customers = frames["customers"]
        found.append(Figure("customers", "Customers", customers.height, COUNT, "customers"))
        if "label" in customers.columns:
            known = customers["label"].drop_nulls().cast(pl.Int64)
            if known.len():
                positive = int((known > 0).sum())
                label = "With the label"
                found.append(_share("label_share", label, positive, known.len(), "customers"))
    return found


def _share(name: str, label: str, part: int, whole: int, table: str) -> Figure:
    low, high = wilson(part, whole)
    return Figure(name, label, part / whole, SHARE, table, low, high)


def bounces(days: pl.DataFrame) -> tuple[int, int] | None:
    """Return bounces and sessions of the days whose sessions are closed; None: there is no rate."""
    closed = days.filter(pl.col("is_mature") & pl.col("n_bounces").is_not_null())
    n_sessions = int(closed["n_sessions"].sum())
    return (int(closed["n_bounces"].sum()), n_sessions) if n_sessions else None


def _conversions(funnel: pl.DataFrame) -> list[Figure]:
    """Return for each funnel the share of entrants who reach its end, of mature days."""
    found = []
    mature = funnel.filter("is_mature")
    for name in sorted(mature["funnel"].unique()):
        steps = mature.filter(pl.col("funnel") == name)
        last = steps.filter(pl.col("step") == pl.col("step").max())
        entered, reached = int(last["n_entered"].sum()), int(last["n_reached"].sum())
        if entered:
            label = f"Conversion, {wording.shown(name, 40)}"
            found.append(_share(f"conversion_{name}", label, reached, entered, "funnel"))
    return found


def headline_history(
    frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]
) -> pl.DataFrame:
    """Return one row per headline figure as of now, for the ledger to keep."""
    known_at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    landed = frames["landed_files"]
    content = "loaded_hash" if "loaded_hash" in landed.columns else "content_hash"
    data_version = digest(sorted(landed[content].drop_nulls()))[:12]
    definitions: dict[str, str] = parameters["definition_versions"]
    as_of = _as_of(frames)
    rows = [
        (
            known_at,
            as_of,
            figure.name,
            figure.label,
            _decimal(figure.value),
            _decimal(figure.low),
            _decimal(figure.high),
            figure.unit,
            figure.table,
            data_version,
            definitions.get(figure.table, ""),
        )
        for figure in figures(frames)
    ]
    names = list(HEADLINE_HISTORY.table.columns)
    types: list[Any] = [
        pl.Datetime("us"), pl.Date, pl.String, pl.String, _VALUE, _VALUE, _VALUE, pl.String,
        pl.String, pl.String, pl.String,
    ]  # fmt: skip
    return pl.DataFrame(rows, dict(zip(names, types, strict=True)), orient="row")


def _as_of(frames: Mapping[str, pl.DataFrame]) -> dt.date | None:
    """Return the last day with events; for a source without days, when its newest file landed."""
    if "accounting" in frames:
        accounting = frames["accounting"]
        days = accounting.filter(pl.col("n_events") > 0)["event_date"].drop_nulls()
        if len(days):
            return days.max()  # type: ignore[return-value]
    landed = frames["landed_files"]["modified_at"].drop_nulls()
    return landed.max().date() if len(landed) else None  # type: ignore[union-attr]


def _decimal(value: Decimal | float | int | None) -> Decimal | None:
    return None if value is None else Decimal(str(value)).quantize(Decimal("0.000001"))


HEADLINE_HISTORY = PythonModel(
    table=Table(
        name="headline_history",
        layer="reports",
        description="One row per headline figure of the report and time at which it was known: "
        "its value then, with the data and the definitions behind it. A ledger: what was once "
        "published is never computed anew.",
        columns={
            "known_at": Column(type="timestamp", description="When it was computed, UTC."),
            "as_of": Column(
                type="date",
                description="The day up to which it holds: the last day with events, business "
                "time; for a customer table the day on which its newest file landed.",
            ),
            "figure": Column(type="varchar", description="Key of the figure."),
            "label": Column(type="varchar", description="What the report calls it."),
            "value": Column(
                type="decimal(24,6)",
                description="Its value: a number, money in the source's currency, or a share.",
            ),
            "low": Column(
                type="decimal(24,6)", description="Lower end of a share's 95 % interval."
            ),
            "high": Column(
                type="decimal(24,6)", description="Upper end of a share's 95 % interval."
            ),
            "unit": Column(type="varchar", description="count, money or share."),
            "table_name": Column(type="varchar", description="Table that it is read from."),
            "data_version": Column(
                type="varchar", description="Digest of the contents of all files that counted."
            ),
            "definition_version": Column(
                type="varchar",
                description="Digest of the table's SQL, of those before it, and of what the "
                "source states.",
            ),
        },
        key=["known_at", "figure"],
        ledger=True,
        checks=[
            {"expect_compound_columns_to_be_unique": {"column_list": ["known_at", "figure"]}},
            {"expect_column_values_to_not_be_null": {"column": "value"}},
            {
                "expect_column_values_to_be_in_set": {
                    "column": "unit",
                    "value_set": [COUNT, MONEY, SHARE],
                }
            },
        ],
    ),
    inputs=("landed_files",),
    compute=headline_history,
    parameters=("definition_versions",),
    optional_inputs=(
        "sales_daily",
        "rfm",
        "daily_traffic",
        "funnel",
        "accounting",
        "customers",
    ),
)


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


def change_of(report: ReportInput, figure: str) -> str:
    """Return how a figure moved since the report before, in words; empty where it did not."""
    reports = last_two(report)
    if reports is None:
        return ""
    now = reports.now.filter(pl.col("figure") == figure)
    before = reports.before.filter(pl.col("figure") == figure)
    if now.is_empty() or before.is_empty() or now["value"][0] == before["value"][0]:
        return ""
    moved = _moved(now["value"][0], before["value"][0], now["unit"][0])
    day = f"{wording.short_day(reports.known_before)} {reports.known_before.year}"
    return f"{moved} since {day}"


def what_changed(report: ReportInput) -> list[Block]:
    """Return which headline figures moved since the report before, and why."""
    reports = last_two(report)
    if reports is None:
        return []
    joined = reports.now.join(reports.before, on="figure", how="left", suffix="_before")
    order = {figure.name: number for number, figure in enumerate(figures(report.frames))}
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
                "before": _written(report, row["value_before"], row["unit"]),
                "now": _written(report, row["value"], row["unit"]),
                "change": _moved(row["value"], row["value_before"], row["unit"]),
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


def _sentence(text: str) -> str:
    return wording.shown(text, 400)


def _why(report: ReportInput, row: Mapping[str, Any], since: dt.datetime) -> str:
    """Return what happened between two entries that bears on a figure."""
    reasons = []
    if row["definition_version"] != row["definition_version_before"]:
        reasons.append("its definition changed")
    if row["data_version"] != row["data_version_before"]:
        reasons += _arrived(report, row["as_of_before"], since) or ["the landed files changed"]
    if not reasons:
        reasons.append("restated: the same files and definitions gave another value")
    return "; ".join(reasons)


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


def _written(report: ReportInput, value: Decimal, unit: str) -> str:
    if unit == SHARE:
        return wording.share(float(value))
    if unit == MONEY:
        return wording.money(value, report.event_log.currency)
    return wording.count(value)


def _moved(now: Decimal, before: Decimal, unit: str) -> str:
    """Return a change with its sign: of a share in points, of another figure in per cent."""
    if unit == SHARE:
        points = 100 * float(now - before)
        return f"{'+' if points > 0 else ''}{wording.decimal(points, 2)} points"
    if not before:
        return f"+{wording.count(now)}" if now > 0 else wording.count(now)
    percent = 100 * float((now - before) / abs(before))
    digits = 1 if abs(percent) >= 0.1 else 3
    return f"{'+' if percent > 0 else ''}{wording.decimal(percent, digits)}%"
