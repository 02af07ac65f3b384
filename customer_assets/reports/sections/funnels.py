"""The section on funnels: how many who enter reach each step, and how that changed by day.

A day counts once the window of all who entered on it is over; the others are shown as what they
are so far and stay out of every rate.
"""

import itertools
from collections.abc import Sequence

import polars as pl
import polars.selectors as cs

from customer_assets.reports import wording
from customer_assets.reports.charts.behavior import LinePanel, Step, funnel_steps, lines_in_time
from customer_assets.reports.content import (
    CUSTOMERS,
    Block,
    Paragraph,
    Picture,
    ReportInput,
    section,
)
from customer_assets.reports.tables import Columns, table_view
from customer_assets.sources.event_log import step_text

_MAX_FUNNELS = 4
_MAX_DAYS = 400
_ENTRIES = {
    "n_entries": "n_entered",
    "entry_conversion": "share",
    "entry_conversion_low": "low",
    "entry_conversion_high": "high",
}


@section("funnels", "Funnels", CUSTOMERS, 180, needs=("funnel",), uses=("funnel_people",))
def funnels(report: ReportInput) -> list[Block]:
    """Return for each funnel its steps and its rate by day, and a table by breakdown."""
    if not report.has("funnel_people"):
        return []
    frame = report.frames["funnel"]
    names = sorted(frame["funnel"].unique())
    blocks: list[Block] = []
    for at, name in enumerate(names[:_MAX_FUNNELS], 1):
        blocks += _funnel(report, name, frame.filter(pl.col("funnel") == name), at)
    if len(names) > _MAX_FUNNELS:
        blocks.append(Paragraph(f"The first {_MAX_FUNNELS} of {len(names)} funnels are drawn."))
    if report.frames["funnel_people"].is_empty():
        return blocks
    return [*blocks, _steps_table(report, frame.filter("is_mature"))]


def _funnel(report: ReportInput, name: str, frame: pl.DataFrame, number: int) -> list[Block]:
    closed = report.frames["funnel_people"].filter(pl.col("funnel") == name, pl.col("is_all"))
    is_final = not closed.is_empty()
    by_step = closed.sort("step").rename(_ENTRIES) if is_final else _so_far(frame)
    labels = [_step_label(report, name, step) for step in by_step["step"]]
    steps = [
        Step(
            label,
            f"{wording.share(row['share'])}, {wording.count(row['n_reached'])}",
            row["share"],
            row["low"],
            row["high"],
        )
        for label, row in zip(labels, by_step.iter_rows(named=True), strict=True)
    ]
    wide, narrow = funnel_steps(f"funnel-{number}", steps, is_final=is_final)
    words = "; ".join(f"{step.label}: {step.value}" for step in steps)
    so_far = "" if is_final else ", so far"
    picture = Picture(
        f"funnel-{number}",
        alt=f"Bars of the funnel {wording.title(name, 40)}{so_far}, one per step. {words}.",
        caption=f"Funnel {wording.shown(name, 40)}: share of entries that reach each step"
        f"{so_far}, and how many.{' The whisker is the 95% interval.' if is_final else ''}",
        wide=wide,
        narrow=narrow,
        colours=[] if is_final else [("hatched", "No window is over yet")],
    )
    lead = Paragraph(_in_words(report, name, frame, by_step, labels), is_lead=True)
    days = frame["entry_date"].n_unique()
    return [lead, picture, *([_days_picture(name, frame, labels, number)] if days > 1 else [])]


def _so_far(frame: pl.DataFrame) -> pl.DataFrame:
    """Return entrants and who reached a step until now: no estimate, so without an interval."""
    summed = frame.group_by("step").agg(pl.sum("n_entered", "n_reached")).sort("step")
    share = pl.col("n_reached") / pl.col("n_entered")
    return summed.with_columns(share.alias("share"), low=None, high=None)


def _step_label(report: ReportInput, name: str, step: int) -> str:
    stated = report.event_log.funnels.get(name)
    if stated is None or step > len(stated.steps):
        return f"Step {step}"
    return wording.shown(step_text(stated.steps[step - 1]), 30)


def _in_words(
    report: ReportInput,
    name: str,
    frame: pl.DataFrame,
    by_step: pl.DataFrame,
    labels: Sequence[str],
) -> str:
    stated = report.event_log.funnels.get(name)
    within = f" within {wording.shown(stated.window)}" if stated else ""
    waiting = frame.filter(~pl.col("is_mature"))["entry_date"].n_unique()
    last = by_step.row(-1, named=True)
    if last["low"] is None:
        return (
            f"Funnel {wording.shown(name, 40)}: the window of no entry day is over yet, so there "
            "is no rate to report. What is drawn is where entries stand so far."
        )
    once = "session" if stated and stated.actor == "session" else "day of entry"
    text = (
        f"{wording.share(last['share'])} of {wording.count(last['n_entered'])} entries, a customer "
        f"counted for each {once}, reach {labels[-1]}{within} (95% interval "
        f"{wording.share(last['low'])} to {wording.share(last['high'])})."
        f"{_people_in_words(last, labels[-1])}"
    )
    # An optional step is no step to be lost at.
    optional = [number - 1 for number in stated.optional_steps] if stated else []
    kept = [at for at in range(by_step.height) if at not in optional]
    labels = [labels[at] for at in kept]
    reached = by_step["n_reached"].gather(kept).to_list()
    lost = [before - after for before, after in itertools.pairwise(reached)]
    if len(lost) > 1 and max(lost) > 0:
        worst = lost.index(max(lost))
        text += f" Most are lost between {labels[worst]} and {labels[worst + 1]}."
    if waiting:
        text += (
            f" {wording.plural(waiting, 'entry day')} whose window is still open "
            f"{'is' if waiting == 1 else 'are'} left out."
        )
    return text


def _people_in_words(row: dict, label: str) -> str:
    """Return how many different people reach the last step."""
    return (
        f" Of {wording.count(row['n_entered_customers'])} different people who enter, "
        f"{wording.share(row['customer_conversion'])} reach {label} at least once."
    )


def _days_picture(name: str, frame: pl.DataFrame, labels: Sequence[str], number: int) -> Picture:
    last_step = frame.filter(pl.col("step") == pl.col("step").max())
    # What all values of a breakdown have together stands on the row of each.
    days = last_step.unique("entry_date").sort("entry_date").tail(_MAX_DAYS)
    n_final = int(days["is_mature"].cum_min().sum())
    panel = LinePanel(
        f"Reach {labels[-1]}",
        [(days["all_conversion"].to_list(), "accent")],
        is_share=True,
        band=(days["all_conversion_low"].to_list(), days["all_conversion_high"].to_list()),
    )
    wide, narrow = lines_in_time(
        f"funnel-days-{number}", days["entry_date"].to_list(), [panel], n_final
    )
    ends = [days.row(at, named=True) for at in (0, -1)]
    words = "; ".join(
        f"{wording.day(e['entry_date'])}: {wording.share(e['all_conversion'])}" for e in ends
    )
    colours = [("accent", "Share of the day's entries"), ("band", "95% interval")]
    if n_final < days.height:
        colours.append(("open", "Window still open: will rise"))
    return Picture(
        f"funnel-days-{number}",
        alt=f"Line of the share of entries that reach {labels[-1]}, by day of entry. {words}.",
        caption=f"Funnel {wording.shown(name, 40)}: share of entries that reach {labels[-1]}, by "
        "day of entry.",
        wide=wide,
        narrow=narrow,
        colours=colours,
    )


def _optional_steps(report: ReportInput) -> list[dict[str, object]]:
    """Return the steps, by funnel and number, that entries may pass by."""
    return [
        {"funnel": name, "step": number}
        for name, stated in report.event_log.funnels.items()
        for number in stated.optional_steps
    ]


def _points(part: float) -> str:
    return f"{'+' if part > 0 else ''}{wording.decimal(100 * part, 1)}"


def _steps_table(report: ReportInput, final: pl.DataFrame) -> Block:
    people = report.frames["funnel_people"]
    is_broken_down = (~pl.col("is_all")).any().over("funnel")
    rows = people.filter(~pl.col("is_all") | ~is_broken_down).rename(_ENTRIES)
    is_optional = pl.struct("funnel", "step").is_in(_optional_steps(report))
    before = (
        pl.when(~is_optional).then("n_reached").shift(1).forward_fill()
        .over("funnel", "breakdown", order_by="step")
    )  # fmt: skip
    size = pl.col("n_entered").max().over("funnel", "breakdown")
    rows = rows.with_columns(
        (pl.col("n_reached") / before).fill_nan(None).alias("conversion_from_previous"),
        pl.Series(
            "label",
            [_step_label(report, *row) for row in rows.select("funnel", "step").iter_rows()],
            dtype=pl.String,
        ),
    ).sort("funnel", size, "breakdown", "step", descending=[False, True, False, False])  # fmt: skip
    rows = rows.rename({"low": "share_low", "high": "share_high"})
    if rows["breakdown"].null_count() == rows.height:
        rows = rows.drop("breakdown", cs.starts_with("entry_conversion_difference"))
    columns: Columns = {
        "funnel": ("Funnel", wording.title),
        "breakdown": ("Breakdown", wording.shown),
        "step": ("Step", wording.count),
        "label": ("Event", wording.shown),
        "n_entered": ("Entries", wording.count),
        "n_reached": ("Reached", wording.count),
        "share": ("Of entries", wording.share),
        "entry_conversion_difference": ("Against all others, points", _points),
        "conversion_from_previous": ("Of the step before", wording.share),
    }
    first, last, _ = wording.days_covered(final["entry_date"])
    note = f"Entry days {wording.day(first)} to {wording.day(last)}, whose windows are over."
    return table_view(report, "funnel", "Funnel steps", columns, rows, note=note)
