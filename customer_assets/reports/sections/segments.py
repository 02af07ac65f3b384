"""Sections on groups of customers: who they are, how sure that is, and who changed group.

Of logs only customers who bought are in segments. What is done for a group is told in `advice`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import polars as pl

from customer_assets.intervals import FEWEST_CUSTOMERS
from customer_assets.reports import wording
from customer_assets.reports.charts.bars import pairs
from customer_assets.reports.charts.ranges import Ranges, ranges
from customer_assets.reports.content import (
    CUSTOMERS,
    SURENESS,
    Block,
    Paragraph,
    Picture,
    ReportInput,
    section,
)
from customer_assets.reports.sections.sales import total
from customer_assets.reports.tables import Columns, table_view
from customer_assets.sources import EventLogSource

_MOST_MEASURES = 3
# What the measures of worth are called that a column's name does not say.
VALUES = {
    "monetary": "revenue",
    "gross_monetary": "gross revenue",
    "n_orders": "orders",
    "course_order_num": "courses ordered",
}
_SCHEMES = {
    "rfm_cell": "Cells of recency and frequency with value",
    "rf_level": "Levels of recency and frequency",
}
_LEVELS = {
    "rfm_cell": (
        "champions", "loyal", "potential_loyalists", "new_customers", "promising",
        "need_attention", "about_to_sleep", "cannot_lose", "at_risk", "hibernating",
    ),
    "rf_level": ("diamond", "gold", "silver", "bronze"),
}  # fmt: skip


@section(
    "segments",
    "Customer segments",
    CUSTOMERS,
    10,
    uses=(
        "segment_profile",
        "segment_measures",
        "segment_products",
        "segment_attributes",
        "segment_rules",
    ),
)
def segments(report: ReportInput) -> list[Block]:
    """Return the segments: size against worth, how they differ, what is typical, and the rules."""
    if not report.has_rows("segment_profile"):
        return _too_few(report)
    profile = report.frames["segment_profile"].sort("segment_rank")
    first = profile.row(0, named=True)
    lead = (
        f"{wording.title(first['segment'])} are {wording.count(first['n_customers'])} customers, "
        f"{wording.share(first['customer_share'])} of all"
    )
    has_worth = _has_worth(profile)
    if has_worth:
        lead += f", and bring {wording.share(first['value_share'])} of {_worth(report, profile)}."
        lead += _top_two(report, profile)
    else:
        lead += "."
    blocks: list[Block] = [Paragraph(lead, is_lead=True)]
    if has_worth:
        blocks.append(_shares_picture(report, profile))
    if report.has_rows("segment_measures"):
        blocks += _differences(report, profile)
    blocks.append(_profile_table(report, profile))
    if report.has_rows("segment_products"):
        blocks.append(_products(report))
    if report.has_rows("segment_attributes"):
        blocks.append(_attributes(report))
    if report.has_rows("segment_rules"):
        blocks.append(_rules(report))
    return blocks


def _too_few(report: ReportInput) -> list[Block]:
    """Return why there are no segments, where that is for want of customers."""
    if "segment_profile" not in report.frames or not report.has_rows("rfm"):
        return []
    n_known = report.scan("rfm").head(FEWEST_CUSTOMERS).collect().height
    if n_known >= FEWEST_CUSTOMERS:
        return []
    return [
        Paragraph(
            f"{wording.plural(n_known, 'customer is', 'customers are')} too few for segments, "
            f"their shares and their stability, which are told of {FEWEST_CUSTOMERS} and more.",
            is_lead=True,
        )
    ]


def _has_worth(profile: pl.DataFrame) -> bool:
    return "value_share" in profile.columns and profile["value_share"].null_count() == 0


def _measure_of_worth(profile: pl.DataFrame) -> str:
    named = profile["value_measure"][0] if "value_measure" in profile.columns else None
    return str(named or "monetary")


def _worth(report: ReportInput, profile: pl.DataFrame) -> str:
    measure = _measure_of_worth(profile)
    is_log = isinstance(report.source, EventLogSource)
    if is_log and measure == "monetary":
        return "the revenue of known customers"
    return f"all {wording.shown(VALUES.get(measure) or _words(measure), 40)}"


def _name(segment: str) -> str:
    return wording.shown(segment.replace("_", " "), 30)


def _words(name: str) -> str:
    return name.removeprefix("n_").replace("_", " ")


def _amounts(report: ReportInput, profile: pl.DataFrame) -> Callable[..., str]:
    """Return how values are written: money with its symbol where they are money of a log."""
    source = report.source
    if isinstance(source, EventLogSource) and _measure_of_worth(profile) == "monetary":
        return partial(wording.money, currency=source.currency)
    return wording.decimal


def _top_two(report: ReportInput, profile: pl.DataFrame) -> str:
    if profile.height < 3:
        return ""
    two = profile.sort("value_share", descending=True).head(2)
    return (
        " The two segments that bring most, "
        f"{wording.listing([_name(name) for name in two['segment']])}, are "
        f"{wording.share(float(total(two['customer_share'])))} of the customers and bring "
        f"{wording.share(float(total(two['value_share'])))}."
    )


def _shares_picture(report: ReportInput, profile: pl.DataFrame) -> Picture:
    names = [wording.title(segment, 20) for segment in profile["segment"]]
    customers, worth = profile["customer_share"].to_list(), profile["value_share"].to_list()
    wide, narrow = pairs("segment-shares", names, customers, worth)
    of = _worth(report, profile)
    words = "; ".join(
        f"{name}: {wording.share(a)} of customers, {wording.share(b)} of {of}"
        for name, a, b in zip(names, customers, worth, strict=True)
    )
    return Picture(
        "segment-shares",
        alt=f"Pairs of bars, one pair per segment. {words}.",
        caption=f"Each segment's share of the customers and of {of}.",
        wide=wide,
        narrow=narrow,
        colours=[("soft", "Share of customers"), ("accent", f"Share of {of}")],
    )


def _compared_measures(report: ReportInput, profile: pl.DataFrame) -> list[str]:
    """Return the measures that the segments are made of, as far as they are there."""
    there = set(report.frames["segment_measures"]["measure"])
    stated = report.source.segments.columns or ["recency_days", "n_orders", "monetary"]
    worth = [_measure_of_worth(profile)]
    return [m for m in dict.fromkeys([*stated, *worth]) if m in there]


def _differences(report: ReportInput, profile: pl.DataFrame) -> list[Block]:
    """Return the picture and the table of the measures that part the segments."""
    measured = report.frames["segment_measures"].filter(pl.col("kind") == "segment")
    compared = _compared_measures(report, profile)
    blocks: list[Block] = []
    if compared:
        drawn = _measures_picture(report, measured, compared[:_MOST_MEASURES], profile)
        blocks.append(drawn)
    probabilities = sorted(m for m in set(measured["measure"]) if m.endswith("_probability"))
    shown = [*compared, *probabilities, *(["label"] if "label" in set(measured["measure"]) else [])]
    if shown:
        wide = profile.select("segment")
        for measure in shown:
            means = measured.filter(pl.col("measure") == measure)
            wide = wide.join(
                means.select("segment", pl.col("mean").alias(measure)),
                on="segment",
                how="left",
                maintain_order="left",
            )
        columns: Columns = {
            "segment": ("Segment", wording.title),
            **{m: (wording.title(_words(m), 40), _written(m)) for m in shown},
        }
        blocks.append(
            table_view(
                report, "segment_measures", "How the segments differ", columns, wide,
                note="Means; of a probability or a label the share. The CSV file has every "
                "measure, with intervals and the mean of all customers.",
            )
        )  # fmt: skip
    return blocks


def _written(measure: str) -> Callable[[Any], str]:
    is_share = measure == "label" or measure.endswith(("_share", "_probability"))
    return wording.share if is_share else partial(wording.decimal, digits=1)


def _measures_picture(
    report: ReportInput, measured: pl.DataFrame, measures: list[str], profile: pl.DataFrame
) -> Picture:
    source = report.source
    currency = source.currency if isinstance(source, EventLogSource) else None
    drawn, words = [], []
    for measure in measures:
        rows = {
            row["segment"]: (row["tenth"], row["median"], row["ninetieth"])
            for row in measured.filter(pl.col("measure") == measure).to_dicts()
        }
        values = [rows.get(segment, (0.0, 0.0, 0.0)) for segment in profile["segment"]]
        # Counts and money run over several powers of ten; a log scale needs them above zero.
        is_log = "recency" not in measure and min(low for low, _, _ in values) > 0
        symbol = currency if measure == "monetary" else None
        texts = [wording.compact(middle, symbol) for _, middle, _ in values]
        if max(high for _, _, high in values) < 10:
            texts = [wording.decimal(middle, 2) for _, middle, _ in values]
        title = wording.title(_words(measure), 26)
        drawn.append(Ranges(title, values, texts, is_log))
        middles = ", ".join(
            f"{wording.title(segment)} {text}"
            for segment, text in zip(profile["segment"], texts, strict=True)
        )
        words.append(f"{title}, median: {middles}")
    names = [wording.title(segment, 20) for segment in profile["segment"]]
    wide, narrow = ranges("segment-measures", names, drawn)
    logs = [measure.title for measure in drawn if measure.is_log]
    scale = f" {wording.listing(logs)} on a logarithmic scale." if logs else ""
    return Picture(
        "segment-measures",
        alt="Ranges of measures per segment. " + ". ".join(words) + ".",
        caption="How the segments differ: the dot and its figure are the median customer, the "
        f"band holds the middle 80% of the segment.{scale}",
        wide=wide,
        narrow=narrow,
    )


def _profile_table(report: ReportInput, profile: pl.DataFrame) -> Block:
    amount = _amounts(report, profile)
    name = wording.title(_words(_measure_of_worth(profile)), 30)
    columns: Columns = {
        "segment": ("Segment", wording.title),
        "n_customers": ("Customers", wording.count),
        "customer_share": ("Share of customers", wording.share),
        "value": (name, amount),
        "value_share": ("Share of it", wording.share),
        "mean_value": ("Mean value", partial(amount, digits=0)),
    }
    return table_view(report, "segment_profile", "Segments", columns, profile)


def _products(report: ReportInput) -> Block:
    products = report.frames["segment_products"].with_columns(
        pl.coalesce("product_name", "product").alias("shown")
    )
    columns: Columns = {
        "segment": ("Segment", wording.title),
        "kind": ("Kind", wording.shown),
        "shown": ("Product", wording.shown),
        "n_buyers": ("Buyers", wording.count),
        "buyer_share": ("Share of segment", wording.share),
        "all_buyer_share": ("Share of all", wording.share),
        "lift": ("Lift", partial(wording.decimal, digits=2)),
    }
    return table_view(
        report, "segment_products", "Typical products", columns,
        products.filter(pl.col("place") <= 3),
        note="Bought by a larger share of the segment than of all customers, beyond chance. A "
        "segment without a product here buys none more than others do.",
    )  # fmt: skip


def _attributes(report: ReportInput) -> Block:
    columns: Columns = {
        "segment": ("Segment", wording.title),
        "attribute": ("Attribute", wording.title),
        "value": ("Value", wording.shown),
        "n_customers": ("Customers", wording.count),
        "share": ("Share of segment", wording.share),
        "all_share": ("Share of all", wording.share),
        "lift": ("Lift", partial(wording.decimal, digits=2)),
    }
    return table_view(report, "segment_attributes", "What is typical", columns)


def _rules(report: ReportInput) -> Block:
    columns: Columns = {
        "rule": ("Rule", wording.title),
        "n_customers": ("Customers", wording.count),
        "customer_share": ("Share", wording.share),
        "description": ("Who they are", partial(wording.shown, limit=300)),
        "condition": ("Condition", partial(wording.shown, limit=300)),
        "missing": ("What is missing", wording.shown),
    }
    return table_view(report, "segment_rules", "Segments by rule", columns)


@section(
    "scores",
    "Recency, frequency and value",
    CUSTOMERS,
    30,
    uses=(
        "rfm_distribution",
        "rfem_distribution",
    ),
)
def scores(report: ReportInput) -> list[Block]:
    """Return how customers are spread over the named cells, the levels, and the RFE scores."""
    blocks: list[Block] = []
    if report.has_rows("rfm_distribution"):
        spread = report.frames["rfm_distribution"]
        cells = spread.filter(pl.col("scheme") == "rfm_cell")
        if cells.height:
            largest = cells.sort("n_customers", "group_name", descending=[True, False]).row(
                0, named=True
            )
            blocks.append(
                Paragraph(
                    f"The largest cell is {wording.shown(_words(largest['group_name']))} with "
                    f"{wording.plural(largest['n_customers'], 'customer')}, "
                    f"{wording.share(largest['customer_share'])} of all.",
                    is_lead=True,
                )
            )
        for scheme, title in _SCHEMES.items():
            groups = spread.filter(pl.col("scheme") == scheme)
            if groups.height:
                blocks.append(_spread_picture(groups, scheme, title))
        columns: Columns = {
            "scheme": ("Score", wording.title),
            "group_name": ("Group", wording.title),
            "n_customers": ("Customers", wording.count),
            "customer_share": ("Share", wording.share),
            "monetary_share": ("Share of value", wording.share),
        }
        blocks.append(
            table_view(report, "rfm_distribution", "Scores, cells and levels", columns, spread)
        )
    if report.has_rows("rfem_distribution"):
        columns = {
            "scheme": ("Score", wording.title),
            "score": ("Value", wording.count),
            "n_customers": ("Customers", wording.count),
            "customer_share": ("Share", wording.share),
        }
        blocks.append(
            table_view(
                report, "rfem_distribution", "Recency, frequency, engagement and money", columns
            )
        )
    return blocks


def _spread_picture(groups: pl.DataFrame, scheme: str, title: str) -> Picture:
    order = {name: at for at, name in enumerate(_LEVELS[scheme])}
    rows = sorted(groups.to_dicts(), key=lambda row: order.get(row["group_name"], len(order)))
    names = [wording.title(_words(row["group_name"]), 20) for row in rows]
    customers = [row["customer_share"] for row in rows]
    worth = [row["monetary_share"] or 0.0 for row in rows]
    has_worth = any(row["monetary_share"] for row in rows)
    wide, narrow = pairs(scheme.replace("_", "-"), names, customers, worth if has_worth else None)
    words = "; ".join(
        f"{name}: {wording.share(a)} of customers"
        + (f", {wording.share(b)} of value" if has_worth else "")
        for name, a, b in zip(names, customers, worth, strict=True)
    )
    colours = [("soft", "Share of customers")]
    if has_worth:
        colours.append(("accent", "Share of value"))
    return Picture(
        scheme.replace("_", "-"),
        alt=f"Bars per group. {words}.",
        caption=f"{title}: share of the customers" + (" and of their value." if has_worth else "."),
        wide=wide,
        narrow=narrow,
        colours=colours,
    )


@section(
    "segment-stability",
    "How sure the segments are",
    SURENESS,
    20,
    needs=("segment_stability",),
    uses=("segment_choice",),
)
def stability(report: ReportInput) -> list[Block]:
    """Return whether the groups hold over other starts and customers, and how many there are."""
    rows = report.frames["segment_stability"].sort("segment_rank", "method")
    unstable = rows.filter(~pl.col("is_stable"))
    names = list(dict.fromkeys(unstable["segment"]))
    if unstable.is_empty():
        text = "Every segment keeps its size within a tenth, and its members."
    else:
        worst = unstable.with_columns(
            spread=(pl.col("n_customers_high") - pl.col("n_customers_low")) / pl.col("n_customers")
        ).sort("spread", "segment_rank", descending=[True, False], nulls_last=True)
        row = worst.row(0, named=True)
        how = "customers drawn again" if row["method"] == "bootstrap" else "other random starts"
        text = (
            f"Not all segments are stable: {wording.listing([_name(name) for name in names])}"
            f" change by more than a tenth. {wording.title(row['segment'])}, "
            f"{wording.count(row['n_customers'])} customers, has "
            f"{wording.count(row['n_customers_low'] or 0)} to "
            f"{wording.count(row['n_customers_high'] or 0)} over {row['n_runs']} runs with {how}. "
            "A figure of one segment is no better than that."
        )
    columns: Columns = {
        "segment": ("Segment", wording.title),
        "method": ("Repeated with", _method),
        "n_customers": ("Customers", wording.count),
        "n_customers_low": ("Fewest", wording.count),
        "n_customers_high": ("Most", wording.count),
        "mean_jaccard": ("Same members", wording.share),
        "mean_rand": ("Adjusted Rand", partial(wording.decimal, digits=2)),
        "lowest_rand": ("Lowest", partial(wording.decimal, digits=2)),
        "is_stable": ("Stable", _yes_or_no),
    }
    blocks: list[Block] = [
        Paragraph(text, is_lead=True),
        table_view(report, "segment_stability", "Stability of the segments", columns, rows),
    ]
    if report.has_rows("segment_choice"):
        blocks += _choice(report)
    return blocks


def _choice(report: ReportInput) -> list[Block]:
    choice = report.frames["segment_choice"].sort("n_segments")
    best = choice.filter(pl.col("is_best"))
    used = choice.filter(pl.col("is_configured"))
    blocks: list[Block] = []
    if best.height and used.height:
        k, ours = best["n_segments"][0], used["n_segments"][0]
        text = f"By the silhouette, {k} groups part best"
        if k == ours:
            text += ", as many as the source uses."
        else:
            text += (
                f" ({wording.decimal(best['silhouette'][0], 2)}); the source uses {ours} "
                f"({wording.decimal(used['silhouette'][0] or 0, 2)}), for what can be done with "
                "them."
            )
        blocks.append(Paragraph(text))
    columns: Columns = {
        "n_segments": ("Groups", wording.count),
        "silhouette": ("Silhouette", partial(wording.decimal, digits=3)),
        "inertia": ("Inertia", wording.count),
        "is_configured": ("Used", _yes_or_no),
        "is_best": ("Highest", _yes_or_no),
    }
    blocks.append(table_view(report, "segment_choice", "How many groups", columns, choice))
    return blocks


def _method(name: str) -> str:
    return {"seeds": "other random starts", "bootstrap": "customers drawn again"}.get(
        name, wording.shown(name)
    )


def _yes_or_no(is_so: bool) -> str:
    return "yes" if is_so else "no"


@section("segment-moves", "Customers who changed segment", CUSTOMERS, 20, needs=("segment_moves",))
def moves(report: ReportInput) -> list[Block]:
    """Return who changed segment at the last refresh that changed any."""
    ledger = report.frames["segment_moves"]
    last = ledger.filter(pl.col("refresh") == pl.col("refresh").max())
    between = last.drop_nulls(["from_segment", "to_segment"])
    moved = between.filter(pl.col("from_segment") != pl.col("to_segment"))
    before, went = int(between["n_customers"].sum()), int(moved["n_customers"].sum())
    new = int(last.filter(pl.col("from_segment").is_null())["n_customers"].sum())
    share = f", {wording.share(went / before)}" if before else ""
    text = (
        f"At the last change {wording.plural(went, 'customer')} of {wording.count(before)}{share} "
        f"went to another segment; {wording.plural(new, 'customer')} came new."
    )
    columns: Columns = {
        "from_segment": ("From", wording.title),
        "to_segment": ("To", wording.title),
        "n_customers": ("Customers", wording.count),
        "value": ("Their value", wording.figure),
    }
    shown = last.filter(pl.col("from_segment").ne_missing(pl.col("to_segment"))).sort(
        "n_customers", "from_segment", "to_segment", descending=[True, False, False]
    )
    return [
        Paragraph(text, is_lead=True),
        table_view(
            report, "segment_moves", "Moves between segments", columns, shown,
            note="Names are carried over from one refresh to the next by the nearest centroids. "
            "No From: a new customer; no To: one who is gone. The CSV file has who stayed, too.",
        ),
    ]  # fmt: skip
