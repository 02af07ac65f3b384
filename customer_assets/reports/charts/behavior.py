"""Pictures of behaviour: lines in time, funnel steps, cohort triangle, gains and losses.

Values that are not final yet are hatched.
"""

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from customer_assets.reports import wording
from customer_assets.reports.charts.drawing import (
    HATCH,
    NARROW,
    WIDE,
    Margins,
    Plot,
    add_plot,
    colour,
    heat_step,
    new_figure,
    pictures,
    tip,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANEL, _LEFT, _RIGHT, _ROW = 150, 46, 10, 25
# A log of more days than this is dated by months.
_MONTHS_FROM_DAYS = 200


@dataclass(frozen=True)
class LinePanel:
    """One measure by day: lines with the roles of their colours, and a band around the first.

    `values` are shares if `is_share`; a value that is not known is None.
    """

    title: str
    lines: Sequence[tuple[Sequence[float | None], str]]
    is_share: bool = False
    band: tuple[Sequence[float | None], Sequence[float | None]] | None = None


def lines_in_time(
    name: str, days: Sequence[dt.date], panels: Sequence[LinePanel], n_final: int
) -> tuple[Markup, Markup]:
    """Draw panels of lines over the same days; from the last of `n_final` days on, hatched."""

    def draw(is_wide: bool) -> "Figure":
        width = WIDE if is_wide else NARROW
        figure = new_figure(width, _PANEL * len(panels) + 24)
        for at, panel in enumerate(panels):
            bottom = _PANEL * (len(panels) - at - 1) + 30
            margins = (_LEFT, _PANEL * at + 30, _RIGHT, bottom)
            plot = _line_panel(figure, margins, days, panel, n_final)
            if at == len(panels) - 1:
                _dates(plot, days, 6 if is_wide else 3)
        return figure

    return pictures(name, draw)


def _line_panel(
    figure: "Figure", margins: Margins, days: Sequence[dt.date], panel: LinePanel, n_final: int
) -> Plot:
    x = [(day - days[0]).days for day in days]
    known = [v for values, _ in panel.lines for v in values if v is not None]
    known += [v for v in (panel.band[1] if panel.band else ()) if v is not None]
    largest = _round_up(max(known, default=0), is_share=panel.is_share)
    last = max(x[-1], 1)
    plot = add_plot(figure, margins, (0, last), (0, largest))
    plot.title(panel.title, (-_LEFT + 2, 12))
    for level in (0, largest / 2, largest):
        text = f"{100 * level:g}%" if panel.is_share else wording.compact(level, digits=2)
        plot.line((0, last), (level, level), "line" if level else "muted")
        plot.beside(text, 0, level, -6, "right", "muted")
    if n_final < len(days):
        hatched = {"facecolor": "none", "edgecolor": colour("soft"), "hatch": HATCH}
        plot.bar((x[max(n_final - 1, 0)], last), plot.y, linewidth=0, **hatched)
    if panel.band:
        low, high = ([float("nan") if v is None else v for v in side] for side in panel.band)
        plot.band(x, low, high)
    marker = "o" if len(days) <= 31 else None
    for values, role in panel.lines:
        drawn = [float("nan") if value is None else value for value in values]
        plot.line(x, drawn, role, 1.8, marker=marker, markersize=5)
    return plot


def _round_up(largest: float, *, is_share: bool) -> float:
    """Return a round number at the top of a scale that holds the largest value."""
    if largest <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(largest))
    top = next(step * power for step in (1, 2, 3, 4, 5, 6, 8, 10) if step * power >= largest)
    return round(min(top, 1) if is_share else top, 9)


def _dates(plot: Plot, days: Sequence[dt.date], wanted: int) -> None:
    n_days = (days[-1] - days[0]).days
    dates = [days[0] + dt.timedelta(days=offset) for offset in range(n_days + 1)]
    written = wording.short_day
    if n_days > _MONTHS_FROM_DAYS:
        dates, written = [date for date in dates if date.day == 1], wording.short_month
    for date in dates[:: max(1, math.ceil((len(dates) - 1) / (wanted - 1)))]:
        offset = (date - days[0]).days
        align = "left" if offset == 0 else "right" if n_days - offset < n_days / 20 else "center"
        plot.write(written(date), offset, 0, (0, -18), align=align, role="muted")


@dataclass(frozen=True)
class Step:
    """A funnel step: how many reached it of those who entered, and the interval of that share.

    What may still rise has none.
    """

    label: str
    value: str
    share: float
    low: float | None
    high: float | None


def funnel_steps(name: str, steps: Sequence[Step], *, is_final: bool) -> tuple[Markup, Markup]:
    """Draw a bar per step below its label, with a whisker over the interval of its share."""

    def draw(is_wide: bool) -> "Figure":
        width = WIDE if is_wide else NARROW
        figure = new_figure(width, 56 * len(steps) + 4)
        plot = add_plot(figure, (2, 2, 8, 2), (0, 1), (len(steps) - 0.5, -0.5))
        for at, step in enumerate(steps):
            plot.cell(
                step.share / 2, at + 0.14, (step.share, 0.4),
                facecolor=colour("accent" if is_final else "surface"),
                edgecolor=colour("accent"),
                hatch=None if is_final else HATCH,
                linewidth=1,
                gid=tip(f"{step.label}: {step.value}"),
            )  # fmt: skip
            if step.low is not None and step.high is not None and step.low < step.high and at > 0:
                _whisker(plot, step.low, step.high, at + 0.14)
            plot.beside(f"{at + 1}. {step.label}", 0, at - 0.27, 0, "left")
            plot.beside(step.value, 1, at - 0.27, 0, "right")
        return figure

    return pictures(name, draw)


def _whisker(plot: Plot, low: float, high: float, y: float) -> None:
    # Seen on the bar as well as beside it.
    for role, width in (("surface", 5), ("ink", 2)):
        plot.line((low, high), (y, y), role, width)
    for x in (low, high):
        plot.line((x, x), (y - 0.12, y + 0.12), "ink", 2)


@dataclass(frozen=True)
class Cohort:
    """A row of the triangle: who, how many, and the share that came back in each later interval.

    A share is None where the interval has not begun.
    """

    label: str
    size: int
    shares: Sequence[float | None]
    is_final: Sequence[bool]
    tips: Sequence[str]


def cohort_triangle(
    name: str, cohorts: Sequence[Cohort], n_wide: int, n_narrow: int
) -> tuple[Markup, Markup]:
    """Draw a row per cohort and a column per later interval, as many as the width holds."""

    def draw(is_wide: bool) -> "Figure":
        n_columns = n_wide if is_wide else n_narrow
        width, left = (WIDE, 152) if is_wide else (NARROW, 112)
        figure = new_figure(width, _ROW * len(cohorts) + 26)
        heights = (len(cohorts) - 0.5, -0.5)
        plot = add_plot(figure, (left, 24, 2, 2), (0.5, n_columns + 0.5), heights)
        largest = max((s for c in cohorts for s in c.shares if s is not None), default=0)
        small = 11 if is_wide else 10
        for y, cohort in enumerate(cohorts):
            plot.beside(cohort.label, 0.5, y, -left + 2, "left")
            size = wording.count(cohort.size) if is_wide else wording.compact(cohort.size)
            plot.beside(size, 0.5, y, -8, "right", "muted")
            for x, share in enumerate(cohort.shares[:n_columns], 1):
                if share is not None:
                    text = f"{100 * share:.0f}"
                    step = heat_step(share, largest) if cohort.is_final[x - 1] else None
                    _cell(plot, x, y, text, step, cohort.tips[x - 1], small)
        for x in range(1, n_columns + 1):
            plot.write(str(x), x, -0.5, (0, 8), fontsize=small)
        return figure

    return pictures(name, draw)


def _cell(
    plot: Plot, x: float, y: float, text: str, step: int | None, words: str, size: float
) -> None:
    paint: dict[str, Any] = (
        {"facecolor": colour("surface"), "edgecolor": colour("line"), "hatch": HATCH}
        if step is None
        else {"facecolor": colour(f"heat-{step}"), "edgecolor": "none"}
    )
    plot.cell(x, y, (0.94, 0.92), gid=tip(words), **paint)
    role = "ink" if step is None else f"heat-text-{step}"
    plot.write(text, x, y + 4 / _ROW, role=role, fontsize=size)


def by_age(
    name: str,
    ages: Sequence[int],
    values: Sequence[float],
    what: str,
    written: Callable[[float], str],
    *,
    band: tuple[Sequence[float], Sequence[float]] | None = None,
    context: Sequence[Sequence[float]] = (),
) -> tuple[Markup, Markup]:
    """Draw a figure over an age in whole numbers, its interval, and in grey what it sums up.

    `what` says what the ages count; lines begin at the first age and may end early.
    """

    def draw(is_wide: bool) -> "Figure":
        figure = new_figure(WIDE if is_wide else NARROW, 170)
        highest = max(max(line) for line in (*context, values, *(band or ())) if line)
        top = _round_up(highest, is_share=False)
        last = max(ages[-1], ages[0] + 1)
        plot = add_plot(figure, (_LEFT + 6, 18, 44, 40), (ages[0], last), (0, top))
        for level in (0, top / 2, top):
            plot.line(plot.x, (level, level), "line" if level else "muted")
            plot.beside(written(level), ages[0], level, -6, "right", "muted")
        for line in context:
            plot.line(ages[: len(line)], line, "soft", alpha=0.7)
        if band:
            plot.band(ages, *band)
        x = ages[: len(values)]
        plot.line(x, values, "accent", 1.8, marker="o", markersize=5)
        for at in (0, -1):
            plot.write(written(values[at]), x[at], values[at], (7, 6), align="left")
        every = -(-len(ages) // (24 if is_wide else 13))
        for age in ages[::every]:
            plot.write(str(age), age, 0, (0, -16), role="muted")
        plot.write(what, (ages[0] + last) / 2, 0, (0, -33), role="muted")
        return figure

    return pictures(name, draw)


@dataclass(frozen=True)
class Balance:
    """An interval: what it gained, with the roles of the colours, and what it lost."""

    label: str
    gains: Sequence[tuple[float, str]]
    loss: float
    tip: str
    is_final: bool

    @property
    def gained(self) -> float:
        return sum(size for size, _ in self.gains)


def gains_and_losses(
    name: str, intervals: Sequence[Balance], loss_role: str
) -> tuple[Markup, Markup]:
    """Draw gains above and losses below a line of time, on a phone to its right and left."""

    def draw(is_wide: bool) -> "Figure":
        n = len(intervals)
        highest = max((each.gained for each in intervals), default=0) or 1
        lowest = max((each.loss for each in intervals), default=0)
        if is_wide:
            figure = new_figure(WIDE, 300)
            plot = add_plot(figure, (_LEFT, 14, 6, 28), (-0.5, n - 0.5), (-lowest, highest))
        else:
            figure = new_figure(NARROW, 24 * n + 4)
            plot = add_plot(figure, (70, 2, 6, 2), (-lowest, highest), (n - 0.5, -0.5))
        every = -(-n * 52 // (WIDE - _LEFT)) if is_wide else 1
        for at, each in enumerate(intervals):
            start = 0.0
            for size, role in each.gains:
                _part(plot, at, start, size, role, each, is_upright=is_wide)
                start += size
            _part(plot, at, -each.loss, each.loss, loss_role, each, is_upright=is_wide)
            if at % every == 0:
                _interval_label(plot, at, each.label, -lowest, is_wide)
        if is_wide:
            plot.line(plot.x, (0, 0), "ink")
            for level in (highest, 0, -lowest) if lowest else (highest, 0):
                text = wording.compact(abs(level), digits=2)
                plot.beside(text, -0.5, level, -6, "right", "muted")
        else:
            plot.line((0, 0), plot.y, "ink")
        return figure

    return pictures(name, draw)


def _part(
    plot: Plot,
    at: float,
    start: float,
    size: float,
    role: str,
    interval: Balance,
    *,
    is_upright: bool,
) -> None:
    if not size:
        return
    across, along = (at - 0.38, at + 0.38), (start, start + size)
    plot.bar(
        *((across, along) if is_upright else (along, across)),
        facecolor=colour(role if interval.is_final else "surface"),
        edgecolor=colour("surface" if interval.is_final else role),
        hatch=None if interval.is_final else HATCH,
        linewidth=0.8,
        gid=tip(interval.tip),
    )


def _interval_label(plot: Plot, at: float, text: str, edge: float, is_upright: bool) -> None:
    if is_upright:
        plot.write(text, at, edge, (0, -18), role="muted")
    else:
        plot.beside(text, edge, at, -6, "right", "muted")
