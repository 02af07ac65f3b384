"""The catalogue of a source: every table with its neighbours, columns, SQL, first rows and checks.

Everything here comes from the descriptions that the tables have anyway, and from what is published
of them. Layout of the drawings is worked out here; their markup is the template's.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from customer_assets.reports import wording
from customer_assets.warehouse.table import Table

CATALOGUE = "catalogue.html"
LAYERS = ("raw", "staging", "behavior", "commerce", "features", "models", "segments", "reports")

Lineage = Mapping[str, Sequence[tuple[str, str]]]

_BOX_WIDTH, _BOX_HEIGHT = 146, 22
_GAP_X, _GAP_Y = 44, 8
_MARGIN = 10
_HEAD = 24
_LINE = 18
_LINEAGE_WIDTH = 560
# About as wide as a character of a label is, so that a curve begins beside its text.
_CHARACTER = 6.8
# The widest name that fits into a box, in characters.
_LONGEST_NAME = 21
_LONGEST_COLUMN = 36
_LONGEST_CELL = 40


@dataclass(frozen=True)
class CheckView:
    """A check as the catalogue shows it."""

    name: str
    severity: str
    description: str


@dataclass(frozen=True)
class CatalogueTable:
    """A table and what is published of it. `rows` is None where it was never published.

    `made_by` says what computes it: SQL, Python or the ingest; `statement` is its SQL, `file` where
    that stands. `first_rows` are a few of its rows, by column.
    """

    table: Table
    made_by: str
    inputs: Sequence[str] = ()
    checks: Sequence[CheckView] = ()
    rows: int | None = None
    partitions: int = 0
    bytes: int = 0
    published_at: str = ""
    lineage: Lineage = field(default_factory=dict)
    statement: str = ""
    file: str = ""
    first_rows: Sequence[Mapping[str, object]] = ()


@dataclass(frozen=True)
class Place:
    """A section of the report that rests on a table, and the address that leads to it."""

    title: str
    address: str


@dataclass(frozen=True)
class Label:
    """A text at a place, in the colour of a role; `full` is the text where it was cut."""

    x: float
    y: float
    text: str
    full: str
    role: str = "ink"


@dataclass(frozen=True)
class Drawing:
    """Boxes, curves and texts of a graph, in pixels; `alt` says in words what it shows."""

    width: float
    height: float
    alt: str
    boxes: Sequence[Label] = ()
    labels: Sequence[Label] = ()
    curves: Sequence[str] = ()
    box_width: float = _BOX_WIDTH
    box_height: float = _BOX_HEIGHT


@dataclass(frozen=True)
class Entry:
    """A table as the page shows it."""

    name: str
    layer: str
    description: str
    facts: Sequence[tuple[str, str]]
    columns: Sequence[tuple[str, str, str, str]]
    checks: Sequence[CheckView]
    upstream: Sequence[str]
    downstream: Sequence[str]
    neighbours: Drawing
    drawing: Drawing | None
    statement: str
    first_rows: Sequence[Sequence[str]]
    places: Sequence[Place]


def entries(
    tables: Sequence[CatalogueTable], places: Mapping[str, Sequence[Place]] | None = None
) -> list[Entry]:
    """Return what the page says of each table, in the order of the layers.

    `places` are the sections of the report that rest on a table, by its name.
    """
    known = {each.table.name for each in tables}
    in_order = sorted(tables, key=lambda each: (LAYERS.index(each.table.layer), each.table.name))
    return [
        _entry(each, tables, known, (places or {}).get(each.table.name, ())) for each in in_order
    ]


def _entry(
    each: CatalogueTable,
    tables: Sequence[CatalogueTable],
    known: set[str],
    places: Sequence[Place],
) -> Entry:
    table = each.table
    facts = [
        ("Made by", f"{each.made_by}, {each.file}" if each.file else each.made_by),
        ("Rows", "never published" if each.rows is None else wording.count(each.rows)),
        ("Owner", wording.shown(table.owner, 80)),
    ]
    if each.rows is not None:
        facts.insert(2, ("Bytes", wording.count(each.bytes)))
    if table.key:
        facts.append(("Key", ", ".join(table.key)))
    if table.partition_by:
        partitions = wording.plural(each.partitions, "partition")
        facts.append(("Partitions", f"by {table.partition_by}, {partitions}"))
    if table.ledger:
        facts.append(("Ledger", "remembers what was; is never computed anew"))
    if each.published_at:
        facts.append(("Published", f"{each.published_at[:16].replace('T', ' ')} UTC"))
    upstream = [name for name in each.inputs if name in known]
    downstream = [other.table.name for other in tables if table.name in other.inputs]
    return Entry(
        name=table.name,
        layer=table.layer,
        description=table.description,
        facts=facts,
        columns=[
            (name, column.type, column.description, _origins(each.lineage.get(name)))
            for name, column in table.columns.items()
        ],
        checks=each.checks,
        upstream=upstream,
        downstream=downstream,
        neighbours=neighbours_drawing(table.name, upstream, downstream),
        drawing=lineage_drawing(table, each.lineage) if any(each.lineage.values()) else None,
        statement=each.statement,
        first_rows=[[_cell(row.get(name)) for name in table.columns] for row in each.first_rows],
        places=places,
    )


def _cell(value: object) -> str:
    return "" if value is None else wording.shown(value, _LONGEST_CELL)


def _origins(origins: Sequence[tuple[str, str]] | None) -> str:
    return ", ".join(f"{table}.{column}" for table, column in origins or ())


def graph(tables: Sequence[CatalogueTable]) -> Drawing:
    """Return the tables as boxes, one column of them per layer, with a curve per dependency."""
    columns = [
        (layer, sorted((t for t in tables if t.table.layer == layer), key=lambda t: t.table.name))
        for layer in LAYERS
    ]
    columns = [(layer, found) for layer, found in columns if found]
    places: dict[str, tuple[float, float]] = {}
    boxes, heads = [], []
    for at, (layer, found) in enumerate(columns):
        x = _MARGIN + at * (_BOX_WIDTH + _GAP_X)
        heads.append(Label(x, _MARGIN + 12, wording.title(layer), layer, "muted"))
        for row, each in enumerate(found):
            y = _MARGIN + _HEAD + row * (_BOX_HEIGHT + _GAP_Y)
            name = each.table.name
            places[name] = (x, y)
            boxes.append(Label(x, y, _cut(name, _LONGEST_NAME), name))
    curves = []
    for each in tables:
        for name in each.inputs:
            if name in places:
                curves.append(_curve(places[name], places[each.table.name]))
    most = max((len(found) for _, found in columns), default=0)
    n_edges = wording.plural(len(curves), "dependency", "dependencies")
    return Drawing(
        width=2 * _MARGIN + len(columns) * (_BOX_WIDTH + _GAP_X) - _GAP_X,
        height=2 * _MARGIN + _HEAD + most * (_BOX_HEIGHT + _GAP_Y),
        alt=f"Graph of {wording.plural(len(tables), 'table')} in {len(columns)} layers, left to "
        f"right, with {n_edges}. Each table below lists its own.",
        boxes=boxes,
        labels=heads,
        curves=curves,
    )


def neighbours_drawing(name: str, upstream: Sequence[str], downstream: Sequence[str]) -> Drawing:
    """Return a table between those that it reads, on the left, and those that read it."""
    columns = [sorted(upstream), [name], sorted(downstream)]
    most = max(map(len, columns))
    places = {
        (at, each): (
            _MARGIN + at * (_BOX_WIDTH + 2 * _GAP_X),
            _MARGIN + ((most - len(column)) / 2 + row) * (_BOX_HEIGHT + _GAP_Y),
        )
        for at, column in enumerate(columns)
        for row, each in enumerate(column)
    }
    own = places[1, name]
    return Drawing(
        width=2 * _MARGIN + 3 * _BOX_WIDTH + 4 * _GAP_X,
        height=2 * _MARGIN + most * (_BOX_HEIGHT + _GAP_Y) - _GAP_Y,
        alt=f"{name} reads {wording.plural(len(upstream), 'table')}, on the left, and is read by "
        f"{wording.plural(len(downstream), 'table')}, on the right.",
        boxes=[Label(*at, _cut(each, _LONGEST_NAME), each) for (_, each), at in places.items()],
        curves=[
            *(_curve(places[0, each], own) for each in columns[0]),
            *(_curve(own, places[2, each]) for each in columns[2]),
        ],
    )


def _curve(source: tuple[float, float], target: tuple[float, float]) -> str:
    """Return the path from the right side of one box to the left side of another."""
    x0, y0 = source[0] + _BOX_WIDTH, source[1] + _BOX_HEIGHT / 2
    x1, y1 = target[0], target[1] + _BOX_HEIGHT / 2
    if target[0] <= source[0]:
        # Within a layer the curve leaves and enters on the right.
        x1 = target[0] + _BOX_WIDTH
        bend = x0 + _GAP_X * 0.55
        return f"M{x0:g} {y0:g}C{bend:g} {y0:g} {bend:g} {y1:g} {x1:g} {y1:g}"
    middle = (x0 + x1) / 2
    return f"M{x0:g} {y0:g}C{middle:g} {y0:g} {middle:g} {y1:g} {x1:g} {y1:g}"


def lineage_drawing(table: Table, lineage: Lineage) -> Drawing:
    """Return input columns on the left, the table's own on the right, and what comes from what."""
    origins = sorted({origin for each in lineage.values() for origin in each})
    left: dict[tuple[str, str], float] = {}
    labels = []
    y = _MARGIN + 12.0
    for name, of_table in itertools.groupby(origins, key=lambda origin: origin[0]):
        labels.append(Label(_MARGIN, y, _cut(name, _LONGEST_COLUMN), name, "muted"))
        y += _LINE
        for origin in of_table:
            left[origin] = y
            text = _cut(origin[1], _LONGEST_COLUMN)
            labels.append(Label(_MARGIN + 10, y, text, origin[1]))
            y += _LINE
        y += _LINE / 3
    bottom = y
    own_x = _LINEAGE_WIDTH * 0.58
    y = _MARGIN + 12.0
    labels.append(Label(own_x, y, table.name, table.name, "muted"))
    curves = []
    for column in table.columns:
        y += _LINE
        labels.append(Label(own_x + 10, y, _cut(column, _LONGEST_COLUMN), column))
        for origin in lineage.get(column, ()):
            shown = len(_cut(origin[1], _LONGEST_COLUMN))
            x0, y0 = _MARGIN + 16 + shown * _CHARACTER, left[origin] - 4
            x1, y1 = own_x + 4, y - 4
            middle = (x0 + x1) / 2
            curves.append(f"M{x0:g} {y0:g}C{middle:g} {y0:g} {middle:g} {y1:g} {x1:g} {y1:g}")
    return Drawing(
        width=_LINEAGE_WIDTH,
        height=max(bottom, y) + _MARGIN,
        alt=f"Which input columns the columns of {table.name} come from; the table of columns says "
        "the same in words.",
        labels=labels,
        curves=curves,
    )


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
