"""Sections on the data itself: what landed and where each row went, and how fresh it is."""

import datetime as dt

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.content import (
    SURENESS,
    Block,
    Equation,
    Headline,
    Paragraph,
    ReportInput,
    section,
)
from customer_assets.reports.tables import Columns, table_view

_TOP_REASONS = 20
# Findings that the first line of a report says in full.
_SAID = 2


def data_status(findings: pl.DataFrame) -> str:
    """Return in one line whether the data is whole: what is wrong, else what stands out lately."""
    still = findings.filter(~pl.col("is_accepted")).sort("event_date", descending=True)
    wrong = still.filter(pl.col("severity") == "error")
    if not wrong.is_empty():
        return f"Data is not whole. {_findings_in_words(wrong)}"
    recent = still.filter(pl.col("is_recent"))
    if not recent.is_empty():
        return f"Data may not be whole. {_findings_in_words(recent)}"
    return "Data is whole."


def sample_status(report: ReportInput) -> str:
    """Return that the data was made up by `sample`, all or some of its files; empty if none."""
    files = report.sample_files
    if not files:
        return ""
    landed = report.frames["landed_files"].filter(pl.col("status") == "loaded").height
    which = "" if len(files) == landed else f" in {len(files)} of {landed} files"
    return f"Sample data{which}, made up: no real business."


def _findings_in_words(findings: pl.DataFrame) -> str:
    # What several findings say of one day is one sentence.
    of_days = findings.group_by("event_date", maintain_order=True).agg(
        pl.col("explanation").unique(maintain_order=True).str.join("; "), pl.col("is_held").any()
    )
    said = [
        f"{wording.day(row['event_date'])}: {wording.shown(row['explanation'], 300)}"
        + (", held back" if row["is_held"] else "")
        for row in of_days.head(_SAID).iter_rows(named=True)
    ]
    more = of_days.height - len(said)
    others = f"; and {wording.plural(more, 'more day')}" if more else ""
    return f"{'. '.join(said)}{others}."


@section(
    "data-quality",
    "Data quality",
    SURENESS,
    70,
    needs=("accounting",),
    uses=("landed_files", "rejection_reasons", "findings"),
)
def data_quality(report: ReportInput) -> list[Block]:
    """Return what became of every landed row, why rows were rejected, and the landed files."""
    rows = row_accounts(report.frames["accounting"])
    is_equal = rows["landed"] == sum(
        rows[k] for k in ("events", "duplicates", "rejected", "pending")
    )
    removed = rows["duplicates"] + rows["rejected"] + rows["pending"]
    if not is_equal:
        text = "Some landed rows are unaccounted for: the figures of this report may be wrong."
    elif removed == 0:
        text = "Every landed row became an event: nothing was rejected, removed or left waiting."
    else:
        text = (
            f"{wording.share(rows['events'] / rows['landed'])} of the landed rows became events; "
            "each of the others is accounted for."
        )
    blocks: list[Block] = [
        Paragraph(text, is_lead=True),
        Equation(
            Headline("rows landed", wording.count(rows["landed"])),
            [
                Headline("events", wording.count(rows["events"])),
                Headline("duplicates removed", wording.count(rows["duplicates"])),
                Headline("rejected", wording.count(rows["rejected"])),
                Headline("pending", wording.count(rows["pending"])),
            ],
            is_equal,
        ),
    ]
    if report.has_rows("findings"):
        blocks.append(_findings(report))
    if report.has_rows("rejection_reasons"):
        blocks.append(reasons(report, rows["landed"]))
    if report.has_rows("landed_files"):
        blocks.append(files(report))
    return [*blocks, *_days_with_losses(report)]


def _findings(report: ReportInput) -> Block:
    """Return the table of what stands out in what came, and of what did not come."""
    columns: Columns = {
        "event_date": ("Day", wording.day),
        "severity": ("Severity", wording.shown),
        "explanation": ("What came", lambda text: wording.shown(text, 300)),
        "is_held": ("Held back", lambda is_held: "yes" if is_held else "no"),
        "is_accepted": ("Accepted", lambda is_accepted: "yes" if is_accepted else "no"),
    }
    newest_first = report.frames["findings"].sort("event_date", descending=True)
    return table_view(
        report,
        "findings",
        "What stands out",
        columns,
        newest_first,
        note="The rows of a day that is held back wait until it is accepted or delivered anew.",
    )


def row_accounts(accounting: pl.DataFrame) -> dict[str, int]:
    """Return rows landed and what they became, over all days."""
    kinds = ("landed", "events", "duplicates", "rejected", "pending")
    return {kind: int(accounting[f"n_{kind}"].sum() or 0) for kind in kinds}


def newest_file_at(landed_files: pl.DataFrame) -> dt.datetime | None:
    """Return when the newest file that counts landed, in UTC; None where nothing says so."""
    if not {"modified_at", "status"} <= set(landed_files.columns):
        return None
    newest = landed_files.filter(pl.col("status") == "loaded")["modified_at"].max()
    return newest if isinstance(newest, dt.datetime) else None


def reasons(report: ReportInput, landed: int) -> Block:
    """Return the table of why rows were rejected; `landed` is how many rows there are in all."""
    found = report.frames["rejection_reasons"].sort("place")
    shown = found.head(_TOP_REASONS).with_columns(
        (pl.col("n_rows") / max(landed, 1)).alias("landed_share"),
        pl.format("{}, row {}", "file", "row").alias("example"),
    )
    columns: Columns = {
        "reason": ("Reason", wording.shown),
        "column_name": ("Column", wording.shown),
        "n_rows": ("Rows", wording.count),
        "landed_share": ("Share of rows landed", lambda s: f"{100 * s:.3f}%"),
        "example": ("First such row", wording.shown),
        "raw_text": ("as it stands in the file", wording.shown),
    }
    n_reasons = int(found["n_reasons"][0])
    note = (
        f"The {_TOP_REASONS} most frequent of {wording.count(n_reasons)} reasons."
        if n_reasons > _TOP_REASONS
        else ""
    )
    return table_view(
        report,
        "rejection_reasons",
        "Why rows were rejected",
        columns,
        shown,
        note=f"{note} Every rejected row stands in the table rejected_rows.".strip(),
    )


def files(report: ReportInput) -> Block:
    """Return the table of the landed files."""
    landed = report.frames["landed_files"].sort("file")
    columns: Columns = {
        "file": ("File", wording.shown),
        "table_name": ("Input", wording.shown),
        "status": ("Status", wording.shown),
        "rows_landed": ("Rows landed", wording.count),
        "rows_loaded": ("Loaded", wording.count),
        "rows_rejected": ("Rejected", wording.count),
        "first_date": ("First day", wording.day),
        "last_date": ("Last day", wording.day),
        "modified_at": ("Landed at (UTC)", lambda at: f"{at:%Y-%m-%d %H:%M}"),
        "reason": ("Remarks", wording.shown),
    }
    return table_view(report, "landed_files", "Landed files", columns, landed)


def _days_with_losses(report: ReportInput) -> list[Block]:
    lost = pl.col("n_duplicates") + pl.col("n_rejected") + pl.col("n_pending")
    days = report.frames["accounting"].filter(lost > 0)
    if days.is_empty():
        return []
    columns: Columns = {
        "event_date": ("Day", wording.day),
        "n_landed": ("Rows landed", wording.count),
        "n_events": ("Events", wording.count),
        "n_duplicates": ("Duplicates", wording.count),
        "n_rejected": ("Rejected", wording.count),
        "n_pending": ("Pending", wording.count),
    }
    ranked = days.sort(lost, "event_date", descending=[True, False])
    note = "Days on which not every row became an event, most such rows first. Rows without a "
    return [
        table_view(
            report,
            "accounting",
            "Rows by day",
            columns,
            ranked,
            note=f"{note}readable day stand under {wording.ABSENT}.",
        )
    ]
