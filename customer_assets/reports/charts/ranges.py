"""Rows of values with how far they reach: a rate on its interval, a middle between two ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from customer_assets.reports.charts.drawing import (
    NARROW,
    WIDE,
    add_axes,
    beside,
    colour,
    new_figure,
    pictures,
    tip,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
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
        shares = add_axes(figure, label_width, 26, width - middle + 44, 2)
        drawn = add_axes(figure, middle + 4, 26, 50, 2)
        largest = max((group.share for group in groups), default=0) or 1
        top = max((group.high for group in groups), default=0) or 1
        for axes, title, end in ((shares, titles[0], largest), (drawn, titles[1], top)):
            axes.set_xlim(0, end)
            axes.set_ylim(len(groups) - 0.5, -0.5)
            axes.plot([0, 0], [-0.5, len(groups) - 0.5], color=colour("muted"), linewidth=1)
            axes.annotate(
                title, (0, 1), xytext=(0, 8), xycoords="axes fraction",
                textcoords="offset points", fontweight="bold", fontsize=11.5 if is_wide else 10,
            )  # fmt: skip
        drawn.plot(
            [of_all, of_all], [-0.5, len(groups) - 0.5], color=colour("muted"), linewidth=1,
            linestyle="--",
        )  # fmt: skip
        for y, group in enumerate(groups):
            shares.barh(y, group.share, height=0.68)[0].set(
                facecolor=colour("soft"), edgecolor="none", clip_on=False, gid=tip(group.tip)
            )
            beside(shares, group.label, 0, y, offset=-8, align="right")
            beside(shares, f"{100 * group.share:.0f}%", group.share, y, offset=4, align="left",
                   role="muted")  # fmt: skip
            drawn.plot(
                [group.low, group.high], [y, y], color=colour("soft"), linewidth=6,
                solid_capstyle="butt", clip_on=False, gid=tip(group.tip),
            )  # fmt: skip
            drawn.plot([group.rate], [y], "o", color=colour("accent"), markersize=7, clip_on=False)
            beside(drawn, f"{100 * group.rate:.1f}%", group.high, y, offset=6, align="left")
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
                axes = add_axes(figure, left + 12, 28, right + 12, 2)
                _panel(axes, measure, labels if at == 0 else None)
            return figure
        height = rows + 34
        figure = new_figure(NARROW, height * len(measures))
        for at, measure in enumerate(measures):
            top, bottom = height * at + 28, height * (len(measures) - at - 1) + 6
            _panel(add_axes(figure, label_width, top, 16, bottom), measure, labels)
        return figure

    return pictures(name, draw)


def _panel(axes: "Axes", measure: Ranges, labels: Sequence[str] | None) -> None:
    if measure.is_log:
        axes.set_xscale("log")
    low = min(low for low, _, _ in measure.values)
    high = max(high for _, _, high in measure.values)
    axes.set_xlim(low, high if high > low else low + 1)
    axes.set_ylim(len(measure.values) - 0.5, -0.5)
    axes.annotate(
        measure.title, (0, 1), xytext=(0, 12), xycoords="axes fraction",
        textcoords="offset points", ha="left", fontweight="bold",
    )  # fmt: skip
    for y, (start, middle, end) in enumerate(measure.values):
        axes.plot(
            [start, end], [y, y], color=colour("soft"), linewidth=7, clip_on=False,
            solid_capstyle="butt",
        )  # fmt: skip
        axes.plot([middle], [y], "o", color=colour("accent"), markersize=9, clip_on=False)
        # A label near the edge leans inwards.
        place = (axes.transData.transform((middle, y))[0] - axes.bbox.x0) / axes.bbox.width
        align = "left" if place < 0.2 else "right" if place > 0.8 else "center"
        axes.annotate(
            measure.texts[y], (middle, y), xytext=({"left": -4, "right": 4}.get(align, 0), 8),
            textcoords="offset points", ha=align, fontsize=11,
        )  # fmt: skip
        if labels:
            axes.annotate(
                labels[y], (0, y), xytext=(-12, -4.5), xycoords=("axes fraction", "data"),
                textcoords="offset points", ha="right",
            )  # fmt: skip
