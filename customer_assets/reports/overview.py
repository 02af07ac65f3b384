"""What frames a report: the headline figures at its head and the definitions at its foot."""

from customer_assets.reports import wording
from customer_assets.reports.content import (
    Block,
    Definitions,
    Headline,
    Headlines,
    ReportInput,
)
from customer_assets.reports.data_quality import newest_file_at, row_accounts
from customer_assets.reports.sales import days_covered, total


def headlines(report: ReportInput) -> list[Block]:
    """Return the headline figures that the tables allow."""
    items = [*_sales(report), *_customers(report), *_coverage(report)]
    return [Headlines(items)] if items else []


def _sales(report: ReportInput) -> list[Headline]:
    if not report.has_rows("sales_daily"):
        return []
    days, currency = report.frames["sales_daily"], report.source.currency
    revenue, known = total(days["revenue"]), total(days["customer_revenue"])
    n_orders, returned = int(days["n_orders"].sum()), total(days["returned_value"])
    notes = []
    if known != revenue:
        notes.append(f"{wording.money(known, currency)} from known customers")
    if returned:
        notes.append(f"{wording.money(abs(returned), currency)} taken back, not subtracted")
    items = [Headline("Revenue", wording.money(revenue, currency, 0), "; ".join(notes))]
    if n_orders:
        mean = wording.money(float(revenue) / n_orders, currency)
        items.append(Headline("Orders", wording.count(n_orders), f"{mean} each on average"))
    return items


def _customers(report: ReportInput) -> list[Headline]:
    if not report.has_rows("rfm"):
        return []
    rfm = report.frames["rfm"]
    again = rfm.filter(rfm["n_orders"] > 1).height
    note = f"{wording.share(again / rfm.height)} ordered more than once"
    return [Headline("Known customers", wording.count(rfm.height), note)]


def _coverage(report: ReportInput) -> list[Headline]:
    items = []
    if report.has_rows("accounting"):
        accounting = report.frames["accounting"]
        rows = row_accounts(accounting)
        items.append(Headline("Events", wording.count(rows["events"]), _rest(rows)))
        dates = accounting.filter(accounting["n_events"] > 0)["event_date"].drop_nulls()
        if not dates.is_empty():
            first, last, n_days = days_covered(dates)
            covered = f"{wording.count(dates.len())} of {wording.plural(n_days, 'day')}"
            span = f"with events, {wording.day(first)} to {wording.day(last)}"
            items.append(Headline("Days covered", covered, span))
    if report.has_rows("landed_files"):
        newest = newest_file_at(report.frames["landed_files"])
        if newest is not None:
            note = f"when the newest file landed, {newest:%H:%M} UTC"
            items.append(Headline("Fresh as of", wording.day(newest), note))
    return items


def _rest(rows: dict[str, int]) -> str:
    not_loaded = rows["landed"] - rows["events"]
    if not not_loaded:
        return "every landed row"
    return f"of {wording.plural(rows['landed'], 'landed row')}; see data quality for the rest"


def definitions(report: ReportInput) -> list[Block]:
    """Return the terms that the page uses, as far as its tables need them."""
    source = report.source
    names = wording.listing([wording.shown(name, 40) for name in source.segments.names])
    first_day, last_day = source.day_range()
    days = f"from {wording.day(first_day)}" + (f" to {wording.day(last_day)}" if last_day else "")
    kept = "are kept" if source.duplicates == "keep" else "count once"
    terms = (
        (
            "sales_daily",
            "Revenue",
            "The money of all purchases, before returns and including those without a known "
            "customer. Where a sentence says known customers, the others are left out.",
        ),
        (
            "sales_daily",
            "Taken back",
            "The money of returns or cancellations, below zero, on the day on which they happen. "
            "It is shown beside revenue and never subtracted from it.",
        ),
        (
            "sales_daily",
            "Order",
            "The purchase lines that share an order number; where the log has none, what a "
            "customer buys in one second.",
        ),
        (
            "sales_monthly",
            "Partial month",
            "A month that the log does not cover to its last day. It is hatched in pictures: a "
            "smaller figure there is no decline.",
        ),
        ("rfm", "Known customer", "A customer whom the log names and who bought at least once."),
        (
            "rfm",
            "Recency, frequency, monetary value",
            "Whole days from a customer's last purchase to the day after the last purchase of the "
            "log; the number of different orders; the money of all purchases. The scores are "
            "quintiles, 5 is best, and ties share a score.",
        ),
        (
            "segment_profile",
            "Segment",
            "Customers alike in recency, frequency and monetary value, found by k-means on the "
            "logarithms, standardised. Segments are named by their mean value, highest first: "
            f"{names}. Another random start moves customers between neighbouring segments.",
        ),
        (
            "accounting",
            "Rows landed",
            "All rows of the landed files: events, duplicates removed, rejected rows, and pending "
            f"rows of days that are not over. In this source identical rows {kept}.",
        ),
        (
            "reproduction",
            "Agrees",
            "Our figure equals the published one at the precision that the study prints.",
        ),
    )
    zone = wording.shown(source.timezone)
    items = [
        ("Business time", f"Days, weekdays and hours are those of {zone}; the log runs {days}.")
    ]
    items += [(term, text) for table, term, text in terms if report.has_rows(table)]
    return [Definitions(items)]


def coverage(report: ReportInput) -> str:
    """Return the days that the log covers, in words; empty where no table says so."""
    for table, column in (("accounting", "event_date"), ("sales_daily", "sales_date")):
        if report.has_rows(table):
            frame = report.frames[table]
            rows = frame.filter(frame["n_events"] > 0) if table == "accounting" else frame
            dates = rows[column].drop_nulls()
            if not dates.is_empty():
                first, last, _ = days_covered(dates)
                return f"{wording.day(first)} to {wording.day(last)}"
    return ""
