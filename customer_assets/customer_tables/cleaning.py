"""Cleaning as the source states it: rules as SQL, and what they do to a joined customer.

Each rule of the configuration becomes a condition on the joined row of a customer, as it landed:
no rule sees what another one did.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from customer_assets.ingest.rules import condition_sql, holds
from customer_assets.sources import CleaningRule, CustomerRule, CustomerTableSource
from customer_assets.sources.customer_table import CUSTOMER_ID, LABEL, VALUE
from customer_assets.warehouse.quoting import quoted
from customer_assets.warehouse.table import Column

JOINED = "customers_joined"
CUSTOMERS = "customers"
REJECTED = "rejected_customers"


def joined_columns(source: CustomerTableSource) -> dict[str, Column]:
    """Return the columns of customers_joined: customer_id, the attributes, the label."""
    meanings = {CUSTOMER_ID: "Who."}
    meanings |= {name: each.description for name, each in source.attributes.items()}
    meanings |= {LABEL: source.label.description} if source.label else {}
    return {
        name: Column(type=kind, description=meanings[name])
        for name, kind in source.joined_types().items()
    }


@dataclass(frozen=True)
class StatedRule:
    """A rule with its conditions as SQL that is never null: by column, or one for the whole row."""

    rule: CustomerRule
    conditions: dict[str | None, str]

    @property
    def sql(self) -> str:
        """Return SQL that is true where the rule holds for a joined row."""
        return " or ".join(self.conditions.values())


def stated_rules(source: CustomerTableSource) -> list[StatedRule]:
    """Return the rules of a source, switched on or not, ready for use.

    Raises:
        RuleError: the condition of a rule cannot be used.
    """
    types = source.joined_types()
    return [stated_rule(rule, types) for rule in source.rules]


def stated_rule(rule: CustomerRule, types: dict[str, str]) -> StatedRule:
    """Return a rule ready for use. Raises RuleError where its condition cannot be used."""
    return StatedRule(rule, _conditions(rule, types))


def _conditions(rule: CustomerRule, types: dict[str, str]) -> dict[str | None, str]:
    plain = CleaningRule(name=rule.name, condition=rule.condition)
    if not rule.columns:
        return {None: holds(condition_sql(plain, types))}
    by_type = {
        kind: condition_sql(plain, {**types, VALUE: kind})
        for kind in {types[column] for column in rule.columns}
    }
    return {column: holds(_asked_of(by_type[types[column]], column)) for column in rule.columns}


def _asked_of(condition: str, column: str) -> str:
    def instead(node: exp.Expr) -> exp.Expr:
        is_value = isinstance(node, exp.Column) and node.name == VALUE
        return exp.column(column, quoted=True) if is_value else node

    return sqlglot.parse_one(condition, dialect="duckdb").transform(instead).sql(dialect="duckdb")


def kept_sql(rules: Sequence[StatedRule], column: str) -> str:
    """Return a column of the joined row with the values null that enabled rules clear."""
    clearing = [
        each.conditions[column] for each in enabled_rules(rules) if column in each.conditions
    ]
    if not clearing:
        return quoted(column)
    return f"case when not ({' or '.join(clearing)}) then {quoted(column)} end"


def enabled_rules(rules: Sequence[StatedRule]) -> list[StatedRule]:
    return [each for each in rules if each.rule.enabled]


def rejecting_rules(rules: Sequence[StatedRule]) -> list[StatedRule]:
    return [each for each in enabled_rules(rules) if each.rule.action == "reject"]


def rejected_sql(rules: Sequence[StatedRule]) -> str:
    return " or ".join(each.sql for each in rejecting_rules(rules)) or "false"


def meaning(rule: CustomerRule) -> str:
    if rule.description:
        return rule.description
    of_columns = f" for any of {', '.join(rule.columns)}" if rule.columns else ""
    return f"True where {rule.condition}{of_columns}."
