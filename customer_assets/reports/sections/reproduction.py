"""The section that puts a case study's published figures beside ours."""

from functools import partial

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.content import (
    SURENESS,
    Block,
    Paragraph,
    ReportInput,
    section,
)
from customer_assets.reports.tables import Columns, table_view

AGREES, DIFFERS, NOT_COMPUTED = "agrees", "differs", "not computed"
_MARKS = {AGREES: "yes", DIFFERS: "no", NOT_COMPUTED: "none"}


@section(
    "published-figures",
    "The case study's figures beside ours",
    SURENESS,
    60,
    needs=("reproduction",),
)
def published_figures(report: ReportInput) -> list[Block]:
    """Return how many figures agree, and each of them beside ours with the reason."""
    figures = with_outcome(report.frames["reproduction"])
    n = {outcome: figures.filter(pl.col("outcome") == outcome).height for outcome in _MARKS}
    who = f"All {n[AGREES]}" if n[AGREES] == figures.height else f"{n[AGREES]} of {figures.height}"
    text = f"{who} figures of the case study come out the same from our tables."
    if n[DIFFERS]:
        text += f" {n[DIFFERS]} {'differs' if n[DIFFERS] == 1 else 'differ'}; the table says why."
    if n[NOT_COMPUTED]:
        text += f" {n[NOT_COMPUTED]} could not be computed from the data that landed."
    columns: Columns = {
        "figure": ("Figure", wording.title),
        "published": ("Published", wording.figure),
        "ours": ("Ours", wording.figure),
        "outcome": ("Outcome", wording.shown),
        "why": ("What it is, and why it differs", partial(wording.shown, limit=600)),
    }
    marks = {"outcome": _MARKS}
    return [
        Paragraph(text, is_lead=True),
        table_view(
            report, "reproduction", "Published figures beside ours", columns, figures, marks
        ),
    ]


def with_outcome(reproduction: pl.DataFrame) -> pl.DataFrame:
    """Return the figures with `outcome`, those that need a look first."""
    outcome = (
        pl.when(pl.col("ours").is_null())
        .then(pl.lit(NOT_COMPUTED))
        .when(pl.col("agrees"))
        .then(pl.lit(AGREES))
        .otherwise(pl.lit(DIFFERS))
    )
    order = pl.col("outcome").replace_strict({DIFFERS: 0, NOT_COMPUTED: 1, AGREES: 2})
    return reproduction.with_columns(outcome.alias("outcome")).sort(order, "figure")
