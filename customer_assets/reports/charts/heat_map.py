"""A heat map: values by row and column, with the totals of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from customer_assets.reports.charts.drawing import (
    NARROW,
    WIDE,
    add_axes,
    beside,
    cell,
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
    axes = add_axes(figure, left=label_width, top=24, right=52, bottom=26)
    axes.set_xlim(-0.5, len(heat.columns) - 0.5)
    axes.set_ylim(len(heat.rows) - 0.5, -0.5)
    largest = max((value for row in heat.values for value in row), default=0)
    small = 11 if len(heat.columns) <= 16 else 9
    for y, row in enumerate(heat.values):
        for x, value in enumerate(row):
            step = heat_step(value, largest)
            cell(
                axes, x, y, (0.96, 0.94), facecolor=colour(f"heat-{step}"), edgecolor="none",
                gid=tip(heat.tips[y][x]),
            )  # fmt: skip
            axes.text(
                x,
                y + 4 / row_height,
                heat.texts[y][x],
                ha="center",
                fontsize=small,
                color=colour(f"heat-text-{step}"),
            )
        beside(axes, heat.rows[y], -0.5, y, offset=-6, align="right")
        total = heat.row_totals[y]
        beside(axes, total, len(heat.columns) - 0.5, y, offset=6, align="left", role="muted")
    # Long words over narrow columns would overlap.
    heads = [column[:2] if short else column for column in heat.columns]
    bottom = len(heat.rows) - 0.5
    for x, head in enumerate(heads):
        for text, edge, offset, role in (
            (head, -0.5, 8, "ink"),
            (heat.column_totals[x], bottom, -17, "muted"),
        ):
            axes.annotate(
                text,
                (x, edge),
                xytext=(0, offset),
                textcoords="offset points",
                ha="center",
                fontsize=small,
                color=colour(role),
            )
    return figure
