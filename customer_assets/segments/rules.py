"""Segments that a source states as rules: conditions over what is known of each customer.

Conditions are checked as cleaning rules are: one expression over named columns, no way out of
it. Beyond those, aggregates over all customers: median(x), quantile(x, 0.9), percent_rank(x).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from customer_assets.ingest.rules import RuleError, condition_sql
from customer_assets.segments.known_customers import SCORE_COLUMNS
from customer_assets.sources import CleaningRule, SegmentRule
from customer_assets.warehouse.connection import scratch
from customer_assets.warehouse.quoting import quoted

_ID = "customer_id"


@dataclass(frozen=True)
class Aggregate:
    """A figure over all customers that a condition asks for, as a column beside theirs."""

    column: str
    function: str
    of: str
    share: float = 0.5

    def values(self, customers: pl.DataFrame) -> pl.Series:
        known = customers[self.of].cast(pl.Float64)
        if self.function == "percent_rank":
            rank = known.rank("min").cast(pl.Float64)
            return ((rank - 1) / max(known.count() - 1, 1)).alias(self.column)
        figure = known.quantile(self.share, "linear")
        return pl.Series(self.column, [figure] * customers.height, dtype=pl.Float64)


def segment_condition(rule: SegmentRule, types: Mapping[str, str]) -> tuple[str, list[Aggregate]]:
    """Return a rule's condition as SQL, and the aggregates that it reads as columns.

    `types` are the DuckDB types of the columns that it may name. Raises RuleError where it is no
    condition over these.
    """
    named = dict(types)
    if rule.question:
        named |= SCORE_COLUMNS
    aggregates: dict[str, Aggregate] = {}
    text = rule.condition
    try:
        statements = sqlglot.parse(text, dialect="duckdb")
    except SqlglotError:
        statements = []
    # What is not one expression goes on as it stands, to be refused with the reason.
    if len(statements) == 1 and statements[0] is not None:
        put = statements[0].transform(lambda node: _as_column(rule, node, named, aggregates))
        text = put.sql(dialect="duckdb", comments=False)
    known = named | dict.fromkeys(aggregates, "double")
    try:
        sql = condition_sql(CleaningRule(name=rule.name, condition=text), known)
    except RuleError as error:
        text = f"segment rule {rule.name!r}: condition {rule.condition!r}: {error.why}"
        raise RuleError(text, error.why) from error
    return sql, list(aggregates.values())


def _as_column(
    rule: SegmentRule,
    node: exp.Expr,
    types: Mapping[str, str],
    aggregates: dict[str, Aggregate],
) -> exp.Expr:
    """Put a column in the place of an aggregate, and note the aggregate."""
    arguments: list[exp.Expr] = []
    share = 0.5
    if isinstance(node, exp.Median):
        function, arguments = "median", [node.this]
    elif isinstance(node, exp.PercentRank):
        function, arguments = "percent_rank", list(node.expressions)
    elif isinstance(node, exp.Quantile):
        function, arguments = "quantile", [node.this]
        share = float(node.args["quantile"].name or -1)
    else:
        return node
    what = arguments[0] if arguments else None
    if len(arguments) != 1 or not isinstance(what, exp.Column) or what.name not in types:
        raise RuleError(f"segment rule {rule.name!r}: {function} takes one column that there is")
    if not 0 <= share <= 1:
        raise RuleError(f"segment rule {rule.name!r}: quantile takes a share from 0 to 1")
    column = f"{function}_{str(share).replace('.', '_')}_of_{what.name}"
    aggregates[column] = Aggregate(column, function, what.name, share)
    return exp.column(column, quoted=True)


def check_rule(rule: SegmentRule, types: Mapping[str, str]) -> None:
    """Raise RuleError where a rule cannot be used with columns of these types."""
    segment_condition(rule, types)


def rule_members(rule: SegmentRule, customers: pl.DataFrame) -> pl.DataFrame:
    """Return the ids for which a rule holds; who lacks what it asks for is none of them."""
    sql, aggregates = segment_condition(rule, _types_of(customers))
    frame = customers
    if rule.question:
        scores = {f"{rule.question}_{c}": c for c in SCORE_COLUMNS}
        there = {old: new for old, new in scores.items() if old in frame.columns}
        frame = frame.drop([n for n in there.values() if n in frame.columns]).rename(there)
        kinds = {c: pl.Float64 if t == "double" else pl.Int64 for c, t in SCORE_COLUMNS.items()}
        missing = [c for c in SCORE_COLUMNS if c not in frame.columns]
        frame = frame.with_columns(pl.lit(None, kinds[c]).alias(c) for c in missing)
    frame = frame.with_columns(aggregate.values(frame) for aggregate in aggregates)
    with scratch().cursor() as cursor:
        cursor.register("known", frame.to_arrow())
        held = cursor.execute(f"select {quoted(_ID)} from known where ({sql})").pl()
    return held.sort(_ID)


def _types_of(customers: pl.DataFrame) -> dict[str, str]:
    with scratch().cursor() as cursor:
        cursor.register("known", customers.head(0).to_arrow())
        described = cursor.execute("describe select * from known").fetchall()
    return {row[0]: str(row[1]).lower() for row in described}
