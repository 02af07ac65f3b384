"""Pictures of products, and of how well they are recommended: Pareto curve, estimated shares."""

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
        axes = add_axes(figure, left=44, top=12, right=14, bottom=46)
        axes.set_xlim(0, 100)
        axes.set_ylim(0, 1)
        for percent in (0, 20, 40, 60, 80, 100):
            _percent_line(axes, percent)
        axes.plot([0, 100], [0, 1], color=colour("muted"), linewidth=1, linestyle="--")
        for curve in curves:
            axes.plot(
                range(len(curve.shares)), curve.shares, color=colour(curve.role), linewidth=2.2
            )
            share = curve.shares[_MARKED]
            axes.plot(
                [_MARKED], [share], "o", color=colour(curve.role), markersize=8,
                gid=tip(f"{curve.label}: the best {_MARKED}% bring {100 * share:.1f}%"),
            )  # fmt: skip
        axes.annotate(
            "The best so many per cent", (0.5, 0), xytext=(0, -38), xycoords="axes fraction",
            textcoords="offset points", ha="center", color=colour("muted"),
        )  # fmt: skip
        return figure

    return pictures(name, draw)


def _percent_line(axes: "Axes", percent: int) -> None:
    role = "line" if percent else "muted"
    axes.plot([0, 100], [percent / 100] * 2, color=colour(role), linewidth=1, clip_on=False)
    beside(axes, f"{percent}%", 0, percent / 100, offset=-6, align="right", role="muted")
    axes.annotate(
        f"{percent}%", (percent, 0), xytext=(0, -18), textcoords="offset points", ha="center",
        color=colour("muted"),
    )  # fmt: skip


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
        figure = new_figure(width, sum(heights))
        top = 0.0
        for panel, height in zip(panels, heights, strict=True):
            head = 30 if panel.title else 2
            bottom = sum(heights) - top - height + 4
            axes = add_axes(figure, label_widths[0 if is_wide else 1], top + head, 66, bottom)
            _estimates(axes, panel, label_widths[0 if is_wide else 1])
            top += height
        return figure

    return pictures(name, draw)


def _estimates(axes: "Axes", panel: SharePanel, label_width: float) -> None:
    largest = max((row.high for row in panel.rows), default=0) or 1
    axes.set_xlim(0, largest)
    axes.set_ylim(len(panel.rows) - 0.5, -0.5)
    if panel.title:
        axes.annotate(
            panel.title, (0, 1), xytext=(2 - label_width, 10), xycoords="axes fraction",
            textcoords="offset points", fontweight="bold",
        )  # fmt: skip
    axes.plot([0, 0], [-0.5, len(panel.rows) - 0.5], color=colour("muted"), linewidth=1)
    for y, row in enumerate(panel.rows):
        axes.plot(
            [row.low, row.high], [y, y], color=colour("soft"), linewidth=7,
            solid_capstyle="butt", clip_on=False,
            gid=tip(f"{row.label}: {100 * row.low:.1f}% to {100 * row.high:.1f}%"),
        )  # fmt: skip
        role = "second" if row.is_emphasised else "accent"
        axes.plot([row.share], [y], "o", color=colour(role), markersize=9, clip_on=False)
        beside(axes, row.label, 0, y, offset=-8, align="right")
        beside(axes, row.value, row.high, y, offset=8, align="left")
