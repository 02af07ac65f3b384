"""Which actions of the source's catalogue fit which group of customers, and why, in figures."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import polars as pl
import sqlglot
from sqlglot import exp

from customer_assets.ingest.rules import RuleError, condition_sql
from customer_assets.sources import Action, CleaningRule
from customer_assets.warehouse.connection import scratch

# What is said of every group, beside the means of its customers' measures.
_GROUP_TYPES = {
    "kind": "varchar",
    "segment": "varchar",
    "segment_rank": "bigint",
    "n_customers": "bigint",
    "customer_share": "double",
    "value_share": "double",
    "mean_value": "double",
}
_ALL = "all_"


def group_types(measures: Iterable[str]) -> dict[str, str]:
    """Return the DuckDB types of what a condition of an action may name."""
    means = {f"{prefix}{name}": "double" for name in measures for prefix in ("", _ALL)}
    return means | _GROUP_TYPES


def action_condition(action: Action, types: Mapping[str, str]) -> str:
    """Return when an action fits, as SQL. Raises RuleError where it cannot be used."""
    unknown = sorted(set(action.because) - set(types))
    if unknown:
        raise RuleError(f"action {action.name!r}: because: {', '.join(unknown)}: no such measure")
    try:
        return condition_sql(CleaningRule(name=action.name, condition=action.when), dict(types))
    except RuleError as error:
        raise RuleError(f"action {action.name!r}: when {action.when!r}: {error.why}") from error


def check_action(action: Action, measures: Iterable[str]) -> None:
    """Raise RuleError where an action names a measure that the source will not have."""
    action_condition(action, group_types(measures))


def check_consent(column: str, columns: Mapping[str, Collection[str]]) -> None:
    """Raise RuleError where consent is no column of the customers; `columns` are those by table."""
    if column not in columns.get("customers", ()):
        raise RuleError(f"advice: consent: {column}: no such column of customers")


def group_rows(
    segment_profile: pl.LazyFrame,
    segment_measures: pl.LazyFrame,
    segment_rules: pl.LazyFrame | None = None,
    value: str | None = None,
) -> pl.DataFrame:
    """Return one row per group that has customers: size, worth, and means beside those of all.

    `value` names the measure that says what a customer is worth.
    """
    measured = segment_measures.select(
        "kind", "segment", "segment_rank", "measure", "n_known", "mean", "all_mean"
    ).collect()
    rows = segment_profile.select(
        pl.lit("segment").alias("kind"),
        "segment",
        "segment_rank",
        "n_customers",
        "customer_share",
        "value_share",
        "mean_value",
    ).collect()
    if segment_rules is not None:
        total = float(segment_profile.select("value").collect()["value"].sum() or 0)
        rules = _rule_rows(segment_rules, measured.filter(pl.col("kind") == "rule"), value, total)
        rows = pl.concat([rows, rules])
    for measure in sorted(set(measured["measure"]) - set(_GROUP_TYPES)):
        of = measured.filter(pl.col("measure") == measure)
        means = of.select(
            "kind",
            "segment",
            pl.col("mean").alias(measure),
            pl.col("all_mean").alias(_ALL + measure),
        )
        rows = rows.join(means, on=["kind", "segment"], how="left", maintain_order="left")
    return rows.sort("segment_rank")


def _rule_rows(
    segment_rules: pl.LazyFrame, measured: pl.DataFrame, value: str | None, total: float
) -> pl.DataFrame:
    """Return the rows of rules; their worth is a share of the total of all k-means segments."""
    ranks = measured.select("segment", "segment_rank").unique()
    worth = measured.filter(pl.col("measure") == (value or "")).select(
        "segment", pl.col("mean").alias("mean_value"), "n_known"
    )
    share = pl.col("mean_value") * pl.col("n_known") / total if total else pl.lit(None, pl.Float64)
    return (
        segment_rules.select(pl.col("rule").alias("segment"), "n_customers", "customer_share")
        .collect()
        .join(ranks, on="segment", how="inner")
        .join(worth, on="segment", how="left")
        .select(
            pl.lit("rule").alias("kind"),
            "segment",
            "segment_rank",
            "n_customers",
            "customer_share",
            share.alias("value_share"),
            "mean_value",
        )
    )


def fitting(action: Action, groups: pl.DataFrame) -> list[dict[str, Any]]:
    """Return those of `group_rows` for which the condition of an action holds."""
    # What nobody has a value of, or no model has scored yet, is unknown: its conditions are false.
    unknown = sorted({*_columns_of(action.when), *action.because} - set(groups.columns))
    rows = groups.with_columns(pl.lit(None, pl.Float64).alias(name) for name in unknown)
    sql = action_condition(action, {n: _GROUP_TYPES.get(n, "double") for n in rows.columns})
    with scratch().cursor() as cursor:
        cursor.register("rows", rows.to_arrow())
        return cursor.execute(f"select * from rows where ({sql})").pl().to_dicts()


def reason(action: Action, group: Mapping[str, Any]) -> str:
    """Return the figures of a group that an action is chosen for, as a text."""
    names = [*_columns_of(action.when), *action.because]
    figures = [name.removeprefix(_ALL) for name in names if name not in ("kind", "segment")]
    parts = []
    for name in dict.fromkeys(figures):
        if group.get(name) is None:
            continue
        of_all = group.get(_ALL + name)
        beside = "" if of_all is None else f" (all customers {_written(name, of_all)})"
        words = name.removeprefix("n_").replace("_", " ")
        parts.append(f"{words} {_written(name, group[name])}{beside}")
    return "; ".join(parts) or f"{group['n_customers']:,} customers"


def _written(name: str, value: float) -> str:
    if name == "label" or name.endswith(("_share", "probability")):
        return f"{100 * value:.1f} %"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.2f}"


def _columns_of(condition: str) -> list[str]:
    expression = sqlglot.parse_one(condition, dialect="duckdb")
    return list(dict.fromkeys(column.name.lower() for column in expression.find_all(exp.Column)))
