"""The section on what will be asked for: what to have in stock, when to be staffed, when to begin.

Sales in money belong to `forecasts`, when customers bought until now to `sales`.
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

_MOST_BARS = 6


@section(
    "demand",
    "What to stock, and when to staff",
    CUSTOMERS,
    145,
    needs=("demand_forecast",),
    uses=("season_lead",),
)
def demand(report: ReportInput) -> list[Block]:
    """Return how much suffices until a delivery, orders by hour of the next week, and rises."""
    forecast = report.frames["demand_forecast"]
    told = forecast.filter("is_shown", pl.col("reorder_point").is_not_null())
    stock = told.filter(pl.col("demand_kind").is_in(["item", "category"]))
    stock = stock.sort("value", "thing", descending=[True, False])
    hours = told.filter(demand_kind="hour")
    sentences = [*_stock(stock), *_staff(hours), *_rises(report)]
    if not sentences:
        return []
    columns: Columns = {
        "thing_name": ("Product or category", wording.shown),
        "weekly_units": ("Units a week", wording.decimal),
        "value": ("Units to expect", wording.count),
        "low": ("From", wording.count),
        "high": ("To", wording.count),
        "reorder_point": ("Order again at", wording.count),
    }
    leads: Columns = {
        "thing_name": ("Category", wording.shown),
        "season_start": ("Season", wording.month),
        "lead_days": ("Began so many days before", wording.count),
        "stated_lead_days": ("Stated", wording.count),
        "calm_units": ("Units in a calm week", wording.count),
        "peak_units": ("In the best week", wording.count),
    }
    blocks: list[Block] = [
        Paragraph(sentences[0], is_lead=True),
        *([Paragraph(" ".join(sentences[1:]))] if sentences[1:] else []),
        *([_reorder_points(stock.head(_MOST_BARS))] if stock.height else []),
        *([_rota(hours)] if hours.height else []),
    ]
    if stock.height:
        blocks.append(
            table_view(report, "demand_forecast", "What to have in stock", columns, stock)
        )
    seasons = _seasons(report)
    if seasons.height:
        blocks.append(table_view(report, "season_lead", "When demand rose", leads, seasons))
    return blocks


def _reorder_points(stock: pl.DataFrame) -> Picture:
    bars = [
        Bar(
            wording.shown(row["thing_name"], 40),
            [(row["value"], "accent"), (max(row["reorder_point"] - row["value"], 0), "soft")],
            wording.count(row["reorder_point"]),
            tip=f"{wording.shown(row['thing_name'], 40)}: {wording.count(row['value'])} to expect, "
            f"{wording.count(row['reorder_point'])} suffice",
        )
        for row in stock.iter_rows(named=True)
    ]
    wide, narrow = ranked_bars("reorder-points", bars, label_widths=(230, 130))
    return Picture(
        "reorder-points",
        alt=f"Bars of the units at which to order again. {'; '.join(bar.tip for bar in bars)}.",
        caption="Units at which to order again, of what is asked for most.",
        wide=wide,
        narrow=narrow,
        colours=[("accent", "To expect until the delivery"), ("soft", "In case it is more")],
    )


def _stock(stock: pl.DataFrame) -> list[str]:
    if not stock.height:
        return []
    first = stock.row(0, named=True)
    weeks = wording.plural(first["horizon_weeks"], "week")
    return [
        f"Of {wording.shown(first['thing_name'])}, {wording.count(first['reorder_point'])} units "
        f"suffice for {weeks} in {wording.share(first['service_level'])} of the cases. "
        f"To expect are {wording.count(first['value'])}, in 8 of 10 cases "
        f"{wording.count(first['low'])} to {wording.count(first['high'])}. "
        f"Such amounts, told for {wording.plural(stock.height, 'product')}, were enough in "
        f"{wording.share(first['service'])} of the past cases."
    ]


def _staff(hours: pl.DataFrame) -> list[str]:
    if not hours.height:
        return []
    busiest = hours.sort("value", "thing", descending=[True, False]).row(0, named=True)
    return [
        f"The busiest hour of the week from {wording.day(busiest['first_week'])} is "
        f"{wording.shown(busiest['thing_name'])}. To expect are "
        f"{wording.count(busiest['value'])} orders; staff for "
        f"{wording.count(busiest['reorder_point'])} suffices in "
        f"{wording.share(busiest['service_level'])} of the cases."
    ]


def _seasons(report: ReportInput) -> pl.DataFrame:
    """Return what rose before the newest season, what rose first on top."""
    leads = report.frames.get("season_lead", pl.DataFrame())
    if leads.is_empty():
        return leads
    newest = pl.col("season_start") == pl.col("season_start").max()
    return leads.filter(newest, pl.col("lead_days_low").is_not_null()).sort(
        "lead_days", "thing", descending=[True, False]
    )


def _rises(report: ReportInput) -> list[str]:
    seasons = _seasons(report)
    if seasons.is_empty():
        return []
    first = seasons.row(0, named=True)
    days = wording.plural(first["lead_days"], "day")
    text = (
        f"{wording.title(first['thing_name'])} began to rise {days} before "
        f"{wording.month(first['season_start'])} (95% interval "
        f"{wording.count(first['lead_days_low'])} to {wording.count(first['lead_days_high'])}"
    )
    if first["stated_lead_days"] is not None:
        text += f"; {wording.count(first['stated_lead_days'])} are stated"
    one = "" if first["n_seasons"] > 1 else "; the log holds one season: it may be growth"
    return [f"{text}{one})."]


def _rota(hours: pl.DataFrame) -> Picture:
    expected = {
        (int(thing[0]), int(thing[2:])): (value, point)
        for thing, value, point in hours.select("thing", "value", "reorder_point").iter_rows()
    }
    columns = range(min(hour for _, hour in expected), max(hour for _, hour in expected) + 1)
    rows = range(1, 8)
    values = [[expected.get((row, column), (0.0, 0.0))[0] for column in columns] for row in rows]

    def tip(weekday: int, hour: int) -> str:
        place = f"{wording.weekday(weekday)} {wording.hours(hour)}"
        if (weekday, hour) not in expected:
            return f"{place}: not told"
        value, point = expected[weekday, hour]
        return (
            f"{place}: {wording.decimal(value)} orders to expect, {wording.count(point)} to "
            "staff for"
        )

    heat = HeatMap(
        rows=[wording.weekday(row) for row in rows],
        columns=[str(column) for column in columns],
        values=values,
        texts=[[wording.decimal(value, 0) if value else "" for value in row] for row in values],
        tips=[[tip(row, column) for column in columns] for row in rows],
        row_totals=[wording.decimal(sum(row), 0) for row in values],
        column_totals=[wording.decimal(sum(column), 0) for column in zip(*values, strict=True)],
    )
    wide, narrow = heat_map("rota", heat)
    week = wording.day(hours["first_week"][0])
    return Picture(
        "rota",
        alt=f"Heat map of the orders to expect by weekday and hour of the week from {week}.",
        caption=f"Orders to expect by hour in the week from {week}; empty hours are not told.",
        wide=wide,
        narrow=narrow,
    )
