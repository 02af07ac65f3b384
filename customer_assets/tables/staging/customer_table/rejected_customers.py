"""---
description: One row per customer whom a cleaning rule rejects, as landed.
key: [customer_id]
columns:
  rule:
    type: varchar
    description: The first rule, as the source lists them, that rejects the customer.
---
"""

from customer_assets.customer_tables.cleaning import (
    JOINED,
    joined_columns,
    rejected_sql,
    rejecting_rules,
    stated_rules,
)
from customer_assets.sources import CustomerTableSource
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.table import Table


def describe(table: Table, source: CustomerTableSource) -> Table:
    columns = table.columns | joined_columns(source)
    return table.model_copy(update={"columns": columns})


def sql(source: CustomerTableSource) -> str:
    rules = stated_rules(source)
    cases = " ".join(
        f"when {each.sql} then {literal(each.rule.name)}" for each in rejecting_rules(rules)
    )
    return (
        f"select cast({f'case {cases} end' if cases else 'null'} as varchar) as rule, "
        f"{', '.join(quoted(column) for column in source.joined_types())} "
        f"from {JOINED} where {rejected_sql(rules)}"
    )
