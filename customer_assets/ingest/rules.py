"""Cleaning rules: the conditions that a user writes, checked before they reach the engine.

A condition is one boolean expression over the canonical columns and the attributes of a row. It
may not look anywhere else, and it may not depend on the day it runs: the tables must stay a
function of the landed files. So the functions it may use are listed here.
"""

from collections.abc import Iterable

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from customer_assets.sources import CleaningRule
from customer_assets.suggestions import alternatives
from customer_assets.warehouse.connection import scratch
from customer_assets.warehouse.quoting import quoted

_PLAIN = (
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.Boolean,
    exp.Null,
    exp.Paren,
    exp.Tuple,
    exp.Binary,
    exp.Unary,
    exp.Between,
    exp.In,
    exp.Case,
    exp.If,
    exp.Cast,
    exp.TryCast,
    exp.DataType,
    exp.DataTypeParam,
    exp.Interval,
    exp.Var,
)
_FUNCTIONS = (
    exp.Abs,
    exp.Ceil,
    exp.Coalesce,
    exp.Concat,
    exp.ConcatWs,
    exp.Contains,
    exp.Date,
    exp.DateTrunc,
    exp.Day,
    exp.DayOfMonth,
    exp.DayOfYear,
    exp.EndsWith,
    exp.Extract,
    exp.Floor,
    exp.Greatest,
    exp.Hour,
    exp.Least,
    exp.Left,
    exp.Length,
    exp.Lower,
    exp.Minute,
    exp.Month,
    exp.Nullif,
    exp.RegexpFullMatch,
    exp.RegexpLike,
    exp.RegexpReplace,
    exp.Replace,
    exp.Right,
    exp.Round,
    exp.Second,
    exp.Sign,
    exp.StartsWith,
    exp.StrPosition,
    exp.Substring,
    exp.TimestampTrunc,
    exp.Trim,
    exp.Upper,
    exp.Year,
)


_NUMBERS = ("DOUBLE", "FLOAT", "DECIMAL", "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "HUGEINT")


class RuleError(ValueError):
    """A rule that cannot be used; the text names the rule and says why, `why` is the reason."""

    def __init__(self, text: str, why: str = "") -> None:
        super().__init__(text)
        self.why = why or text


def condition_sql(rule: CleaningRule, columns: dict[str, str]) -> str:
    """Return a rule's condition as DuckDB SQL with quoted columns.

    `columns` maps the columns that it may name to their DuckDB types.

    Raises:
        RuleError: the condition is no single boolean expression over these columns.
    """
    return _checked(rule, columns, ("BOOLEAN",), "true or false")


def holds(condition: str) -> str:
    """Return SQL that is true where a condition is; a row on which it cannot be computed has it
    not."""
    return f"coalesce(try(({condition})), false)"


def fails(condition: str) -> str:
    """Return SQL that is true where a condition cannot be computed."""
    return f"try(({condition}) is null) is null"


def number_sql(rule: CleaningRule, columns: dict[str, str]) -> str:
    """Return the SQL of an expression that gives a number, checked as a condition is.

    Raises:
        RuleError: the condition is no single expression over these columns, or gives no number.
    """
    return _checked(rule, columns, _NUMBERS, "a number")


def _checked(
    rule: CleaningRule, columns: dict[str, str], wanted: tuple[str, ...], words: str
) -> str:
    expression = _parsed(rule)
    for node in expression.walk():
        _check_node(rule, node, columns)
    sql = expression.sql(dialect="duckdb")
    given = _type_of(rule, sql, columns)
    if not given.startswith(wanted):
        raise _error(rule, f"it gives {given}, where {words} is needed")
    return sql


def enabled(rules: Iterable[CleaningRule], action: str) -> list[CleaningRule]:
    return [rule for rule in rules if rule.enabled and rule.action == action]


def _parsed(rule: CleaningRule) -> exp.Expr:
    try:
        statements = sqlglot.parse(f"select {rule.condition}\n", read="duckdb")
    except SqlglotError as error:
        wrong = str(error.errors[0]["description"]) if isinstance(error, ParseError) else "unclear"
        raise _error(rule, f"it is no SQL expression ({wrong.rstrip('.')})") from error
    statement = statements[0]
    if len(statements) != 1 or not isinstance(statement, exp.Select):
        raise _error(rule, "it must be one expression")
    used = {key for key, value in statement.args.items() if value}
    if used != {"expressions"} or len(statement.expressions) != 1:
        raise _error(rule, "it must be one expression, without clauses of a query")
    expression: exp.Expr = statement.expressions[0]
    return expression


def _check_node(rule: CleaningRule, node: exp.Expr, columns: dict[str, str]) -> None:
    if isinstance(node, exp.Column):
        name = node.name.lower()
        if node.table or name not in columns:
            raise _error(rule, f"there is no column {node.sql()!r}{alternatives(name, columns)}")
        node.this.replace(exp.to_identifier(name, quoted=True))
    elif isinstance(node, exp.Query | exp.Subquery):
        raise _error(rule, "a subquery is not possible")
    elif isinstance(node, exp.Func) and not isinstance(
        node, (*_FUNCTIONS, exp.Case, exp.If, exp.Cast, exp.Binary)
    ):
        name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
        raise _error(rule, f"the function {name.lower()} is not possible here")
    elif not isinstance(node, (*_PLAIN, *_FUNCTIONS)):
        raise _error(rule, f"{node.sql(dialect='duckdb')!r} is not possible here")


def _type_of(rule: CleaningRule, sql: str, columns: dict[str, str]) -> str:
    empty = ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in columns.items())
    with scratch().cursor() as cursor:
        try:
            relation = cursor.sql(f"select ({sql}) as condition from (select {empty}) limit 0")
        except duckdb.Error as error:
            raise _error(rule, str(error).splitlines()[0]) from error
        return str(relation.types[0])


def _error(rule: CleaningRule, why: str) -> RuleError:
    return RuleError(f"cleaning rule {rule.name!r}: condition {rule.condition!r}: {why}", why)
