"""Pictures of products, and of how well they are recommended: Pareto curve, estimated shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from customer_assets.reports.charts.drawing import (
    NARROW,
    WIDE,
    Plot,
    add_plot,
    new_figure,
    pictures,
    tip,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MARKED = 20


@dataclass(frozen=True)
class ShareCurve:
    """What the best so many per cent bring, for 0 to 100 %, and the role of its colour."""

    label: str
    shares: Sequence[float]
    role: str


def pareto_curves(name: str, curves: Sequence[ShareCurve]) -> tuple[Markup, Markup]:
    """Draw curves of cumulative shares over a square, marked at 20 %, and the line of equality."""

    def draw(is_wide: bool) -> "Figure":
        figure = new_figure(WIDE if is_wide else NARROW, 330 if is_wide else 300)
        plot = add_plot(figure, (44, 12, 14, 46), (0, 100), (0, 1))
        for percent in (0, 20, 40, 60, 80, 100):
            _percent_line(plot, percent)
        plot.line((0, 100), (0, 1), "muted", linestyle="--")
        for curve in curves:
            plot.line(range(len(curve.shares)), curve.shares, curve.role, 2.2)
            share = curve.shares[_MARKED]
            words = f"{curve.label}: the best {_MARKED}% bring {100 * share:.1f}%"
            plot.dot(_MARKED, share, curve.role, 8, gid=tip(words))
        plot.write("The best so many per cent", 50, 0, (0, -38), role="muted")
        return figure

    return pictures(name, draw)


def _percent_line(plot: Plot, percent: int) -> None:
    plot.line((0, 100), [percent / 100] * 2, "line" if percent else "muted")
    plot.beside(f"{percent}%", 0, percent / 100, -6, "right", "muted")
    plot.write(f"{percent}%", percent, 0, (0, -18), role="muted")


@dataclass(frozen=True)
class EstimatedShare:
    """A share with its 95 % interval, and how it is written."""

    label: str
    share: float
    low: float
    high: float
    value: str
    is_emphasised: bool = False


@dataclass(frozen=True)
class SharePanel:
    """Shares of one measure, drawn on one scale from 0."""

    title: str
    rows: Sequence[EstimatedShare]


def estimated_shares(
    name: str, panels: Sequence[SharePanel], label_widths: tuple[float, float] = (150, 110)
) -> tuple[Markup, Markup]:
    """Draw for each panel a row per share: a dot on a line over its interval.

    `label_widths` is the room for labels in pixels, wide and narrow.
    """

    def draw(is_wide: bool) -> "Figure":
        width = WIDE if is_wide else NARROW
        heights = [30 * len(panel.rows) + (34 if panel.title else 6) for panel in panels]
        label_width = label_widths[0 if is_wide else 1]
        figure = new_figure(width, sum(heights))
        top = 0.0
        for panel, height in zip(panels, heights, strict=True):
            head = 30 if panel.title else 2
            bottom = sum(heights) - top - height + 4
            largest = max((row.high for row in panel.rows), default=0) or 1
            ends = (len(panel.rows) - 0.5, -0.5)
            margins = (label_width, top + head, 66, bottom)
            _estimates(add_plot(figure, margins, (0, largest), ends), panel, label_width)
            top += height
        return figure

    return pictures(name, draw)


def _estimates(plot: Plot, panel: SharePanel, label_width: float) -> None:
    if panel.title:
        plot.title(panel.title, (2 - label_width, 10))
    plot.line((0, 0), plot.y, "muted")
    for y, row in enumerate(panel.rows):
        words = f"{row.label}: {100 * row.low:.1f}% to {100 * row.high:.1f}%"
        plot.line((row.low, row.high), (y, y), "soft", 7, solid_capstyle="butt", gid=tip(words))
        plot.dot(row.share, y, "second" if row.is_emphasised else "accent", 9)
        plot.beside(row.label, 0, y, -8, "right")
        plot.beside(row.value, row.high, y, 8, "left")
