"""Sections on who comes back: retention by cohort, and customers gained and lost in time.

Both are told in months, weeks or days, whichever suits the length of the log.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.charts.behavior import (
    Balance,
    Cohort,
    by_age,
    cohort_triangle,
    gains_and_losses,
)
from customer_assets.reports.content import (
    CUSTOMERS,
    Block,
    Paragraph,
    Picture,
    ReportInput,
    section,
)
from customer_assets.reports.tables import Columns, table_view

_MIN_INTERVALS = 6
_MAX_COHORTS, _MAX_LATER, _MAX_LATER_ON_A_PHONE = 13, 12, 8
_MAX_INTERVALS = 31
# The rows of the tables that are told, and after how many intervals in words.
_TOLD = {"activity": "event", "cohort_mode": "first_ever", "measure": "n_day"}
_TOLD_AFTER = (1, 3, 6)

_SHORT: dict[str, Callable[[dt.date], str]] = {
    "month": wording.short_month,
    "week": wording.short_day,
    "day": wording.short_day,
}


@section("retention", "Retention", CUSTOMERS, 190, needs=("retention",), uses=("retention_curve",))
def retention(report: ReportInput) -> list[Block]:
    """Return how many of the customers first seen in an interval came back in later ones."""
    frame = report.frames["retention"].filter(**_TOLD)
    if frame.is_empty():
        return []
    period = fitting_period(frame, "cohort_start")
    cells = frame.filter((pl.col("period") == period) & (pl.col("from_interval") > 0))
    observed = cells.drop_nulls("retained_share")
    if observed.is_empty():
        return []
    columns: Columns = {
        "cohort_start": (f"First {period}", partial(wording.beginning, period=period)),
        "from_interval": (f"{wording.title(period)}s later", wording.count),
        "state": ("Coverage", wording.shown),
        "n_cohort_customers": ("Customers", wording.count),
        "n_retained_customers": ("Came back", wording.count),
        "retained_share": ("Share", wording.share),
    }
    view = observed.with_columns(coverage().alias("state")).sort(
        "cohort_start", "from_interval", descending=[True, False]
    )
    note = "The CSV file has every period, way to form cohorts, and measure."
    together = _all_cohorts(report, period)
    return [
        Paragraph(_retention_in_words(together, period), is_lead=True),
        *([_curve(together, period)] if len(together) > 1 else []),
        _triangle(cells, together, period),
        table_view(report, "retention", f"Retention by {period}", columns, view, note=note),
    ]


def fitting_period(frame: pl.DataFrame, date: str) -> str:
    """Return the longest of month, week and day of which the log has enough; else the shortest."""
    starts = dict(frame.group_by("period").agg(pl.col(date).n_unique()).iter_rows())
    present = [period for period in ("month", "week", "day") if period in starts]
    return next((p for p in present if starts[p] >= _MIN_INTERVALS), present[-1])


def _all_cohorts(report: ReportInput, period: str) -> list[dict[str, Any]]:
    """Return all cohorts together by interval: only intervals that are over count."""
    if not report.has_rows("retention_curve"):
        return []
    curve = report.frames["retention_curve"].filter(pl.col("from_interval") > 0, **_TOLD)
    return curve.filter(period=period).sort("from_interval").to_dicts()


def _retention_in_words(together: Sequence[Mapping[str, Any]], period: str) -> str:
    if not together:
        return f"No {period} after a cohort's own is over yet, so there is no rate to report."
    found = [
        f"{wording.share(row['retained_share'])} came back "
        f"{wording.plural(row['from_interval'], period)} later"
        for row in together
        if row["from_interval"] in _TOLD_AFTER
    ]
    return (
        f"Of the customers first seen in a {period}, {wording.listing(found)}. "
        f"Only {period}s that are over count."
    )


def _curve(together: Sequence[Mapping[str, Any]], period: str) -> Picture:
    shown = [row for row in together if row["from_interval"] <= _MAX_LATER]
    later, shares, *band = (
        [row[name] for row in shown]
        for name in ("from_interval", "retained_share", "retained_share_low", "retained_share_high")
    )
    wide, narrow = by_age(
        "retention-curve",
        later,
        shares,
        f"{period}s later",
        wording.whole_percent,
        band=(band[0], band[1]),
    )
    words = "; ".join(
        f"{wording.plural(k, period)} later {wording.share(share)}"
        for k, share in zip(later, shares, strict=True)
    )
    return Picture(
        "retention-curve",
        alt=f"Curve of the share that came back, all cohorts together: {words}.",
        caption=f"Share of all cohorts together that was active again so many {period}s after the "
        "first; the band is its 95% interval.",
        wide=wide,
        narrow=narrow,
    )


def _triangle(
    cells: pl.DataFrame, all_cohorts: Sequence[Mapping[str, Any]], period: str
) -> Picture:
    starts = sorted(cells["cohort_start"].unique())
    shown = starts[-_MAX_COHORTS:]
    cells = cells.filter(
        pl.col("cohort_start").is_in(shown) & (pl.col("from_interval") <= _MAX_LATER)
    ).sort("cohort_start", "from_interval")
    n_later = max(cells.drop_nulls("retained_share")["from_interval"], default=1)
    cohorts = []
    for start in shown:
        rows = list(cells.filter(pl.col("cohort_start") == start).iter_rows(named=True))
        rows = rows[:n_later]
        label = _SHORT[period](start)
        cohorts.append(
            Cohort(
                label,
                rows[0]["n_cohort_customers"],
                [row["retained_share"] for row in rows],
                [row["is_mature"] for row in rows],
                [_cell_in_words(label, period, row) for row in rows],
            )
        )
    together = [row for row in all_cohorts if row["from_interval"] <= n_later]
    if together:
        cohorts.append(
            Cohort(
                "All",
                together[0]["n_cohort_customers"],
                [row["retained_share"] for row in together],
                [True] * len(together),
                [_cell_in_words("All", period, {**row, "is_mature": True}) for row in together],
            )
        )
    wide, narrow = cohort_triangle(
        "retention", cohorts, n_later, min(n_later, _MAX_LATER_ON_A_PHONE)
    )
    more = f" The last {_MAX_COHORTS} cohorts are drawn." if len(starts) > len(shown) else ""
    has_open = any(
        s is not None and not ok
        for c in cohorts
        for s, ok in zip(c.shares, c.is_final, strict=True)
    )
    before = (
        f" The cohort of {_SHORT[period](starts[0])} also holds all who came before the log began."
        if starts[0] in shown
        else ""
    )
    return Picture(
        "retention",
        alt=f"Triangle of cohorts by first {period}: the percentage that came back in each later "
        f"{period}. {_retention_in_words(all_cohorts, period)}",
        caption=f"Percentage of the customers first seen in a {period} who were active again in "
        f"each later {period}; beside each cohort its size. What has not begun is empty; the row "
        f"All counts the {period}s that are over."
        f"{before}{more}",
        wide=wide,
        narrow=narrow,
        colours=[("open", f"{wording.title(period)} not over yet: may rise")] if has_open else [],
    )


def _cell_in_words(label: str, period: str, row: dict) -> str:
    if row["retained_share"] is None:
        return ""
    so_far = "" if row["is_mature"] else " so far"
    return (
        f"{label}, {wording.plural(row['from_interval'], period)} later: "
        f"{wording.count(row['n_retained_customers'])} of "
        f"{wording.count(row['n_cohort_customers'])}{so_far}, "
        f"{wording.share(row['retained_share_low'])} to "
        f"{wording.share(row['retained_share_high'])}"
    )


_KINDS = (
    ("n_returning", "Returning", "soft"),
    ("n_resurrecting", "Resurrecting", "accent"),
    ("n_new", "New", "second"),
)


@section("lifecycle", "Customers gained and lost", CUSTOMERS, 200, needs=("lifecycle",))
def lifecycle(report: ReportInput) -> list[Block]:
    """Return customers by interval: new, returning, resurrecting, and gone dormant."""
    # A source may state an earlier first day than its log has.
    frame = report.frames["lifecycle"]
    frame = frame.filter(pl.col("interval_start") >= _first_active(frame))
    if frame.is_empty():
        return []
    period = fitting_period(frame, "interval_start")
    rows = frame.filter(pl.col("period") == period).sort("interval_start")
    columns: Columns = {
        "interval_start": (wording.title(period), partial(wording.beginning, period=period)),
        "state": ("Coverage", wording.shown),
        "n_active": ("Active", wording.count),
        "n_new": ("New", wording.count),
        "n_returning": ("Returning", wording.count),
        "n_resurrecting": ("Resurrecting", wording.count),
        "n_dormant": ("Dormant", wording.count),
    }  # fmt: skip
    view = rows.with_columns(coverage().alias("state")).sort("interval_start", descending=True)
    return [
        Paragraph(_lifecycle_in_words(rows, period), is_lead=True),
        _lifecycle_picture(rows, period),
        table_view(
            report, "lifecycle", f"Customers gained and lost by {period}", columns, view,
            note="The CSV file has days, weeks and months.",
        ),
    ]  # fmt: skip


def coverage() -> pl.Expr:
    """Return of each interval whether all of it is told."""
    return pl.when("is_mature").then(pl.lit("complete")).otherwise(pl.lit("partial"))


def _first_active(frame: pl.DataFrame) -> pl.Expr:
    """Return the first interval with a customer, by period."""
    first = frame.filter(pl.col("n_active") > 0).group_by("period").agg(pl.min("interval_start"))
    return pl.col("period").replace_strict(
        dict(first.iter_rows()), default=None, return_dtype=pl.Date
    )


def _lifecycle_in_words(rows: pl.DataFrame, period: str) -> str:
    final = rows.filter("is_mature")
    if final.is_empty():
        return f"No {period} is over yet: who is missing so far may still come."
    last = final.row(-1, named=True)
    when = wording.when(last["interval_start"], period)
    return (
        f"{when}, the last complete {period}, {wording.count(last['n_active'])} customers were "
        f"active: {wording.count(last['n_new'])} new, {wording.count(last['n_returning'])} who "
        f"were there the {period} before and {wording.count(last['n_resurrecting'])} back after a "
        f"pause. {wording.count(last['n_dormant'])} of the {period} before stayed away."
    )


def _lifecycle_picture(rows: pl.DataFrame, period: str) -> Picture:
    shown = rows.tail(_MAX_INTERVALS)
    intervals = [
        Balance(
            _SHORT[period](row["interval_start"]),
            [(row[column], role) for column, _, role in _KINDS],
            row["n_dormant"],
            _interval_in_words(_SHORT[period](row["interval_start"]), row),
            is_final=row["is_mature"],
        )
        for row in shown.iter_rows(named=True)
    ]
    wide, narrow = gains_and_losses("lifecycle", intervals, "muted")
    colours = [(role, label) for _, label, role in reversed(_KINDS)] + [("muted", "Dormant")]
    if not shown["is_mature"].all():
        colours.append(("hatched", f"{wording.title(period)} not over yet"))
    more = f" The last {_MAX_INTERVALS} are drawn." if rows.height > shown.height else ""
    return Picture(
        "lifecycle",
        alt=f"Bars of customers by {period}. " + "; ".join(each.tip for each in intervals) + ".",
        caption=f"Customers active in each {period}, above the line (on a phone to its right), "
        f"and those of the {period} before who stayed away, below it.{more}",
        wide=wide,
        narrow=narrow,
        colours=colours,
    )


def _interval_in_words(label: str, row: dict) -> str:
    parts = [f"{wording.count(row[column])} {name.lower()}" for column, name, _ in _KINDS]
    parts.append(f"{wording.count(row['n_dormant'])} dormant")
    return f"{label}: {', '.join(parts)}{'' if row['is_mature'] else ' (not over yet)'}"
