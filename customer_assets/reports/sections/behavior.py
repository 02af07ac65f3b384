"""Sections on traffic: visitors and bounces by day, and when customers are active.

Every event log has them. Funnels belong to `funnels`, who comes back to `retention`.
"""

import datetime as dt
from collections.abc import Sequence

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.charts.behavior import LinePanel, lines_in_time
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

# A picture holds so many days; the CSV file has all.
_MAX_DAYS = 400
_MAX_EVENT_TYPES = 6


@section("traffic", "Traffic", CUSTOMERS, 160, needs=("daily_traffic",), uses=("bounce_rate",))
def daily_traffic(report: ReportInput) -> list[Block]:
    """Return visitors, new and returning, and bounces by day.

    A log without page views sees nobody who only visits: it has active customers, no bounces.
    """
    days = report.frames["daily_traffic"].sort("event_date")
    view = days.with_columns(
        pl.when("is_mature").then(pl.lit("closed")).otherwise(pl.lit("open")).alias("state")
    ).sort("event_date", descending=True)
    sees_visits = report.event_log.view_event is not None
    if not sees_visits:
        of_visits = ("n_page_views", "bounce_rate", "bounce_rate_low", "bounce_rate_high")
        view = view.drop(*of_visits, strict=False)
    columns: Columns = {
        "event_date": ("Day", wording.day),
        "state": ("Sessions", wording.shown),
        "n_events": ("Events", wording.count),
        "n_page_views": ("Page views", wording.count),
        "n_customers": ("Visitors" if sees_visits else "Active customers", wording.count),
        "n_new_customers": ("New", wording.count),
        "n_returning_customers": ("Returning", wording.count),
        "n_purchasing_customers": ("Buyers", wording.count),
        "n_sessions": ("Sessions begun", wording.count),
        "bounce_rate": ("Bounce rate", wording.share),
    }
    words = _traffic_in_words(report, days)
    return [
        Paragraph(words, is_lead=True),
        _traffic_picture(days.tail(_MAX_DAYS), days.height, words, sees_visits=sees_visits),
        table_view(report, "daily_traffic", "Traffic by day", columns, view),
    ]


def _traffic_in_words(report: ReportInput, days: pl.DataFrame) -> str:
    busiest = days.sort("n_customers", "event_date", descending=[True, False]).row(0, named=True)
    mean = days["n_customers"].sum() / days.height
    text = (
        f"On an average day with events {wording.count(mean)} customers come; the busiest day is "
        f"{wording.day(busiest['event_date'])} with {wording.count(busiest['n_customers'])}."
    )
    if report.has_rows("bounce_rate"):
        of_all = report.frames["bounce_rate"].filter(pl.col("month").is_null()).row(0, named=True)
        ends = ("bounce_rate", "bounce_rate_low", "bounce_rate_high")
        rate, low, high = (wording.share(of_all[name]) for name in ends)
        text += f" {rate} of the sessions are a single event, "
        text += f"a bounce (95% interval {low} to {high})"
        left_out = days.height - days.filter("is_mature").height
        text += (
            f"; {wording.plural(left_out, 'day')} with open sessions left out." if left_out else "."
        )
    return text


def _traffic_picture(days: pl.DataFrame, n_days: int, words: str, *, sees_visits: bool) -> Picture:
    who = "visitors" if sees_visits else "active customers"
    panels = [
        LinePanel(
            wording.title(who),
            [
                (days["n_customers"].to_list(), "accent"),
                (days["n_new_customers"].to_list(), "second"),
            ],
        ),
    ]
    if sees_visits:
        band = (days["bounce_rate_low"].to_list(), days["bounce_rate_high"].to_list())
        rate = [(days["bounce_rate"].to_list(), "accent")]
        panels.append(LinePanel("Bounce rate", rate, is_share=True, band=band))
    # Only the days at the end can be open.
    n_final = int(days["is_mature"].cum_min().sum())
    wide, narrow = lines_in_time("traffic", days["event_date"].to_list(), panels, n_final)
    colours = [("accent", f"All {who}" + ("; bounce rate" if sees_visits else ""))]
    colours.append(("second", f"New {who}"))
    if sees_visits:
        colours.append(("band", "95% interval of the bounce rate"))
    if n_final < days.height:
        colours.append(("open", "Sessions not closed yet"))
    more = f" The last {_MAX_DAYS} days are shown." if n_days > days.height else ""
    first, last, _ = wording.days_covered(days["event_date"])
    return Picture(
        "traffic",
        alt=f"Lines of {who}{' and bounce rate' if sees_visits else ''} by day, "
        f"{wording.day(first)} to {wording.day(last)}. {words}",
        caption="Different customers by day, those never seen before among them"
        + (", and the share of sessions that are a single event." if sees_visits else ".")
        + more,
        wide=wide,
        narrow=narrow,
        colours=colours,
    )


@section("activity", "When customers are active", CUSTOMERS, 170, needs=("hourly_traffic",))
def activity_by_hour(report: ReportInput) -> list[Block]:
    """Return heat maps of page views and of purchases by weekday and hour, and a table by hour."""
    source, hourly = report.event_log, report.frames["hourly_traffic"]
    present: list[str] = (
        hourly.drop_nulls("event_type")
        .group_by("event_type")
        .agg(pl.sum("n_events"))
        .sort("n_events", "event_type", descending=[True, False])["event_type"]
        .to_list()
    )
    wanted = (source.view_event, source.purchase_event)
    drawn = [kind for kind in wanted if kind is not None and kind in present]
    drawn = list(dict.fromkeys(drawn)) or present[:1]
    blocks: list[Block] = [Paragraph(_peaks_in_words(hourly, drawn), is_lead=True)]
    n_days = _weekdays_covered(hourly["event_date"])
    blocks += [
        _hours_picture(f"hours-{at}", kind, hourly.filter(pl.col("event_type") == kind), n_days)
        for at, kind in enumerate(drawn, 1)
    ]
    return [*blocks, _hours_table(report, hourly, present)]


def _weekdays_covered(dates: pl.Series) -> dict[int, int]:
    """Return how many days of each weekday lie between the first and the last day."""
    first, _, n_days = wording.days_covered(dates)
    weekdays = [(first + dt.timedelta(days=at)).isoweekday() for at in range(n_days)]
    return {weekday: weekdays.count(weekday) for weekday in range(1, 8)}


def _peaks_in_words(hourly: pl.DataFrame, kinds: Sequence[str]) -> str:
    by_hour = hourly.group_by("event_type", "hour").agg(pl.sum("n_events"))
    peaks = []
    for kind in kinds:
        hours = by_hour.filter(pl.col("event_type") == kind)
        hours = hours.sort("n_events", "hour", descending=[True, False])
        peak, n_events = hours.row(0, named=True), int(hours["n_events"].sum())
        peaks.append(
            f"most {wording.shown(kind, 40)} events come at {wording.hours(peak['hour'])}, "
            f"{wording.share(peak['n_events'] / max(n_events, 1))} of them"
        )
    return f"{'; '.join(peaks)}.".replace("most", "Most", 1)


def _hours_picture(name: str, kind: str, cells: pl.DataFrame, n_days: dict[int, int]) -> Picture:
    summed = cells.group_by("weekday", "hour").agg(pl.sum("n_events"))
    values = {
        (weekday, hour): n_events / max(n_days[weekday], 1)
        for weekday, hour, n_events in summed.iter_rows()
    }
    hours = range(min(hour for _, hour in values), max(hour for _, hour in values) + 1)
    weekdays = range(1, 8)
    largest = max(values.values())
    size, unit = wording.unit(largest)

    def total_of(keys: Sequence[tuple[int, int]], over: int = 1) -> str:
        return wording.compact(sum(values.get(key, 0) for key in keys) / over, digits=2)

    heat = HeatMap(
        rows=[wording.weekday(weekday) for weekday in weekdays],
        columns=[f"{hour:02d}" for hour in hours],
        values=[[values.get((weekday, hour), 0.0) for hour in hours] for weekday in weekdays],
        texts=[
            [wording.in_unit(values.get((weekday, hour)), size, largest) for hour in hours]
            for weekday in weekdays
        ],
        tips=[
            [
                f"{wording.weekday(weekday)} {wording.hours(hour)}: "
                f"{wording.decimal(values.get((weekday, hour), 0.0))}"
                for hour in hours
            ]
            for weekday in weekdays
        ],
        row_totals=[total_of([(weekday, hour) for hour in hours]) for weekday in weekdays],
        column_totals=[total_of([(weekday, hour) for weekday in weekdays], 7) for hour in hours],
    )
    wide, narrow = heat_map(name, heat)
    best = max(values, key=lambda key: (values[key], -key[0], -key[1]))
    shown = wording.shown(kind, 40)
    return Picture(
        name,
        alt=f"Heat map of {shown} events by weekday and hour of the day. Most come on "
        f"{wording.weekday(best[0])} {wording.hours(best[1])}, "
        f"{wording.decimal(values[best])} on average.",
        caption=f"Average hour of the week: {shown} events{f' in {unit}' if unit else ''}. At the "
        "ends stand the whole day, and the hour on an average day.",
        wide=wide,
        narrow=narrow,
    )


def _hours_table(report: ReportInput, hourly: pl.DataFrame, kinds: Sequence[str]) -> Block:
    shown = list(kinds[:_MAX_EVENT_TYPES])
    by_hour = hourly.group_by("hour").agg(
        pl.sum("n_events"),
        *(
            pl.col("n_events").filter(pl.col("event_type") == kind).sum().alias(f"events_{at}")
            for at, kind in enumerate(shown)
        ),
    )
    view, bought = report.event_log.view_event, report.event_log.purchase_event
    if view in shown and bought in shown:
        ratio = pl.col(f"events_{shown.index(bought)}") / pl.col(f"events_{shown.index(view)}")
        by_hour = by_hour.with_columns(
            pl.when(ratio.is_finite()).then(100 * ratio).alias("purchases_per_100_views")
        )
    columns: Columns = {
        "hour": ("Hour", wording.hours),
        "n_events": ("All events", wording.count),
        **{
            f"events_{at}": (wording.title(kind, 24), wording.count)
            for at, kind in enumerate(shown)
        },
        "purchases_per_100_views": ("Purchases per 100 views", wording.decimal),
    }
    note = "All days together."
    if len(kinds) > len(shown):
        note += f" The {len(shown)} most frequent of {wording.count(len(kinds))} event types."
    return table_view(
        report, "hourly_traffic", "Events by hour", columns, by_hour.sort("hour"), note=note
    )
