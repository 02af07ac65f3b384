"""Pictures of models: curves in small panels, and what features do to a score."""

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
            left, right = size * column + 44, size * (abreast - column - 1) + 16
            top, bottom = height * row + 30, height * (rows - row - 1) + 44
            scale = (0, panel.top)
            _curves(add_plot(figure, (left, top, right, bottom), scale, scale), panel)
        return figure

    return pictures(name, draw)


def _curves(plot: Plot, panel: CurvePanel) -> None:
    top = panel.top
    plot.title(panel.title, (0, 12))
    for end in (0.0, top / 2, top):
        text = f"{100 * end:.0f}%"
        plot.line((0, top), (end, end), "line")
        plot.beside(text, 0, end, -6, "right", "muted")
        plot.write(text, end, 0, (0, -16), role="muted")
    plot.write(panel.x_name, top / 2, 0, (0, -33), role="muted")
    plot.write(panel.y_name, top, top, (0, 12), align="right", role="muted")
    if panel.chance:
        plot.line(panel.chance.x, panel.chance.y, "muted", linestyle=(0, (3, 3)))
    for line in panel.lines:
        plot.line(
            line.x, line.y, line.role, 0 if line.is_dotted else 2.2,
            marker="o" if line.is_dotted else None, markersize=7,
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
        known = [v for s in series for value in s.values for v in value if v == v]
        low, high = min(known), max(known)
        bottom, top = low - (high - low) * 0.08, high + (high - low) * 0.08
        ends = (-0.5, len(moments) - 0.5)
        plot = add_plot(figure, (44, 12, 12, 28), ends, (bottom, top))
        for value in (low, (low + high) / 2, high):
            plot.line(ends, (value, value), "line")
            plot.beside(f"{value:.2f}", -0.5, value, -6, "right", "muted")
        step = 1 if is_wide or len(moments) <= 4 else 2
        for at, moment in enumerate(moments):
            if at % step == 0:
                plot.write(moment, at, bottom, (0, -18), role="muted")
        for number, one in enumerate(series):
            shift = (number - (len(series) - 1) / 2) * 0.22
            for at, (start, middle, end) in enumerate(one.values):
                x = at + shift
                words = f"{one.label}, {moments[at]}: {middle:.3f}"
                plot.line((x, x), (start, end), one.role, 2.5)
                plot.dot(x, middle, one.role, 7, gid=tip(words))
        return figure

    return pictures(name, draw)
