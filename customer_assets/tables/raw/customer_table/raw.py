"""---
description: >-
  One row per row of the landed files of an input that could be read, as text, copies included.
columns:
  source_file: {type: varchar, description: "Landed file, below the source's landing folder."}
---
"""

from collections.abc import Iterable

from customer_assets.customer_tables.raw_tables import SOURCE_FILE, column_meaning, not_null
from customer_assets.sources import CustomerTableSource
from customer_assets.warehouse.table import Column, Table


def parts(source: CustomerTableSource) -> Iterable[str]:
    return source.tables


def describe(table: Table, source: CustomerTableSource, part: str) -> Table:
    landed = {
        column.name: Column(type="varchar", description=column_meaning(source, column))
        for column in source.read_columns(part).values()
    }
    return table.model_copy(
        update={
            "description": table.description.replace("an input", f"the input {part}"),
            "columns": landed | table.columns,
            "checks": [not_null(column) for column in (*source.tables[part].key, SOURCE_FILE)],
        }
    )
