"""---
description: >-
  One row per cleaning rule of the source: what it says and how many customers it touches.
key: [rule_number]
columns:
  rule_number: {type: bigint, description: 'Place of the rule in the source''s list, from 1.'}
  rule: {type: varchar, description: Name of the rule.}
  action:
    type: varchar
    description: >-
      reject (the customer is in rejected_customers), flag (is_<rule> is true) or clear
      (is_<rule> is true and the columns for which it holds are null).
  is_enabled: {type: boolean, description: Whether the rule is switched on.}
  condition: {type: varchar, description: When it holds; `value` is each of the columns.}
  column_names:
    type: varchar
    description: 'Columns that it looks at, one by one; null: the whole row.'
  n_customers:
    type: bigint
    description: Joined customers for whom it holds, switched on or not.
  customer_share: {type: double, description: Their share of all joined customers.}
  description: {type: varchar, description: Why there is the rule.}
---
"""

from customer_assets.customer_tables.cleaning import JOINED, stated_rules
from customer_assets.sources import CustomerRule, CustomerTableSource
from customer_assets.warehouse.quoting import literal

_NO_ROW = (
    "cast(null as bigint) as rule_number, cast(null as varchar) as rule, "
    "cast(null as varchar) as action, cast(null as boolean) as is_enabled, "
    "cast(null as varchar) as condition, cast(null as varchar) as column_names, "
    "cast(null as bigint) as n_customers, cast(null as double) as customer_share, "
    "cast(null as varchar) as description"
)


def sql(source: CustomerTableSource) -> str:
    rules = stated_rules(source)
    if not rules:
        return f"select {_NO_ROW} from {JOINED} where false"
    counts = [
        f"count(*) filter (where {each.sql}) as rule_{number}"
        for number, each in enumerate(rules, 1)
    ]
    parts = [_of_rule(number, each.rule) for number, each in enumerate(rules, 1)]
    return (
        f"with counted as (select {', '.join([*counts, 'count(*) as n_joined'])} from {JOINED})\n"
        f"select {_NO_ROW} from counted where false union all {' union all '.join(parts)}"
    )


def _of_rule(number: int, rule: CustomerRule) -> str:
    column_names = literal(", ".join(rule.columns)) if rule.columns else "cast(null as varchar)"
    return (
        f"select cast({number} as bigint), {literal(rule.name)}, {literal(rule.action)}, "
        f"{literal(rule.enabled)}, {literal(rule.condition)}, {column_names}, rule_{number}, "
        f"rule_{number} / nullif(n_joined, 0), {literal(rule.description)} from counted"
    )
