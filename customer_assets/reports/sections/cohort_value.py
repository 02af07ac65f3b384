"""The section on what customers bring in the months after their first order."""

from functools import partial

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.charts.behavior import by_age
from customer_assets.reports.content import (
    CUSTOMERS,
    Block,
    Paragraph,
    Picture,
    ReportInput,
    section,
)
from customer_assets.reports.tables import Columns, table_view


@section("cohort-value", "What a customer brings in time", CUSTOMERS, 65, needs=("cohort_value",))
def cohort_value(report: ReportInput) -> list[Block]:
    """Return the money per customer by month of life, all cohorts over each of them."""
    money = partial(wording.money, currency=report.event_log.currency)
    rows = report.frames["cohort_value"].sort("cohort_month", "month_of_life")
    over = rows.filter("is_mature")
    together = over.filter(pl.col("cohort_month").is_null())
    # Months that few customers have had would tell of these few.
    together = together.filter(pl.col("n_customers") >= pl.col("n_customers").max() / 2)
    if together.height < 2:
        return []
    first, last = (together.row(at, named=True) for at in (0, -1))
    text = (
        f"A customer brings {money(first['net_revenue_per_customer'])} in the month of the first "
        f"order, {money(last['net_revenue_per_customer'])} in all by "
        f"{wording.plural(last['month_of_life'], 'month')} later. "
        "What happened, counted, up to the month that half of all have had."
    )
    paid_back = together.filter(pl.col("is_paid_back").fill_null(False))
    if paid_back.height:
        month = wording.plural(paid_back["month_of_life"][0], "month")
        text += f" What winning a customer costs is earned back after {month}."
    columns: Columns = {
        "cohort": ("First order in", wording.shown),
        "month_of_life": ("Months since", wording.count),
        "n_customers": ("Customers", wording.count),
        "n_orders_so_far": ("Orders so far", wording.count),
        "net_revenue_so_far": ("Revenue so far", money),
        "orders_per_customer": ("Orders a customer", partial(wording.decimal, digits=2)),
        "net_revenue_per_customer": ("Revenue a customer", money),
        "earned_per_customer": ("Earned a customer", money),
    }
    shown = over.with_columns(
        pl.col("cohort_month")
        .map_elements(wording.month, return_dtype=pl.String)
        .fill_null("any month")
        .alias("cohort")
    ).sort("cohort_month", "month_of_life", descending=[True, False])
    if shown["earned_per_customer"].null_count() == shown.height:
        shown = shown.drop("earned_per_customer")
    return [
        Paragraph(text, is_lead=True),
        _picture(report, over, together),
        table_view(report, "cohort_value", "Value by month of the first order", columns, shown),
    ]


def _picture(report: ReportInput, over: pl.DataFrame, together: pl.DataFrame) -> Picture:
    cohorts = [
        rows["net_revenue_per_customer"].to_list()
        for _, rows in over.drop_nulls("cohort_month").group_by("cohort_month", maintain_order=True)
    ]
    compact = partial(wording.compact, currency=report.event_log.currency)
    values = together["net_revenue_per_customer"].to_list()
    n_months = max(len(line) for line in (values, *cohorts))
    wide, narrow = by_age(
        "cohort-value",
        range(n_months),
        values,
        "months since the first order",
        compact,
        context=cohorts,
    )
    return Picture(
        "cohort-value",
        alt="Curve of the revenue of a customer so far by month since the first order: "
        + ", ".join(compact(value) for value in values)
        + ".",
        caption="Revenue a customer so far, less what came back, by months since the first order.",
        wide=wide,
        narrow=narrow,
        colours=[("accent", "All that have had the month"), ("soft", "Each month's newcomers")],
    )
