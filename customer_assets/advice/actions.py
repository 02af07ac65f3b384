"""Which actions of the source's catalogue fit which group of customers, and why, in figures."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import polars as pl
import sqlglot
from sqlglot import exp

from customer_assets.ingest.rules import RuleError, condition_sql
from customer_assets.sources import Action, CleaningRule, Segments
from customer_assets.warehouse.source_warehouse import PythonModel
from customer_assets.warehouse.table import Column, Table

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
        raise RuleError(f"action {action.name!r}: {error}") from error


def check_actions(actions: Iterable[Action], measures: Iterable[str]) -> None:
    """Raise RuleError where an action names a measure that the source will not have."""
    types = group_types(measures)
    for action in actions:
        action_condition(action, types)


def group_rows(frames: Mapping[str, pl.DataFrame], segments: Segments) -> pl.DataFrame:
    """Return one row per group that has customers: size, worth, and means beside those of all."""
    measured = frames["segment_measures"]
    profile = frames["segment_profile"]
    rows = profile.select(
        pl.lit("segment").alias("kind"),
        "segment",
        "segment_rank",
        "n_customers",
        "customer_share",
        "value_share",
        "mean_value",
    )
    if "segment_rules" in frames:
        rows = pl.concat([rows, _rule_rows(frames, segments)])
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


def _rule_rows(frames: Mapping[str, pl.DataFrame], segments: Segments) -> pl.DataFrame:
    """Return the rows of rules; their worth is a share of that of all k-means segments."""
    measured = frames["segment_measures"].filter(pl.col("kind") == "rule")
    ranks = measured.select("segment", "segment_rank").unique()
    worth = measured.filter(pl.col("measure") == (segments.value or "")).select(
        "segment", pl.col("mean").alias("mean_value"), "n_known"
    )
    total = float(frames["segment_profile"]["value"].sum() or 0)
    share = pl.col("mean_value") * pl.col("n_known") / total if total else pl.lit(None, pl.Float64)
    return (
        frames["segment_rules"]
        .rename({"rule": "segment"})
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


def segment_actions(
    frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]
) -> pl.DataFrame:
    """Return one row per group and action whose condition holds for the group.

    A group that no action fits has one row without an action.
    """
    actions: Sequence[Action] = parameters["advice"].actions
    rows = group_rows(frames, parameters["segments"])
    scored = {
        f"{question}_{column}"
        for question in parameters["question_names"]
        for column in ("probability", "decile", "score_rank")
    }
    named = {c for action in actions for c in (*_columns_of(action.when), *action.because)}
    # What nobody has a value of, or no model has scored yet, is unknown: its conditions are false.
    unknown = sorted((named | scored) - set(rows.columns))
    rows = rows.with_columns(pl.lit(None, pl.Float64).alias(name) for name in unknown)
    types = {name: _GROUP_TYPES.get(name, "double") for name in rows.columns}
    fitting = [
        {
            "kind": group["kind"],
            "segment": group["segment"],
            "segment_rank": group["segment_rank"],
            "action": action.name,
            "priority": action.priority,
            "offer": action.offer,
            "channel": action.channel,
            "tone": action.tone,
            "timing": action.timing or None,
            "owner": action.owner,
            "n_customers": group["n_customers"],
            "reason": reason(action, group),
            "origin": action.origin or None,
        }
        for action in actions
        for group in _held(action_condition(action, types), rows)
    ]
    found = pl.DataFrame(fitting, schema=_SCHEMA)
    nothing = rows.join(found, on=["kind", "segment"], how="anti").select(
        "kind", "segment", "segment_rank", "n_customers"
    )
    without = nothing.with_columns(pl.lit("No action of the catalogue fits.").alias("reason"))
    return pl.concat([found, without], how="diagonal").sort(
        "segment_rank", "priority", "action", nulls_last=True
    )


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


def _held(sql: str, rows: pl.DataFrame) -> list[dict[str, Any]]:
    with duckdb.connect() as scratch:
        scratch.register("rows", rows.to_arrow())
        return scratch.execute(f"select * from rows where ({sql})").pl().to_dicts()


_SCHEMA: dict[str, Any] = {
    "kind": pl.String,
    "segment": pl.String,
    "segment_rank": pl.Int64,
    "action": pl.String,
    "priority": pl.Int64,
    "offer": pl.String,
    "channel": pl.String,
    "tone": pl.String,
    "timing": pl.String,
    "owner": pl.String,
    "n_customers": pl.Int64,
    "reason": pl.String,
    "origin": pl.String,
}
_MEANINGS = {
    "kind": "segment (by k-means) or rule (by a condition of the source).",
    "segment": "Name of the segment or rule.",
    "segment_rank": "Its place: segments as the source lists them, then rules.",
    "action": "Name of the action in the source's catalogue; null: none fits.",
    "priority": "1 is done first.",
    "offer": "What is offered.",
    "channel": "By which way.",
    "tone": "In which tone.",
    "timing": "When; null: any time.",
    "owner": "Who does it.",
    "n_customers": "Customers of the group.",
    "reason": "The group's figures that the action was chosen for.",
    "origin": "The study that proposes it; null: none.",
}

SEGMENT_ACTIONS = PythonModel(
    table=Table(
        name="segment_actions",
        layer="segments",
        description=(
            "One row per segment or rule and action of the source's catalogue whose condition "
            "holds for the group, with the figures that it was chosen for."
        ),
        columns={
            name: Column(
                type="bigint" if kind == pl.Int64 else "varchar", description=_MEANINGS[name]
            )
            for name, kind in _SCHEMA.items()
        },
        key=["kind", "segment", "action"],
        checks=[
            {"expect_column_values_to_not_be_null": {"column": "reason"}},
            {
                "expect_column_values_to_not_be_null": {
                    "column": "action",
                    "severity": "warn",
                    "name": "every_group_has_an_action",
                    "description": "The catalogue has an action for every group.",
                }
            },
        ],
    ),
    inputs=("segment_profile", "segment_measures"),
    optional_inputs=("segment_rules",),
    compute=segment_actions,
    parameters=("advice", "segments", "question_names"),
    requires=frozenset({"actions"}),
)
