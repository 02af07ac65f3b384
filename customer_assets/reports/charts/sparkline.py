"""The small picture of a trend, in the tiles of the head."""

from typing import TYPE_CHECKING

from markupsafe import Markup

from customer_assets.reports.charts.drawing import (
    add_plot,
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
        low, high = min(values), max(values)
        last = len(values) - 1
        plot = add_plot(figure, (1, 4, 5, 4), (0, last), (low, high if high > low else low + 1))
        plot.line(range(len(values)), values, "soft", 1.5)
        plot.dot(
            last, values[-1], "accent", 6, markeredgewidth=1.5,
            markerfacecolor=colour("accent" if tile.is_complete else "surface"),
        )  # fmt: skip
        return figure

    return picture(f"trend-{tile.label}", draw)
