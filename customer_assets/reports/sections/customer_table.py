"""Sections on customers that landed as a table: what the cleaning did, and where each row went.

Who these customers are and what they are predicted to do belongs elsewhere.
"""

import datetime as dt
import re
from functools import partial
from typing import Any

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.charts.bars import Bar, ranked_bars
from customer_assets.reports.content import (
    SURENESS,
    Block,
    Equation,
    Headline,
    Paragraph,
    Picture,
    ReportInput,
    section,
)
from customer_assets.reports.sections.data_quality import files, reasons
from customer_assets.reports.tables import MAX_ROWS, Columns, table_view

_ALL = "customers"
_KINDS = ("n_kept", "n_duplicates", "n_conflicting", "n_rejected")
_ROLES = {"reject": "second", "flag": "accent", "clear": "soft"}
_ACTIONS = {"reject": "Customers left out", "flag": "Customers marked", "clear": "Values emptied"}
_MAX_RULES_DRAWN, _MAX_ATTRIBUTES = 20, 6
_OUTCOMES = {"repaired": "yes", "kept": "none", "unreadable": "no"}


def n_customers(report: ReportInput) -> int:
    """Return how many customers the table has."""
    return int(_of_customers(report.frames["customer_accounting"])["n_kept"])


def _of_customers(accounting: pl.DataFrame) -> dict[str, Any]:
    rows = accounting.filter(pl.col("table_name") == _ALL)
    empty = dict.fromkeys(accounting.columns, 0)
    return rows.row(0, named=True) if rows.height else empty


def data_status(report: ReportInput) -> str:
    """Return in one line whether every landed row of a table of customers is used."""
    accounting = report.frames["customer_accounting"]
    waiting: list[str] = []
    if report.has_rows("landed_files"):
        landed = report.frames["landed_files"]
        waiting = landed.filter(pl.col("status") == "waiting")["file"].to_list()
    inputs = accounting.filter(pl.col("table_name") != _ALL)
    sums = inputs.sum().row(0, named=True)
    if not _is_accounted_for(accounting):
        return "Data is not whole. Some landed rows are unaccounted for."
    problems = [
        f"{wording.plural(sums[kind], 'row')} of {wording.count(sums['n_landed'])} {words}"
        for kind, words in (
            ("n_rejected", "cannot be read"),
            ("n_conflicting", "contradict another row of the customer"),
        )
        if sums[kind]
    ]
    if waiting:
        problems.append(f"still being written: {wording.some([wording.shown(f) for f in waiting])}")
    if problems:
        return f"Data may not be whole. {wording.sentence('; '.join(problems))}."
    of_customers = _of_customers(accounting)
    out = of_customers["n_rejected"]
    left_out = f"; rules leave out {wording.plural(out, 'customer')}" if out else ""
    return f"Data is whole{left_out}."


def _is_accounted_for(accounting: pl.DataFrame) -> bool:
    return accounting.filter(pl.col("n_landed") != pl.sum_horizontal(*_KINDS)).is_empty()


@section(
    "cleaning",
    "Cleaning",
    SURENESS,
    40,
    needs=("cleaning",),
    uses=("rejected_customers",),
    scans=("rejected_customers",),
)
def cleaning(report: ReportInput) -> list[Block]:
    """Return each rule with what it did, and the customers that rules leave out."""
    rules = report.frames["cleaning"].sort("rule_number")
    touching = rules.filter(pl.col("is_enabled") & (pl.col("n_customers") > 0))
    n_off = rules.filter(~pl.col("is_enabled")).height
    text = f"{touching.height} of {wording.plural(rules.height, 'rule')} touch a customer."
    if touching.height:
        top = touching.sort("n_customers", "rule_number", descending=[True, False]).row(
            0, named=True
        )
        text += (
            f" The widest is {wording.shown(top['rule'], 40)}: "
            f"{wording.plural(top['n_customers'], 'customer')}, "
            f"{wording.share(top['customer_share'])} of all."
        )
    if n_off:
        are = "is" if n_off == 1 else "are"
        text += f" {n_off} {are} switched off: counted, but without effect."
    columns: Columns = {
        "rule": ("Rule", wording.title),
        "action": ("Action", wording.shown),
        "is_enabled": ("On or off", _on_or_off),
        "n_customers": ("Customers touched", wording.count),
        "customer_share": ("Share", wording.share),
        "description": ("Why", partial(wording.shown, limit=300)),
        "condition": ("Condition", partial(wording.shown, limit=200)),
        "column_names": ("Columns", partial(wording.shown, limit=200)),
    }
    blocks: list[Block] = [Paragraph(text, is_lead=True)]
    if rules["n_customers"].sum():
        blocks.append(_rules_picture(rules))
    blocks.append(table_view(report, "cleaning", "Cleaning rules", columns, rules))
    if report.has_rows("rejected_customers"):
        blocks.append(_rejected_customers(report))
    return blocks


def _on_or_off(is_on: bool) -> str:
    return "on" if is_on else "off"


def _rules_picture(rules: pl.DataFrame) -> Picture:
    shown = rules.head(_MAX_RULES_DRAWN)
    bars = [
        Bar(
            wording.shown(row["rule"].replace("_", " "), 21),
            [(row["n_customers"], _ROLES.get(row["action"], "accent"))],
            wording.compact(row["n_customers"]),
            tip=f"{wording.title(row['rule'], 40)}: {wording.count(row['n_customers'])}"
            f"{'' if row['is_enabled'] else ' (off)'}",
            is_hatched=not row["is_enabled"],
        )
        for row in shown.iter_rows(named=True)
    ]
    wide, narrow = ranked_bars("cleaning", bars, label_widths=(180, 150))
    actions = set(shown["action"])
    colours = [(role, _ACTIONS[action]) for action, role in _ROLES.items() if action in actions]
    if not shown["is_enabled"].all():
        colours.append(("hatched", "Switched off"))
    return Picture(
        "cleaning",
        alt="Bars of the customers that each rule touches. "
        + "; ".join(bar.tip for bar in bars)
        + ".",
        caption="Customers for whom each rule holds, in the order in which the source lists them.",
        wide=wide,
        narrow=narrow,
        colours=colours,
    )


def _rejected_customers(report: ReportInput) -> Block:
    """Return the customers left out, with the attributes that the rejecting rules look at."""
    frame = report.scan("rejected_customers")
    n_rows = frame.select(pl.len()).collect().item()
    conditions = report.frames["cleaning"].filter(pl.col("action") == "reject")["condition"]
    words = set(re.findall(r"\w+", " ".join(conditions.drop_nulls())))
    looked_at = [n for n in frame.collect_schema().names() if n in words][:_MAX_ATTRIBUTES]
    columns: Columns = {
        "customer_id": ("Customer", wording.shown),
        "rule": ("Rule", wording.title),
        **{name: (wording.title(name, 40), _value) for name in looked_at},
    }
    return table_view(
        report,
        "rejected_customers",
        "Customers left out",
        columns,
        frame.sort("rule", "customer_id").head(MAX_ROWS).collect(),
        note="As landed, with what the rules look at; the CSV file has all attributes. A customer "
        "stands under the first rule that rejects.",
        n_rows=n_rows,
    )


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, dt.date):
        return wording.day(value)
    return wording.shown(value) if isinstance(value, str) else wording.figure(value)


@section("unexpected-values", "Unexpected values", SURENESS, 50, needs=("unexpected_values",))
def unexpected_values(report: ReportInput) -> list[Block]:
    """Return the landed values that are not as the source expects them, and their fate."""
    values = report.frames["unexpected_values"].sort(
        "n_rows", "table_name", "column_name", "value", descending=[True, False, False, False]
    )
    by_outcome = dict(values.group_by("outcome").agg(pl.sum("n_rows")).iter_rows())
    words = {
        "repaired": "read as what was meant",
        "kept": "kept as they are",
        "unreadable": "left empty",
    }
    parts = [
        f"{wording.plural(by_outcome[outcome], 'row')} {text}"
        for outcome, text in words.items()
        if outcome in by_outcome
    ]
    columns: Columns = {
        "value": ("Value", wording.shown),
        "n_rows": ("Rows", wording.count),
        "outcome": ("Outcome", wording.shown),
        "read_as": ("Read as", wording.shown),
        "table_name": ("Input", wording.shown),
        "column_name": ("Column", wording.shown),
    }
    text = (
        f"{wording.plural(values.height, 'value')} in the files "
        f"{'is' if values.height == 1 else 'are'} not as expected: {wording.listing(parts)}."
    )
    return [
        Paragraph(text, is_lead=True),
        table_view(
            report, "unexpected_values", "Values not as expected", columns, values,
            {"outcome": _OUTCOMES},
        ),
    ]  # fmt: skip


@section(
    "customer-accounting",
    "Data quality",
    SURENESS,
    80,
    needs=("customer_accounting",),
    uses=(
        "landed_files",
        "rejection_reasons",
    ),
)
def accounts(report: ReportInput) -> list[Block]:
    """Return what became of every landed row and every customer, and the landed files."""
    accounting = report.frames["customer_accounting"]
    inputs = accounting.filter(pl.col("table_name") != _ALL)
    landed, used = int(inputs["n_landed"].sum()), int(inputs["n_kept"].sum())
    parts = {kind: int(inputs[kind].sum()) for kind in _KINDS}
    if not _is_accounted_for(accounting):
        text = "Some landed rows are unaccounted for: the figures of this report may be wrong."
    elif landed == used:
        text = "Every landed row is used: nothing was rejected, repeated or in conflict."
    else:
        text = (
            f"{wording.share(used / landed)} of the landed rows are used; each of the others is "
            "accounted for."
        )
    terms = {
        "n_kept": "used",
        "n_duplicates": "copies removed",
        "n_conflicting": "in conflict with another row",
        "n_rejected": "rejected",
    }
    columns: Columns = {
        "table_name": ("Input", wording.title),
        "n_landed": ("Landed", wording.count),
        "n_kept": ("Used", wording.count),
        "n_duplicates": ("Copies", wording.count),
        "n_conflicting": ("In conflict", wording.count),
        "n_rejected": ("Rejected", wording.count),
        "n_customers": ("Customers", wording.count),
        "n_customers_missing": ("Customers missing", wording.count),
    }
    is_joined = pl.col("table_name") == _ALL
    blocks: list[Block] = [
        Paragraph(text, is_lead=True),
        Equation(
            Headline("rows landed", wording.count(landed)),
            [Headline(label, wording.count(parts[kind])) for kind, label in terms.items()],
            landed == sum(parts.values()),
        ),
    ]
    row = _of_customers(accounting)
    if row["n_landed"]:
        blocks.append(
            Equation(
                Headline("customers in the files", wording.count(row["n_landed"])),
                [
                    Headline("kept", wording.count(row["n_kept"])),
                    Headline("left out by a rule", wording.count(row["n_rejected"])),
                ],
                row["n_landed"] == row["n_kept"] + row["n_rejected"],
            )
        )
    blocks.append(
        table_view(
            report, "customer_accounting", "Where each row went", columns,
            accounting.sort(is_joined, "table_name"),
            note="The row Customers is all inputs joined: of each customer in any file.",
        )
    )  # fmt: skip
    if report.has_rows("rejection_reasons"):
        blocks.append(reasons(report, landed))
    if report.has_rows("landed_files"):
        blocks.append(files(report))
    return blocks
