"""Bars: in time, ranked, and in pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from customer_assets.reports.charts.drawing import (
    HATCH,
    NARROW,
    WIDE,
    Plot,
    add_plot,
    colour,
    fitted,
    new_figure,
    pictures,
    tip,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BAR = 0.72


@dataclass(frozen=True)
class Bar:
    """A bar: its parts from the axis outwards with the role of their colours, and its texts."""

    label: str
    parts: Sequence[tuple[float, str]]
    value: str
    tip: str = ""
    is_hatched: bool = False

    @property
    def size(self) -> float:
        return sum(size for size, _ in self.parts)


def bars_in_time(name: str, bars: Sequence[Bar]) -> tuple[Markup, Markup]:
    """Draw columns from left to right, on a phone rows from top to bottom.

    A label is one line or two, the second (a year) shown where it changes.
    """

    def draw(is_wide: bool) -> "Figure":
        return _columns(bars) if is_wide else _rows(bars, NARROW, label_width=74)

    return pictures(name, draw)


def ranked_bars(
    name: str, bars: Sequence[Bar], label_widths: tuple[float, float] = (150, 110)
) -> tuple[Markup, Markup]:
    """Draw rows from top to bottom, each with its label before and its value behind it.

    `label_widths` is the room for labels in pixels, wide and narrow.
    """

    def draw(is_wide: bool) -> "Figure":
        width = WIDE if is_wide else NARROW
        return _rows(bars, width, label_widths[0 if is_wide else 1])

    return pictures(name, draw)


def _columns(bars: Sequence[Bar]) -> "Figure":
    figure = new_figure(WIDE, 250)
    largest = max((bar.size for bar in bars), default=0) or 1
    ends = (-0.5, len(bars) - 0.5)
    plot = add_plot(figure, (6, 22, 6, 40), ends, (0, largest))
    # A label takes some 46 pixels: with more columns than that only the ends of the story.
    is_roomy = (WIDE - 12) / max(len(bars), 1) >= 46
    highest = max(range(len(bars)), key=lambda at: bars[at].size, default=0)
    for at, bar in enumerate(bars):
        _bar(plot, bar, at, is_upright=True)
        if is_roomy or at in (highest, len(bars) - 1):
            plot.write(bar.value, at, bar.size, (0, 5))
        first, _, second = bar.label.partition("\n")
        is_new = at == 0 or bars[at - 1].label.partition("\n")[2] != second
        if is_roomy or at % 3 == 0:
            plot.write(first, at, 0, (0, -16), role="muted")
        if is_new:
            plot.write(second, at, 0, (0, -33), role="muted")
    plot.line(ends, (0, 0), "muted")
    return figure


def _rows(bars: Sequence[Bar], width: float, label_width: float) -> "Figure":
    figure = new_figure(width, 24 * len(bars) + 4)
    largest = max((bar.size for bar in bars), default=0) or 1
    ends = (len(bars) - 0.5, -0.5)
    plot = add_plot(figure, (label_width, 2, 72, 2), (0, largest), ends)
    for at, bar in enumerate(bars):
        _bar(plot, bar, at, is_upright=False)
        label = fitted(bar.label.replace("\n", " "), label_width - 10)
        plot.beside(label, 0, at, -8, "right")
        plot.beside(bar.value, bar.size, at, 6, "left")
    plot.line((0, 0), ends, "muted")
    return figure


def _bar(plot: Plot, bar: Bar, at: float, *, is_upright: bool) -> None:
    start = 0.0
    across = (at - _BAR / 2, at + _BAR / 2)
    for size, role in bar.parts:
        along = (start, start + size)
        plot.bar(
            *((across, along) if is_upright else (along, across)),
            facecolor=colour("surface" if bar.is_hatched else role),
            edgecolor=colour(role),
            hatch=HATCH if bar.is_hatched else None,
            linewidth=1,
            gid=tip(bar.tip) if bar.tip else None,
        )
        start += size


def pairs(
    name: str, labels: Sequence[str], first: Sequence[float], second: Sequence[float] | None
) -> tuple[Markup, Markup]:
    """Draw two shares per label, one bar above the other, each with its value behind it.

    Or one, where there is no second.
    """
    shares = [(first, "soft"), *([(second, "accent")] if second is not None else [])]
    longest = max((len(label) for label in labels), default=0)
    step, offsets = (37, (-0.2, 0.2)) if len(shares) == 2 else (26, (0.0,))

    def draw(is_wide: bool) -> "Figure":
        # A letter takes some seven pixels.
        width = WIDE if is_wide else NARROW
        label_width = max(104 if is_wide else 96, 7 * longest + 14)
        figure = new_figure(width, step * len(labels) + 4)
        ends = (len(labels) - 0.5, -0.5)
        largest = max([*first, *(second or ()), 0.01])
        plot = add_plot(figure, (label_width, 2, 56, 2), (0, largest), ends)
        for at, label in enumerate(labels):
            for (values, role), offset in zip(shares, offsets, strict=True):
                value = values[at]
                size = (value, 0.34 * 2 / len(shares))
                plot.cell(value / 2, at + offset, size, facecolor=colour(role), edgecolor="none")
                plot.beside(f"{100 * value:.1f}%", value, at + offset, 6, "left")
            plot.beside(label, 0, at, -8, "right")
        plot.line((0, 0), ends, "muted")
        return figure

    return pictures(name, draw)
