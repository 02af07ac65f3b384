"""---
description: One row per customer whom no cleaning rule rejects, with all attributes.
key: [customer_id]
checks:
  - expect_column_values_to_not_be_null: {column: customer_id}
  - expect_table_row_count_to_be_between: {min_value: 1}
---
"""

from customer_assets.customer_tables.cleaning import (
    JOINED,
    enabled_rules,
    joined_columns,
    kept_sql,
    meaning,
    rejected_sql,
    stated_rules,
)
from customer_assets.sources import CustomerTableSource
from customer_assets.sources.customer_table import LABEL
from customer_assets.warehouse.quoting import quoted
from customer_assets.warehouse.table import Column, Table


def describe(table: Table, source: CustomerTableSource) -> Table:
    label = {"expect_column_values_to_not_be_null": {"column": LABEL, "severity": "warn"}}
    flags = {
        f"is_{each.rule.name}": Column(type="boolean", description=meaning(each.rule))
        for each in enabled_rules(stated_rules(source))
        if each.rule.action != "reject"
    }
    checks = [*table.checks, *([label] if source.label else []), *source.checks]
    return table.model_copy(update={"columns": joined_columns(source) | flags, "checks": checks})


def sql(source: CustomerTableSource) -> str:
    rules = stated_rules(source)
    selected = [f"{kept_sql(rules, c)} as {quoted(c)}" for c in source.joined_types()]
    selected += [
        f"({each.sql}) as {quoted(f'is_{each.rule.name}')}"
        for each in enabled_rules(rules)
        if each.rule.action != "reject"
    ]
    return f"select {', '.join(selected)} from {JOINED} where not ({rejected_sql(rules)})"
