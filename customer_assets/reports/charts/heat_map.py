"""A heat map: values by row and column, with the totals of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

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


@dataclass(frozen=True)
class HeatMap:
    """Values by row and column, with the totals of both and the words for each."""

    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float]]
    texts: Sequence[Sequence[str]]
    tips: Sequence[Sequence[str]]
    row_totals: Sequence[str]
    column_totals: Sequence[str]

    def turned(self) -> "HeatMap":
        """Return the same with rows and columns exchanged."""
        return HeatMap(
            rows=self.columns,
            columns=self.rows,
            values=list(zip(*self.values, strict=True)),
            texts=list(zip(*self.texts, strict=True)),
            tips=list(zip(*self.tips, strict=True)),
            row_totals=self.column_totals,
            column_totals=self.row_totals,
        )


def heat_map(name: str, heat: HeatMap, *, is_turned: bool = True) -> tuple[Markup, Markup]:
    """Draw a heat map with totals at its far ends, on a phone turned by a quarter if need be."""

    def draw(is_wide: bool) -> "Figure":
        if is_wide or not is_turned:
            # A letter takes some seven pixels.
            label_width = max(88, 7 * max(len(row) for row in heat.rows) + 14)
            width = WIDE if is_wide else NARROW
            return _heat_map(heat, width, row_height=28, label_width=label_width, short=False)
        return _heat_map(heat.turned(), NARROW, row_height=25, label_width=30, short=True)

    return pictures(name, draw)


def _heat_map(
    heat: HeatMap, width: float, row_height: float, label_width: float, *, short: bool
) -> "Figure":
    figure = new_figure(width, row_height * len(heat.rows) + 50)
    right, bottom = len(heat.columns) - 0.5, len(heat.rows) - 0.5
    plot = add_plot(figure, (label_width, 24, 52, 26), (-0.5, right), (bottom, -0.5))
    largest = max((value for row in heat.values for value in row), default=0)
    small = 11 if len(heat.columns) <= 16 else 9
    for y, row in enumerate(heat.values):
        for x, value in enumerate(row):
            step = heat_step(value, largest)
            plot.cell(
                x, y, (0.96, 0.94), facecolor=colour(f"heat-{step}"), edgecolor="none",
                gid=tip(heat.tips[y][x]),
            )  # fmt: skip
            text = heat.texts[y][x]
            plot.write(text, x, y + 4 / row_height, role=f"heat-text-{step}", fontsize=small)
        plot.beside(heat.rows[y], -0.5, y, -6, "right")
        plot.beside(heat.row_totals[y], right, y, 6, "left", "muted")
    # Long words over narrow columns would overlap.
    heads = [column[:2] if short else column for column in heat.columns]
    for x, head in enumerate(heads):
        plot.write(head, x, -0.5, (0, 8), fontsize=small)
        plot.write(heat.column_totals[x], x, bottom, (0, -17), role="muted", fontsize=small)
    return figure
