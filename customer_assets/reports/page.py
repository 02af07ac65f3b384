"""A report put together and written: which sections there are, and the files on disk.

A new section is one function, marked as `section`, in a module of `sections/`; the tables that it
names there are read for it. What a section says, and where it stands, belongs to that module.
"""

import base64
import datetime as dt
import hashlib
import importlib
import pkgutil
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import get_args

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pydantic import BaseModel, ValidationError

from customer_assets.reports import catalogue, wording
from customer_assets.reports.catalogue import CATALOGUE, CatalogueTable, Place
from customer_assets.reports.charts.sparkline import sparkline
from customer_assets.reports.content import (
    SURENESS,
    Part,
    ReportInput,
    Section,
    SectionPlan,
    Tile,
)
from customer_assets.reports.sections import customer_table, data_quality, headlines, overview
from customer_assets.reports.tables import MAX_CSV_ROWS, write_csv
from customer_assets.sources import CustomerTableSource, EventLogSource
from customer_assets.warehouse.table import Table

PAGE = "index.html"
# How sure the figures are is a page of its own: who acts on them need not read it first.
SURENESS_PAGE = "how_sure.html"
_SUMMARY = "report.json"
# What others found in the real data says nothing of a sample.
_PUBLISHED = ("reproduction", "published_category_advice")


def _modules() -> list[ModuleType]:
    """Return the modules of `sections/`: a new section need stand in no list."""
    folder = Path(__file__).with_name("sections")
    names = [found.name for found in pkgutil.iter_modules([str(folder)])]
    return [importlib.import_module(f"{__package__}.sections.{name}") for name in names]


SECTIONS: tuple[SectionPlan, ...] = tuple(
    sorted(
        (s for module in _modules() for s in vars(module).values() if isinstance(s, SectionPlan)),
        key=lambda plan: (get_args(Part).index(plan.part), plan.place),
    )
)

REPORT_TABLES: tuple[str, ...] = tuple(
    dict.fromkeys(name for plan in SECTIONS for name in (*plan.needs, *plan.uses))
)
# Those with a row per customer or product: read as far as they are shown.
LONG_TABLES = frozenset(name for plan in SECTIONS for name in plan.scans)


class ReportSummary(BaseModel):
    """What the head of a report says and the index shows of it, kept beside it."""

    coverage: str = ""
    sample: str = ""
    status: str = ""
    has_catalogue: bool = False
    as_of: dt.date | None = None
    tiles: list[Tile] = []


def write_report(
    name: str,
    source: EventLogSource | CustomerTableSource,
    tables: Mapping[str, Table],
    frames: Mapping[str, pl.DataFrame | pl.LazyFrame],
    folder: Path,
    described: Sequence[CatalogueTable] = (),
    waits_for: str = "",
    samples: Collection[str] = (),
) -> Path:
    """Write the report of a source below `folder` and the index over all; return its page.

    `waits_for` says what keeps newer tables from being shown, if something does; `samples` are
    the contents of files that were made up, as landed_files names them.

    `<name>/catalogue.html` is the catalogue of the tables in `described`, if there are any.

    `<name>/index.html` is the page, `<name>/how_sure.html` says how sure it is, and
    `<name>/csv/<table>.csv` is each table that they rest on, up to MAX_CSV_ROWS of it.
    `frames` holds the rows by table, of REPORT_TABLES or fewer, of LONG_TABLES best lazy: they are
    read as far as they are shown; `tables` describes them. The same
    frames give the same bytes. Each file is replaced by rename, so a reader sees a whole page.
    """
    long = {table: frame.lazy() for table, frame in frames.items() if table in LONG_TABLES}
    short = {table: frame.lazy().collect() for table, frame in frames.items() if table not in long}
    report = ReportInput(name, source, tables, short, long, samples)
    if report.is_sample:
        short = {table: frame for table, frame in short.items() if table not in _PUBLISHED}
        report = replace(report, frames=short)
    sections = _sections(report)
    summary = _summary(report, has_catalogue=bool(described))
    shown = {table for section in sections for table in section.tables}
    page = folder / name / PAGE
    csv_folder = page.parent / "csv"
    csv_folder.mkdir(parents=True, exist_ok=True)

    for table in sorted(shown):
        with _replacing(csv_folder / f"{table}.csv") as temporary:
            write_csv(report.scan(table).head(MAX_CSV_ROWS).collect(), temporary)
    for stale in csv_folder.glob("*.csv"):
        if stale.stem not in shown:
            stale.unlink()

    for file in (PAGE, SURENESS_PAGE):
        text = _render(
            "page.html.jinja",
            title=wording.heading(name),
            summary=summary,
            file=file,
            parts=[(part, [s for s in sections if s.part == part]) for part in get_args(Part)],
            file_of={part: SURENESS_PAGE if part == SURENESS else PAGE for part in get_args(Part)},
            owner=wording.shown(source.owner),
            waits_for=waits_for,
        )
        _write_text(page.with_name(file), text)
    if described:
        owner = wording.shown(source.owner)
        _write_catalogue(name, owner, described, sections, page.with_name(CATALOGUE))
    _write_text(page.with_name(_SUMMARY), summary.model_dump_json(indent=2))
    write_index(_reported(folder), folder)
    return page


def answer_page(
    name: str,
    source: EventLogSource | CustomerTableSource,
    tables: Mapping[str, Table],
    frames: Mapping[str, pl.DataFrame],
) -> str:
    """Return a page of the sections that these tables have: words and pictures alone."""
    sections = _sections(ReportInput(name, source, tables, frames))
    return _render("answer.html.jinja", title=wording.heading(name), sections=sections)


def _write_catalogue(
    name: str,
    owner: str,
    described: Sequence[CatalogueTable],
    sections: Sequence[Section],
    path: Path,
) -> None:
    places: dict[str, list[Place]] = {}
    for each in sections:
        file = SURENESS_PAGE if each.part == SURENESS else PAGE
        for table in each.tables:
            places.setdefault(table, []).append(Place(each.title, f"{file}#{each.id}"))
    text = _render(
        "catalogue.html.jinja",
        title=wording.heading(name),
        graph=catalogue.graph(described),
        layers=[each for each in catalogue.LAYERS if each in {t.table.layer for t in described}],
        entries=catalogue.entries(described, places),
        owner=owner,
    )
    _write_text(path, text)


def write_index(sources: Sequence[str], folder: Path) -> Path:
    """Write `folder/index.html` over the reports of these sources and return it.

    A source without a report is left out.
    """
    entries = [
        (name, wording.heading(name), _read_summary(folder / name / _SUMMARY))
        for name in sources
        if (folder / name / PAGE).is_file()
    ]
    # What was active last stands first.
    entries.sort(key=lambda entry: (entry[2].as_of or dt.date.min, entry[0]), reverse=True)
    index = folder / PAGE
    _write_text(index, _render("index.html.jinja", title="Customer reports", entries=entries))
    return index


def _sections(report: ReportInput) -> list[Section]:
    found = []
    for plan in SECTIONS:
        if not report.has_rows(*plan.needs):
            continue
        blocks = plan.build(report)
        if blocks:
            used = [name for name in (*plan.needs, *plan.uses) if report.has(name)]
            found.append(Section(plan.id, plan.title, plan.part, blocks, used))
    return found


def _summary(report: ReportInput, *, has_catalogue: bool) -> ReportSummary:
    return ReportSummary(
        sample=data_quality.sample_status(report),
        status=_status(report),
        coverage=overview.coverage(report),
        has_catalogue=has_catalogue,
        as_of=headlines.as_of(report),
        tiles=headlines.tiles(report),
    )


def _status(report: ReportInput) -> str:
    """Return whether the data is whole, in one line; empty where nothing is known of it."""
    if "findings" in report.frames:
        return data_quality.data_status(report.frames["findings"])
    if report.has_rows("customer_accounting"):
        return customer_table.data_status(report)
    return ""


def _read_summary(path: Path) -> ReportSummary:
    # A report whose summary is lost or of another release is still worth a link.
    try:
        return ReportSummary.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return ReportSummary()


def _reported(folder: Path) -> list[str]:
    return sorted(page.parent.name for page in folder.glob(f"*/{PAGE}"))


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("customer_assets.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _render(template: str, **context: object) -> str:
    style = _asset("style.css")
    script = "\n".join(_asset(name) for name in ("tables.js", "what_if.js"))
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        _templates()
        .get_template(template)
        .render(
            sparkline=sparkline,
            day=wording.day,
            max_csv_rows=MAX_CSV_ROWS,
            style=Markup(style),
            script=Markup(script),
            policy=policy,
            **context,
        )
    )


def _asset(name: str) -> str:
    loader = _templates().loader
    assert loader is not None
    return loader.get_source(_templates(), name)[0].strip()


def _digest(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"


def _write_text(path: Path, text: str) -> None:
    with _replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yield a name to write to; what was written takes the place of `path` in one step."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
