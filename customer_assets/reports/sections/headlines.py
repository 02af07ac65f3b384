"""The head of a report: five figures and how they move, what changed, and the figures in all.

Everything here is read from the table `headlines`: how a figure is computed, what it is compared
with and how sure the difference is stands there. Here it is chosen, ordered and put into words.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.content import (
    CUSTOMERS,
    NOW,
    Block,
    Headline,
    Headlines,
    ListOfSentences,
    Paragraph,
    ReportInput,
    Tile,
    Tiles,
    section,
)
from customer_assets.reports.sections.data_quality import newest_file_at, row_accounts
from customer_assets.reports.wording import Number
from customer_assets.sources import CustomerTableSource, EventLogSource

MONEY, SHARE, RATIO = "money", "share", "ratio"
_MOST_TILES, _MOST_SENTENCES = 5, 3
_LONG, _LONG_INTERVAL = 1_000_000, 100_000
_YEAR = dt.timedelta(days=364)


def written(report: ReportInput, value: Number, unit: str, digits: int | None = None) -> str:
    """Return a figure as people read it, by its unit; `digits` are those of money."""
    if unit == SHARE:
        return wording.share(float(value))
    if unit == MONEY:
        return wording.money(value, _currency(report), digits)
    return wording.decimal(value, 2) if unit == RATIO else wording.count(value)


def written_change(report: ReportInput, change: Number, unit: str) -> str:
    """Return a difference with its sign; of shares in points."""
    if unit == SHARE:
        return f"{wording.signed(100 * float(change), wording.decimal)} points"
    return wording.signed(change, lambda value: written(report, value, unit))


def _short(report: ReportInput, value: Number, unit: str) -> str:
    """Return a figure in a few digits where it has more than six."""
    if abs(float(value)) < _LONG:
        return written(report, value, unit)
    return wording.compact(value, _currency(report) if unit == MONEY else None)


def _between(report: ReportInput, low: Number, high: Number, unit: str) -> str:
    """Return the interval of a difference, its ends with the same digits."""
    if unit == SHARE:
        ends = (wording.signed(100 * float(end), wording.decimal) for end in (low, high))
        return f"{' to '.join(ends)} points"
    largest = max(abs(float(low)), abs(float(high)))
    if largest >= _LONG_INTERVAL:
        currency = _currency(report) if unit == MONEY else None
        ends = (wording.signed(end, lambda v: wording.compact(v, currency)) for end in (low, high))
        return " to ".join(ends)
    digits = 0 if largest >= wording.CENTS_BELOW else None
    ends = (wording.signed(end, lambda v: written(report, v, unit, digits)) for end in (low, high))
    return " to ".join(ends)


def _currency(report: ReportInput) -> str | None:
    return report.source.currency if isinstance(report.source, EventLogSource) else None


@dataclass(frozen=True)
class _Periods:
    """The newest period of all figures, and how long it and the one before are."""

    first: dt.date
    last: dt.date

    @property
    def n_days(self) -> int:
        return (self.last - self.first).days + 1

    def __str__(self) -> str:
        last = f"{wording.short_day(self.last)} {self.last.year}"
        return last if self.n_days == 1 else f"{self.n_days} days to {last}"

    @property
    def before(self) -> str:
        return "the day before" if self.n_days == 1 else f"the {self.n_days} before"


def _newest(report: ReportInput) -> _Periods | None:
    of_periods = report.frames["headlines"].drop_nulls("period")
    if of_periods.is_empty():
        return None
    newest = of_periods.sort("period").row(-1, named=True)
    return _Periods(newest["period"], newest["last_date"])


@section("headlines", "At a glance", NOW, 10, needs=("headlines",))
def at_a_glance(report: ReportInput) -> list[Block]:
    """Return five figures with their change, and in sentences which of them surely changed."""
    periods = _newest(report)
    if periods is None and isinstance(report.source, EventLogSource):
        return []
    head = Paragraph(_compared(report, periods), is_lead=True)
    said = _sentences(report, periods)
    blocks: list[Block] = [head, Tiles(tiles(report))]
    if said:
        blocks.append(ListOfSentences(said))
    what = "change" if periods else "figure or change"
    note = f"Below each {what} its 95% interval."
    if periods is not None and _lacks_a_year(report, periods):
        note += " No year before is in the log: a season cannot be told from a trend."
    return [*blocks, Paragraph(note, is_note=True)]


def _compared(report: ReportInput, periods: _Periods | None) -> str:
    """Return which days, or customers, are compared with which."""
    if periods is None:
        return "Each group beside all other customers."
    if report.frames["headlines"]["change"].drop_nulls().is_empty():
        return f"{periods}; the log holds no such days before."
    return f"{periods}, against {periods.before}."


def tiles(report: ReportInput) -> list[Tile]:
    """Return the first figures of the head, each with its newest value, change and trend."""
    if not report.has_rows("headlines"):
        return []
    rows = report.frames["headlines"]
    periods = _newest(report)
    if periods is not None:
        rows = rows.drop_nulls("period")
    by_figure = rows.sort("place", "name").partition_by("name", maintain_order=True)
    return [_tile(report, figure.sort("period"), periods) for figure in by_figure[:_MOST_TILES]]


def _tile(report: ReportInput, figure: pl.DataFrame, periods: _Periods | None) -> Tile:
    row = figure.row(-1, named=True)
    unit, notes = row["unit"], []
    if periods is not None and row["last_date"] != periods.last:
        notes.append(f"as of {wording.short_day(row['last_date'])}, later days are not over")
    elif row["note"]:
        notes.append(row["note"])
    if row["period"] is not None:
        year_before = figure.filter(pl.col("period") == row["period"] - _YEAR)
        if not year_before.is_empty():
            value = written(report, year_before["value"][0], unit)
            notes.append(f"a year before {value}")
    return Tile(
        label=_label(row),
        value=_short(report, row["value"], unit),
        change=_relative(report, row),
        # The change above it says that these are points.
        interval=_change_interval(report, row).removesuffix(" points"),
        is_sure=_is_sure(row),
        note="; ".join(notes),
        is_complete=row["is_complete"],
        trend=[float(value) for value in figure["value"]],
    )


def _relative(report: ReportInput, row: Mapping[str, Any]) -> str:
    if row["change"] is None:
        return ""
    if row["unit"] == SHARE or row["change_share"] is None:
        return written_change(report, row["change"], row["unit"])
    percent = 100 * row["change_share"]
    digits = 0 if abs(percent) >= 10 else 1
    return f"{wording.signed(percent, lambda value: wording.decimal(value, digits))}%"


def _change_interval(report: ReportInput, row: Mapping[str, Any]) -> str:
    if row["change"] is None:
        # What is compared with nothing has an interval of its own.
        return "" if row["low"] is None else _interval(report, row)
    return _between(report, row["change_low"], row["change_high"], row["unit"])


def _is_sure(row: Mapping[str, Any]) -> bool:
    return row["change"] is not None and (row["change_low"] > 0 or row["change_high"] < 0)


def _sentences(report: ReportInput, periods: _Periods | None) -> list[str]:
    """Return the changes that are more than chance, the largest first; or that there is none."""
    compared = report.frames["headlines"].drop_nulls("change")
    if periods is not None:
        compared = compared.filter(pl.col("last_date") == periods.last)
    sure = compared.filter((pl.col("change_low") > 0) | (pl.col("change_high") < 0))
    largest = sure.sort(
        pl.col("change_share").abs(), "place", "name", descending=[True, False, False]
    )
    on_tiles = {tile.label for tile in tiles(report)}
    said = [
        _sentence(report, row, periods, on_tiles)
        for row in largest.head(_MOST_SENTENCES).to_dicts()
    ]
    if not said and not compared.is_empty():
        against = "from all other customers" if periods is None else f"against {periods.before}"
        differs = "differs" if periods is None else "changed"
        said = [f"No figure {differs} {against} by more than chance."]
    return said


def _lacks_a_year(report: ReportInput, periods: _Periods) -> bool:
    return bool((report.frames["headlines"]["period"] > periods.first - _YEAR).all())


def _sentence(
    report: ReportInput, row: Mapping[str, Any], periods: _Periods | None, on_tiles: set[str]
) -> str:
    unit, label = row["unit"], _label(row)
    value = written(report, row["value"], unit)
    before = written(report, row["value"] - row["change"], unit)
    # What stands on a tile has its interval there.
    interval = f" (95% interval {_change_interval(report, row)})" if label not in on_tiles else ""
    by = _relative(report, row).lstrip("+\u2212")
    if periods is None:
        more = "more" if row["change"] > 0 else "less"
        return f"{label}: {value}, {by} {more} than all other customers{interval}."
    moved = "rose" if row["change"] > 0 else "fell"
    return f"{label} {moved} by {by}, from {before} to {value}{interval}."


def as_of(report: ReportInput) -> dt.date | None:
    """Return the last day that the data tells of; of a table of customers, when it landed."""
    if report.has_rows("headlines"):
        last = report.frames["headlines"]["last_date"].max()
        if isinstance(last, dt.date):
            return last
    if not report.has_rows("landed_files"):
        return None
    newest = newest_file_at(report.frames["landed_files"])
    return newest.date() if newest else None


@section(
    "totals",
    "In all",
    CUSTOMERS,
    10,
    needs=("headlines",),
    uses=("sales_daily", "accounting", "customer_accounting", "landed_files"),
)
def totals(report: ReportInput) -> list[Block]:
    """Return the figures of all of the log, how far it reaches, and when it landed."""
    in_all = report.frames["headlines"].filter(pl.col("period").is_null()).sort("place", "name")
    items = [
        Headline(
            _label(row),
            written(report, row["value"], row["unit"]),
            _note(report, row["name"]),
            f"95% interval {between}" if (between := _interval(report, row)) else "",
        )
        for row in in_all.iter_rows(named=True)
    ]
    stayed = _what_stayed(report) if report.has_rows("sales_daily") else ""
    return [
        Headlines([*items, *_days(report), *_freshness(report)]),
        *([Paragraph(f"Revenue: {stayed}.", is_note=True)] if stayed else []),
    ]


def _label(row: Mapping[str, Any]) -> str:
    """Return what a figure is called; names of funnels and segments may hold underscores."""
    return wording.shown(str(row["label"]).replace("_", " "), 60)


def _interval(report: ReportInput, row: Mapping[str, Any]) -> str:
    if row["low"] is None:
        return ""
    return " to ".join(written(report, row[end], row["unit"]) for end in ("low", "high"))


def _note(report: ReportInput, figure: str) -> str:
    """Return what a figure of all of the log is made of, where that is more than its name says."""
    if figure == "events" and report.has_rows("accounting"):
        rows = row_accounts(report.frames["accounting"])
        if rows["landed"] == rows["events"]:
            return "every landed row"
        return f"of {wording.plural(rows['landed'], 'landed row')}; see data quality for the rest"
    if figure == "customers" and report.has_rows("customer_accounting"):
        return _left_out(report.frames["customer_accounting"])
    if figure == "label_share" and isinstance(report.source, CustomerTableSource):
        return wording.shown(report.source.label.description, 160) if report.source.label else ""
    return _NOTES.get(figure, "")


_NOTES = {
    "repeat_share": "of the customers who bought",
    "bounce_rate": "sessions of a single event",
    "visitors": "with an event, on whatever day",
}


def _what_stayed(report: ReportInput) -> str:
    """Return of what and of whom the revenue is what stayed."""
    days, currency = report.frames["sales_daily"], _currency(report)
    net, known, gross, returned = (
        Decimal(days[name].sum())
        for name in ("net_revenue", "customer_net_revenue", "revenue", "returned_value")
    )
    notes = []
    if returned:
        gross_in_words, back = (wording.money(each, currency) for each in (gross, returned))
        notes.append(f"{gross_in_words} sold less {back} that came back")
    if net != known:
        of_known, of_others = (wording.money(each, currency) for each in (known, net - known))
        others = f"{of_others} from sales that name no customer"
        if net < known:
            others += ", of which more came back than the log saw sold"
        notes.append(f"{of_known} of it from known customers, {others}")
    return "; ".join(notes)


def _left_out(accounting: pl.DataFrame) -> str:
    of_customers = accounting.filter(pl.col("table_name") == "customers")
    if of_customers.is_empty() or not of_customers["n_rejected"][0]:
        return "every customer in the files"
    landed, out = of_customers["n_landed"][0], of_customers["n_rejected"][0]
    return f"of {wording.count(landed)} in the files; {wording.count(out)} left out by rules"


def _days(report: ReportInput) -> list[Headline]:
    if not report.has_rows("accounting"):
        return []
    with_events = report.frames["accounting"].filter(pl.col("n_events") > 0)
    dates = with_events["event_date"].drop_nulls()
    if dates.is_empty():
        return []
    first, last, n_days = wording.days_covered(dates)
    covered = f"{wording.count(dates.len())} of {wording.plural(n_days, 'day')}"
    span = f"with events, {wording.day(first)} to {wording.day(last)}"
    return [Headline("Days covered", covered, span)]


def _freshness(report: ReportInput) -> list[Headline]:
    if not report.has_rows("landed_files"):
        return []
    newest = newest_file_at(report.frames["landed_files"])
    if newest is None:
        return []
    note = f"when the newest file landed, {newest:%H:%M} UTC"
    return [Headline("Fresh as of", f"{wording.short_day(newest)} {newest.year}", note)]
