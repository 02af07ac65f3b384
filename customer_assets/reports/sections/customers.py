"""The section on the most valuable customers of a log.

Known customers only: who is unknown to the log is in no table of customers.
"""

from functools import partial

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.content import (
    CUSTOMERS,
    Block,
    Paragraph,
    ReportInput,
    section,
)
from customer_assets.reports.tables import Columns, table_view

_TOP_CUSTOMERS = 50


@section(
    "customers",
    "Most valuable customers",
    CUSTOMERS,
    40,
    needs=("rfm",),
    uses=("customer_segments", "revenue_concentration"),
    scans=("rfm", "customer_segments"),
)
def best_customers(report: ReportInput) -> list[Block]:
    """Return the customers with the highest value, and how much of the revenue they bring."""
    rfm = report.scan("rfm")
    values = rfm.select("monetary", "n_orders").collect()
    knows_money = values["monetary"].count() > 0
    ranked = rfm.sort(
        "monetary" if knows_money else "n_orders",
        "customer_id",
        descending=[True, False],
        nulls_last=True,
    )
    blocks: list[Block] = []
    if knows_money:
        words = f"{_best_tenth(report)}{_once(values)}"
        blocks.append(Paragraph(words, is_lead=True))
    ranked = ranked.head(_TOP_CUSTOMERS)
    if report.has_rows("customer_segments"):
        segments_of = report.scan("customer_segments").select("customer_id", "segment")
        ranked = ranked.join(segments_of, on="customer_id", how="left", maintain_order="left")
    columns: Columns = {
        "customer_id": ("Customer", wording.shown),
        "segment": ("Segment", wording.title),
        "recency_days": ("Recency, days", wording.count),
        "n_orders": ("Orders", wording.count),
        "monetary": ("Value", partial(wording.money, currency=report.event_log.currency)),
        "gross_monetary": ("Gross", partial(wording.money, currency=report.event_log.currency)),
        "came_back": ("Came back", wording.shown),
        "r_score": ("R score", wording.count),
        "f_score": ("F score", wording.count),
        "m_score": ("M score", wording.count),
    }
    top = ranked.with_columns(
        pl.when("is_mostly_returned").then(pl.lit("more than half")).alias("came_back")
    ).collect()
    if not knows_money:
        top = top.drop("monetary", "gross_monetary", "came_back", "m_score")
    title = f"The {top.height} most valuable customers" if top.height > 1 else "Customers"
    blocks.append(table_view(report, "rfm", title, columns, top))
    return blocks


def _best_tenth(report: ReportInput) -> str:
    if not report.has_rows("revenue_concentration"):
        return ""
    tenth = report.frames["revenue_concentration"].filter(unit="customer", top_percent=10)
    return "".join(
        f"The best tenth of the customers, {wording.count(n)}, brings {wording.share(part)} of the "
        "revenue of known customers. "
        for n, part in tenth.select("n_top", "net_revenue_share").drop_nulls().iter_rows()
    )


def _once(rfm: pl.DataFrame) -> str:
    once = rfm.filter(pl.col("n_orders") == 1).height
    return (
        f"{wording.plural(once, 'customer')} ({wording.share(once / rfm.height)}) bought only once."
    )
