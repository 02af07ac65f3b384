"""What the Dagster UI shows of a table: schema, preview, lineage, checks."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from customer_assets import markdown
from customer_assets.quality import CheckResult, summary_markdown
from customer_assets.warehouse.engine import relation_sql
from customer_assets.warehouse.model import Model
from customer_assets.warehouse.quoting import quoted
from customer_assets.warehouse.source_warehouse import EVERY_COLUMN, Published, SourceWarehouse
from customer_assets.warehouse.sql_model import SqlModel
from customer_assets.warehouse.table import Table
from customer_assets.warehouse.versions import shown_path

PREVIEW_ROWS = 10
# Markdown of fewer characters is shown on the page of an asset, longer one behind a click.
SHOWN_AT_ONCE = 1_000
# Characters of a row that fit beside the other metadata.
WIDEST_PREVIEW = 68

# Of a check over findings: what is found, by day.
FINDINGS = "findings"
# What these are about was never there before: it may be a text out of a row.
_NEW_NAMES = {"event_type_new"}

_MOST_BARS = 70
_BAR_WIDTH, _BARS_HEIGHT = 7, 60


def column_schema(table: Table) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, column.type, column.description)
            for name, column in table.columns.items()
        ]
    )


def code_metadata(model: Model) -> dict[str, Any]:
    """Return what makes a table: the file to open, and the SQL where it is SQL."""
    file = dg.LocalFileCodeReference(
        file_path=str(model.path), line_number=1, label=shown_path(model.path)
    )
    metadata: dict[str, Any] = {
        "dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[file])
    }
    if isinstance(model, SqlModel):
        metadata["sql"] = dg.MetadataValue.md(markdown.code(model.sql, "sql"))
    return metadata


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
        **_computed_by(chunks),
        "explain": dg.MetadataValue.md(
            f"Follow a number: `python -m customer_assets explain --source {name} --table "
            f"{table.name} --where ... --column ...`"
        ),
        **_previews(table, warehouse),
        **_pictures(table, warehouse),
    }
    lineage = warehouse.lineage(model, code_version) if model else {}
    if EVERY_COLUMN in lineage:
        metadata["columns_read"] = dg.MetadataValue.md(_columns_read(lineage[EVERY_COLUMN]))
    elif lineage:
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


def _computed_by(chunks: Sequence[Published]) -> dict[str, Any]:
    """Return what computed the rows, where it was not DuckDB alone, and its seconds in all."""
    said: dict[str, Any] = {}
    for chunk in chunks:
        for name, value in chunk.computed_by.items():
            is_sum = isinstance(value, float)
            said[name] = round(said.get(name, 0.0) + value, 3) if is_sum else value
    return said


def check_result(key: dg.AssetKey, result: CheckResult) -> dg.AssetCheckResult:
    """Return one check's outcome as the step of its table yields it."""
    return dg.AssetCheckResult(**_as_dagster_has_it(key, result))


def check_evaluation(key: dg.AssetKey, result: CheckResult) -> dg.AssetCheckEvaluation:
    """Return one check's outcome as any other step logs it."""
    return dg.AssetCheckEvaluation(**_as_dagster_has_it(key, result))


def _as_dagster_has_it(key: dg.AssetKey, result: CheckResult) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "rows_checked": result.total_rows,
        "seconds": round(result.seconds, 4),
    }
    # Of a check that passed, kept every night, each word counts.
    if result.failing_rows:
        metadata["failing_rows"] = result.failing_rows
        metadata["failing_share"] = result.failing_share or 0.0
    if result.observed is not None:
        metadata["observed"] = str(result.observed)
    if result.failing_days:
        metadata["failing_days"] = ", ".join(result.failing_days)
    if result.error:
        metadata["error"] = result.error
    if by_day := _findings_by_day(result.sample):
        metadata[FINDINGS] = dg.MetadataValue.json(by_day)
    if result.sample:
        metadata["sample"] = dg.MetadataValue.md(summary_markdown(result))
    return {
        "asset_key": key,
        "check_name": result.check.name,
        "passed": result.passed,
        "severity": severity(result),
        "metadata": metadata,
        "description": None if result.passed else result.reason,
    }


def _findings_by_day(rows: Sequence[Mapping[str, str | None]]) -> dict[str, str]:
    """Return in few words what is found of each day, newest first, where rows are findings.

    The words are sent away in alerts: names that were seen before, and no text of a row.
    """
    by_day: dict[str, list[str]] = {}
    for row in rows:
        if finding := row.get("finding"):
            subject = "" if finding in _NEW_NAMES else row["subject"] or ""
            words = f"{finding.replace('_', ' ')} {subject}".strip()
            said = by_day.setdefault(row["event_date"] or "", [])
            said += [words] if words not in said else []
    return {day: "; ".join(words) for day, words in by_day.items()}


def severity(result: CheckResult) -> dg.AssetCheckSeverity:
    is_error = result.check.severity == "error"
    return dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN


def _previews(table: Table, warehouse: SourceWarehouse) -> dict[str, dg.MetadataValue]:
    """Return the first rows: as much of them as the UI shows at once, and all columns."""
    relation = warehouse.relation(table.name)
    # One file is enough to show what rows look like, and the newest is the one to look at.
    newest = type(relation)(table, list(relation.files)[-1:])
    columns = [name for name in table.columns if name not in table.derived]
    # Of one moment the time is read first, the number of microseconds last.
    columns.sort(key=lambda name: name.endswith("_ts"))
    select = ", ".join(quoted(column) for column in columns)
    rows = warehouse.query(f"select {select} from ({relation_sql(newest)}) limit {PREVIEW_ROWS}")
    everything = markdown.frame_table(rows)
    if len(everything) < SHOWN_AT_ONCE:
        return {"preview": dg.MetadataValue.md(everything)}
    return {
        "preview": dg.MetadataValue.md(_fitting(rows)),
        "preview_of_all_columns": dg.MetadataValue.md(everything),
    }


def _fitting(rows: pl.DataFrame) -> str:
    """Return as many columns of a few rows as the UI shows without a click."""
    few = rows.head(5)
    for width in range(few.width, 0, -1):
        text = markdown.frame_table(few.select(few.columns[:width]))
        if len(text) < SHOWN_AT_ONCE and max(map(len, text.splitlines())) <= WIDEST_PREVIEW:
            return text
    return markdown.frame_table(
        few.select(pl.lit("its cells are too long to show").alias("preview"))
    )


def _pictures(table: Table, warehouse: SourceWarehouse) -> dict[str, dg.MetadataValue]:
    """Return a picture of the table over time: its rows by day, or its first measure."""
    if table.partition_by is not None:
        days = warehouse.manifest(table.name).days()
        if len(days) > 1:
            values = [sum(piece.rows for piece in pieces) for pieces in days.values()]
            return {"rows_by_day": dg.MetadataValue.md(bars(values, min(days), max(days)))}
        return {}
    measure = _measure(table)
    if measure is None:
        return {}
    (day,) = table.key
    rows = warehouse.query(
        f"select {quoted(day)}::varchar as day, {quoted(measure)}::double as measure "
        f"from ({relation_sql(warehouse.relation(table.name))}) order by day"
    )
    if rows.height < 2:
        return {}
    picture = bars([value or 0.0 for value in rows["measure"]], rows["day"][0], rows["day"][-1])
    return {f"{measure}_by_{day}": dg.MetadataValue.md(picture)}


def _measure(table: Table) -> str | None:
    """Return what there is to draw of a table with one row a day or month: money before counts."""
    if len(table.key) != 1 or table.columns[table.key[0]].type != "date":
        return None
    for kind in ("decimal", "bigint"):
        for name, column in table.columns.items():
            if column.type.startswith(kind) and name not in table.key:
                return name
    return None


def bars(values: Sequence[float], first: str, last: str) -> str:
    """Return a picture of bars as Markdown, small enough for the UI to show it without a click.

    Neighbours are added up where there are more than fit. `first` and `last` name the ends.
    """
    per_bar = -(-len(values) // _MOST_BARS)
    sums = [sum(values[i : i + per_bar]) for i in range(0, len(values), per_bar)]
    highest = max([*sums, 0]) or 1
    steps = "".join(
        f"V{_BARS_HEIGHT - max(0, round(_BARS_HEIGHT * value / highest))}h{_BAR_WIDTH}"
        for value in sums
    )
    size = f'width="{len(sums) * _BAR_WIDTH}" height="{_BARS_HEIGHT}"'
    path = f'<path fill="#4c8cc9" d="M0 {_BARS_HEIGHT}{steps}V{_BARS_HEIGHT}z"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{path}</svg>'
    image = base64.b64encode(svg.encode()).decode()
    return f"![bars](data:image/svg+xml;base64,{image})\n\n{first} to {last}"


def _lineage_table(lineage: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    rows = [
        (column, ", ".join(f"{table}.{c}" for table, c in origins) or "(counts or constants)")
        for column, origins in lineage.items()
    ]
    return markdown.frame_table(pl.DataFrame(rows, schema=["column", "comes from"], orient="row"))


def _columns_read(pairs: Sequence[tuple[str, str]]) -> str:
    """Return what a function read of each input when it ran."""
    tables = dict.fromkeys(table for table, _ in pairs)
    rows = [(name, ", ".join(column for t, column in pairs if t == name)) for name in tables]
    return markdown.frame_table(pl.DataFrame(rows, schema=["input", "columns read"], orient="row"))
