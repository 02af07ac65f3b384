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
    add_axes,
    beside,
    cell,
    colour,
    heat_step,
    new_figure,
    pictures,
    tip,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
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
            axes = add_axes(figure, _LEFT, _PANEL * at + 30, _RIGHT, bottom)
            _line_panel(axes, days, panel, n_final)
            if at == len(panels) - 1:
                _dates(axes, days, 6 if is_wide else 3)
        return figure

    return pictures(name, draw)


def _line_panel(axes: "Axes", days: Sequence[dt.date], panel: LinePanel, n_final: int) -> None:
    x = [(day - days[0]).days for day in days]
    known = [v for values, _ in panel.lines for v in values if v is not None]
    known += [v for v in (panel.band[1] if panel.band else ()) if v is not None]
    largest = _round_up(max(known, default=0), is_share=panel.is_share)
    axes.set_xlim(0, max(x[-1], 1))
    axes.set_ylim(0, largest)
    axes.annotate(
        panel.title, (0, 1), xytext=(-_LEFT + 2, 12), xycoords="axes fraction",
        textcoords="offset points", fontweight="bold",
    )  # fmt: skip
    for level in (0, largest / 2, largest):
        role = "line" if level else "muted"
        axes.plot([0, max(x[-1], 1)], [level] * 2, color=colour(role), linewidth=1, clip_on=False)
        text = f"{100 * level:g}%" if panel.is_share else wording.compact(level, digits=2)
        beside(axes, text, 0, level, offset=-6, align="right", role="muted")
    if n_final < len(days):
        start = x[max(n_final - 1, 0)]
        axes.axvspan(start, max(x[-1], 1)).set(
            facecolor="none", edgecolor=colour("soft"), hatch=HATCH, linewidth=0
        )
    if panel.band:
        low, high = ([float("nan") if v is None else v for v in side] for side in panel.band)
        axes.fill_between(x, low, high, color=colour("soft"), alpha=0.45, linewidth=0)
    for values, role in panel.lines:
        drawn = [float("nan") if value is None else value for value in values]
        style = "o-" if len(days) <= 31 else "-"
        axes.plot(x, drawn, style, color=colour(role), linewidth=1.8, markersize=5, clip_on=False)


def _round_up(largest: float, *, is_share: bool) -> float:
    """Return a round number at the top of a scale that holds the largest value."""
    if largest <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(largest))
    top = next(step * power for step in (1, 2, 3, 4, 5, 6, 8, 10) if step * power >= largest)
    return round(min(top, 1) if is_share else top, 9)


def _dates(axes: "Axes", days: Sequence[dt.date], wanted: int) -> None:
    n_days = (days[-1] - days[0]).days
    dates = [days[0] + dt.timedelta(days=offset) for offset in range(n_days + 1)]
    written = wording.short_day
    if n_days > _MONTHS_FROM_DAYS:
        dates, written = [date for date in dates if date.day == 1], wording.short_month
    for date in dates[:: max(1, math.ceil((len(dates) - 1) / (wanted - 1)))]:
        offset = (date - days[0]).days
        align = "left" if offset == 0 else "right" if n_days - offset < n_days / 20 else "center"
        axes.annotate(
            written(date), (offset, 0), xytext=(0, -18), textcoords="offset points", ha=align,
            color=colour("muted"),
        )  # fmt: skip


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
        axes = add_axes(figure, left=2, top=2, right=8, bottom=2)
        axes.set_xlim(0, 1)
        axes.set_ylim(len(steps) - 0.5, -0.5)
        for at, step in enumerate(steps):
            axes.barh(at + 0.14, step.share, height=0.4)[0].set(
                facecolor=colour("accent" if is_final else "surface"),
                edgecolor=colour("accent"),
                hatch=None if is_final else HATCH,
                linewidth=1,
                clip_on=False,
                gid=tip(f"{step.label}: {step.value}"),
            )
            if step.low is not None and step.high is not None and step.low < step.high and at > 0:
                _whisker(axes, step.low, step.high, at + 0.14)
            beside(axes, f"{at + 1}. {step.label}", 0, at - 0.27, offset=0, align="left")
            beside(axes, step.value, 1, at - 0.27, offset=0, align="right")
        return figure

    return pictures(name, draw)


def _whisker(axes: "Axes", low: float, high: float, y: float) -> None:
    # Seen on the bar as well as beside it.
    for role, width in (("surface", 5), ("ink", 2)):
        axes.plot([low, high], [y, y], color=colour(role), linewidth=width, clip_on=False)
    for x in (low, high):
        axes.plot([x, x], [y - 0.12, y + 0.12], color=colour("ink"), linewidth=2, clip_on=False)


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
        axes = add_axes(figure, left, top=24, right=2, bottom=2)
        axes.set_xlim(0.5, n_columns + 0.5)
        axes.set_ylim(len(cohorts) - 0.5, -0.5)
        largest = max((s for c in cohorts for s in c.shares if s is not None), default=0)
        small = 11 if is_wide else 10
        for y, cohort in enumerate(cohorts):
            beside(axes, cohort.label, 0.5, y, offset=-left + 2, align="left")
            size = wording.count(cohort.size) if is_wide else wording.compact(cohort.size)
            beside(axes, size, 0.5, y, offset=-8, align="right", role="muted")
            for x, share in enumerate(cohort.shares[:n_columns], 1):
                if share is not None:
                    text = f"{100 * share:.0f}"
                    step = heat_step(share, largest) if cohort.is_final[x - 1] else None
                    _cell(axes, x, y, text, step, cohort.tips[x - 1], small)
        for x in range(1, n_columns + 1):
            axes.annotate(
                str(x), (x, -0.5), xytext=(0, 8), textcoords="offset points", ha="center",
                fontsize=small,
            )  # fmt: skip
        return figure

    return pictures(name, draw)


def _cell(
    axes: "Axes", x: float, y: float, text: str, step: int | None, words: str, size: float
) -> None:
    paint: dict[str, Any] = (
        {"facecolor": colour("surface"), "edgecolor": colour("line"), "hatch": HATCH}
        if step is None
        else {"facecolor": colour(f"heat-{step}"), "edgecolor": "none"}
    )
    cell(axes, x, y, (0.94, 0.92), gid=tip(words), **paint)
    axes.text(
        x, y + 4 / _ROW, text, ha="center", fontsize=size,
        color=colour("ink" if step is None else f"heat-text-{step}"),
    )  # fmt: skip


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
        axes = add_axes(figure, _LEFT + 6, top=18, right=44, bottom=40)
        highest = max(max(line) for line in (*context, values, *(band or ())) if line)
        top = _round_up(highest, is_share=False)
        last = max(ages[-1], ages[0] + 1)
        axes.set_xlim(ages[0], last)
        axes.set_ylim(0, top)
        for level in (0, top / 2, top):
            role = "line" if level else "muted"
            axes.plot([ages[0], last], [level] * 2, color=colour(role), linewidth=1, clip_on=False)
            beside(axes, written(level), ages[0], level, offset=-6, align="right", role="muted")
        for line in context:
            axes.plot(ages[: len(line)], line, color=colour("soft"), linewidth=1, alpha=0.7)
        if band:
            axes.fill_between(ages, *band, color=colour("soft"), alpha=0.45, linewidth=0)
        axes.plot(
            ages[: len(values)],
            values,
            "o-",
            color=colour("accent"),
            linewidth=1.8,
            markersize=5,
            clip_on=False,
        )
        for at, align in ((0, "left"), (-1, "left")):
            axes.annotate(
                written(values[at]), (ages[: len(values)][at], values[at]), xytext=(7, 6),
                textcoords="offset points", ha=align,
            )  # fmt: skip
        every = -(-len(ages) // (24 if is_wide else 13))
        for age in ages[::every]:
            axes.annotate(
                str(age), (age, 0), xytext=(0, -16), textcoords="offset points", ha="center",
                color=colour("muted"),
            )  # fmt: skip
        axes.annotate(
            what, (0.5, 0), xytext=(0, -33), xycoords="axes fraction",
            textcoords="offset points", ha="center", color=colour("muted"),
        )  # fmt: skip
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
            axes = add_axes(figure, left=_LEFT, top=14, right=6, bottom=28)
            axes.set_xlim(-0.5, n - 0.5)
            axes.set_ylim(-lowest, highest)
        else:
            figure = new_figure(NARROW, 24 * n + 4)
            axes = add_axes(figure, left=70, top=2, right=6, bottom=2)
            axes.set_ylim(n - 0.5, -0.5)
            axes.set_xlim(-lowest, highest)
        every = -(-n * 52 // (WIDE - _LEFT)) if is_wide else 1
        for at, each in enumerate(intervals):
            start = 0.0
            for size, role in each.gains:
                _part(axes, at, start, size, role, each, is_upright=is_wide)
                start += size
            _part(axes, at, -each.loss, each.loss, loss_role, each, is_upright=is_wide)
            if at % every == 0:
                _interval_label(axes, at, each.label, -lowest, is_wide)
        if is_wide:
            axes.plot([-0.5, n - 0.5], [0, 0], color=colour("ink"), linewidth=1, clip_on=False)
            for level in (highest, 0, -lowest) if lowest else (highest, 0):
                text = wording.compact(abs(level), digits=2)
                beside(axes, text, -0.5, level, offset=-6, align="right", role="muted")
        else:
            axes.plot([0, 0], [-0.5, n - 0.5], color=colour("ink"), linewidth=1, clip_on=False)
        return figure

    return pictures(name, draw)


def _part(
    axes: "Axes",
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
    if is_upright:
        part = axes.bar(at, size, width=0.76, bottom=start)[0]
    else:
        part = axes.barh(at, size, height=0.76, left=start)[0]
    part.set(
        facecolor=colour(role if interval.is_final else "surface"),
        edgecolor=colour("surface" if interval.is_final else role),
        hatch=None if interval.is_final else HATCH,
        linewidth=0.8,
        clip_on=False,
        gid=tip(interval.tip),
    )


def _interval_label(axes: "Axes", at: float, text: str, edge: float, is_upright: bool) -> None:
    axes.annotate(
        text,
        (at, edge) if is_upright else (edge, at),
        xytext=(0, -18) if is_upright else (-6, -4.5),
        textcoords="offset points",
        ha="center" if is_upright else "right",
        color=colour("muted"),
    )
