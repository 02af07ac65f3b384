"""The one visual language of all pictures: matplotlib figures as inline SVG.

Colours are roles, not colours: a figure is drawn in stand-ins that `as_svg` turns into classes,
and the page's style sheet gives each class its colour, light, dark and on paper. What is drawn
belongs to the modules beside this one. Nothing here reads data.
"""

import io
import math
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width
from xml.etree import ElementTree

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

# Units of the pictures are CSS pixels at full size: a wide one fills the text column of a
# screen, a narrow one a phone.
WIDE = 720
NARROW = 330
FONT_SIZE = 12.5
# What is not complete is drawn so.
HATCH = "////"

# What a plot leaves free of its figure, in pixels: left, top, right and bottom.
Margins = tuple[float, float, float, float]

HEAT_STEPS = 7
_ROLES = (
    "ink", "muted", "line", "surface", "accent", "second", "soft",
    *(f"heat-{step}" for step in range(HEAT_STEPS)),
    *(f"heat-text-{step}" for step in range(HEAT_STEPS)),
)  # fmt: skip
_STAND_INS = {role: f"#0000{number:02x}" for number, role in enumerate(_ROLES, 1)}
_ROLE_OF = {colour: role for role, colour in _STAND_INS.items()}

# Set as attributes, which a Content-Security-Policy without inline styles lets pass.
_KEPT_STYLES = frozenset(
    {"stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-dasharray", "text-anchor",
     "font-size", "font-weight", "opacity", "fill-opacity", "stroke-opacity"}
)  # fmt: skip
_TIP = "tip:"


def colour(role: str) -> str:
    """Return the stand-in by which matplotlib draws in the colour of a role."""
    return _STAND_INS[role]


def heat_step(value: float, largest: float) -> int:
    """Return the step of the heat scale for a value between 0 and the largest."""
    if largest <= 0 or value <= 0:
        return 0
    return min(HEAT_STEPS - 1, 1 + int(value / largest * (HEAT_STEPS - 1) * 0.9999))


def tip(text: str) -> str:
    """Return the `gid` that makes a text pop up over what is drawn with it."""
    return _TIP + text


def new_figure(width: float, height: float) -> "Figure":
    """Return an empty figure of a size in pixels."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 72, height / 72), facecolor="none")
    FigureCanvasSVG(figure)
    return figure


@dataclass(frozen=True)
class Plot:
    """A rectangle of a figure with scales of its own, and what can be drawn in it.

    `box` is its left, bottom, right and top in pixels from the figure's lower left corner, `x` and
    `y` are the values at its ends. Points are values, offsets pixels. matplotlib's own axes come
    with ticks and a frame, which no picture here has, and take twice the time.
    """

    figure: "Figure"
    box: tuple[float, float, float, float]
    x: tuple[float, float]
    y: tuple[float, float]
    is_log: bool = False

    def line(
        self, x: Sequence[float], y: Sequence[float], role: str, width: float = 1, **style: Any
    ) -> None:
        """Draw a line through points, with gaps where one is not a number."""
        from matplotlib.lines import Line2D

        self._add(Line2D(*self._at(x, y), color=colour(role), linewidth=width, **style))

    def dot(self, x: float, y: float, role: str, size: float, **style: Any) -> None:
        """Draw a dot, so many pixels across."""
        self.line([x], [y], role, marker="o", markersize=size, **style)

    def bar(self, x: tuple[float, float], y: tuple[float, float], **style: Any) -> None:
        """Draw a rectangle between two values each way."""
        from matplotlib.patches import Polygon

        (left, right), (bottom, top) = self._at(x, y)
        corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
        self._add(Polygon(corners, **style))

    def cell(self, x: float, y: float, size: tuple[float, float], **style: Any) -> None:
        """Draw a rectangle around a point."""
        width, height = size
        self.bar((x - width / 2, x + width / 2), (y - height / 2, y + height / 2), **style)

    def band(self, x: Sequence[float], low: Sequence[float], high: Sequence[float]) -> None:
        """Fill what lies between two lines, with gaps where one is not a number."""
        from matplotlib.patches import Polygon
        from matplotlib.transforms import Bbox

        box = Bbox.from_extents(*self.box)
        (at, bottom), (_, top) = self._at(x, low), self._at(x, high)
        points = zip(at, bottom, top, strict=True)
        for is_gap, part in groupby(points, lambda point: any(map(math.isnan, point))):
            if not is_gap:
                at, bottom, top = map(list, zip(*part, strict=True))
                edge = [*zip(at, bottom, strict=True), *zip(at[::-1], top[::-1], strict=True)]
                filled = Polygon(edge, facecolor=colour("soft"), alpha=0.45, linewidth=0)
                filled.set_clip_box(box)
                self._add(filled)

    def write(
        self,
        text: str,
        x: float,
        y: float,
        offset: tuple[float, float] = (0, 0),
        *,
        align: str = "center",
        role: str = "ink",
        **style: Any,
    ) -> None:
        """Write a text so many pixels right of a point and above it; `align` says which end."""
        from matplotlib.text import Text

        [left], [bottom] = self._at([x], [y])
        place = left + offset[0], bottom + offset[1]
        self._add(Text(*place, text, ha=align, color=colour(role), **style))

    def beside(
        self, text: str, x: float, y: float, offset: float, align: str, role: str = "ink"
    ) -> None:
        """Write a text so many pixels right (or, below zero, left) of a point, at its height."""
        self.write(text, x, y, (offset, -4.5), align=align, role=role)

    def title(self, text: str, offset: tuple[float, float], **style: Any) -> None:
        """Write a title so many pixels right of the upper left corner and above it."""
        self.write(text, self.x[0], self.y[1], offset, align="left", fontweight="bold", **style)

    def share_of_width(self, x: float) -> float:
        """Return how far right a value lies, from 0 to 1."""
        return _share(*map(math.log10, (x, *self.x))) if self.is_log else _share(x, *self.x)

    def _at(self, x: Sequence[float], y: Sequence[float]) -> tuple[list[float], list[float]]:
        """Return points in pixels."""
        left, bottom, right, top = self.box
        return (
            [left + (right - left) * self.share_of_width(value) for value in x],
            [bottom + (top - bottom) * _share(value, *self.y) for value in y],
        )

    def _add(self, artist: "Artist") -> None:
        from matplotlib.transforms import IdentityTransform

        artist.set_transform(IdentityTransform())
        self.figure.add_artist(artist)


def _share(value: float, first: float, last: float) -> float:
    # On a scale of one value it stands in the middle.
    return (value - first) / (last - first) if last != first else 0.5 + value - first


def add_plot(
    figure: "Figure",
    margins: Margins,
    x: tuple[float, float],
    y: tuple[float, float],
    *,
    is_log: bool = False,
) -> Plot:
    """Return a plot by its margins and the values at its ends, from left and from below.

    `is_log` makes the scale of x a logarithmic one, of values above zero.
    """
    left, top, right, bottom = margins
    width, height = (72 * inches for inches in figure.get_size_inches())
    return Plot(figure, (left, bottom, width - right, height - top), x, y, is_log)


def fitted(text: str, room: float) -> str:
    """Return a text cut to so many pixels, about, with an ellipsis where it was cut."""

    def width(words: str) -> float:
        # Parts of the font's size, of a broad sans serif; readers may have another one.
        return FONT_SIZE * sum(
            1.0 if east_asian_width(c) in "WF" else 0.71 if c.isupper() else 0.58 for c in words
        )

    cut = text
    while len(cut) > 1 and width(cut) > room:
        cut = cut.removesuffix("…")[:-1].rstrip() + "…"
    return cut


def pictures(name: str, draw: Callable[[bool], "Figure"]) -> tuple[Markup, Markup]:
    """Return the wide and the narrow SVG of what `draw(is_wide)` draws."""
    with _style():
        return as_svg(draw(True), f"{name}-wide"), as_svg(draw(False), f"{name}-narrow")


def picture(name: str, draw: Callable[[], "Figure"]) -> Markup:
    """Return the SVG of what `draw()` draws, the same in every width."""
    with _style():
        return as_svg(draw(), name)


def as_svg(figure: "Figure", name: str) -> Markup:
    """Return a figure as SVG to stand inside HTML; the same figure gives the same text.

    `name` tells its identifiers from those of the other pictures of a page. Raises ValueError
    for a colour that is no role.
    """
    import matplotlib

    text = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name}), warnings.catch_warnings():
        # The reader's own fonts draw the text; matplotlib's only measure it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(text, format="svg", metadata=nothing, transparent=True)
    drawn = ElementTree.fromstring(text.getvalue())
    used = set(re.findall(r"#([\w-]+)", text.getvalue()))
    _restyle(drawn, used)
    width, height = (72 * inches for inches in figure.get_size_inches())
    drawn.attrib.clear()
    drawn.attrib |= {
        "viewBox": f"0 0 {width:g} {height:g}",
        "width": f"{width:g}",
        "height": f"{height:g}",
        "aria-hidden": "true",
    }
    return Markup(ElementTree.tostring(drawn, encoding="unicode"))


@contextmanager
def _style() -> Iterator[None]:
    import matplotlib

    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "report",
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": FONT_SIZE,
        "text.color": colour("ink"),
        "text.parse_math": False,
        "hatch.linewidth": 1.5,
        "path.simplify": False,
        "figure.dpi": 72,
    }
    with matplotlib.rc_context(settings):
        yield


def _restyle(element: ElementTree.Element, used: set[str]) -> None:
    element.tag = element.tag.rpartition("}")[2]
    attributes = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    element.attrib.clear()
    classes: list[str] = []
    declared = attributes.pop("style", "")
    styles = dict(_declaration(part) for part in declared.split(";") if ":" in part)
    styles |= {paint: attributes.pop(paint) for paint in ("fill", "stroke") if paint in attributes}
    for name, value in styles.items():
        if name in ("fill", "stroke") and value.startswith("#"):
            classes.append(f"{name}-{_role(value)}")
        elif name in ("fill", "stroke") or name in _KEPT_STYLES:
            attributes[name] = value
    identifier = attributes.pop("id", "")
    if identifier in used:
        attributes["id"] = identifier
    if classes:
        attributes["class"] = " ".join(classes)
    element.attrib |= attributes

    for child in list(element):
        _restyle(child, used)
        if child.tag in ("style", "metadata"):
            element.remove(child)
    if identifier.startswith(_TIP):
        title = ElementTree.Element("title")
        title.text = identifier.removeprefix(_TIP)
        element.insert(0, title)
    # The indentation of the file would be a third of the page.
    if element.text is not None and not element.text.strip():
        element.text = None
    element.tail = None
    if "d" in element.attrib:
        element.set("d", " ".join(element.attrib["d"].split()))


def _declaration(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name.strip(), value.strip()


def _role(value: str) -> str:
    if value not in _ROLE_OF:
        raise ValueError(f"{value} is no role of a colour; draw with drawing.colour(role)")
    return _ROLE_OF[value]
