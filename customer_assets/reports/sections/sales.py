"""Sections on sales: over time, by weekday and hour, by country.

Sales are all purchases, those without a known customer included, unless a sentence says that it
speaks of known customers. Who the customers are belongs to `customers`.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.charts.bars import Bar, bars_in_time, ranked_bars
from customer_assets.reports.charts.heat_map import HeatMap, heat_map
from customer_assets.reports.content import (
    CUSTOMERS,
    NOW,
    Block,
    Paragraph,
    Picture,
    ReportInput,
    section,
)
from customer_assets.reports.tables import Columns, table_view

# A picture holds two years; the table below it holds all.
_MAX_MONTHS = 24
_MAX_DAYS = 31
_TOP_COUNTRIES = 10


@section("sales", "Sales over time", NOW, 50, needs=("sales_monthly",), uses=("sales_daily",))
def sales_over_time(report: ReportInput) -> list[Block]:
    """Return revenue by month, or by day where the log is shorter than three months."""
    months = report.frames["sales_monthly"].sort("sales_month")
    blocks: list[Block] = [_best_month(report, months)]
    if months.height < 3 and report.has_rows("sales_daily"):
        blocks.append(_days_picture(report))
    else:
        blocks.append(_months_picture(report, months))
    written = partial(wording.money, currency=report.event_log.currency)
    view = months.with_columns(
        pl.when("is_complete")
        .then(pl.lit("complete"))
        .otherwise(pl.lit("partial"))
        .alias("coverage")
    ).sort("sales_month", descending=True)
    columns: Columns = {
        "sales_month": ("Month", wording.month),
        "coverage": ("Coverage", wording.shown),
        "n_days": ("Days with sales", wording.count),
        "n_lines": ("Purchase lines", wording.count),
        "net_revenue": ("Revenue", written),
        "customer_net_revenue": ("Revenue of known customers", written),
        "revenue": ("Gross", written),
        "returned_value": ("Came back", written),
    }
    blocks.append(table_view(report, "sales_monthly", "Sales by month", columns, view))
    return blocks


def _best_month(report: ReportInput, months: pl.DataFrame) -> Paragraph:
    money = partial(wording.money, currency=report.event_log.currency, digits=0)
    best = months.sort("net_revenue", "sales_month", descending=[True, False]).row(0, named=True)
    text = (
        f"The best month is {wording.month(best['sales_month'])} with {money(best['net_revenue'])} "
        "of revenue"
    )
    if best["customer_net_revenue"] < best["net_revenue"]:
        text += f", of which {money(best['customer_net_revenue'])} comes from known customers"
    partial_months = months.filter(~pl.col("is_complete"))["sales_month"].to_list()
    if partial_months:
        names = wording.listing([wording.month(date) for date in partial_months])
        text += (
            f". {names} {'is' if len(partial_months) == 1 else 'are'} not covered to the last "
            "day, so a smaller figure there is no decline"
        )
    return Paragraph(f"{text}.", is_lead=True)


def _months_picture(report: ReportInput, months: pl.DataFrame) -> Picture:
    recent = months.tail(_MAX_MONTHS)
    bars = [
        _sales_bar(
            report,
            f"{wording.MONTHS[row['sales_month'].month - 1][:3]}\n{row['sales_month'].year}",
            wording.month(row["sales_month"]),
            row,
            is_hatched=not row["is_complete"],
        )
        for row in recent.iter_rows(named=True)
    ]
    wide, narrow = bars_in_time("months", bars)
    more = f" The last {_MAX_MONTHS} months are shown." if months.height > recent.height else ""
    return Picture(
        "months",
        alt="Bars of revenue by month. " + _values_in_words(bars),
        caption=f"Revenue by month, less what came back of its sales.{more}",
        wide=wide,
        narrow=narrow,
        colours=_sales_colours(recent, has_partial=not recent["is_complete"].all()),
    )


def _days_picture(report: ReportInput) -> Picture:
    days = report.frames["sales_daily"].sort("sales_date")
    recent = days.tail(_MAX_DAYS)
    bars = [
        _sales_bar(
            report,
            f"{row['sales_date'].day}\n{wording.MONTHS[row['sales_date'].month - 1][:3]}",
            wording.day(row["sales_date"]),
            row,
            is_hatched=False,
        )
        for row in recent.iter_rows(named=True)
    ]
    wide, narrow = bars_in_time("days", bars)
    more = f" The last {_MAX_DAYS} days are shown." if days.height > recent.height else ""
    return Picture(
        "days",
        alt="Bars of revenue by day. " + _values_in_words(bars),
        caption=f"Revenue by day with sales, less what came back of them.{more}",
        wide=wide,
        narrow=narrow,
        colours=_sales_colours(recent, has_partial=False),
    )


def _sales_bar(report: ReportInput, label: str, name: str, row: dict, *, is_hatched: bool) -> Bar:
    revenue, known = float(row["net_revenue"]), float(row["customer_net_revenue"])
    # Where more came back of one kind than it bought, the bar still ends at its number.
    parts = [(min(known, revenue), "accent"), (min(revenue - known, revenue), "soft")]
    written = wording.money(row["net_revenue"], report.event_log.currency, 0)
    return Bar(
        label,
        [part for part in parts if part[0] > 0],
        wording.compact(revenue, report.event_log.currency),
        tip=f"{name}: {written}{' (partial)' if is_hatched else ''}",
        is_hatched=is_hatched,
    )


def _sales_colours(rows: pl.DataFrame, *, has_partial: bool) -> list[tuple[str, str]]:
    colours = []
    if total(rows["customer_net_revenue"]) != total(rows["net_revenue"]):
        colours += [("accent", "Known customers"), ("soft", "Customer unknown")]
    if has_partial:
        colours.append(("hatched", "Month not covered to its last day"))
    return colours


def _values_in_words(bars: Sequence[Bar]) -> str:
    return "; ".join(bar.tip for bar in bars) + "."


@section("rhythm", "When customers buy", CUSTOMERS, 140, needs=("seasonality",))
def weekday_and_hour(report: ReportInput) -> list[Block]:
    """Return when customers buy: a heat map of revenue and who leads by revenue and by lines."""
    cells = report.frames["seasonality"].sort("weekday", "hour")
    currency = report.event_log.currency
    by_weekday = cells.group_by("weekday").agg(pl.sum("net_revenue", "n_lines"))
    by_hour = cells.group_by("hour").agg(pl.sum("net_revenue", "n_lines"))
    all_revenue = float(total(cells["net_revenue"]))
    best_day, busy_day = (_leader(by_weekday, "weekday", by) for by in ("net_revenue", "n_lines"))
    best_hour, busy_hour = (_leader(by_hour, "hour", by) for by in ("net_revenue", "n_lines"))
    day_share = (
        f", {wording.share(float(best_day['net_revenue']) / all_revenue)} of all"
        if all_revenue
        else ""
    )
    sentences = [
        f"{wording.weekday(best_day['weekday'])} is the best weekday with "
        f"{wording.money(best_day['net_revenue'], currency, 0)}{day_share}"
        + (
            f"; it also has the most purchase lines, {wording.count(best_day['n_lines'])}."
            if best_day == busy_day
            else f"; {wording.weekday(busy_day['weekday'])} has the most purchase lines, "
            f"{wording.count(busy_day['n_lines'])}."
        ),
        f"By hour, {wording.hours(best_hour['hour'])} leads by revenue with "
        f"{wording.money(best_hour['net_revenue'], currency, 0)}"
        + (
            f" and by purchase lines with {wording.count(best_hour['n_lines'])}."
            if best_hour == busy_hour
            else f", while {wording.hours(busy_hour['hour'])} has the most purchase lines, "
            f"{wording.count(busy_hour['n_lines'])}."
        ),
    ]
    closed = [name for n, name in enumerate(wording.WEEKDAYS, 1) if n not in set(cells["weekday"])]
    if closed:
        sentences.append(f"There are no sales on {wording.listing([f'{c}s' for c in closed])}.")
    written = partial(wording.money, currency=currency)
    columns: Columns = {
        "weekday": ("Weekday", wording.weekday),
        "hour": ("Hour", wording.hours),
        "n_lines": ("Purchase lines", wording.count),
        "n_orders": ("Orders", wording.count),
        "net_revenue": ("Revenue", written),
        "revenue": ("Gross", written),
        "returned_value": ("Came back", written),
    }
    return [
        Paragraph(sentences[0], is_lead=True),
        Paragraph(" ".join(sentences[1:])),
        _rhythm_picture(cells, currency, sentences),
        table_view(
            report,
            "seasonality",
            "Sales by weekday and hour",
            columns,
            cells.sort("net_revenue", descending=True, maintain_order=True),
        ),
    ]


def _leader(frame: pl.DataFrame, key: str, by: str) -> dict:
    return frame.sort(by, key, descending=[True, False]).row(0, named=True)


def _rhythm_picture(cells: pl.DataFrame, currency: str | None, sentences: Sequence[str]) -> Picture:
    values = {
        (weekday, hour): float(revenue)
        for weekday, hour, revenue in cells.select("weekday", "hour", "net_revenue").iter_rows()
    }
    hours = range(min(hour for _, hour in values), max(hour for _, hour in values) + 1)
    weekdays = range(1, 8)
    largest = max(values.values())
    unit, unit_name = wording.unit(largest)
    symbol = f" of {currency}" if currency and unit_name else f"in {currency}" if currency else ""

    def total_of(keys: Sequence[tuple[int, int]]) -> str:
        return wording.compact(sum(values.get(key, 0) for key in keys), digits=2)

    heat = HeatMap(
        rows=[wording.weekday(weekday) for weekday in weekdays],
        columns=[f"{hour:02d}" for hour in hours],
        values=[[values.get((weekday, hour), 0.0) for hour in hours] for weekday in weekdays],
        texts=[
            [wording.in_unit(values.get((weekday, hour)), unit, largest) for hour in hours]
            for weekday in weekdays
        ],
        tips=[
            [
                f"{wording.weekday(weekday)} {wording.hours(hour)}: "
                f"{wording.money(values.get((weekday, hour), 0.0), currency, 0)}"
                for hour in hours
            ]
            for weekday in weekdays
        ],
        row_totals=[total_of([(weekday, hour) for hour in hours]) for weekday in weekdays],
        column_totals=[total_of([(weekday, hour) for weekday in weekdays]) for hour in hours],
    )
    wide, narrow = heat_map("rhythm", heat)
    in_unit = f"in {unit_name}{symbol}" if unit_name else symbol
    return Picture(
        "rhythm",
        alt="Heat map of revenue by weekday and hour of the day. " + " ".join(sentences),
        caption=f"Revenue {in_unit} by weekday and hour of the day over the whole log; the "
        "stronger the colour, the more revenue. Totals stand at the ends.".replace("  ", " "),
        wide=wide,
        narrow=narrow,
    )


@section("countries", "Countries", CUSTOMERS, 130, needs=("country_performance",))
def countries(report: ReportInput) -> list[Block]:
    """Return revenue by country, the largest in a picture, all in the table."""
    currency = report.event_log.currency
    ranked = report.frames["country_performance"].sort(
        "net_revenue", "country", descending=[True, False]
    )
    if not total(ranked["net_revenue"]):
        return []
    top = ranked.row(0, named=True)
    text = (
        f"{wording.shown(top['country'], 40)} brings {wording.share(top['net_revenue_share'])} of "
        f"the revenue of known customers, {wording.money(top['net_revenue'], currency, 0)}"
    )
    if ranked.height > 1:
        others = ranked.height - 1
        text += (
            f". The {wording.plural(others, 'other country', 'other countries')} "
            f"{'brings' if others == 1 else 'together bring'} "
            f"{wording.share(1 - top['net_revenue_share'])}"
        )
        second = ranked.row(1, named=True)
        text += (
            f", led by {wording.shown(second['country'], 40)} with "
            f"{wording.share(second['net_revenue_share'])}"
        )
    shown = ranked.head(_TOP_COUNTRIES)
    rest = ranked.slice(_TOP_COUNTRIES)
    bars = [
        Bar(
            wording.shown(row["country"], 15),
            [(max(float(row["net_revenue"]), 0), "accent")],
            wording.compact(row["net_revenue"], currency),
            tip=f"{wording.shown(row['country'], 40)}: "
            f"{wording.money(row['net_revenue'], currency, 0)}, "
            f"{wording.share(row['net_revenue_share'])}",
        )
        for row in shown.iter_rows(named=True)
    ]
    if not rest.is_empty():
        revenue = float(total(rest["net_revenue"]))
        name = f"{rest.height} others"
        bars.append(
            Bar(
                name,
                [(revenue, "soft")],
                wording.compact(revenue, currency),
                tip=f"{name}: {wording.money(revenue, currency, 0)}",
            )
        )
    wide, narrow = ranked_bars("countries", bars)
    columns: Columns = {
        "country": ("Country", wording.shown),
        "n_customers": ("Customers", wording.count),
        "n_orders": ("Orders", wording.count),
        "net_revenue": ("Revenue", partial(wording.money, currency=currency)),
        "net_revenue_share": ("Share", wording.share),
        "revenue": ("Gross", partial(wording.money, currency=currency)),
    }
    return [
        Paragraph(f"{text}.", is_lead=True),
        Picture(
            "countries",
            alt="Bars of revenue by country. " + _values_in_words(bars),
            caption="Revenue of known customers by country, as the log names it.",
            wide=wide,
            narrow=narrow,
        ),
        table_view(report, "country_performance", "Sales by country", columns, ranked),
    ]


def total(column: pl.Series) -> Decimal:
    """Return the sum of a column of money, 0 where there is none."""
    return Decimal(str(column.sum() or 0))
