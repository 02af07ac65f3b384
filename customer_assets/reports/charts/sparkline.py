"""The small picture of a trend, in the tiles of the head."""

from typing import TYPE_CHECKING

from markupsafe import Markup

from customer_assets.reports.charts.drawing import (
    add_axes,
    colour,
    new_figure,
    picture,
)
from customer_assets.reports.content import Tile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 150, 30


def sparkline(tile: Tile) -> Markup:
    """Draw the trend of a figure, small: the newest value marked, hollow where it is not over."""
    values = tile.trend

    def draw() -> "Figure":
        figure = new_figure(_WIDTH, _HEIGHT)
        axes = add_axes(figure, left=1, top=4, right=5, bottom=4)
        low, high = min(values), max(values)
        axes.set_xlim(0, len(values) - 1)
        axes.set_ylim(low, high if high > low else low + 1)
        axes.plot(range(len(values)), values, color=colour("soft"), linewidth=1.5, clip_on=False)
        axes.plot(
            [len(values) - 1], values[-1:], "o", markersize=6, markeredgewidth=1.5, clip_on=False,
            markeredgecolor=colour("accent"),
            markerfacecolor=colour("accent" if tile.is_complete else "surface"),
        )  # fmt: skip
        return figure

    return picture(f"trend-{tile.label}", draw)
