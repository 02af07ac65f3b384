"""The raw tables of a customer table source: their columns, keys, checks and descriptions.

How files become their rows stands in `load` and `staging`.
"""

from typing import Any

from customer_assets.sources import CustomerTableSource
from customer_assets.sources.customer_table import ReadColumn
from customer_assets.warehouse.table import Column, Table

LOADED = "loaded"
DUPLICATE = "duplicate"
WAITING = "waiting"
STATUSES = [LOADED, DUPLICATE, WAITING]

REJECTED_ROWS = "rejected_rows"
LANDED_FILES = "landed_files"
SOURCE_FILE = "source_file"


def raw_name(table: str) -> str:
    return f"raw_{table}"


def typed_name(table: str) -> str:
    return f"typed_{table}"


def tables(source: CustomerTableSource) -> dict[str, Table]:
    """Return the raw tables by name, in the order in which they are to be published.

    landed_files comes last: a file counts as read once its rows are published.
    """
    inputs = [_raw_input(source, name) for name in source.tables]
    described = [*inputs, _rejected_rows(), _landed_files()]
    return {table.name: table.model_copy(update={"owner": source.owner}) for table in described}


def column_meaning(source: CustomerTableSource, column: ReadColumn) -> str:
    """Return what a column of an input is: its attribute's description and its header."""
    attribute = source.attributes.get(column.name)
    landed = f"Column {column.spellings[0]!r} of the landed files"
    return f"{attribute.description} {landed}." if attribute else f"{landed}."


def not_null(column: str) -> dict[str, dict[str, Any]]:
    return {"expect_column_values_to_not_be_null": {"column": column}}


def _raw_input(source: CustomerTableSource, name: str) -> Table:
    columns = {
        column.name: Column(type="varchar", description=column_meaning(source, column))
        for column in source.read_columns(name).values()
    }
    columns[SOURCE_FILE] = Column(
        type="varchar", description="Landed file, below the source's landing folder."
    )
    return Table(
        name=raw_name(name),
        layer="raw",
        description=f"One row per row of the landed {name} files that could be read, as text, "
        "copies included.",
        columns=columns,
        key=[],
        checks=[not_null(column) for column in (*source.tables[name].key, SOURCE_FILE)],
    )


def _rejected_rows() -> Table:
    described = {
        "file": ("varchar", "Landed file."),
        "row": (
            "bigint",
            "Where the row starts, counted from 1: the line of a text file, its header line "
            "included, or the row of a Parquet file.",
        ),
        "column_name": ("varchar", "Column that is at fault; null: the whole row."),
        "reason": ("varchar", "Why the row is rejected."),
        "raw_text": (
            "varchar",
            "The row as it stands in the file, a Parquet row as JSON; cut after 10,000 "
            "characters, with a note of how many more there are.",
        ),
    }
    return Table(
        name=REJECTED_ROWS,
        layer="raw",
        description="One row per landed row that is in no raw table: it cannot be read, or does "
        "not say whom it is about. Customers that break a rule are in rejected_customers.",
        columns=_columns(described),
        key=["file", "row"],
        checks=[not_null(column) for column in ("file", "row", "reason", "raw_text")],
    )


def _landed_files() -> Table:
    described = {
        "file": ("varchar", "Path below the source's landing folder."),
        "table_name": ("varchar", "Input of the source that the file belongs to."),
        "content_hash": ("varchar", "Digest of the file's bytes; null where it was not read."),
        "bytes": ("bigint", "Size on disk."),
        "modified_at": ("timestamp", "When the file landed: its last modification, UTC."),
        "status": (
            "varchar",
            "loaded; duplicate (its content counts under another name); waiting (still being "
            "written).",
        ),
        "reason": ("varchar", "Why the file is not loaded, or what was noticed in it."),
        "rows_landed": ("bigint", "Rows of the file that count: rows_loaded + rows_rejected."),
        "rows_loaded": ("bigint", "Rows in the input's raw table."),
        "rows_rejected": ("bigint", "Rows in rejected_rows."),
        "encoding": ("varchar", "How the text is encoded; null for Parquet."),
        "delimiter": ("varchar", "What stands between the fields of a CSV file."),
    }
    return Table(
        name=LANDED_FILES,
        layer="raw",
        description="One row per file in the landing folder that belongs to an input.",
        columns=_columns(described),
        key=["file"],
        checks=[
            not_null("file"),
            {"expect_column_values_to_be_in_set": {"column": "status", "value_set": STATUSES}},
            {
                "unexpected_rows_expectation": {
                    "unexpected_rows_query": "select * from {batch} "
                    "where rows_landed <> rows_loaded + rows_rejected"
                }
            },
        ],
    )


def _columns(described: dict[str, tuple[str, str]]) -> dict[str, Column]:
    return {name: Column(type=kind, description=text) for name, (kind, text) in described.items()}
