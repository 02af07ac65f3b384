"""Pictures of models: curves in small panels, and what features do to a score."""

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
class Line:
    """A line of a panel: its points, its role, its label at the end; dots where `is_dotted`."""

    x: Sequence[float]
    y: Sequence[float]
    role: str
    label: str = ""
    is_dotted: bool = False


@dataclass(frozen=True)
class CurvePanel:
    """A square from 0 to `top` both ways: title, names of the axes, lines; chance in grey."""

    title: str
    x_name: str
    y_name: str
    lines: Sequence[Line]
    chance: Line | None = None
    top: float = 1.0


def curve_panels(name: str, panels: Sequence[CurvePanel]) -> tuple[Markup, Markup]:
    """Draw panels two abreast, on a phone one below the other."""

    def draw(is_wide: bool) -> "Figure":
        abreast = 2 if is_wide else 1
        size = (WIDE if is_wide else NARROW) / abreast
        rows = -(-len(panels) // abreast)
        height = size * 0.82
        figure = new_figure(size * abreast, height * rows)
        for at, panel in enumerate(panels):
            row, column = divmod(at, abreast)
            axes = add_axes(
                figure,
                left=size * column + 44,
                top=height * row + 30,
                right=size * (abreast - column - 1) + 16,
                bottom=height * (rows - row - 1) + 44,
            )
            _curves(axes, panel)
        return figure

    return pictures(name, draw)


def _curves(axes: "Axes", panel: CurvePanel) -> None:
    top = panel.top
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    axes.annotate(
        panel.title, (0, 1), xytext=(0, 12), xycoords="axes fraction",
        textcoords="offset points", fontweight="bold",
    )  # fmt: skip
    for end in (0.0, top / 2, top):
        axes.plot([0, top], [end, end], color=colour("line"), linewidth=1, clip_on=False)
        beside(axes, f"{100 * end:.0f}%", 0, end, offset=-6, align="right", role="muted")
        axes.annotate(
            f"{100 * end:.0f}%", (end, 0), xytext=(0, -16), textcoords="offset points",
            ha="center", color=colour("muted"),
        )  # fmt: skip
    axes.annotate(
        panel.x_name, (top / 2, 0), xytext=(0, -33), textcoords="offset points", ha="center",
        color=colour("muted"),
    )  # fmt: skip
    axes.annotate(
        panel.y_name, (1, 1), xytext=(0, 12), xycoords="axes fraction",
        textcoords="offset points", ha="right", color=colour("muted"),
    )  # fmt: skip
    if panel.chance:
        axes.plot(
            panel.chance.x, panel.chance.y, color=colour("muted"), linewidth=1,
            linestyle=(0, (3, 3)),
        )  # fmt: skip
    for line in panel.lines:
        axes.plot(
            line.x, line.y, color=colour(line.role), linewidth=0 if line.is_dotted else 2.2,
            marker="o" if line.is_dotted else None, markersize=7, clip_on=False,
            gid=tip(line.label) if line.label else None,
        )  # fmt: skip


@dataclass(frozen=True)
class Moments:
    """Values with intervals at successive moments, of one model or baseline."""

    label: str
    role: str
    values: Sequence[tuple[float, float, float]]


def intervals_in_time(
    name: str, moments: Sequence[str], series: Sequence[Moments]
) -> tuple[Markup, Markup]:
    """Draw a dot with its interval per moment, and series side by side."""

    def draw(is_wide: bool) -> "Figure":
        width = WIDE if is_wide else NARROW
        figure = new_figure(width, 220)
        axes = add_axes(figure, left=44, top=12, right=12, bottom=28)
        known = [v for s in series for value in s.values for v in value if v == v]
        low, high = min(known), max(known)
        axes.set_xlim(-0.5, len(moments) - 0.5)
        axes.set_ylim(low - (high - low) * 0.08, high + (high - low) * 0.08)
        for value in (low, (low + high) / 2, high):
            axes.plot([-0.5, len(moments) - 0.5], [value] * 2, color=colour("line"), linewidth=1)
            beside(axes, f"{value:.2f}", -0.5, value, offset=-6, align="right", role="muted")
        step = 1 if is_wide or len(moments) <= 4 else 2
        for at, moment in enumerate(moments):
            if at % step == 0:
                axes.annotate(
                    moment, (at, 0), xytext=(0, -18), xycoords=("data", "axes fraction"),
                    textcoords="offset points", ha="center", color=colour("muted"),
                )  # fmt: skip
        for number, one in enumerate(series):
            shift = (number - (len(series) - 1) / 2) * 0.22
            for at, (start, middle, end) in enumerate(one.values):
                x = at + shift
                axes.plot([x, x], [start, end], color=colour(one.role), linewidth=2.5)
                axes.plot(
                    [x], [middle], "o", color=colour(one.role), markersize=7,
                    gid=tip(f"{one.label}, {moments[at]}: {middle:.3f}"),
                )  # fmt: skip
        return figure

    return pictures(name, draw)
