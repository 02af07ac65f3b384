"""Cleaning as the source states it: customers, those that a rule rejects, and what each rule did.

Each rule of the configuration becomes a condition on the joined row of a customer, as it landed:
no rule sees what another one did.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from customer_assets.customer_tables.raw_tables import not_null
from customer_assets.customer_tables.typed_tables import generated_model
from customer_assets.ingest.rules import condition_sql
from customer_assets.sources import CleaningRule, CustomerRule, CustomerTableSource
from customer_assets.sources.customer_table import CUSTOMER_ID, LABEL, VALUE
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.sql_model import SqlModel
from customer_assets.warehouse.table import Column, Table

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
    return [StatedRule(rule, _conditions(rule, types)) for rule in source.rules]


def _conditions(rule: CustomerRule, types: dict[str, str]) -> dict[str | None, str]:
    plain = CleaningRule(name=rule.name, condition=rule.condition)
    if not rule.columns:
        return {None: f"coalesce({condition_sql(plain, types)}, false)"}
    by_type = {
        kind: condition_sql(plain, {**types, VALUE: kind})
        for kind in {types[column] for column in rule.columns}
    }
    return {
        column: f"coalesce({_asked_of(by_type[types[column]], column)}, false)"
        for column in rule.columns
    }


def _asked_of(condition: str, column: str) -> str:
    def instead(node: exp.Expr) -> exp.Expr:
        is_value = isinstance(node, exp.Column) and node.name == VALUE
        return exp.column(column, quoted=True) if is_value else node

    return sqlglot.parse_one(condition, dialect="duckdb").transform(instead).sql(dialect="duckdb")


def customers_model(
    name: str, source: CustomerTableSource, rules: Sequence[StatedRule]
) -> SqlModel:
    """Return the model of the customers that no rule rejects."""
    types = source.joined_types()
    flagging = [each for each in _enabled(rules) if each.rule.action != "reject"]
    flags = {
        f"is_{each.rule.name}": Column(type="boolean", description=_meaning(each.rule))
        for each in flagging
    }
    selected = [f"{_kept_sql(rules, column)} as {quoted(column)}" for column in types]
    selected += [f"({each.sql}) as {quoted(f'is_{each.rule.name}')}" for each in flagging]
    label = {"expect_column_values_to_not_be_null": {"column": LABEL, "severity": "warn"}}
    return generated_model(
        Table(
            name=CUSTOMERS,
            layer="staging",
            description="One row per customer whom no cleaning rule rejects, with all attributes"
            + (" and the label." if source.label else "."),
            columns={**joined_columns(source), **flags},
            key=[CUSTOMER_ID],
            checks=[
                not_null(CUSTOMER_ID),
                {"expect_table_row_count_to_be_between": {"min_value": 1}},
                *([label] if source.label else []),
                *source.checks,
            ],
            owner=source.owner,
        ),
        f"select {', '.join(selected)} from {JOINED} where not ({_rejected_sql(rules)})",
        [JOINED],
        name,
    )


def rejected_customers_model(
    name: str, source: CustomerTableSource, rules: Sequence[StatedRule]
) -> SqlModel:
    """Return the model of the customers whom a rule rejects."""
    types = source.joined_types()
    cases = " ".join(
        f"when {each.sql} then {literal(each.rule.name)}" for each in _rejecting(rules)
    )
    rule = Column(type="varchar", description="The first rule, as the source lists them, that "
                  "rejects the customer.")  # fmt: skip
    return generated_model(
        Table(
            name=REJECTED,
            layer="staging",
            description="One row per customer whom a cleaning rule rejects, as landed.",
            columns={"rule": rule, **joined_columns(source)},
            key=[CUSTOMER_ID],
            owner=source.owner,
        ),
        f"select cast({f'case {cases} end' if cases else 'null'} as varchar) as rule, "
        f"{', '.join(quoted(column) for column in types)} "
        f"from {JOINED} where {_rejected_sql(rules)}",
        [JOINED],
        name,
    )


def cleaning_model(name: str, source: CustomerTableSource, rules: Sequence[StatedRule]) -> SqlModel:
    """Return the model that says what each rule is and how many customers it touches."""
    described = {
        "rule_number": ("bigint", "Place of the rule in the source's list, from 1."),
        "rule": ("varchar", "Name of the rule."),
        "action": (
            "varchar",
            "reject (the customer is in rejected_customers), flag (is_<rule> is true) or clear "
            "(is_<rule> is true and the columns for which it holds are null).",
        ),
        "is_enabled": ("boolean", "Whether the rule is switched on."),
        "condition": ("varchar", "When it holds; `value` is each of the columns."),
        "column_names": ("varchar", "Columns that it looks at, one by one; null: the whole row."),
        "n_customers": ("bigint", "Joined customers for whom it holds, switched on or not."),
        "customer_share": ("double", "Their share of all joined customers."),
        "description": ("varchar", "Why there is the rule."),
    }
    counts = [
        f"count(*) filter (where {each.sql}) as rule_{number}"
        for number, each in enumerate(rules, 1)
    ]
    parts = [_rule_sql(number, each.rule) for number, each in enumerate(rules, 1)]
    nothing = ", ".join(f"cast(null as {kind}) as {n}" for n, (kind, _) in described.items())
    return generated_model(
        Table(
            name="cleaning",
            layer="staging",
            description="One row per cleaning rule of the source: what it says and how many "
            "customers it touches.",
            columns={
                n: Column(type=kind, description=text) for n, (kind, text) in described.items()
            },
            key=["rule_number"],
            owner=source.owner,
        ),
        f"with counted as (select {', '.join([*counts, 'count(*) as n_joined'])} from {JOINED})\n"
        f"select {nothing} from counted where false union all {' union all '.join(parts)}"
        if parts
        else f"select {nothing} from {JOINED} where false",
        [JOINED],
        name,
    )


def _rule_sql(number: int, rule: CustomerRule) -> str:
    column_names = literal(", ".join(rule.columns)) if rule.columns else "cast(null as varchar)"
    return (
        f"select cast({number} as bigint), {literal(rule.name)}, {literal(rule.action)}, "
        f"{literal(rule.enabled)}, {literal(rule.condition)}, {column_names}, rule_{number}, "
        f"rule_{number} / nullif(n_joined, 0), {literal(rule.description)} from counted"
    )


def _kept_sql(rules: Sequence[StatedRule], column: str) -> str:
    """Return a column of the joined row with the values null that enabled rules clear."""
    clearing = [each.conditions[column] for each in _enabled(rules) if column in each.conditions]
    if not clearing:
        return quoted(column)
    return f"case when not ({' or '.join(clearing)}) then {quoted(column)} end"


def _enabled(rules: Sequence[StatedRule]) -> list[StatedRule]:
    return [each for each in rules if each.rule.enabled]


def _rejecting(rules: Sequence[StatedRule]) -> list[StatedRule]:
    return [each for each in _enabled(rules) if each.rule.action == "reject"]


def _rejected_sql(rules: Sequence[StatedRule]) -> str:
    return " or ".join(each.sql for each in _rejecting(rules)) or "false"


def _meaning(rule: CustomerRule) -> str:
    if rule.description:
        return rule.description
    of_columns = f" for any of {', '.join(rule.columns)}" if rule.columns else ""
    return f"True where {rule.condition}{of_columns}."
