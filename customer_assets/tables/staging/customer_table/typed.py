"""---
description: >-
  One row per different row of an input, with typed values. A value that cannot be read is null,
  and listed in unexpected_values.
engine: duckdb
columns:
  occurrence:
    type: bigint
    description: >-
      k for the k-th of the rows that agree in the key's other columns and differ otherwise; only
      the first one is used.
  n_copies: {type: bigint, description: Landed rows that this row stands for.}
  source_file: {type: varchar, description: "Landed file of the row, the first one."}
checks:
  - expect_column_values_to_be_between:
      column: occurrence
      max_value: 1
      severity: warn
      name: no_conflicting_rows
      description: No two rows agree in the key's other columns and differ otherwise.
---
"""

from collections.abc import Iterable

from customer_assets.customer_tables.raw_tables import (
    SOURCE_FILE,
    column_meaning,
    not_null,
    raw_name,
)
from customer_assets.customer_tables.values import repaired_sql, text_sql, value_sql
from customer_assets.sources import CustomerTableSource
from customer_assets.sources.customer_table import duckdb_type
from customer_assets.warehouse.quoting import quoted
from customer_assets.warehouse.table import Column, Table


def parts(source: CustomerTableSource) -> Iterable[str]:
    return source.tables


def describe(table: Table, source: CustomerTableSource, part: str) -> Table:
    key = source.tables[part].key
    typed = {
        c: Column(type=duckdb_type(column.type), description=column_meaning(source, column))
        for c, column in source.read_columns(part).items()
    }
    return table.model_copy(
        update={
            "description": table.description.replace("an input", f"the input {part}"),
            "columns": typed | table.columns,
            "key": [*key, "occurrence"],
            "checks": [*(not_null(column) for column in key), *table.checks],
        }
    )


def sql(source: CustomerTableSource, part: str) -> str:
    columns = source.read_columns(part)
    key = source.tables[part].key
    names = ", ".join(quoted(column) for column in columns)
    texts = ", ".join(
        f"{repaired_sql(column, text_sql(c))} as {quoted(c)}" for c, column in columns.items()
    )
    values = ", ".join(
        f"{value_sql(column, quoted(c))} as {quoted(c)}" for c, column in columns.items()
    )
    by_key = ", ".join(quoted(column) for column in key)
    rest = ", ".join(quoted(column) for column in columns if column not in key) or by_key
    return (
        f"with texts as (select {texts}, {SOURCE_FILE} from {quoted(raw_name(part))}),\n"
        f"typed as (select {values}, {SOURCE_FILE} from texts),\n"
        f"different as (select {names}, count(*) as n_copies, min({SOURCE_FILE}) as {SOURCE_FILE} "
        f"from typed group by {names})\n"
        f"select {names}, "
        f"row_number() over (partition by {by_key} order by {rest}) as occurrence, "
        f"n_copies, {SOURCE_FILE} from different"
    )
