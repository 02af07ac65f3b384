"""What frames a report: the days that it covers at its head, the definitions at its foot."""

from customer_assets.reports import wording
from customer_assets.reports.content import (
    SURENESS,
    Block,
    Definitions,
    ReportInput,
    section,
)
from customer_assets.reports.sections import customer_table
from customer_assets.sources import EventLogSource


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
            "headlines",
            "Change, 95% interval of it",
            "A figure of the newest period less that of the period before, which is as long; of "
            "a group, less that of all other customers. The interval is that of the difference, "
            "by customer: by chance alone one in twenty leaves out 0.",
        ),
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
                first, last, _ = wording.days_covered(dates)
                return " to ".join(f"{wording.short_day(day)} {day.year}" for day in (first, last))
    return ""
