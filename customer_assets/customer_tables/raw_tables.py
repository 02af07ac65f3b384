"""The raw tables of a customer table as their files in `tables/raw/customer_table/` describe them.

How files become their rows stands in `load` and `staging`.
"""

from typing import Any

from customer_assets import settings
from customer_assets.sources import CustomerTableSource
from customer_assets.sources.customer_table import ReadColumn
from customer_assets.warehouse.places import read_raw_tables
from customer_assets.warehouse.table import Table

LOADED = "loaded"
DUPLICATE = "duplicate"
WAITING = "waiting"

REJECTED_ROWS = "rejected_rows"
LANDED_FILES = "landed_files"
SOURCE_FILE = "source_file"


def raw_name(table: str) -> str:
    return f"raw_{table}"


def typed_name(table: str) -> str:
    return f"typed_{table}"


def tables(source: CustomerTableSource) -> dict[str, Table]:
    """Return the raw tables by name: an input each, and what became of files and rows."""
    return read_raw_tables(settings.table_roots(), "customer_table", source)


def column_meaning(source: CustomerTableSource, column: ReadColumn) -> str:
    """Return what a column of an input is: its attribute's description and its header."""
    attribute = source.attributes.get(column.name)
    landed = f"Column {column.spellings[0]!r} of the landed files"
    return f"{attribute.description} {landed}." if attribute else f"{landed}."


def not_null(column: str) -> dict[str, dict[str, Any]]:
    return {"expect_column_values_to_not_be_null": {"column": column}}
