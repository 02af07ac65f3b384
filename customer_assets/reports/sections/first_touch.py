"""Sections on where customers came from: by what their first event says, and new against returning.

Who comes back in all belongs to `retention`, sales in all to `sales`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.charts.behavior import LinePanel, lines_in_time
from customer_assets.reports.charts.ranges import Ranges, ranges
from customer_assets.reports.content import (
    CUSTOMERS,
    Block,
    Paragraph,
    Picture,
    ReportInput,
    section,
)
from customer_assets.reports.sections.retention import coverage, fitting_period
from customer_assets.reports.tables import Columns, interval, table_view

# So many values of an attribute are drawn, and so many attributes; the tables have all.
_MOST_VALUES, _MOST_ATTRIBUTES = 5, 2
_MOST_INTERVALS = 60
# An interval has to be followed so often for its length to say something.
_FEWEST_FOLLOWED = 3


@section(
    "first-touch",
    "By how customers first came",
    CUSTOMERS,
    195,
    needs=("retention_by",),
    uses=("lifecycle_by", "revenue_by"),
)
def first_touch(report: ReportInput) -> list[Block]:
    """Return for each attribute who came back and what buyers were worth, by its first value."""
    period = _period(report.frames["retention_by"])
    came_back = _latest(
        report.frames["retention_by"].filter(period=period, from_interval=1), "from_interval"
    )
    if came_back.is_empty():
        return []
    active = _latest(_rows(report, "lifecycle_by", period=period), "interval_start")
    worth = _latest(_rows(report, "revenue_by"), "sales_month")
    attributes = came_back["attribute"].unique(maintain_order=True).sort().to_list()
    blocks: list[Block] = [Paragraph(_finding(came_back, period), is_lead=True)]
    blocks += [
        _picture(report, attribute, period, came_back, active, worth)
        for attribute in attributes[:_MOST_ATTRIBUTES]
    ]
    money = partial(wording.money, currency=report.event_log.currency)
    value: Columns = {
        "attribute": ("Attribute", wording.title),
        "attribute_value": ("First value", wording.shown),
    }
    back: Columns = {
        **value,
        "n_cohort_customers": ("Customers", wording.count),
        "retained_share": (f"Came back the {period} after", wording.share),
        "share_difference": ("Against all others, points", _points),
    }
    stayed: Columns = {
        **value,
        "n_active": (f"Active in the last {period}", wording.count),
        "n_new": ("New", wording.count),
        "returning_share": (f"Of the {period} before", wording.share),
        "share_difference": ("Against all others, points", _points),
    }
    bought: Columns = {
        **value,
        "sales_month": ("Month", wording.month),
        "n_buyers": ("Buyers", wording.count),
        "net_revenue": ("Revenue", money),
        "revenue_per_buyer": ("Revenue a buyer", money),
        "revenue_difference": ("Against all others", partial(wording.signed, form=money)),
    }
    for table, title, columns, rows in (
        ("retention_by", "Who came back", back, came_back),
        ("lifecycle_by", "Who stayed", stayed, active),
        ("revenue_by", "What buyers were worth", bought, worth),
    ):
        if not rows.is_empty():
            name = f"{title}, by how customers first came"
            blocks.append(table_view(report, table, name, columns, _ordered(rows)))
    return blocks


def _rows(report: ReportInput, table: str, **where: str) -> pl.DataFrame:
    """Return the rows of a table for which columns have a value; none where it is not there."""
    return report.frames[table].filter(**where) if report.has_rows(table) else pl.DataFrame()


def _period(retention: pl.DataFrame) -> str:
    """Return the longest period that was followed often enough; else the shortest."""
    followed = dict(retention.group_by("period").agg(pl.max("from_interval")).iter_rows())
    present = [period for period in ("month", "week", "day") if period in followed]
    return next((p for p in present if followed[p] >= _FEWEST_FOLLOWED), present[-1])


def _latest(rows: pl.DataFrame, when: str) -> pl.DataFrame:
    """Return the rows of the last interval that is over."""
    if rows.is_empty():
        return rows
    over = rows.filter("is_mature") if "is_mature" in rows.columns else rows
    return over.filter(pl.col(when) == pl.col(when).max())


def _ordered(rows: pl.DataFrame) -> pl.DataFrame:
    size = next(n for n in ("n_cohort_customers", "n_active", "n_buyers") if n in rows.columns)
    return rows.sort("attribute", size, "attribute_value", descending=[False, True, False])


def _points(part: float) -> str:
    return wording.signed(100 * part, wording.decimal)


def _name(value: str | None, limit: int = 40) -> str:
    return "unknown" if value is None else wording.shown(value, limit)


def _finding(came_back: pl.DataFrame, period: str) -> str:
    sure = came_back.filter("is_surely_more")
    if sure.is_empty():
        names = sorted({wording.title(name).lower() for name in came_back["attribute"]})
        return (
            f"No first {wording.listing(names)} surely brings customers who come back more than "
            "others."
        )
    best = sure.sort("share_difference", "attribute_value", descending=[True, False])
    row = best.row(0, named=True)
    between = interval(row["share_difference_low"], row["share_difference_high"], _points)
    return (
        f"Of the customers who first came with {wording.title(row['attribute']).lower()} "
        f"{_name(row['attribute_value'])}, {wording.share(row['retained_share'])} came back the "
        f"{period} after. That is {_points(row['share_difference'])} points against all others "
        f"(95% interval {between}){_of_many(came_back)}. Who came by what may differ in more than "
        "that: it is no proof that the one causes the other."
    )


def _of_many(came_back: pl.DataFrame) -> str:
    """Return that a lead is sure of as many values as were compared, where they are several."""
    n = came_back["share_difference"].count()
    return f", more than chance gives the best of {n}" if n > 2 else ""


def _picture(
    report: ReportInput,
    attribute: str,
    period: str,
    came_back: pl.DataFrame,
    active: pl.DataFrame,
    worth: pl.DataFrame,
) -> Picture:
    money = partial(wording.compact, currency=report.event_log.currency)
    known = _ordered(came_back.filter(attribute=attribute))
    values = known["attribute_value"].head(_MOST_VALUES).to_list()
    n_all = known["n_cohort_customers"].sum()
    sizes = dict(known.select("attribute_value", "n_cohort_customers").iter_rows())
    labels = [
        f"{_name(value, 16)}, {wording.whole_percent(sizes[value] / n_all)}" for value in values
    ]
    measures, told = [], []
    panels: tuple[tuple[str, str, pl.DataFrame, Callable[[float], str]], ...] = (
        (f"Back the {period} after", "retained_share", came_back, wording.share),
        ("Still active", "returning_share", active, wording.share),
        ("Revenue a buyer", "revenue_per_buyer", worth, money),
    )
    for title, column, rows, form in panels:
        measure = _measure(title, column, rows, attribute, values, form)
        if measure is not None:
            measures.append(measure)
            texts = zip(labels, measure.texts, strict=True)
            told.append(f"{title}: " + "; ".join(f"{label}: {text}" for label, text in texts))
    name = f"first-touch-{attribute.replace('_', '-')}"
    wide, narrow = ranges(name, labels, measures)
    n_more = known.height - len(values)
    more = f" {wording.plural(n_more, 'more value')} in the tables." if n_more else ""
    month = f" Revenue is of {wording.month(worth['sales_month'][0])}." if len(worth) else ""
    return Picture(
        name,
        alt=f"{wording.title(attribute)} at the first event. {'. '.join(told)}.",
        caption=f"By {wording.title(attribute).lower()} at a customer's first event, with its "
        f"share of the customers. Still active are those of the {period} before. The dot is the "
        f"figure, the band its 95% interval; of few customers there is none.{month}{more}",
        wide=wide,
        narrow=narrow,
    )


def _measure(
    title: str,
    column: str,
    rows: pl.DataFrame,
    attribute: str,
    values: Sequence[str | None],
    form: Callable[[float], str],
) -> Ranges | None:
    """Return a figure of each value with its ends; None where one of the values has none."""
    if rows.is_empty():
        return None
    found: dict[Any, Any] = {
        value: (low, middle, high)
        for value, low, middle, high in rows.filter(attribute=attribute)
        .select("attribute_value", f"{column}_low", column, f"{column}_high")
        .iter_rows()
    }
    if any(found.get(value, (None,) * 3)[1] is None for value in values):
        return None
    told = [
        tuple(middle if end is None else end for end in (low, middle, high))
        for low, middle, high in (found[value] for value in values)
    ]
    return Ranges(title, told, [form(middle) for _, middle, _ in told], is_log=False)


@section("newness", "New and returning buyers", CUSTOMERS, 67, needs=("sales_by_newness",))
def newness(report: ReportInput) -> list[Block]:
    """Return which share of the money came from who bought for the first time, and its course."""
    frame = report.frames["sales_by_newness"]
    period = fitting_period(frame, "interval_start")
    rows = frame.filter(period=period).sort("interval_start")
    over = rows.filter(pl.col("is_mature"), pl.col("new_share").is_not_null())
    if over.is_empty():
        return []
    money = partial(wording.money, currency=report.event_log.currency)
    columns: Columns = {
        "interval_start": (wording.title(period), partial(wording.beginning, period=period)),
        "state": ("Coverage", wording.shown),
        "n_new_buyers": ("New buyers", wording.count),
        "n_returning_buyers": ("Returning buyers", wording.count),
        "new_revenue": ("Revenue of new", money),
        "returning_revenue": ("Of returning", money),
        "new_share": ("Share of new", wording.share),
        "revenue_difference": (
            "A returning buyer against a new one", partial(wording.signed, form=money)
        ),
    }  # fmt: skip
    view = rows.with_columns(coverage().alias("state")).sort("interval_start", descending=True)
    blocks: list[Block] = [Paragraph(_new_in_words(over, period, money), is_lead=True)]
    if rows.height > 1:
        blocks.append(_new_picture(rows.tail(_MOST_INTERVALS), period))
    title = f"New and returning buyers by {period}"
    return [*blocks, table_view(report, "sales_by_newness", title, columns, view)]


def _new_in_words(over: pl.DataFrame, period: str, money: Callable[[Any], str]) -> str:
    last = over.row(-1, named=True)
    when = wording.when(last["interval_start"], period)
    text = f"{when} new buyers brought {wording.share(last['new_share'])} of the revenue"
    if last["new_share_low"] is not None:
        ends = interval(last["new_share_low"], last["new_share_high"], wording.share)
        text += f" (95% interval {ends})"
    low, high = last["revenue_difference_low"], last["revenue_difference_high"]
    if low is None or high is None:
        return f"{text}."
    gap = money(abs(last["revenue_difference"]))
    ends = interval(low, high, partial(wording.signed, form=money))
    if low > 0 or high < 0:
        more = "more" if low > 0 else "less"
        return (
            f"{text}. A returning buyer brought {gap} {more} than a new one (95% interval {ends})."
        )
    return f"{text}. Whether a returning buyer brings more than a new one cannot be told ({ends})."


def _new_picture(rows: pl.DataFrame, period: str) -> Picture:
    days = rows["interval_start"].to_list()
    panel = LinePanel(
        "Share of the revenue from new buyers",
        [(rows["new_share"].to_list(), "accent")],
        is_share=True,
        band=(rows["new_share_low"].to_list(), rows["new_share_high"].to_list()),
    )
    n_final = int(rows["is_mature"].cum_min().sum())
    wide, narrow = lines_in_time("newness", days, [panel], n_final)
    written = partial(wording.beginning, period=period)
    ends = [rows.row(at, named=True) for at in (0, -1)]
    words = "; ".join(
        f"{written(end['interval_start'])}: {wording.share(end['new_share'] or 0)}" for end in ends
    )
    colours = [("accent", "Share of new buyers")]
    if rows["new_share_low"].count():
        colours.append(("band", "95% interval"))
    if n_final < rows.height:
        colours.append(("open", f"{wording.title(period)} not over yet"))
    return Picture(
        "newness",
        alt=f"Line of the share of the revenue from new buyers by {period}. {words}.",
        caption=f"Share of the revenue of known customers that came from who bought for the first "
        f"time in the {period}. A log that begins in the middle of customers' lives takes all for "
        "new at first.",
        wide=wide,
        narrow=narrow,
        colours=colours,
    )
