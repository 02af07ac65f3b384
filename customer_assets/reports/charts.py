"""The kinds of picture that reports draw: bars in time, ranked bars, pairs, heat map, ranges.

Each takes plain values and labels, and returns the wide and the narrow SVG. Which data is drawn,
and what is said about it, belongs to the sections.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from customer_assets.reports.content import Tile
from customer_assets.reports.drawing import (
    HATCH,
    NARROW,
    WIDE,
    add_axes,
    beside,
    cell,
    colour,
    heat_step,
    new_figure,
    picture,
    pictures,
    tip,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BAR = 0.72
# Width and height of the small picture of a trend.
_SPARKLINE = (150, 30)


@dataclass(frozen=True)
class Bar:
    """A bar: its parts from the axis outwards with the role of their colours, and its texts."""

    label: str
    parts: Sequence[tuple[float, str]]
    value: str
    tip: str = ""
    is_hatched: bool = False

    @property
    def size(self) -> float:
        return sum(size for size, _ in self.parts)


def bars_in_time(name: str, bars: Sequence[Bar]) -> tuple[Markup, Markup]:
    """Draw columns from left to right, on a phone rows from top to bottom.

    A label is one line or two, the second (a year) shown where it changes.
    """

    def draw(is_wide: bool) -> "Figure":
        return _columns(bars) if is_wide else _rows(bars, NARROW, label_width=74)

    return pictures(name, draw)


def ranked_bars(
    name: str, bars: Sequence[Bar], label_widths: tuple[float, float] = (150, 110)
) -> tuple[Markup, Markup]:
    """Draw rows from top to bottom, each with its label before and its value behind it.

    `label_widths` is the room for labels in pixels, wide and narrow.
    """

    def draw(is_wide: bool) -> "Figure":
        width = WIDE if is_wide else NARROW
        return _rows(bars, width, label_widths[0 if is_wide else 1])

    return pictures(name, draw)


def _columns(bars: Sequence[Bar]) -> "Figure":
    figure = new_figure(WIDE, 250)
    axes = add_axes(figure, left=6, top=22, right=6, bottom=40)
    largest = max((bar.size for bar in bars), default=0) or 1
    axes.set_xlim(-0.5, len(bars) - 0.5)
    axes.set_ylim(0, largest)
    # A label takes some 46 pixels: with more columns than that only the ends of the story.
    is_roomy = (WIDE - 12) / max(len(bars), 1) >= 46
    highest = max(range(len(bars)), key=lambda at: bars[at].size, default=0)
    for at, bar in enumerate(bars):
        _bar(axes, bar, at, is_upright=True)
        if is_roomy or at in (highest, len(bars) - 1):
            axes.annotate(
                bar.value, (at, bar.size), xytext=(0, 5), textcoords="offset points", ha="center"
            )
        first, _, second = bar.label.partition("\n")
        is_new = at == 0 or bars[at - 1].label.partition("\n")[2] != second
        if is_roomy or at % 3 == 0:
            _below(axes, at, first, 16)
        if is_new:
            _below(axes, at, second, 33)
    axes.plot([-0.5, len(bars) - 0.5], [0, 0], color=colour("muted"), linewidth=1, clip_on=False)
    return figure


def _below(axes: "Axes", at: float, text: str, distance: float) -> None:
    axes.annotate(
        text,
        (at, 0),
        xytext=(0, -distance),
        textcoords="offset points",
        ha="center",
        color=colour("muted"),
    )


def _rows(bars: Sequence[Bar], width: float, label_width: float) -> "Figure":
    figure = new_figure(width, 26 * len(bars) + 4)
    axes = add_axes(figure, left=label_width, top=2, right=72, bottom=2)
    largest = max((bar.size for bar in bars), default=0) or 1
    axes.set_xlim(0, largest)
    axes.set_ylim(len(bars) - 0.5, -0.5)
    for at, bar in enumerate(bars):
        _bar(axes, bar, at, is_upright=False)
        label = bar.label.replace("\n", " ")
        beside(axes, label, 0, at, offset=-8, align="right")
        beside(axes, bar.value, bar.size, at, offset=6, align="left")
    axes.plot([0, 0], [-0.5, len(bars) - 0.5], color=colour("muted"), linewidth=1, clip_on=False)
    return figure


def _bar(axes: "Axes", bar: Bar, at: float, *, is_upright: bool) -> None:
    start = 0.0
    for size, role in bar.parts:
        style = {
            "facecolor": colour("surface" if bar.is_hatched else role),
            "edgecolor": colour(role),
            "hatch": HATCH if bar.is_hatched else None,
            "linewidth": 1,
            "clip_on": False,
            "gid": tip(bar.tip) if bar.tip else None,
        }
        if is_upright:
            axes.bar(at, size, width=_BAR, bottom=start)[0].set(**style)
        else:
            axes.barh(at, size, height=_BAR, left=start)[0].set(**style)
        start += size


def pairs(
    name: str, labels: Sequence[str], first: Sequence[float], second: Sequence[float] | None
) -> tuple[Markup, Markup]:
    """Draw two shares per label, one bar above the other, each with its value behind it.

    Or one, where there is no second.
    """
    shares = [(first, "soft"), *([(second, "accent")] if second is not None else [])]
    longest = max((len(label) for label in labels), default=0)
    step, offsets = (42, (-0.2, 0.2)) if len(shares) == 2 else (26, (0.0,))

    def draw(is_wide: bool) -> "Figure":
        # A letter takes some seven pixels.
        width = WIDE if is_wide else NARROW
        label_width = max(104 if is_wide else 96, 7 * longest + 14)
        figure = new_figure(width, step * len(labels) + 4)
        axes = add_axes(figure, left=label_width, top=2, right=56, bottom=2)
        axes.set_xlim(0, max([*first, *(second or ()), 0.01]))
        axes.set_ylim(len(labels) - 0.5, -0.5)
        for at, label in enumerate(labels):
            for (values, role), offset in zip(shares, offsets, strict=True):
                value = values[at]
                bar = axes.barh(at + offset, value, height=0.34 * 2 / len(shares))[0]
                bar.set(facecolor=colour(role), edgecolor="none", clip_on=False)
                beside(axes, f"{100 * value:.1f}%", value, at + offset, offset=6, align="left")
            beside(axes, label, 0, at, offset=-8, align="right")
        axes.plot([0, 0], [-0.5, len(labels) - 0.5], color=colour("muted"), linewidth=1)
        return figure

    return pictures(name, draw)


@dataclass(frozen=True)
class Rate:
    """A group: its share of all, and a rate in it with its 95 % interval."""

    label: str
    share: float
    rate: float
    low: float
    high: float
    tip: str


def rates(
    name: str, groups: Sequence[Rate], of_all: float, titles: tuple[str, str]
) -> tuple[Markup, Markup]:
    """Draw a row per group: a bar of its share, and beside it its rate on its interval."""
    # A letter takes some seven pixels.
    label_width = max(60, 7 * max((len(group.label) for group in groups), default=0) + 14)

    def draw(is_wide: bool) -> "Figure":
        width = WIDE if is_wide else NARROW
        figure = new_figure(width, 22 * len(groups) + 30)
        room = width - label_width
        middle = label_width + room * 0.42
        shares = add_axes(figure, label_width, 26, width - middle + 44, 2)
        drawn = add_axes(figure, middle + 4, 26, 50, 2)
        largest = max((group.share for group in groups), default=0) or 1
        top = max((group.high for group in groups), default=0) or 1
        for axes, title, end in ((shares, titles[0], largest), (drawn, titles[1], top)):
            axes.set_xlim(0, end)
            axes.set_ylim(len(groups) - 0.5, -0.5)
            axes.plot([0, 0], [-0.5, len(groups) - 0.5], color=colour("muted"), linewidth=1)
            axes.annotate(
                title, (0, 1), xytext=(0, 8), xycoords="axes fraction",
                textcoords="offset points", fontweight="bold", fontsize=11.5 if is_wide else 10,
            )  # fmt: skip
        drawn.plot(
            [of_all, of_all], [-0.5, len(groups) - 0.5], color=colour("muted"), linewidth=1,
            linestyle="--",
        )  # fmt: skip
        for y, group in enumerate(groups):
            shares.barh(y, group.share, height=0.68)[0].set(
                facecolor=colour("soft"), edgecolor="none", clip_on=False, gid=tip(group.tip)
            )
            beside(shares, group.label, 0, y, offset=-8, align="right")
            beside(shares, f"{100 * group.share:.0f}%", group.share, y, offset=4, align="left",
                   role="muted")  # fmt: skip
            drawn.plot(
                [group.low, group.high], [y, y], color=colour("soft"), linewidth=6,
                solid_capstyle="butt", clip_on=False, gid=tip(group.tip),
            )  # fmt: skip
            drawn.plot([group.rate], [y], "o", color=colour("accent"), markersize=7, clip_on=False)
            beside(drawn, f"{100 * group.rate:.1f}%", group.high, y, offset=6, align="left")
        return figure

    return pictures(name, draw)


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
            return _heat_map(heat, width, row_height=31, label_width=label_width, short=False)
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


@dataclass(frozen=True)
class Ranges:
    """One measure: for each label a low, a middle and a high value, and how to write them."""

    title: str
    values: Sequence[tuple[float, float, float]]
    texts: Sequence[str]
    is_log: bool


def ranges(name: str, labels: Sequence[str], measures: Sequence[Ranges]) -> tuple[Markup, Markup]:
    """Draw for each measure a panel of rows: a line from low to high, a dot in the middle."""
    # A letter takes some seven pixels.
    label_width = max(104, 7 * max((len(label) for label in labels), default=0) + 16)

    def draw(is_wide: bool) -> "Figure":
        rows = 34 * len(labels)
        if is_wide:
            figure = new_figure(WIDE, rows + 30)
            panel = (WIDE - label_width) / len(measures)
            for at, measure in enumerate(measures):
                left, right = label_width + panel * at, WIDE - label_width - panel * (at + 1)
                axes = add_axes(figure, left + 12, 28, right + 12, 2)
                _panel(axes, measure, labels if at == 0 else None)
            return figure
        height = rows + 34
        figure = new_figure(NARROW, height * len(measures))
        for at, measure in enumerate(measures):
            top, bottom = height * at + 28, height * (len(measures) - at - 1) + 6
            _panel(add_axes(figure, label_width, top, 16, bottom), measure, labels)
        return figure

    return pictures(name, draw)


def _panel(axes: "Axes", measure: Ranges, labels: Sequence[str] | None) -> None:
    if measure.is_log:
        axes.set_xscale("log")
    low = min(low for low, _, _ in measure.values)
    high = max(high for _, _, high in measure.values)
    axes.set_xlim(low, high if high > low else low + 1)
    axes.set_ylim(len(measure.values) - 0.5, -0.5)
    axes.annotate(
        measure.title, (0, 1), xytext=(0, 12), xycoords="axes fraction",
        textcoords="offset points", ha="left", fontweight="bold",
    )  # fmt: skip
    for y, (start, middle, end) in enumerate(measure.values):
        axes.plot(
            [start, end], [y, y], color=colour("soft"), linewidth=7, clip_on=False,
            solid_capstyle="butt",
        )  # fmt: skip
        axes.plot([middle], [y], "o", color=colour("accent"), markersize=9, clip_on=False)
        # A label near the edge leans inwards.
        place = (axes.transData.transform((middle, y))[0] - axes.bbox.x0) / axes.bbox.width
        align = "left" if place < 0.2 else "right" if place > 0.8 else "center"
        axes.annotate(
            measure.texts[y], (middle, y), xytext=({"left": -4, "right": 4}.get(align, 0), 8),
            textcoords="offset points", ha=align, fontsize=11,
        )  # fmt: skip
        if labels:
            axes.annotate(
                labels[y], (0, y), xytext=(-12, -4.5), xycoords=("axes fraction", "data"),
                textcoords="offset points", ha="right",
            )  # fmt: skip


def sparkline(tile: Tile) -> Markup:
    """Draw the trend of a figure, small: the newest value marked, hollow where it is not over."""
    values = tile.trend

    def draw() -> "Figure":
        figure = new_figure(*_SPARKLINE)
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
