"""What the Dagster UI shows of a table: schema, preview, lineage, checks."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from customer_assets.quality import CheckResult, summary_markdown
from customer_assets.warehouse.engine import relation_sql
from customer_assets.warehouse.quoting import quoted
from customer_assets.warehouse.source_warehouse import Model, Published, SourceWarehouse
from customer_assets.warehouse.sql_model import SqlModel
from customer_assets.warehouse.table import Table

PREVIEW_ROWS = 10


def column_schema(table: Table) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, column.type, column.description)
            for name, column in table.columns.items()
        ]
    )


def table_metadata(
    name: str,
    warehouse: SourceWarehouse,
    model: Model | None,
    chunks: Sequence[Published],
    code_version: str = "",
) -> dict[str, Any]:
    """Return the metadata of a materialization: what the table holds now."""
    table = warehouse.tables[model.name] if model else chunks[0].table
    manifest = warehouse.manifest(table.name)
    metadata: dict[str, Any] = {
        "dagster/row_count": manifest.rows,
        "rows_published": sum(chunk.rows for chunk in chunks),
        "rows_read": sum(chunk.rows_read for chunk in chunks),
        "seconds": round(sum(chunk.seconds for chunk in chunks), 3),
        "bytes": manifest.bytes,
        "content_hash": manifest.content_hash,
        "preview": dg.MetadataValue.md(_preview(table, warehouse)),
    }
    if isinstance(model, SqlModel):
        lineage = warehouse.lineage(model, code_version)
        metadata["dagster/column_lineage"] = dg.TableColumnLineage(
            {
                column: [
                    dg.TableColumnDep(asset_key=dg.AssetKey([name, t]), column_name=c)
                    for t, c in origins
                ]
                for column, origins in lineage.items()
            }
        )
        # Stored lineage is not drawn by the open-source UI: show it as a table too.
        metadata["column_lineage_table"] = dg.MetadataValue.md(_lineage_table(lineage))
    return metadata


def check_result(key: dg.AssetKey, result: CheckResult) -> dg.AssetCheckResult:
    """Return one check's outcome as Dagster keeps it."""
    metadata: dict[str, Any] = {
        "rows_checked": result.total_rows,
        "seconds": round(result.seconds, 4),
    }
    if result.failing_rows is not None:
        metadata["failing_rows"] = result.failing_rows
        metadata["failing_share"] = result.failing_share or 0.0
    if result.observed is not None:
        metadata["observed"] = str(result.observed)
    if result.failing_days:
        metadata["failing_days"] = ", ".join(result.failing_days)
    if result.error:
        metadata["error"] = result.error
    if result.sample:
        metadata["sample"] = dg.MetadataValue.md(summary_markdown(result))
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=result.check.name,
        passed=result.passed,
        severity=severity(result),
        metadata=metadata,
    )


def severity(result: CheckResult) -> dg.AssetCheckSeverity:
    is_error = result.check.severity == "error"
    return dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN


def merged(results: Sequence[CheckResult]) -> CheckResult:
    """Return one result for one check over several chunks: the first failed one, or the last."""
    return next((result for result in results if not result.passed), results[-1])


def _preview(table: Table, warehouse: SourceWarehouse) -> str:
    relation = warehouse.relation(table.name)
    # One file is enough to show what rows look like, and the newest is the one to look at.
    newest = type(relation)(table, list(relation.files)[-1:])
    columns = [name for name in table.columns if name not in table.derived]
    select = ", ".join(quoted(column) for column in columns)
    return markdown_table(
        warehouse.query(f"select {select} from ({relation_sql(newest)}) limit {PREVIEW_ROWS}")
    )


def _lineage_table(lineage: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    rows = [
        (column, ", ".join(f"{table}.{c}" for table, c in origins) or "(counts or constants)")
        for column, origins in lineage.items()
    ]
    return markdown_table(pl.DataFrame(rows, schema=["column", "comes from"], orient="row"))


def markdown_table(frame: pl.DataFrame) -> str:
    """Return a frame as a Markdown table; nothing in a cell can end it or become HTML."""
    lines = [_row(frame.columns), "|" + " --- |" * len(frame.columns)]
    lines += [_row(["" if cell is None else str(cell) for cell in row]) for row in frame.rows()]
    return "\n".join(lines)


_ESCAPES = str.maketrans(
    {
        "|": "&#124;", "<": "&lt;", ">": "&gt;", "&": "&amp;", "\n": " ", "\r": " ",
        "[": "&#91;", "]": "&#93;", "`": "&#96;", "*": "&#42;", "_": "&#95;", "!": "&#33;",
    }
)  # fmt: skip


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell[:200].translate(_ESCAPES) for cell in cells) + " |"
