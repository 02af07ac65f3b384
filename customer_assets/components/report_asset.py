"""The report of a source as a Dagster asset: a file, made from the published tables."""

import datetime as dt
import time

import dagster as dg
import polars as pl

from customer_assets import settings
from customer_assets.components.table_assets import (
    ONLY_OUTDATED,
    asset_group,
    asset_key,
    asset_tags,
    freshness,
    said_before,
)
from customer_assets.components.warehouse_resource import WarehouseResource
from customer_assets.generation import (
    REPORT,
    VERIFICATION,
    as_shown,
    in_words,
    is_made,
    remember_made,
    show,
)
from customer_assets.pipeline import AnyPipeline
from customer_assets.progress import Done, tell_done
from customer_assets.quality import checks_of
from customer_assets.reports import (
    LONG_TABLES,
    REPORT_TABLES,
    CatalogueTable,
    CheckView,
    write_report,
)
from customer_assets.reports.catalogue import CATALOGUE
from customer_assets.sample.files import sample_contents
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.engine import Relation
from customer_assets.warehouse.source_warehouse import SourceWarehouse
from customer_assets.warehouse.sql_model import SqlModel
from customer_assets.warehouse.versions import shown_path

CATALOGUE_ROWS = 5
_LANGUAGES = {"sql": "SQL", "python": "Python"}


def report_asset(pipeline: AnyPipeline) -> dg.AssetsDefinition:
    """Return the asset that writes `reports/<source>/index.html`."""
    shown = _shown(pipeline)
    is_log = isinstance(pipeline.source, EventLogSource)
    # What is not verified is not shown.
    needed = [*shown, VERIFICATION] if is_log else shown

    key = asset_key(pipeline, REPORT)

    @dg.asset(
        key=key,
        description="One page on the source: its figures, pictures, what changed, and published "
        "figures beside ours; and the catalogue of its tables. Self-contained HTML files.",
        group_name=asset_group(pipeline, "reports"),
        kinds={"html", "matplotlib"},
        owners=[pipeline.source.owner],
        tags=asset_tags(pipeline, "reports"),
        deps=[asset_key(pipeline, name) for name in needed],
        freshness_policy=freshness(pipeline, REPORT),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def report(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> dg.MaterializeResult:
        started = time.monotonic()
        with warehouse.open(pipeline) as source_warehouse:
            waits = show(pipeline, source_warehouse, warehouse.now)
            if ONLY_OUTDATED in context.run.tags and is_made(pipeline, source_warehouse, REPORT):
                tell_done(Done(pipeline.name, REPORT, "up to date"))
                return dg.MaterializeResult(metadata=said_before(context, key))
            in_view = as_shown(source_warehouse)
            if why := cannot_be_reported(pipeline, in_view):
                raise dg.Failure(why, allow_retries=False)
            frames = {
                name: in_view.scan(name) if name in LONG_TABLES else in_view.frame(name)
                for name in shown
            }
            page = write_report(
                pipeline.name,
                pipeline.source,
                pipeline.tables,
                frames,
                settings.reports_folder(),
                catalogue_of(pipeline, in_view),
                in_words(waits),
                sample_contents(settings.landing() / pipeline.name),
            )
            remember_made(pipeline, source_warehouse, REPORT)
        seconds = time.monotonic() - started
        tell_done(Done(pipeline.name, REPORT, "published", seconds=seconds))
        return dg.MaterializeResult(
            metadata={
                "report": dg.MetadataValue.path(str(page)),
                "catalogue": dg.MetadataValue.path(str(page.with_name(CATALOGUE))),
                "bytes": page.stat().st_size,
                "tables": len(shown),
                "readers_see": f"published, not shown yet, waits for {in_words(waits)}"
                if waits
                else "the newest tables",
            }
        )

    return report


def cannot_be_reported(pipeline: AnyPipeline, in_view: SourceWarehouse) -> str | None:
    """Return why the tables that readers see make no report, and what to do; None: they do."""
    lacking = [name for name in _shown(pipeline) if in_view.lacking(name)]
    if not lacking:
        return None
    return (
        f"{pipeline.name}: {', '.join(lacking)}: published by an earlier release, without columns "
        "that the report shows now. Refresh the source first: "
        f"customer-assets refresh {pipeline.name}"
    )


def _shown(pipeline: AnyPipeline) -> list[str]:
    """Return the tables of a source that its report shows."""
    return [name for name in REPORT_TABLES if name in pipeline.tables]


def catalogue_of(pipeline: AnyPipeline, warehouse: SourceWarehouse) -> list[CatalogueTable]:
    """Return what the catalogue says of each table of a source, as it is published now."""
    parameters = pipeline.parameters(dt.datetime.now(dt.UTC))
    described = []
    for name, table in pipeline.tables.items():
        model = pipeline.models.get(name)
        manifest = warehouse.manifest(name)
        described.append(
            CatalogueTable(
                table=table,
                made_by=_LANGUAGES[model.language] if model else "the ingest",
                inputs=model.inputs if model else (),
                checks=[
                    CheckView(check.name, check.severity, check.description)
                    for check in checks_of(table)
                ],
                rows=manifest.rows if manifest.version else None,
                partitions=len(manifest.pieces),
                bytes=manifest.bytes,
                published_at=manifest.published_at,
                lineage=warehouse.lineage(model, model.version(parameters).digest) if model else {},
                statement=model.sql if isinstance(model, SqlModel) else "",
                file=shown_path(model.path) if model else "",
                first_rows=_first_rows(warehouse.relation(name)) if manifest.rows else (),
            )
        )
    return described


def _first_rows(relation: Relation) -> list[dict[str, object]]:
    """Return a few rows as they were published: by an earlier release some columns lack."""
    file = list(relation.files)[-1]
    return pl.read_parquet(file, n_rows=CATALOGUE_ROWS, hive_partitioning=False).to_dicts()
