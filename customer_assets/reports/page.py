"""A report put together and written: which sections there are, and the files on disk.

A new section is one function in the module of its subject and one line in SECTIONS; the tables
that it names there are read for it. What a section says belongs to that module.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pydantic import BaseModel, ValidationError

from customer_assets.reports import (
    advice,
    behavior,
    catalogue,
    customer_table,
    customers,
    data_quality,
    features,
    forecasts,
    funnels,
    history,
    models,
    overview,
    products,
    recommending,
    reproduction,
    retention,
    sales,
    segments,
    wording,
)
from customer_assets.reports.catalogue import CATALOGUE, CatalogueTable
from customer_assets.reports.content import Block, Headlines, ReportInput, Section
from customer_assets.reports.tables import write_csv
from customer_assets.sources import CustomerTableSource, EventLogSource
from customer_assets.warehouse.table import Table

PAGE = "index.html"
_SUMMARY = "report.json"
_INDEX_HEADLINES = 4


@dataclass(frozen=True)
class SectionPlan:
    """A section of the report: absent unless each table that it `needs` has rows.

    `uses` names tables that it shows too where they are there.
    """

    id: str
    title: str
    build: Callable[[ReportInput], list[Block]]
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()


SECTIONS: tuple[SectionPlan, ...] = (
    SectionPlan(
        "headlines",
        "At a glance",
        overview.headlines,
        uses=(
            "sales_daily",
            "rfm",
            "daily_traffic",
            "accounting",
            "customer_accounting",
            "customers",
            "landed_files",
            "bounce_rate",
            "funnel_people",
            "headline_history",
        ),
    ),
    SectionPlan(
        "changes",
        "What changed",
        history.what_changed,
        needs=("headline_history",),
        uses=("arrivals",),
    ),
    SectionPlan(
        "sales",
        "Sales over time",
        sales.sales_over_time,
        needs=("sales_monthly",),
        uses=("sales_daily",),
    ),
    SectionPlan(
        "sales-forecast",
        "Sales forecast",
        forecasts.sales_forecast,
        needs=("sales_forecast", "forecast_metrics", "forecast_backtest"),
    ),
    SectionPlan("rhythm", "When customers buy", sales.weekday_and_hour, needs=("seasonality",)),
    SectionPlan("countries", "Countries", sales.countries, needs=("country_performance",)),
    SectionPlan(
        "concentration",
        "Who and what brings the revenue",
        products.concentration,
        needs=("revenue_concentration",),
    ),
    SectionPlan("products", "Products", products.products, needs=("product_performance",)),
    SectionPlan(
        "categories",
        "Categories",
        products.categories,
        needs=("category_performance",),
        uses=("published_category_advice",),
    ),
    SectionPlan(
        "viewed-and-bought",
        "Viewed and bought",
        products.viewed_and_bought,
        needs=("product_ranks",),
        uses=("category_ranks",),
    ),
    SectionPlan(
        "bought-together", "Bought together", products.bought_together, needs=("basket_pairs",)
    ),
    SectionPlan(
        "repeat-purchase",
        "Who orders again",
        products.repeat_purchase,
        needs=("repeat_purchase",),
        uses=("survival",),
    ),
    SectionPlan(
        "recommendations",
        "Recommendations",
        recommending.recommendations,
        needs=("recommendation_quality",),
    ),
    SectionPlan(
        "segments",
        "Customer segments",
        segments.segments,
        needs=("segment_profile",),
        uses=("segment_measures", "segment_products", "segment_attributes", "segment_rules"),
    ),
    SectionPlan("actions", "What to do for each group", advice.actions, needs=("segment_actions",)),
    SectionPlan(
        "campaign",
        "What a campaign would earn",
        advice.campaign,
        needs=("campaign_economics",),
    ),
    SectionPlan(
        "segment-moves", "Customers who changed segment", segments.moves, needs=("segment_moves",)
    ),
    SectionPlan(
        "segment-stability",
        "How sure the segments are",
        segments.stability,
        needs=("segment_stability",),
        uses=("segment_choice",),
    ),
    SectionPlan(
        "scores",
        "Recency, frequency and value",
        segments.scores,
        uses=("rfm_distribution", "rfem_distribution"),
    ),
    SectionPlan(
        "customers",
        "Most valuable customers",
        customers.best_customers,
        needs=("rfm",),
        uses=("customer_segments",),
    ),
    SectionPlan(
        "questions",
        "What customers will do",
        models.questions,
        needs=("champions",),
        uses=("model_metrics", "model_curves", "feature_importance", "model_drift"),
    ),
    SectionPlan(
        "lifetime-value",
        "Customer lifetime value",
        forecasts.lifetime_value,
        needs=("customer_lifetime_value", "lifetime_value_fit"),
    ),
    SectionPlan("aarrr", "From acquisition to revenue", recommending.aarrr, needs=("aarrr",)),
    SectionPlan(
        "traffic",
        "Traffic",
        behavior.daily_traffic,
        needs=("daily_traffic",),
        uses=("bounce_rate",),
    ),
    SectionPlan(
        "activity",
        "When customers are active",
        behavior.activity_by_hour,
        needs=("hourly_traffic",),
    ),
    SectionPlan("funnels", "Funnels", funnels.funnels, needs=("funnel",), uses=("funnel_people",)),
    SectionPlan("retention", "Retention", retention.retention, needs=("retention",)),
    SectionPlan(
        "lifecycle", "Customers gained and lost", retention.lifecycle, needs=("lifecycle",)
    ),
    SectionPlan(
        "features",
        "What models learn from",
        features.features,
        needs=("feature_profile",),
        uses=("feature_bins", "feature_correlation", "leakage_check"),
    ),
    SectionPlan(
        "cleaning",
        "Cleaning",
        customer_table.cleaning,
        needs=("cleaning",),
        uses=("rejected_customers",),
    ),
    SectionPlan(
        "unexpected-values",
        "Unexpected values",
        customer_table.unexpected_values,
        needs=("unexpected_values",),
    ),
    SectionPlan(
        "published-figures",
        "The case study's figures beside ours",
        reproduction.published_figures,
        needs=("reproduction",),
    ),
    SectionPlan(
        "data-quality",
        "Data quality",
        data_quality.data_quality,
        needs=("accounting",),
        uses=("landed_files", "rejected_rows"),
    ),
    SectionPlan(
        "customer-accounting",
        "Data quality",
        customer_table.accounts,
        needs=("customer_accounting",),
        uses=("landed_files", "rejected_rows"),
    ),
    SectionPlan("definitions", "Definitions", overview.definitions),
)

REPORT_TABLES: tuple[str, ...] = tuple(
    dict.fromkeys(name for plan in SECTIONS for name in (*plan.needs, *plan.uses))
)


class ReportSummary(BaseModel):
    """What the index shows of a report, kept beside it."""

    coverage: str = ""
    has_catalogue: bool = False
    headlines: list[tuple[str, str]] = []


def write_report(
    name: str,
    source: EventLogSource | CustomerTableSource,
    tables: Mapping[str, Table],
    frames: Mapping[str, pl.DataFrame],
    folder: Path,
    described: Sequence[CatalogueTable] = (),
    waits_for: str = "",
) -> Path:
    """Write the report of a source below `folder` and the index over all; return its page.

    `waits_for` says what keeps newer tables from being shown, if something does.

    `<name>/catalogue.html` is the catalogue of the tables in `described`, if there are any.

    `<name>/index.html` is the page and `<name>/csv/<table>.csv` each table that it rests on.
    `frames` holds the rows by table, of REPORT_TABLES or fewer; `tables` describes them. The same
    frames give the same bytes. Each file is replaced by rename, so a reader sees a whole page.
    """
    report = ReportInput(name, source, tables, frames)
    sections = _sections(report)
    shown = {table for section in sections for table in section.tables}
    page = folder / name / PAGE
    csv_folder = page.parent / "csv"
    csv_folder.mkdir(parents=True, exist_ok=True)

    for table in sorted(shown):
        with _replacing(csv_folder / f"{table}.csv") as temporary:
            write_csv(frames[table], temporary)
    for stale in csv_folder.glob("*.csv"):
        if stale.stem not in shown:
            stale.unlink()

    _write_text(
        page,
        _render(
            "page.html.jinja",
            title=wording.heading(name),
            coverage=overview.coverage(report),
            sections=sections,
            owner=wording.shown(source.owner),
            has_catalogue=bool(described),
            waits_for=waits_for,
        ),
    )
    if described:
        _write_catalogue(name, wording.shown(source.owner), described, page.with_name(CATALOGUE))
    summary = _summary(report, sections).model_copy(update={"has_catalogue": bool(described)})
    _write_text(page.with_name(_SUMMARY), summary.model_dump_json(indent=2))
    write_index(_reported(folder), folder)
    return page


def _write_catalogue(
    name: str, owner: str, described: Sequence[CatalogueTable], path: Path
) -> None:
    text = _render(
        "catalogue.html.jinja",
        title=wording.heading(name),
        graph=catalogue.graph(described),
        entries=catalogue.entries(described),
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
            used = [name for name in (*plan.needs, *plan.uses) if name in report.frames]
            found.append(Section(plan.id, plan.title, blocks, used))
    return found


def _summary(report: ReportInput, sections: Sequence[Section]) -> ReportSummary:
    blocks = [block for section in sections for block in section.blocks]
    items = [item for b in blocks if isinstance(b, Headlines) for item in b.items]
    return ReportSummary(
        coverage=overview.coverage(report),
        headlines=[(item.label, item.value) for item in items[:_INDEX_HEADLINES]],
    )


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
    style, script = (_asset(name) for name in ("style.css", "tables.js"))
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        _templates()
        .get_template(template)
        .render(style=Markup(style), script=Markup(script), policy=policy, **context)
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
