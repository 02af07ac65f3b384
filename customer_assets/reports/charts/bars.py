"""Bars: in time, ranked, and in pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from customer_assets.reports.charts.drawing import (
    HATCH,
    NARROW,
    WIDE,
    add_axes,
    beside,
    colour,
    fitted,
    new_figure,
    pictures,
    tip,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BAR = 0.72


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
    figure = new_figure(width, 24 * len(bars) + 4)
    axes = add_axes(figure, left=label_width, top=2, right=72, bottom=2)
    largest = max((bar.size for bar in bars), default=0) or 1
    axes.set_xlim(0, largest)
    axes.set_ylim(len(bars) - 0.5, -0.5)
    for at, bar in enumerate(bars):
        _bar(axes, bar, at, is_upright=False)
        label = fitted(bar.label.replace("\n", " "), label_width - 10)
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
    step, offsets = (37, (-0.2, 0.2)) if len(shares) == 2 else (26, (0.0,))

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
