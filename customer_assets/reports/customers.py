"""Sections on who the customers are: segments by value, and the most valuable customers.

Known customers only: who is unknown to the log is in no table of customers.
"""

from functools import partial

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.charts import Ranges, pairs, ranges
from customer_assets.reports.content import Block, Paragraph, Picture, ReportInput
from customer_assets.reports.sales import total
from customer_assets.reports.tables import Columns, table_view

_TOP_CUSTOMERS = 50
_LOW, _HIGH = 0.1, 0.9


def segments(report: ReportInput) -> list[Block]:
    """Return the segments: size against revenue, how each buys, and the table."""
    profile = report.frames["segment_profile"].sort("segment_rank")
    if not total(profile["revenue"]):
        return []
    first = profile.row(0, named=True)
    blocks: list[Block] = [
        Paragraph(
            f"{wording.title(first['segment'])} are {wording.count(first['n_customers'])} "
            "customers, "
            f"{wording.share(first['customer_share'])} of all, and bring "
            f"{wording.share(first['revenue_share'])} of the revenue of known customers."
            + _top_two(profile),
            is_lead=True,
        ),
        _shares_picture(profile),
    ]
    if report.has_rows("rfm", "customer_segments"):
        blocks.append(_profile_picture(report, profile))
    written = partial(wording.money, currency=report.event_log.currency)
    columns: Columns = {
        "segment": ("Segment", wording.title),
        "n_customers": ("Customers", wording.count),
        "customer_share": ("Share of customers", wording.share),
        "revenue": ("Revenue", written),
        "revenue_share": ("Share of revenue", wording.share),
        "mean_recency_days": ("Mean recency, days", wording.decimal),
        "mean_orders": ("Mean orders", wording.decimal),
        "mean_value": ("Mean value", partial(written, digits=0)),
    }
    blocks.append(table_view(report, "segment_profile", "Segments", columns, profile))
    return blocks


def _top_two(profile: pl.DataFrame) -> str:
    if profile.height < 3:
        return ""
    two = profile.head(2)
    return (
        " The two most valuable segments together are "
        f"{wording.share(float(total(two['customer_share'])))} of the customers and bring "
        f"{wording.share(float(total(two['revenue_share'])))} of the revenue."
    )


def _shares_picture(profile: pl.DataFrame) -> Picture:
    names = [wording.title(segment, 12) for segment in profile["segment"]]
    customers, revenue = profile["customer_share"].to_list(), profile["revenue_share"].to_list()
    wide, narrow = pairs("segment-shares", names, customers, revenue)
    words = "; ".join(
        f"{name}: {wording.share(a)} of customers, {wording.share(b)} of revenue"
        for name, a, b in zip(names, customers, revenue, strict=True)
    )
    return Picture(
        "segment-shares",
        alt=f"Pairs of bars, one pair per segment. {words}.",
        caption="Each segment's share of the customers and of their revenue.",
        wide=wide,
        narrow=narrow,
        colours=[("soft", "Share of customers"), ("accent", "Share of revenue")],
    )


def _profile_picture(report: ReportInput, profile: pl.DataFrame) -> Picture:
    currency = report.event_log.currency
    customers = report.frames["customer_segments"].join(
        report.frames["rfm"], on="customer_id", how="inner"
    )
    measures = (
        ("recency_days", "Days since last order", lambda v: f"{v:,.0f}"),
        ("n_orders", "Orders", lambda v: f"{v:,.0f}"),
        ("monetary", "Value of a customer", lambda v: wording.compact(v, currency)),
    )
    drawn, words = [], []
    for column, title, written in measures:
        value = pl.col(column).cast(pl.Float64)
        by_segment = {
            row[0]: row[1:]
            for row in customers.group_by("segment")
            .agg(
                value.quantile(_LOW).alias("low"),
                value.median().alias("middle"),
                value.quantile(_HIGH).alias("high"),
            )
            .iter_rows()
        }
        values = [by_segment[segment] for segment in profile["segment"]]
        # Orders and money run over several powers of ten; a log scale needs them above zero.
        is_log = column != "recency_days" and min(low for low, _, _ in values) > 0
        drawn.append(Ranges(title, values, [written(middle) for _, middle, _ in values], is_log))
        middles = ", ".join(
            f"{wording.title(segment)} {written(middle)}"
            for segment, (_, middle, _) in zip(profile["segment"], values, strict=True)
        )
        words.append(f"{title}, median: {middles}")
    names = [wording.title(segment, 12) for segment in profile["segment"]]
    wide, narrow = ranges("segment-profile", names, drawn)
    return Picture(
        "segment-profile",
        alt="Ranges of recency, orders and value per segment. " + ". ".join(words) + ".",
        caption="How the segments buy: the dot and its figure are the median customer, the band "
        "holds the middle 80% of the segment. Orders and value are drawn on a logarithmic scale.",
        wide=wide,
        narrow=narrow,
    )


def best_customers(report: ReportInput) -> list[Block]:
    """Return the customers with the highest value, and how much of the revenue they bring."""
    ranked = report.frames["rfm"].sort(
        "monetary", "customer_id", descending=[True, False], nulls_last=True
    )
    revenue, tenth = total(ranked["monetary"]), max(1, ranked.height // 10)
    of_tenth = total(ranked.head(tenth)["monetary"])
    blocks: list[Block] = []
    if revenue:
        blocks.append(
            Paragraph(
                f"The best tenth of the customers, {wording.count(tenth)}, brings "
                f"{wording.share(float(of_tenth / revenue))} of the revenue of known "
                "customers. "
                f"{_once(ranked)}",
                is_lead=True,
            )
        )
    if report.has_rows("customer_segments"):
        segments_of = report.frames["customer_segments"].select("customer_id", "segment")
        ranked = ranked.head(_TOP_CUSTOMERS).join(
            segments_of, on="customer_id", how="left", maintain_order="left"
        )
    columns: Columns = {
        "customer_id": ("Customer", wording.shown),
        "segment": ("Segment", wording.title),
        "recency_days": ("Recency, days", wording.count),
        "n_orders": ("Orders", wording.count),
        "monetary": ("Value", partial(wording.money, currency=report.event_log.currency)),
        "r_score": ("R score", wording.count),
        "f_score": ("F score", wording.count),
        "m_score": ("M score", wording.count),
    }
    top = ranked.head(_TOP_CUSTOMERS)
    title = f"The {top.height} most valuable customers" if top.height > 1 else "Customers"
    blocks.append(table_view(report, "rfm", title, columns, top))
    return blocks


def _once(rfm: pl.DataFrame) -> str:
    once = rfm.filter(pl.col("n_orders") == 1).height
    return (
        f"{wording.plural(once, 'customer')} ({wording.share(once / rfm.height)}) bought only once."
    )
