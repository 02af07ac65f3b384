"""The proof of a refresh as a Dagster asset: incremental equals full, for a sample of customers."""

import logging
import time
from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from customer_assets import markdown
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
    VERIFICATION,
    VERIFIED,
    hold_back,
    is_made,
    remember_made,
)
from customer_assets.pipeline import Pipeline
from customer_assets.progress import Done, tell_done
from customer_assets.sources import EventLogSource
from customer_assets.verification import COLUMNS, merged, read_published, verify

logger = logging.getLogger("customer_assets")

CHECK = "incremental_equals_full"
SAMPLED_CUSTOMERS = 200
SHOWN_DIFFERENCES = 50


class VerificationConfig(dg.Config):
    """What the launchpad offers before a verification."""

    customers: int = Field(
        default=SAMPLED_CUSTOMERS,
        ge=1,
        description="How many customers are compared, by a fixed sample; the same number gives "
        "the same customers.",
    )


def verification_asset(pipeline: Pipeline[EventLogSource]) -> dg.AssetsDefinition:
    """Return the asset that compares a sample of customers with the independent oracle.

    Where they differ the step fails, so that readers keep the tables of the run before.
    """
    key = asset_key(pipeline, VERIFICATION)
    compared = ["events", *(name for name in VERIFIED if name in pipeline.models)]

    @dg.asset(
        key=key,
        description=f"Sessions, funnel entries and first sight of {SAMPLED_CUSTOMERS} customers, "
        "as kept up to date day by day, beside a plain computation over all of their events at "
        "once. There shall be no difference. All customers: `python -m customer_assets verify "
        f"--source {pipeline.name}`.",
        group_name=asset_group(pipeline, "behavior"),
        kinds={"python"},
        owners=[pipeline.source.owner],
        tags=asset_tags(pipeline, "behavior"),
        deps=[asset_key(pipeline, name) for name in compared],
        freshness_policy=freshness(pipeline, VERIFICATION),
        metadata={
            "dagster/column_schema": dg.TableSchema(
                columns=[dg.TableColumn(n, "varchar", text) for n, text in COLUMNS.items()]
            )
        },
        check_specs=[
            dg.AssetCheckSpec(
                name=CHECK,
                asset=key,
                description="What is computed day by day equals a computation over all events.",
                blocking=True,
            )
        ],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def verification(
        context: dg.AssetExecutionContext, config: VerificationConfig, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        started = time.monotonic()
        with warehouse.open(pipeline) as source_warehouse:
            if ONLY_OUTDATED in context.run.tags and is_made(
                pipeline, source_warehouse, VERIFICATION
            ):
                tell_done(Done(pipeline.name, VERIFICATION, "up to date"))
                yield dg.MaterializeResult(asset_key=key, metadata=said_before(context, key))
                yield dg.AssetCheckResult(asset_key=key, check_name=CHECK, passed=True)
                return
            parameters = pipeline.parameters(warehouse.now)
            published = read_published(pipeline, source_warehouse, parameters)
            found = merged(verify(published, config.customers))
            n_differences = found.differences.height
            n_rows = sum(found.compared.values())
            left_out = [*published.left_out, *found.left_out]
            metadata: dict[str, dg.MetadataValue | int | str] = {
                "customers": found.n_customers,
                "events": found.n_events,
                "rows_compared": n_rows,
                "differences": n_differences,
                **{f"rows_compared_{table}": count for table, count in found.compared.items()},
                "not_compared": "; ".join(left_out) or "nothing",
            }
            if n_differences:
                first = found.differences.head(SHOWN_DIFFERENCES)
                metadata["first_differences"] = dg.MetadataValue.md(markdown.frame_table(first))
            seconds = time.monotonic() - started
            logger.info(
                "%s/verification: %s customers, %s rows compared, %s differences, %.1f s",
                pipeline.name, f"{found.n_customers:,}", f"{n_rows:,}", n_differences, seconds,
            )  # fmt: skip
            tell_done(Done(pipeline.name, VERIFICATION, "published", n_rows, seconds))
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)
            yield dg.AssetCheckResult(
                asset_key=key,
                check_name=CHECK,
                passed=n_differences == 0 and published.has_claims,
                # Everything outdated, as after a change of definitions, is no difference.
                severity=dg.AssetCheckSeverity.ERROR
                if n_differences
                else dg.AssetCheckSeverity.WARN,
                metadata=metadata,
            )
            if published.has_claims and not n_differences:
                remember_made(pipeline, source_warehouse, VERIFICATION)
            if n_differences:
                hold_back(pipeline, source_warehouse, f"{n_differences} differences to be mended")
                raise dg.Failure(
                    f"{n_differences} differences between what was computed day by day and all "
                    "events at once; readers keep the tables of the run before",
                    metadata={"differences": metadata["first_differences"]},
                    allow_retries=False,
                )

    return verification
