"""Sections on the AARRR summary, and on how well recommendations meet what customers do next."""

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.charts.products import EstimatedShare, SharePanel, estimated_shares
from customer_assets.reports.content import (
    CUSTOMERS,
    SURENESS,
    Block,
    Paragraph,
    Picture,
    ReportInput,
    section,
)
from customer_assets.reports.tables import INTERVAL, Columns, interval, table_view

_RECOMMENDERS = {
    "related": "Related",
    "popular": "Most popular",
    "popular_lately": "Popular lately",
    "last_category": "Last category",
}
_KINDS = {"item": "products", "category": "categories"}


@section(
    "recommendations",
    "How well recommendations meet what comes",
    SURENESS,
    15,
    needs=("recommendation_quality",),
)
def recommendations(report: ReportInput) -> list[Block]:
    """Return hit rate and NDCG of each recommender, and which lists are shown for it."""
    frame = report.frames["recommendation_quality"]
    blocks: list[Block] = []
    for kind, noun in _KINDS.items():
        judged = {
            row["recommender"]: row
            for row in frame.filter(pl.col("kind") == kind).iter_rows(named=True)
        }
        if judged:
            blocks.append(Paragraph(_verdict(noun, judged), is_lead=not blocks))
            blocks.append(_quality_picture(kind, noun, judged))
    columns: Columns = {
        "kind": ("Of", wording.title),
        "recommender": ("Recommender", wording.title),
        "n_customers": ("Customers", wording.count),
        "n_with_list": ("With a list", wording.count),
        "hit_rate": ("Hit rate at 10", wording.share),
        "ndcg": ("NDCG at 10", _ndcg),
        "hit_rate_lead": ("Lead by hit rate", wording.share),
        "hit_rate_lead_low": ("At least", wording.share),
        "ndcg_lead": ("Lead by NDCG", _ndcg),
        "ndcg_lead_low": ("At least", _ndcg),
    }
    note = (
        "The leads are those of related over the recommender of the row. Lists come from what "
        "happened before the cut-off only."
    )
    title = "Recommenders judged out of time"
    return [
        *blocks,
        Paragraph(
            "A hit is expected behaviour, no uplift: without a control group nobody knows who "
            "would have come without the offer."
        ),
        table_view(report, "recommendation_quality", title, columns, frame, note=note),
    ]


def _verdict(noun: str, judged: dict[str, dict]) -> str:
    ours = judged["related"]
    others = wording.listing(
        [
            f"{wording.share(row['hit_rate'])} by the {_RECOMMENDERS[name].lower()}"
            for name, row in judged.items()
            if name != "related"
        ]
    )
    text = (
        f"Ten {noun} recommended before the cut-off met what {wording.share(ours['hit_rate'])} of "
        f"{wording.plural(ours['n_customers'], 'customer')} did after it, against {others}. "
    )
    if ours["is_shown"]:
        return text + "It leads over all by both measures, so the lists are shown."
    return text + (
        f"It does not surely lead over all by both measures, so no {noun} are recommended."
    )


def _quality_picture(kind: str, noun: str, judged: dict[str, dict]) -> Picture:
    panels = [
        SharePanel(
            title,
            [
                EstimatedShare(
                    label,
                    row[measure],
                    row[f"{measure}_low"],
                    row[f"{measure}_high"],
                    wording.share(row[measure]) if measure == "hit_rate" else _ndcg(row[measure]),
                    is_emphasised=name == "related",
                )
                for name, label in _RECOMMENDERS.items()
                if (row := judged.get(name))
            ],
        )
        for measure, title in (("hit_rate", "Hit rate at 10"), ("ndcg", "NDCG at 10"))
    ]
    name = f"recommendations-{kind}"
    wide, narrow = estimated_shares(name, panels, label_widths=(110, 100))
    words = "; ".join(
        f"{panel.title}, {row.label}: {row.value}" for panel in panels for row in panel.rows
    )
    return Picture(
        name,
        alt=f"How well lists of ten {noun} met what came after. {words}.",
        caption=f"Lists of ten {noun}, judged by what customers did after the cut-off, with 95% "
        "intervals.",
        wide=wide,
        narrow=narrow,
    )


@section("aarrr", "From acquisition to revenue", CUSTOMERS, 150, needs=("aarrr",))
def aarrr(report: ReportInput) -> list[Block]:
    """Return the AARRR summary, each figure with its definition."""
    frame = report.frames["aarrr"].sort("stage_number", "metric")
    shown = frame.with_columns(
        pl.struct("value", "unit")
        .map_elements(lambda row: _figure(row, report), return_dtype=pl.String)
        .alias("figure"),
        pl.struct("low", "high")
        .map_elements(
            lambda row: interval(row["low"], row["high"], wording.share), return_dtype=pl.String
        )
        .alias("between"),
    )
    absent = frame.filter(pl.col("value").is_null())
    stages = [
        stage
        for stage in absent["stage"].unique(maintain_order=True)
        if frame.filter(pl.col("stage") == stage)["value"].null_count()
        == frame.filter(pl.col("stage") == stage).height
    ]
    text = "From the first visit to revenue, each figure with its definition."
    if stages:
        text += f" The log does not show {wording.listing(stages)}; the definition says why."
    columns: Columns = {
        "stage": ("Stage", wording.title),
        "metric": ("Figure", wording.title),
        "figure": ("Value", wording.shown),
        "between": (INTERVAL, wording.shown),
        "definition": ("Definition", lambda text: wording.shown(text, 300)),
    }
    return [
        Paragraph(text, is_lead=True),
        table_view(report, "aarrr", "Acquisition to revenue (AARRR)", columns, shown),
    ]


def _figure(row: dict, report: ReportInput) -> str:
    value, unit = row["value"], row["unit"]
    if value is None:
        return wording.ABSENT
    if unit == "share":
        return wording.share(value)
    if unit == "money a customer":
        return wording.money(value, report.event_log.currency)
    return wording.count(value) if unit == "customers" else wording.decimal(value, 2)


def _ndcg(value: float) -> str:
    return wording.decimal(value, 3)
