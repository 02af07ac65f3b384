"""---
description: >-
  One row per landed value that is not of its column's type or not among the expected ones, and
  what became of it.
key: [table_name, column_name, value]
engine: duckdb
columns:
  table_name: {type: varchar, description: Input of the source.}
  column_name: {type: varchar, description: 'Column of the input, by its name in the tables.'}
  value:
    type: varchar
    description: The value as it stands in the files, without blanks around it.
  read_as:
    type: varchar
    description: What the tables hold instead; null where it cannot be read.
  outcome:
    type: varchar
    description: >-
      kept (not among the expected values, but left as it is), repaired (read as another value)
      or unreadable (null in the tables).
  n_rows: {type: bigint, description: Landed rows with the value.}
checks:
  - expect_column_values_to_be_in_set:
      column: outcome
      value_set: [repaired]
      severity: warn
      name: values_as_expected
      description: Every landed value is expected, or a known misspelling.
---
"""

from customer_assets.customer_tables.raw_tables import raw_name
from customer_assets.customer_tables.values import repaired_sql, text_sql, value_sql
from customer_assets.sources import CustomerTableSource
from customer_assets.sources.customer_table import ReadColumn
from customer_assets.warehouse.quoting import literal, quoted

REPAIRED, KEPT, UNREADABLE = "repaired", "kept", "unreadable"
# Gives the columns their names and types, also where no column has anything to be met.
_NOTHING_MET = (
    "select cast(null as varchar) as table_name, cast(null as varchar) as column_name, "
    "cast(null as varchar) as value, cast(null as varchar) as read_as, "
    "cast(null as bigint) as n_rows where false"
)


def sql(source: CustomerTableSource) -> str:
    parts = [
        _unexpected(table, column)
        for table in source.tables
        for column in source.read_columns(table).values()
        if column.type != "varchar" or column.values or column.repairs
    ]
    return (
        f"with met as ({_NOTHING_MET} union all {' union all '.join(parts)})\n"
        "select table_name, column_name, value, read_as, "
        f"case when read_as is null then '{UNREADABLE}' when read_as = value then '{KEPT}' "
        f"else '{REPAIRED}' end as outcome, n_rows from met"
    )


def _unexpected(table: str, column: ReadColumn) -> str:
    landed = f"select {text_sql(column.name)} as value from {quoted(raw_name(table))}"
    repaired = (
        f"select value, {repaired_sql(column, 'value')} as repaired from ({landed}) as landed"
    )
    expected = ", ".join(literal(value) for value in column.values)
    wanted = f"value not in ({expected})" if expected else "repaired <> value"
    return (
        f"select {literal(table)}, {literal(column.name)}, value, read_as, count(*) from ("
        f"select value, repaired, cast({value_sql(column, 'repaired')} as varchar) as read_as "
        f"from ({repaired}) as repaired) as typed "
        f"where value is not null and (read_as is null or {wanted}) group by value, read_as"
    )
