"""The headline figures of a source as numbers, from its tables.

The one place that computes them: the report shows them, `headline_history` keeps what they were.
Does not belong here: how they are written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from customer_assets.intervals import wilson
from customer_assets.reports.wording import shown

COUNT, MONEY, SHARE = "count", "money", "share"


@dataclass(frozen=True)
class Figure:
    """A headline figure; a share has the ends of its 95 % interval."""

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
    if has("bounce_rate"):
        rate, *ends = bounce_rate(frames["bounce_rate"])
        found.append(Figure("bounce_rate", "Bounce rate", rate, SHARE, "bounce_rate", *ends))
    if has("funnel_people"):
        found += _conversions(frames["funnel_people"])
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


def bounce_rate(rates: pl.DataFrame) -> tuple[float, float, float]:
    """Return the bounce rate over all months, and the ends of its interval."""
    of_all = rates.filter(pl.col("month").is_null()).row(0, named=True)
    return of_all["bounce_rate"], of_all["bounce_rate_low"], of_all["bounce_rate_high"]


def _share(name: str, label: str, part: int, whole: int, table: str) -> Figure:
    low, high = wilson(part, whole)
    return Figure(name, label, part / whole, SHARE, table, low, high)


def _conversions(people: pl.DataFrame) -> list[Figure]:
    """Return for each funnel the share of entries that reach its end, of mature days."""
    found = []
    for (name,), steps in (
        people.filter("is_all").sort("funnel").group_by("funnel", maintain_order=True)
    ):
        last = steps.sort("step").row(-1, named=True)
        label = f"Conversion, {shown(name, 40)}"
        ends = last["entry_conversion_low"], last["entry_conversion_high"]
        rate = last["entry_conversion"]
        found.append(Figure(f"conversion_{name}", label, rate, SHARE, "funnel_people", *ends))
    return found
