"""What frames a report: the headline figures at its head and the definitions at its foot."""

from dataclasses import replace

from customer_assets.reports import customer_table, figures, history, wording
from customer_assets.reports.content import (
    NOW,
    SURENESS,
    Block,
    Definitions,
    Headline,
    Headlines,
    ReportInput,
    section,
)
from customer_assets.reports.data_quality import newest_file_at, row_accounts
from customer_assets.reports.sales import days_covered, total
from customer_assets.sources import EventLogSource


@section(
    "headlines",
    "At a glance",
    NOW,
    10,
    uses=(
        "sales_daily",
        "rfm",
        "daily_traffic",
        "accounting",
        "customer_accounting",
        "customers",
        "landed_files",
        "bounce_rate",
        "funnel_people",
        "headline_history",
    ),
)
def headlines(report: ReportInput) -> list[Block]:
    """Return the headline figures that the tables allow."""
    if isinstance(report.source, EventLogSource):
        items = [*_sales(report), *_customers(report), *_traffic(report), *_coverage(report)]
    else:
        items = customer_table.headlines(report)
    items += _rates(report)
    items += _freshness(report)
    return [Headlines([_with_history(report, item) for item in items])] if items else []


# What the ledger of headline figures calls the headlines that are written out here.
_IN_HISTORY = {
    "Revenue": "net_revenue",
    "Orders": "orders",
    "Known customers": "customers",
    "Customers": "customers",
    "With the label": "label_share",
    "Events": "events",
}


def _with_history(report: ReportInput, item: Headline) -> Headline:
    """Return a headline with its interval and how it moved since the report before."""
    name = _IN_HISTORY.get(item.label)
    if item.label == "Customers" and isinstance(report.source, EventLogSource):
        name = "visitors"
    figure = next((f for f in figures.figures(report.frames) if f.name == name), None)
    if figure is None:
        return item
    return replace(item, interval=_interval(figure), change=history.change_of(report, figure.name))


def _rates(report: ReportInput) -> list[Headline]:
    """Return the shares at the head of an event log's report."""
    if not isinstance(report.source, EventLogSource):
        return []
    return [
        Headline(
            figure.label,
            wording.share(float(figure.value)),
            _RATE_NOTES.get(figure.name, "of those who enter, windows that are over"),
            _interval(figure),
            history.change_of(report, figure.name),
        )
        for figure in figures.figures(report.frames)
        if figure.unit == figures.SHARE and figure.value is not None
    ][:_MOST_RATES]


_MOST_RATES = 4
_RATE_NOTES = {
    "repeat_share": "of known customers",
    "bounce_rate": "sessions of a single event",
}


def _interval(figure: figures.Figure) -> str:
    if figure.low is None or figure.high is None:
        return ""
    return f"95% interval {wording.share(figure.low)} to {wording.share(figure.high)}"


def _sales(report: ReportInput) -> list[Headline]:
    if not report.has_rows("sales_daily"):
        return []
    days, currency = report.frames["sales_daily"], report.event_log.currency
    revenue, known = total(days["net_revenue"]), total(days["customer_net_revenue"])
    n_orders, returned = int(days["n_orders"].sum()), total(days["returned_value"])
    notes = []
    if known != revenue:
        notes.append(f"{wording.money(known, currency)} from known customers")
    if returned:
        gross = wording.money(total(days["revenue"]), currency)
        notes.append(f"{gross} gross, {wording.money(returned, currency)} came back")
    items = [Headline("Revenue", wording.money(revenue, currency, 0), "; ".join(notes))]
    if n_orders:
        mean = wording.money(float(revenue) / n_orders, currency)
        items.append(Headline("Orders", wording.count(n_orders), f"{mean} each on average"))
    return items


def _customers(report: ReportInput) -> list[Headline]:
    if not report.has_rows("rfm"):
        return []
    n_known = report.frames["rfm"].height
    return [Headline("Known customers", wording.count(n_known), "with at least one purchase")]


def _traffic(report: ReportInput) -> list[Headline]:
    """Return visitors, for a log that knows no sales."""
    if report.has_rows("sales_daily") or not report.has_rows("daily_traffic"):
        return []
    days = report.frames["daily_traffic"]
    items = [Headline("Customers", wording.count(days["n_new_customers"].sum()), "seen at all")]
    if days["n_purchases"].sum():
        mean = days["n_purchasing_customers"].sum() / days.height
        note = f"by {wording.count(mean)} customers on an average day"
        items.append(Headline("Purchases", wording.count(days["n_purchases"].sum()), note))
    return items


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
    return items


def _freshness(report: ReportInput) -> list[Headline]:
    if not report.has_rows("landed_files"):
        return []
    newest = newest_file_at(report.frames["landed_files"])
    if newest is None:
        return []
    note = f"when the newest file landed, {newest:%H:%M} UTC"
    day = f"{wording.short_day(newest)} {newest.year}"
    return [Headline("Fresh as of", day, note)]


def _rest(rows: dict[str, int]) -> str:
    not_loaded = rows["landed"] - rows["events"]
    if not not_loaded:
        return "every landed row"
    return f"of {wording.plural(rows['landed'], 'landed row')}; see data quality for the rest"


@section("definitions", "Definitions", SURENESS, 90)
def definitions(report: ReportInput) -> list[Block]:
    """Return the terms that the page uses, as far as its tables need them."""
    source = report.source
    names = wording.listing([wording.shown(name, 40) for name in source.segments.names])
    columns = wording.listing(
        [wording.shown(name.replace("_", " "), 40) for name in source.segments.columns or ()]
    )
    columns = columns or "recency, frequency and, where there is money, monetary value"
    scale = ", on the logarithms, standardised"
    if source.segments.transform == "none":
        scale = ", standardised"
    kept = ""
    items: list[tuple[str, str]] = []
    if isinstance(source, EventLogSource):
        kept = "are kept" if source.duplicates == "keep" else "count once"
        items.append(("Business time", _business_time(source)))
    elif source.label:
        items.append(("Label", wording.shown(source.label.description, 400)))
    terms = (
        (
            "sales_daily",
            "Revenue",
            "The money of purchases that stayed: gross less what came back, including those "
            "without a known customer. Where a sentence says known customers, the others are left "
            "out.",
        ),
        (
            "sales_daily",
            "Came back",
            "The money of returns or cancellations, taken off the sale that they take back: the "
            "order that they name, else the customer's latest purchases of the item. What was "
            "bought before the log counts on the day on which it comes back.",
        ),
        (
            "sales_daily",
            "Order",
            "The purchase lines that share what the source calls an order (its order_key); where "
            "the log has no order numbers, what a customer buys on a day.",
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
            "Whole days from a customer's last purchase to the day after the end of the log; the "
            "number of different orders; the money of purchases that stayed. The scores are "
            "quintiles, 5 is best, and ties share a score.",
        ),
        (
            "segment_profile",
            "Segment",
            f"Customers alike in {columns}, found by k-means{scale}. Groups get their names by "
            f"their means, never by chance: {names}. Other random starts, and other customers of "
            "the same kind, move customers between neighbouring segments.",
        ),
        (
            "rfm_distribution",
            "Cells and levels",
            "A cell is a named field of the grid of the recency score and the mean of the scores "
            "of frequency and value. A level is the Taobao study's: bronze, silver, gold or "
            "diamond by recency score and bands of 5, 20, 50 and 100 purchases; its order makes "
            "whoever bought in the most recent fifth diamond.",
        ),
        (
            "rfem_distribution",
            "RFE, RFEM",
            "The sums of the quintile scores of recency, frequency and engagement, and of these "
            "and money: of whatever customers do, not of purchases alone.",
        ),
        (
            "campaign_economics",
            "Profit, ROI",
            "Buyers times what each brings, less contacts times what each costs; and that profit "
            "as a share of the cost of contacts.",
        ),
        (
            "accounting",
            "Rows landed",
            "All rows of the landed files: events, duplicates removed, rejected rows, and pending "
            f"rows of days that are not over. In this source identical rows {kept}.",
        ),
        (
            "daily_traffic",
            "Session, bounce",
            "What one customer does without a pause longer than the source allows; a bounce is a "
            "session of a single event. A session belongs to the day on which it begins.",
        ),
        (
            "daily_traffic",
            "New, returning",
            "A visitor is new on the day of the first event in all history, returning on any "
            "later one.",
        ),
        (
            "funnel",
            "Entry, conversion",
            "A customer who takes the first step on a day, counted on each such day; converted is "
            "who takes the later steps within the window. Days whose windows are open count for "
            "nothing. People are counted once, on whatever day they get there.",
        ),
        (
            "retention",
            "Retention",
            "Of the customers whose first event falls into an interval, the share with an event "
            "in exactly the interval so many later.",
        ),
        (
            "lifecycle",
            "New, returning, resurrecting, dormant",
            "Active for the first time; active in the interval before too; active again after at "
            "least one interval without; active in the interval before and not in this one.",
        ),
        (
            "funnel",
            "95% interval",
            "Where the true share lies with 95% confidence, by Wilson's method: wide where few "
            "are counted.",
        ),
        (
            "customer_accounting",
            "Copies, in conflict",
            "A row that is equal to another one counts once. Of rows that have the same key and "
            "differ otherwise only the first one is used.",
        ),
        (
            "cleaning",
            "Reject, flag, clear",
            "What a rule does with the customers for whom it holds: leaves them out, marks them, "
            "or empties the values that it looks at. Every rule sees the rows as they landed.",
        ),
        (
            "unexpected_values",
            "Repaired, kept, unreadable",
            "A value that is not of its column's type or not among the expected ones is read as "
            "what it stands for, left as it is, or left out.",
        ),
        (
            "reproduction",
            "Agrees",
            "Our figure equals the published one at the precision that the study prints.",
        ),
    )
    items += [(term, text) for table, term, text in terms if report.has_rows(table)]
    return [Definitions(items)] if items else []


def _business_time(source: EventLogSource) -> str:
    first_day, last_day = source.day_range()
    days = f"from {wording.day(first_day)}" + (f" to {wording.day(last_day)}" if last_day else "")
    zone = wording.shown(source.timezone)
    return f"Days, weekdays and hours are those of {zone}; the log runs {days}."


def coverage(report: ReportInput) -> str:
    """Return the days or customers that the source covers, in words; empty where none says so."""
    if report.has_rows("customer_accounting"):
        return wording.plural(customer_table.n_customers(report), "customer")
    for table, column in (("accounting", "event_date"), ("sales_daily", "sales_date")):
        if report.has_rows(table):
            frame = report.frames[table]
            rows = frame.filter(frame["n_events"] > 0) if table == "accounting" else frame
            dates = rows[column].drop_nulls()
            if not dates.is_empty():
                first, last, _ = days_covered(dates)
                return f"{wording.day(first)} to {wording.day(last)}"
    return ""
