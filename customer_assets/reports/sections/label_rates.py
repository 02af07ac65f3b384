"""The section on who has the label: how customers spread over an attribute, and its rate there."""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.charts.ranges import Rate, rates
from customer_assets.reports.content import (
    CUSTOMERS,
    Block,
    Paragraph,
    Picture,
    ReportInput,
    section,
)
from customer_assets.reports.tables import Columns, interval, table_view
from customer_assets.sources import CustomerTableSource

# The rate of fewer customers is mostly chance; their interval says so in the table.
_FEWEST = 20


@section("label-rates", "The label by attribute", CUSTOMERS, 25, needs=("label_rates",))
def label_rates(report: ReportInput) -> list[Block]:
    """Return for each attribute a picture of how many customers and how often the label."""
    rows = report.frames["label_rates"]
    blocks: list[Block] = [Paragraph(_widest(rows, _title(report)), is_lead=True)]
    blocks += [
        _picture(report, attribute, rows.filter(attribute=attribute))
        for attribute in sorted(set(rows["attribute"]), key=_order(report))
    ]
    columns: Columns = {
        "attribute": ("Attribute", wording.title),
        "text": ("Value", wording.shown),
        "n_customers": ("Customers", wording.count),
        "customer_share": ("Share of all", wording.share),
        "label_share": (_title(report), wording.share),
    }
    return [*blocks, table_view(report, "label_rates", "The label by attribute", columns)]


def _widest(rows: pl.DataFrame, what: str) -> str:
    """Return between which values of an attribute the rates are surely furthest apart."""
    known = rows.filter(pl.col("n_customers") >= _FEWEST)
    pairs = known.join(known, on="attribute", suffix="_other")
    apart = pairs.with_columns(gap=pl.col("label_share_low") - pl.col("label_share_high_other"))
    sure = apart.filter(pl.col("gap") > 0).sort("gap", "attribute", descending=[True, False])
    if sure.is_empty():
        return f"{what}: no value of these attributes surely goes with it more than another."
    row = sure.row(0, named=True)
    more, less = (wording.share(row[f"label_share{end}"]) for end in ("", "_other"))
    who, whom = (wording.shown(row[f"text{end}"], 40) for end in ("", "_other"))
    name = wording.title(row["attribute"])
    return f"{what}: {name} parts most, {more} at {who} and {less} at {whom}."


def _order(report: ReportInput) -> Callable[[str], tuple[int, str]]:
    """Return where an attribute stands: where the source names it."""
    stated = report.source.label_rates if isinstance(report.source, CustomerTableSource) else []
    return lambda name: (stated.index(name) if name in stated else len(stated), name)


def _title(report: ReportInput) -> str:
    """Return what a customer is called who has the label."""
    stated = report.source.label if isinstance(report.source, CustomerTableSource) else None
    return wording.shown(stated.title, 40) if stated else "With the label"


def _rate(row: Mapping[str, Any], what: str) -> Rate:
    rate, low, high = (row[f"label_share{end}"] for end in ("", "_low", "_high"))
    n = wording.plural(row["n_customers"], "customer")
    between = interval(low, high, wording.share)
    words = f"{wording.shown(row['text'], 60)}: {n}, {wording.share(rate)}: {what.lower()}"
    label = wording.shown(row["text"], 22)
    return Rate(label, row["customer_share"], rate, low, high, f"{words} ({between})")


def _picture(report: ReportInput, attribute: str, bins: pl.DataFrame) -> Picture:
    source = report.source
    stated = source.attributes.get(attribute) if isinstance(source, CustomerTableSource) else None
    title, what = wording.title(attribute, 30), _title(report)
    rows = [_rate(row, what) for row in bins.sort("bin").iter_rows(named=True)]
    of_all = bins["all_label_share"][0]
    name = f"label-rates-{attribute.replace('_', '-')}"
    wide, narrow = rates(name, rows, of_all, (f"{title}: customers", what))
    meaning = f" {wording.shown(stated.description, 160)}" if stated else ""
    return Picture(
        name,
        alt=f"{title}: bars of the share of customers, dots of the share: {what.lower()}. "
        + "; ".join(row.tip for row in rows)
        + ".",
        caption=f"{title}: the band is the 95% interval, the broken line all customers, "
        f"{wording.share(of_all)}.{meaning}",
        wide=wide,
        narrow=narrow,
    )
