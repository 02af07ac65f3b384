"""Rows of values with how far they reach: a rate on its interval, a middle between two ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from customer_assets.reports.charts.drawing import (
    NARROW,
    WIDE,
    Margins,
    add_plot,
    colour,
    new_figure,
    pictures,
    tip,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Rate:
    """A group: its share of all, and a rate in it with its 95 % interval."""

    label: str
    share: float
    rate: float
    low: float
    high: float
    tip: str


def rates(
    name: str, groups: Sequence[Rate], of_all: float, titles: tuple[str, str]
) -> tuple[Markup, Markup]:
    """Draw a row per group: a bar of its share, and beside it its rate on its interval."""
    # A letter takes some seven pixels.
    label_width = max(60, 7 * max((len(group.label) for group in groups), default=0) + 14)

    def draw(is_wide: bool) -> "Figure":
        width = WIDE if is_wide else NARROW
        figure = new_figure(width, 22 * len(groups) + 30)
        room = width - label_width
        middle = label_width + room * 0.42
        largest = max((group.share for group in groups), default=0) or 1
        top = max((group.high for group in groups), default=0) or 1
        ends = (len(groups) - 0.5, -0.5)
        margins = (label_width, 26, width - middle + 44, 2)
        shares = add_plot(figure, margins, (0, largest), ends)
        drawn = add_plot(figure, (middle + 4, 26, 50, 2), (0, top), ends)
        for plot, title in zip((shares, drawn), titles, strict=True):
            plot.line((0, 0), ends, "muted")
            plot.title(title, (0, 8), fontsize=11.5 if is_wide else 10)
        drawn.line((of_all, of_all), ends, "muted", linestyle="--")
        for y, group in enumerate(groups):
            shares.cell(
                group.share / 2, y, (group.share, 0.68), facecolor=colour("soft"),
                edgecolor="none", gid=tip(group.tip),
            )  # fmt: skip
            shares.beside(group.label, 0, y, -8, "right")
            shares.beside(f"{100 * group.share:.0f}%", group.share, y, 4, "left", "muted")
            ends_of_rate = (group.low, group.high)
            drawn.line(ends_of_rate, (y, y), "soft", 6, solid_capstyle="butt", gid=tip(group.tip))
            drawn.dot(group.rate, y, "accent", 7)
            drawn.beside(f"{100 * group.rate:.1f}%", group.high, y, 6, "left")
        return figure

    return pictures(name, draw)


@dataclass(frozen=True)
class Ranges:
    """One measure: for each label a low, a middle and a high value, and how to write them."""

    title: str
    values: Sequence[tuple[float, float, float]]
    texts: Sequence[str]
    is_log: bool


def ranges(name: str, labels: Sequence[str], measures: Sequence[Ranges]) -> tuple[Markup, Markup]:
    """Draw for each measure a panel of rows: a line from low to high, a dot in the middle."""
    # A letter takes some seven pixels.
    label_width = max(104, 7 * max((len(label) for label in labels), default=0) + 16)

    def draw(is_wide: bool) -> "Figure":
        rows = 34 * len(labels)
        if is_wide:
            figure = new_figure(WIDE, rows + 30)
            panel = (WIDE - label_width) / len(measures)
            for at, measure in enumerate(measures):
                left, right = label_width + panel * at, WIDE - label_width - panel * (at + 1)
                margins = (left + 12, 28, right + 12, 2)
                _panel(figure, margins, measure, labels if at == 0 else None)
            return figure
        height = rows + 34
        figure = new_figure(NARROW, height * len(measures))
        for at, measure in enumerate(measures):
            top, bottom = height * at + 28, height * (len(measures) - at - 1) + 6
            _panel(figure, (label_width, top, 16, bottom), measure, labels)
        return figure

    return pictures(name, draw)


def _panel(
    figure: "Figure", margins: Margins, measure: Ranges, labels: Sequence[str] | None
) -> None:
    low = min(low for low, _, _ in measure.values)
    high = max(high for _, _, high in measure.values)
    ends = (low, high if high > low else low + 1)
    heights = (len(measure.values) - 0.5, -0.5)
    plot = add_plot(figure, margins, ends, heights, is_log=measure.is_log)
    plot.title(measure.title, (0, 12))
    for y, (start, middle, end) in enumerate(measure.values):
        plot.line((start, end), (y, y), "soft", 7, solid_capstyle="butt")
        plot.dot(middle, y, "accent", 9)
        # A label near the edge leans inwards.
        place = plot.share_of_width(middle)
        align = "left" if place < 0.2 else "right" if place > 0.8 else "center"
        offset = ({"left": -4, "right": 4}.get(align, 0), 8)
        plot.write(measure.texts[y], middle, y, offset, align=align, fontsize=11)
        if labels:
            plot.beside(labels[y], low, y, -12, "right")
