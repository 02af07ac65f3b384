"""The report of a source as a Dagster asset: a file, made from the published tables."""

import dagster as dg

from customer_assets import settings
from customer_assets.components.table_assets import asset_key
from customer_assets.components.warehouse_resource import WarehouseResource
from customer_assets.pipeline import AnyPipeline
from customer_assets.reports import REPORT_TABLES, write_report


def report_asset(pipeline: AnyPipeline) -> dg.AssetsDefinition:
    """Return the asset that writes `reports/<source>/index.html`."""
    shown = [name for name in REPORT_TABLES if name in pipeline.tables]

    @dg.asset(
        key=asset_key(pipeline, "report"),
        description="One page on the source: its figures, pictures and published figures beside "
        "ours, as a self-contained HTML file.",
        group_name="reports",
        kinds={"html", "matplotlib"},
        owners=[pipeline.source.owner],
        tags={"source": pipeline.name},
        deps=[asset_key(pipeline, name) for name in shown],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def report(warehouse: WarehouseResource) -> dg.MaterializeResult:
        with warehouse.open(pipeline) as source_warehouse:
            frames = {name: source_warehouse.frame(name) for name in shown}
            page = write_report(
                pipeline.name, pipeline.source, pipeline.tables, frames, settings.reports_folder()
            )
        return dg.MaterializeResult(
            metadata={
                "report": dg.MetadataValue.path(str(page)),
                "bytes": page.stat().st_size,
                "tables": len(shown),
            }
        )

    return report
