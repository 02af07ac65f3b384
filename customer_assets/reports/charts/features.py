"""Pictures of features: how their values spread with the share of yes, and who goes with whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from customer_assets.reports import wording
from customer_assets.reports.charts.drawing import (
    NARROW,
    WIDE,
    add_plot,
    colour,
    heat_step,
    new_figure,
    pictures,
    tip,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANEL_HEIGHT, _CURVE, _PER_ROW = 196, 84, 3
_GAP, _SIDE = 18, 40


@dataclass(frozen=True)
class Spread:
    """A feature's bins from low to high: share of customers, and share of yes where it is known.

    The last bin stands apart if it holds the missing values.
    """

    title: str
    shares: Sequence[float]
    positive: Sequence[float | None]
    tips: Sequence[str]
    first: str
    last: str
    is_last_apart: bool = False


def spreads(name: str, features: Sequence[Spread], overall: float | None) -> tuple[Markup, Markup]:
    """Draw a panel per feature: columns for the customers in each bin, dots for their share of yes.

    All panels share one scale of yes; the line across is the share of all customers.
    """
    known = [p for f in features for p in f.positive if p is not None]
    top = max([*known, overall or 0, 0.01])

    def draw(is_wide: bool) -> "Figure":
        per_row = _PER_ROW if is_wide else 1
        width = WIDE if is_wide else NARROW
        n_rows = -(-len(features) // per_row)
        figure = new_figure(width, _PANEL_HEIGHT * n_rows)
        panel = width / per_row
        for at, feature in enumerate(features):
            row, column = divmod(at, per_row)
            left = panel * column + _SIDE
            right = width - panel * (column + 1) + _GAP / 2
            above, below = _PANEL_HEIGHT * row, _PANEL_HEIGHT * (n_rows - row - 1)
            _spread(figure, feature, (left, right, above, below), overall, top)
        return figure

    return pictures(name, draw)


def _spread(
    figure: "Figure",
    feature: Spread,
    place: tuple[float, float, float, float],
    overall: float | None,
    top: float,
) -> None:
    left, right, above, below = place
    last = len(feature.shares) - 0.5
    ends = (-0.5, last)
    margins = (left, above + 32, right, below + _PANEL_HEIGHT - 32 - _CURVE)
    curve = add_plot(figure, margins, ends, (0, top))
    curve.title(feature.title, (-_SIDE + 4, 14))
    for level in (0, top):
        curve.line(ends, (level, level), "line")
        curve.beside(f"{100 * level:.0f}%", -0.5, level, -6, "right", "muted")
    if overall is not None:
        curve.line(ends, (overall, overall), "muted", dashes=(4, 3))
    dots = [(at, p) for at, p in enumerate(feature.positive) if p is not None]
    n_joined = len(feature.shares) - (1 if feature.is_last_apart else 0)
    for part in ([d for d in dots if d[0] < n_joined], [d for d in dots if d[0] >= n_joined]):
        x, y = [at for at, _ in part], [p for _, p in part]
        curve.line(x, y, "accent", 1.8, marker="o", markersize=6)
    margins = (left, above + 38 + _CURVE, right, below + 26)
    columns = add_plot(figure, margins, ends, (0, max([*feature.shares, 0.01])))
    for at, size in enumerate(feature.shares):
        columns.cell(
            at, size / 2, (0.86, size), facecolor=colour("soft"), edgecolor="none",
            gid=tip(feature.tips[at]),
        )  # fmt: skip
    columns.line(ends, (0, 0), "muted")
    for edge, text, align in ((-0.5, feature.first, "left"), (last, feature.last, "right")):
        columns.write(text, edge, 0, (0, -15), align=align, role="muted", fontsize=11)


def correlations(
    name: str, labels: Sequence[str], values: Sequence[Sequence[float | None]]
) -> tuple[Markup, Markup]:
    """Draw a square of correlations between 0 and 1; rows are named, columns go by their numbers.

    On a phone the cells hold no figures.
    """

    def draw(is_wide: bool) -> "Figure":
        width, label_width, row = (WIDE, 226, 27) if is_wide else (NARROW, 150, 19)
        figure = new_figure(width, row * len(labels) + 30)
        end = len(labels) - 0.5
        plot = add_plot(figure, (label_width, 24, 6, 6), (-0.5, end), (end, -0.5))
        small = 11 if is_wide else 8
        for y, line in enumerate(values):
            shown = labels[y] if is_wide else wording.shown(labels[y], 19)
            plot.beside(f"{shown}  {y + 1}", -0.5, y, -6, "right")
            plot.write(str(y + 1), y, -0.5, (0, 8), role="muted", fontsize=small)
            for x, value in enumerate(line):
                if value is None:
                    continue
                step = heat_step(value, 1)
                plot.cell(
                    x, y, (0.95, 0.92), facecolor=colour(f"heat-{step}"), edgecolor="none",
                    gid=tip(f"{labels[y]} and {labels[x]}: {value:.2f}"),
                )  # fmt: skip
                if is_wide:
                    text = f"{value:.2f}"[1:] if value < 0.995 else "1"
                    role = f"heat-text-{step}"
                    plot.write(text, x, y + 4 / row, role=role, fontsize=small)
        return figure

    return pictures(name, draw)
