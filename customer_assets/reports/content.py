"""What a report is made of: the blocks of a section, as data that the templates render.

No HTML (the templates), no words (the sections), no arithmetic. Every text here is plain text;
the templates escape it. Only a picture holds markup, and `drawing` alone makes that.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import polars as pl
from markupsafe import Markup

from customer_assets.sources import CustomerTableSource, EventLogSource
from customer_assets.warehouse.table import Table


@dataclass(frozen=True)
class ReportInput:
    """What a section may look at: the source, its tables as described, and their rows.

    Tables with a row per customer or product are in `long`, to be read as far as they are shown.
    `samples` are the contents of landed files that `sample` made up, as landed_files names them.
    """

    name: str
    source: EventLogSource | CustomerTableSource
    tables: Mapping[str, Table]
    frames: Mapping[str, pl.DataFrame]
    long: Mapping[str, pl.LazyFrame] = field(default_factory=dict)
    samples: Collection[str] = ()

    @property
    def event_log(self) -> EventLogSource:
        """Return the source of a section that only event logs have."""
        if not isinstance(self.source, EventLogSource):
            raise TypeError(f"{self.name} is no event log")
        return self.source

    def scan(self, name: str) -> pl.LazyFrame:
        """Return the rows of a table that may be long, to be read as far as they are shown."""
        return self.long[name] if name in self.long else self.frames[name].lazy()

    def has(self, name: str) -> bool:
        return name in self.frames or name in self.long

    def has_rows(self, *names: str) -> bool:
        return all(
            self.has(name) and not self.scan(name).head(1).collect().is_empty() for name in names
        )

    @property
    def is_sample(self) -> bool:
        """Say whether any of the data was made up by `sample`: then no published figure fits."""
        return bool(self.sample_files)

    @property
    def sample_files(self) -> list[str]:
        """Return the landed files that count and that `sample` wrote."""
        if not self.samples or "landed_files" not in self.frames:
            return []
        landed = self.frames["landed_files"].filter(pl.col("status") == "loaded")
        return landed.filter(pl.col("content_hash").is_in(list(self.samples)))["file"].to_list()


@dataclass(frozen=True)
class Paragraph:
    """A few plain sentences; the `lead` of a section says what matters most in it."""

    kind: ClassVar[str] = "paragraph"
    text: str
    is_lead: bool = False
    is_note: bool = False


@dataclass(frozen=True)
class Headline:
    """A figure that stands for itself: what it is, how much, and one line about it.

    `interval` is the range of a share.
    """

    label: str
    value: str
    note: str = ""
    interval: str = ""


@dataclass(frozen=True)
class Headlines:
    kind: ClassVar[str] = "headlines"
    items: Sequence[Headline]


@dataclass(frozen=True)
class Tile:
    """A figure of the head: its newest value, how it moved since the period before, its trend.

    `interval` is that of the difference, `is_sure` whether it leaves out 0. `trend` has the value
    of each period, oldest first; `is_complete` whether the newest one is over.
    """

    label: str
    value: str
    change: str = ""
    interval: str = ""
    is_sure: bool = False
    note: str = ""
    is_complete: bool = True
    trend: Sequence[float] = ()


@dataclass(frozen=True)
class Tiles:
    kind: ClassVar[str] = "tiles"
    items: Sequence[Tile]


@dataclass(frozen=True)
class ListOfSentences:
    kind: ClassVar[str] = "sentences"
    items: Sequence[str]


@dataclass(frozen=True)
class Card:
    """Something to do: for whom, what, what it would earn, and the command that has the list."""

    title: str
    subtitle: str
    text: str
    note: str = ""
    command: str = ""


@dataclass(frozen=True)
class Cards:
    kind: ClassVar[str] = "cards"
    items: Sequence[Card]


@dataclass(frozen=True)
class Equation:
    """A sum written out: the left side, and the terms that add up to it."""

    kind: ClassVar[str] = "equation"
    total: Headline
    terms: Sequence[Headline]
    holds: bool


@dataclass(frozen=True)
class Picture:
    """One picture in two widths, so that its text keeps its size on a phone.

    `alt` says in words what it shows; `colours` pairs a role of `drawing` with its meaning.
    """

    kind: ClassVar[str] = "picture"
    name: str
    alt: str
    caption: str
    wide: Markup
    narrow: Markup
    colours: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class WhatIf:
    """A picture of profit by number of contacts that the page redraws for other terms.

    `points` are contacts, buyers among them, and the ends of the 95 % interval of these buyers.
    """

    kind: ClassVar[str] = "what_if"
    picture: Picture
    symbol: str
    contact_cost: float
    margin: float
    points: Sequence[tuple[int, float, float, float]]


@dataclass(frozen=True)
class Cell:
    """A cell as shown, and the number (or text) that it sorts by; None sorts last."""

    text: str
    sort: float | str | None
    mark: str | None = None


@dataclass(frozen=True)
class ColumnView:
    name: str
    label: str
    is_number: bool
    meaning: str = ""


@dataclass(frozen=True)
class TableView:
    """Rows of a table on the page; all of them stand in the CSV file of `table`.

    `conditions` say, for each row, which one of the table it is, as an argument of a shell: with
    them `explain_command` follows a number of the row to where it comes from. Empty where the
    rows shown are not those of the table.
    """

    kind: ClassVar[str] = "table"
    table: str
    title: str
    columns: Sequence[ColumnView]
    rows: Sequence[Sequence[Cell]]
    n_rows: int
    grain: str = ""
    note: str = ""
    explain_command: str = ""
    conditions: Sequence[str] = ()


@dataclass(frozen=True)
class Definitions:
    kind: ClassVar[str] = "definitions"
    items: Sequence[tuple[str, str]]


# Where a section stands: on the page that one acts on, or on the one that says how sure it is.
Part = Literal["Now", "Customers and products", "How sure are we"]
NOW: Part = "Now"
CUSTOMERS: Part = "Customers and products"
SURENESS: Part = "How sure are we"

Block = (
    Paragraph
    | ListOfSentences
    | Tiles
    | Headlines
    | Cards
    | Equation
    | Picture
    | WhatIf
    | TableView
    | Definitions
)


@dataclass(frozen=True)
class Section:
    """A part of the page; `tables` are those that it rests on."""

    id: str
    title: str
    part: Part
    blocks: Sequence[Block]
    tables: Sequence[str] = field(default_factory=tuple)

    @property
    def tables_not_shown(self) -> list[str]:
        shown = {block.table for block in self.blocks if isinstance(block, TableView)}
        return [name for name in self.tables if name not in shown]

    @property
    def finding(self) -> str:
        """Return what the section has found, its title: the first sentence, if it has a lead."""
        return self._said[0]

    @property
    def body(self) -> Sequence[Block]:
        """Return the blocks below the finding."""
        if not self._said[0]:
            return self.blocks
        rest = [Paragraph(self._said[1])] if self._said[1] else []
        return [*rest, *self.blocks[1:]]

    @property
    def _said(self) -> tuple[str, str]:
        first = self.blocks[0] if self.blocks else None
        if not isinstance(first, Paragraph) or not first.is_lead:
            return "", ""
        finding, end, rest = first.text.partition(". ")
        return finding.removesuffix("."), rest if end else ""

    @property
    def folds_tables(self) -> bool:
        """Tables are folded where a picture or a sum shows what they say."""
        return any(
            isinstance(block, Picture | WhatIf | Headlines | Cards | Equation)
            for block in self.blocks
        )


@dataclass(frozen=True)
class SectionPlan:
    """A section before its report is there: what it is called, where it stands, what it reads.

    It is absent unless each table that it `needs` has rows; `uses` names tables that it shows too
    where they are there. `scans` are those of both that have a row per customer or product: it
    reads them by `ReportInput.scan`. `place` orders the sections of a part.
    """

    id: str
    title: str
    part: Part
    place: int
    build: Callable[[ReportInput], list[Block]]
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()

    def __call__(self, report: ReportInput) -> list[Block]:
        return self.build(report)


def section(
    id: str,
    title: str,
    part: Part,
    place: int,
    *,
    needs: tuple[str, ...] = (),
    uses: tuple[str, ...] = (),
    scans: tuple[str, ...] = (),
) -> Callable[[Callable[[ReportInput], list[Block]]], SectionPlan]:
    """Make a section of the report out of the function that returns its blocks."""
    return lambda build: SectionPlan(id, title, part, place, build, needs, uses, scans)
