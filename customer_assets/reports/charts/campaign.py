"""The picture of a campaign: profit and ROI by the number of customers contacted."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from customer_assets.reports import wording
from customer_assets.reports.charts.drawing import (
    NARROW,
    WIDE,
    Margins,
    add_plot,
    new_figure,
    pictures,
    tip,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEIGHT, _LEFT, _GAP = 210, 62, 24


@dataclass(frozen=True)
class Mark:
    """A point to point at: where it is, and what stands beside it."""

    x: float
    y: float
    role: str
    tip: str


@dataclass(frozen=True)
class Curve:
    """One figure by number of contacts, its band where there is one, and how to write it."""

    title: str
    values: Sequence[float]
    written: Callable[[float], str]
    band: tuple[Sequence[float], Sequence[float]] | None = None
    marks: Sequence[Mark] = ()


def contact_curves(
    name: str, contacts: Sequence[int], curves: Sequence[Curve]
) -> tuple[Markup, Markup]:
    """Draw curves over the same numbers of contacts, side by side, on a phone one below another."""

    def draw(is_wide: bool) -> "Figure":
        if is_wide:
            figure = new_figure(WIDE, _HEIGHT)
            panel = WIDE / len(curves)
            for at, curve in enumerate(curves):
                right = WIDE - panel * (at + 1) + _GAP / 2
                _curve(figure, (panel * at + _LEFT, 34, right, 44), contacts, curve)
            return figure
        figure = new_figure(NARROW, _HEIGHT * len(curves))
        for at, curve in enumerate(curves):
            bottom = _HEIGHT * (len(curves) - at - 1) + 44
            _curve(figure, (_LEFT, _HEIGHT * at + 34, _GAP / 2, bottom), contacts, curve)
        return figure

    return pictures(name, draw)


def _curve(figure: "Figure", margins: Margins, contacts: Sequence[int], curve: Curve) -> None:
    low_side, high_side = curve.band or (curve.values, curve.values)
    seen = [*curve.values, *low_side, *high_side, *(mark.y for mark in curve.marks), 0.0]
    levels = _levels(min(seen), max(seen))
    width = max(contacts[-1], *(mark.x for mark in curve.marks), 1)
    plot = add_plot(figure, margins, (0, width), (levels[0], levels[-1]))
    plot.title(curve.title, (-_LEFT + 2, 14))
    for level in levels:
        plot.line((0, width), (level, level), "line" if level else "muted")
        plot.beside(curve.written(level), 0, level, -6, "right", "muted")
    if curve.band:
        plot.band(contacts, low_side, high_side)
    plot.line(contacts, curve.values, "accent", 1.8)
    # Words stand in the corner that the curve leaves free, one below another.
    is_rising = curve.values[-1] > curve.values[0]
    marks = sorted(curve.marks, key=lambda mark: -mark.y)
    for line, mark in enumerate(marks):
        plot.dot(mark.x, mark.y, mark.role, 8, gid=tip(mark.tip))
        offset = 14 * (len(marks) - line) - 8 if is_rising else -14 * (line + 1)
        corner = levels[0 if is_rising else -1]
        plot.write(
            mark.tip, width, corner, (-4, offset), align="right", role=mark.role, fontsize=11
        )
    for share, align in ((0.0, "left"), (0.5, "center"), (1.0, "right")):
        number = share * width
        plot.write(wording.count(number), number, levels[0], (0, -18), align=align, role="muted")
    plot.write("customers contacted", width / 2, levels[0], (0, -35), role="muted")


def _levels(low: float, high: float) -> list[float]:
    """Return three to seven round levels that hold both ends, 0 among them."""
    span = (high - low) or 1.0
    power = 10.0 ** math.floor(math.log10(span / 3))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if span / (s * power) <= 5)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [n * step for n in range(first, max(last, first + 1) + 1)]
