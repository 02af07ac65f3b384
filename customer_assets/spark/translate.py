"""From the SQL of a table, which is DuckDB's, to Spark's with the same rows.

What both engines compute alike passes, what they compute differently is repaired, and all else is
refused with file, line and what to write instead. A construct that nobody compared is refused
too: the lists below name what was, in the tree that is read and in the tree of what comes out.
Does not belong here: where a statement is run (`engine`, `session`).
"""

import datetime as dt
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from customer_assets.warehouse.binding import first_line
from customer_assets.warehouse.header import ModelError
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.sql_model import SqlModel, macros
from customer_assets.warehouse.table import Table
from customer_assets.warehouse.versions import parsed

Type = exp.DType

# Types that a column of a routed table may have, and what Spark calls them.
TYPES = {
    "bigint": "bigint",
    "integer": "int",
    "varchar": "string",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp_ntz",
    "bigint[]": "array<bigint>",
    "varchar[]": "array<string>",
}

# What passes as it is: rows of both engines were compared.
_ALIKE = {
    *(exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered),
    *(exp.With, exp.CTE, exp.Union, exp.Subquery, exp.Table, exp.TableAlias, exp.Values),
    *(exp.Identifier, exp.Column, exp.Star, exp.Alias, exp.Paren, exp.Tuple, exp.Distinct),
    *(exp.Literal, exp.Boolean, exp.Null, exp.Cast, exp.DataType, exp.DataTypeParam),
    *(exp.And, exp.Or, exp.Not, exp.Is, exp.In, exp.Between, exp.Like),
    *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ),
    *(exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Greatest, exp.Least),
    *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg, exp.Abs, exp.Floor),
    *(exp.Sqrt, exp.Filter, exp.Count, exp.Sum, exp.Min, exp.Max, exp.LogicalAnd, exp.LogicalOr),
    *(exp.Window, exp.WindowSpec, exp.Lag, exp.Lead, exp.FirstValue, exp.IgnoreNulls),
    *(exp.Array, exp.Pad, exp.Substring),
    *(exp.DPipe, exp.Concat, exp.Translate, exp.MD5, exp.LastDay, exp.GroupConcat, exp.Var),
}
# What passes after a repair: see `_repaired`.
_REPAIRED = {
    *(exp.ArgMin, exp.ArgMax, exp.RowNumber, exp.Rank, exp.DenseRank, exp.DateDiff),
    *(exp.Extract, exp.Year, exp.Month, exp.Day, exp.Hour, exp.Minute),
    *(exp.Explode, exp.GenerateSeries, exp.ArraySort, exp.ArrayAgg, exp.TimestampTrunc),
    *(exp.RegexpLike, exp.Ln, exp.Pow),
}
# What is refused, and what says the same on both engines; what is not named is just not known.
_INSTEAD: dict[type[exp.Expr] | str, str] = {
    exp.Avg: "sums of doubles differ from run to run: sum whole numbers or decimals",
    exp.DayOfWeekIso: "date_diff('day', date '2000-01-03', d) % 7 + 1 counts from Monday",
    exp.DayOfWeek: "date_diff('day', date '2000-01-03', d) % 7 + 1 counts from Monday",
    exp.Round: "cast(floor(x + 0.5) as bigint)",
    exp.Ceil: "-floor(-x)",
    exp.Exp: "pow() in whole millionths: cast(floor(1000000 * x + 0.5) as bigint)",
    exp.Quantile: "row_number() over (order by x), and the row of the place",
    exp.PercentileCont: "row_number() over (order by x), and the row of the place",
    exp.Median: "row_number() over (order by x), and the row in the middle",
    exp.Interval: "epoch microseconds, or a date with whole days added",
    exp.Upper: "translate(x, 'abc', 'ABC') with the letters that are meant; ß has several capitals",
    exp.Lower: "translate(x, 'ABC', 'abc') with the letters that are meant",
    exp.Limit: "row_number() over (order by the key), and a condition on it",
}
_PARTS = {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"}
_INTEGERS = {Type.TINYINT, Type.SMALLINT, Type.INT, Type.BIGINT}
_DOUBLES = {Type.DOUBLE, Type.FLOAT}

# What a translated statement may be made of. What is a cast in the text is read as one that tries.
_OUTPUT = (_ALIKE | _REPAIRED) | {
    *(exp.TryCast, exp.DateTrunc, exp.TsOrDsToDate, exp.Transform, exp.Lambda, exp.Dot),
    *(exp.Struct, exp.PropertyEQ),
}


class NotPortableError(ModelError):
    """A statement that Spark would not compute alike: file, line, and what to write instead."""


def is_portable_table(table: Table) -> bool:
    """Say whether all columns of a table have a type in which both engines agree to the last bit.

    A double has not: a sum of doubles is another one in another order.
    """
    return all(spark_type(column.type) for column in table.stored_columns.values())


def spark_type(kind: str) -> str | None:
    """Return what Spark calls a type of DuckDB; None for one that is not routed."""
    return kind if kind.startswith("decimal(") else TYPES.get(kind)


def input_type(kind: str) -> str | None:
    """Return what Spark calls the type of a column that is read: a double may be looked at."""
    return "double" if kind == "double" else spark_type(kind)


def check_portable(models: Iterable[Any], tables: Mapping[str, Table]) -> None:
    """Raise NotPortableError for each model that would be routed and cannot be translated.

    All are named at once. A header that says `engine: duckdb` keeps its table out of it.
    """
    wrong = []
    for model in models:
        if is_candidate(model):
            inputs = {name: tables[name] for name in model.inputs}
            try:
                translated(model, inputs, None)
            except NotPortableError as error:
                wrong.append(str(error))
    if wrong:
        raise NotPortableError("\n".join(wrong))


def is_candidate(model: Any) -> bool:
    """Say whether a model is one for Spark, by its header: SQL, a function of its inputs alone, no
    double in its columns."""
    return (
        isinstance(model, SqlModel)
        and model.engine != "duckdb"
        and not model.table.ledger
        and model.compares is None
        and is_portable_table(model.table)
    )


def translated(
    model: SqlModel, inputs: Mapping[str, Table], parameters: Mapping[str, Any] | None
) -> str:
    """Return the statement of a model in Spark's SQL, with its parameters as literals.

    `parameters` is None where only the statement's form matters. Raises NotPortableError.
    """
    told = {
        name: exp.cast(
            sqlglot.parse_one(literal(None if parameters is None else parameters[name])),
            column.type,
            dialect="duckdb",
        )
        for name, column in model.parameters.items()
        if column is not None
    }
    return Translation(model.path, first_line(model), inputs).of(parsed(model.sql), told)


def of_days(statement: str, column: str, days: Sequence[dt.date]) -> str:
    """Return a statement of Spark's with only the rows of some days."""
    listed = ", ".join(f"date '{day}'" for day in days)
    # The range is settled by the statistics of files, the list is not.
    span = f"`{column}` between date '{min(days)}' and date '{max(days)}'"
    return f"select * from (\n{statement}\n) as result where {span} and `{column}` in ({listed})"


def with_derived(path: Path, table: Table, source: str) -> str:
    """Return the statement, in Spark's SQL, of a table's columns with those that are derived.

    `source` is the view of its files.
    """
    columns = ", ".join(
        f"{table.derived[name]} as {quoted(name)}" if name in table.derived else quoted(name)
        for name in table.columns
    )
    stored = table.model_copy(update={"columns": table.stored_columns, "derived": {}})
    statement = parsed(f"select {columns} from {quoted(source)}")
    return Translation(path, 1, {source: stored}).of(statement, {})


class Translation:
    """The translation of one statement, which knows where it stands for what it refuses."""

    def __init__(self, path: Path, first_line: int, inputs: Mapping[str, Table]) -> None:
        self.path = path
        self.first_line = first_line
        self.schema: dict[str, object] = {
            name: {column: described.type for column, described in table.columns.items()}
            for name, table in inputs.items()
        }

    def of(self, statement: exp.Expr, variables: Mapping[str, exp.Expr]) -> str:
        tree = _expanded(statement.copy())
        for node in tree.walk():
            self._demand_known(node)
        tree = tree.transform(_told, variables, copy=False)
        self._check_types(tree)
        text = _repaired(_with_own_names(tree)).sql(dialect="spark", comments=False)
        for node in sqlglot.parse_one(text, dialect="spark").walk():
            if type(node) not in _OUTPUT:
                raise NotPortableError(
                    f"{self.path}:{self.first_line}: {_words(node)} came out of the translation, "
                    "which does not know it"
                )
        return text

    def _refuse(self, node: exp.Expr, instead: str) -> NotPortableError:
        # What a function writes has no lines in its file.
        line = self.first_line + (_line_of(node) - 1 if self.path.suffix == ".sql" else 0)
        return NotPortableError(
            f"{self.path}:{line}: {_words(node)} may not be the same on Spark: {instead}; or say "
            "`engine: duckdb` in the header"
        )

    def _demand_known(self, node: exp.Expr) -> None:
        """Raise NotPortableError where a node is none that was compared."""
        if isinstance(node, exp.Anonymous) and node.name.lower() == "getvariable":
            return
        if type(node) not in _ALIKE | _REPAIRED:
            raise self._refuse(node, _INSTEAD.get(type(node), "nobody compared it"))
        for is_wrong, instead in _RULES.get(type(node), ()):
            if is_wrong(node):
                raise self._refuse(node, instead)

    def _check_types(self, tree: exp.Expr) -> None:
        """Raise NotPortableError for what depends on types, as a sum of doubles."""
        qualified = qualify(
            tree.copy(),
            schema=self.schema,
            dialect="duckdb",
            validate_qualify_columns=False,
            identify=False,
        )
        annotated = annotate_types(qualified, schema=self.schema, dialect="duckdb")
        for node in annotated.walk():
            if instead := _wrong_by_type(node):
                raise self._refuse(node, instead)


_Rule = tuple[Callable[[Any], bool], str]


def _is_text(node: exp.Expr, forbidden: str) -> bool:
    return isinstance(node, exp.Literal) and not any(c in node.name for c in forbidden)


# The last digit of these is the machine's own: it is cut off before anything is compared.
_IN_MILLIONTHS: _Rule = (
    lambda n: not isinstance(n.find_ancestor(exp.Floor, exp.Select), exp.Floor),
    "whole millionths: cast(floor(1000000 * x + 0.5) as bigint)",
)

_RULES: dict[type[exp.Expr], tuple[_Rule, ...]] = {
    exp.Ln: (_IN_MILLIONTHS,),
    exp.Pow: (_IN_MILLIONTHS,),
    exp.DateDiff: (
        (lambda n: n.text("unit").upper() != "DAY", "date_diff('day', a, b), or epoch units"),
    ),
    exp.Extract: (
        (lambda n: n.this.name.upper() not in _PARTS, "year, month, day, hour, minute, second"),
    ),
    exp.TimestampTrunc: (
        (
            lambda n: not (isinstance(n.parent, exp.Cast) and n.parent.to.this == Type.DATE),
            "cast(date_trunc(...) as date)",
        ),
    ),
    exp.GenerateSeries: (
        (
            lambda n: not isinstance(n.parent, exp.Explode) or bool(n.args.get("step")),
            "unnest(generate_series(first, last)) over whole numbers",
        ),
    ),
    exp.ArrayAgg: (
        (
            lambda n: (
                not isinstance(n.parent, exp.ArraySort)
                or isinstance(n.this, exp.Order | exp.Distinct)
            ),
            "list_sort(list(x))",
        ),
    ),
    exp.ArraySort: (
        (
            lambda n: not isinstance(n.this, exp.ArrayAgg) or bool(n.args.get("expression")),
            "list_sort(list(x))",
        ),
    ),
    exp.Like: ((lambda n: not _is_text(n.expression, "\\"), "like with a pattern without \\"),),
    exp.RegexpLike: (
        (
            lambda n: not _is_text(n.expression, "\\[]{}.^$*+?") or bool(n.args.get("flag")),
            "a pattern of words, blanks, | and ()",
        ),
    ),
    exp.Join: ((lambda n: n.method.upper() in ("ASOF", "POSITIONAL"), "a join on a condition"),),
    exp.With: ((lambda n: bool(n.args.get("recursive")), "a statement that is not recursive"),),
    exp.Star: (
        (lambda n: bool(n.args.get("replace") or n.args.get("rename")), "the columns by name"),
    ),
    exp.Group: ((lambda n: bool(n.args.get("all")), "the columns by name"),),
    exp.Filter: (
        (
            lambda n: (
                not isinstance(
                    n.this,
                    exp.Count
                    | exp.Sum
                    | exp.Min
                    | exp.Max
                    | exp.ArgMin
                    | exp.ArgMax
                    | exp.LogicalAnd
                    | exp.LogicalOr,
                )
            ),
            "a filter on a count, sum, least or largest",
        ),
    ),
    exp.GroupConcat: (
        (lambda n: not isinstance(n.this, exp.Order), "string_agg(x, separator order by key)"),
    ),
}


def _wrong_by_type(node: exp.Expr) -> str | None:
    """Return what to write in the place of a node whose type makes it differ, if it does."""
    if isinstance(node, exp.Sum) and _kind(node.this) in _DOUBLES:
        return "sums of doubles differ from run to run: sum whole numbers or decimals"
    if isinstance(node, exp.Sub) and _kind(node.this) == _kind(node.expression) == Type.DATE:
        return "date_diff('day', a, b)"
    if isinstance(node, exp.Div):
        sides = {_kind(node.this), _kind(node.expression)}
        if Type.DECIMAL in sides and not sides & _DOUBLES:
            return "cast both sides to double, or compare products"
    if isinstance(node, exp.Cast):
        return _wrong_cast(_kind(node.this), node)
    return None


def _wrong_cast(source: exp.DType | None, cast: exp.Cast) -> str | None:
    target = cast.to.this
    inner = cast.this.unnest()
    if target in _INTEGERS and source in {*_DOUBLES, Type.DECIMAL}:
        return None if isinstance(inner, exp.Floor) else "cast(floor(x + 0.5) as bigint)"
    if target in {Type.VARCHAR, Type.TEXT} and source in {*_DOUBLES, Type.DECIMAL, Type.TIMESTAMP}:
        return "a whole number, a date or a text: others are written in other digits"
    if target == Type.DECIMAL and source in _DOUBLES:
        return "decimals all the way"
    if target in {*_INTEGERS, *_DOUBLES, Type.DECIMAL} and source in {Type.VARCHAR, Type.TEXT}:
        return "numbers as the ingest read them"
    return None


def _kind(node: exp.Expr) -> exp.DType | None:
    return node.type.this if isinstance(node.type, exp.DataType) else None


def _words(node: exp.Expr) -> str:
    """Return a node as it reads, shortened."""
    text = node.sql(dialect="duckdb", comments=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _line_of(node: exp.Expr) -> int:
    """Return the line of a node in its statement, from 1: that of the first word inside it, or of
    what stands around it."""
    around: exp.Expr | None = node
    while around is not None:
        for inner in around.walk():
            if "line" in inner.meta:
                return int(inner.meta["line"])
        around = around.parent
    return 1


@functools.cache
def _macro(name: str) -> tuple[tuple[str, ...], exp.Expr] | None:
    """Return the arguments and the body of a macro of `sql/macros.sql`."""
    text = macros().get(name)
    if text is None:
        return None
    created = parsed(text)
    arguments = tuple(each.name for each in created.this.expressions)
    return arguments, created.expression


def _expanded(tree: exp.Expr) -> exp.Expr:
    """Return a tree with each call of a macro replaced by what the macro says."""

    def expand(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Anonymous) or not (known := _macro(node.name.lower())):
            return node
        arguments, body = known
        given = dict(zip(arguments, node.expressions, strict=True))

        def put(inner: exp.Expr) -> exp.Expr:
            value = given.get(inner.name) if isinstance(inner, exp.Column) else None
            return inner if value is None else exp.paren(value.copy())

        return exp.paren(_expanded(body.copy().transform(put)))

    return tree.transform(expand, copy=False)


def _told(node: exp.Expr, variables: Mapping[str, exp.Expr]) -> exp.Expr:
    """Return the value in the place of `getvariable('name')`."""
    if isinstance(node, exp.Anonymous) and node.name.lower() == "getvariable":
        return variables[str(node.expressions[0].name)].copy()
    return node


def _with_own_names(tree: exp.Expr) -> exp.Expr:
    """Return a tree in which each WITH inside another statement has names of its own.

    All of them are moved to the top: several funnels have the same names inside.
    """
    nested = [with_ for with_ in tree.find_all(exp.With) if with_.parent is not tree]
    for number, with_ in enumerate(nested, 1):
        own = {cte.alias: f"{cte.alias}_{number}" for cte in with_.expressions}
        seen: set[str] = set()
        around = with_.parent
        assert around is not None
        for table in list(around.find_all(exp.Table)):
            within = table.find_ancestor(exp.CTE)
            is_own = table.name in own and not (
                within is not None and within.parent is with_ and within.alias == table.name
            )
            if is_own:
                alias = table.alias or table.name
                table.set("this", exp.to_identifier(own[table.name]))
                table.set("alias", exp.TableAlias(this=exp.to_identifier(alias)))
                seen.add(alias)
        for cte in with_.expressions:
            cte.args["alias"].set("this", exp.to_identifier(own[cte.alias]))
    return tree


def _repaired(tree: exp.Expr) -> exp.Expr:
    """Return a tree that Spark computes as DuckDB does the one it comes from."""
    # From the leaves upwards: what is inside a node is right when the node is wrapped.
    for node in reversed(list(tree.walk())):
        repair = _REPAIRS.get(type(node))
        if repair is not None and (repaired := repair(node)) is not node:
            node.replace(repaired)
    return tree


def _bigint(node: exp.Expr) -> exp.Expr:
    return exp.cast(node.copy(), "bigint")


def _numbered(window: exp.Window) -> exp.Expr:
    # Ranks are INT there, and what is multiplied by them runs over.
    is_rank = isinstance(window.this, exp.RowNumber | exp.Rank | exp.DenseRank)
    return _bigint(window) if is_rank else window


def _part(extract: exp.Extract) -> exp.Expr:
    # Seconds have a fraction there.
    is_second = extract.this.name.upper() == "SECOND"
    return _bigint(exp.Floor(this=extract.copy()) if is_second else extract)


def _days_between(node: exp.DateDiff) -> exp.Expr:
    # DATEDIFF of a unit counts whole hours of timestamps; that of two dates, days.
    last, first = (exp.cast(each.copy(), "date") for each in (node.this, node.expression))
    return exp.cast(exp.Anonymous(this="DATEDIFF", expressions=[last, first]), "bigint")


def _first_of(node: exp.TimestampTrunc) -> exp.Expr:
    unit = exp.Literal.string(node.text("unit").upper())
    return exp.Anonymous(this="TRUNC", expressions=[exp.cast(node.this.copy(), "date"), unit])


def _series(node: exp.GenerateSeries) -> exp.Expr:
    # It counts downwards there where the end is before the start.
    first, last = (_bigint(node.args[name]) for name in ("start", "end"))
    series = exp.Anonymous(this="SEQUENCE", expressions=[first, last])
    nothing = exp.cast(exp.Array(), "bigint[]", dialect="duckdb")
    return (
        exp.case().when(exp.LTE(this=first.copy(), expression=last.copy()), series).else_(nothing)
    )


def _sorted_list(node: exp.ArraySort) -> exp.Expr:
    # COLLECT_LIST leaves out nulls, but no structure that holds one; ARRAY_SORT has them last. Of
    # no rows it makes a list of nothing, where DuckDB says null.
    held = exp.Anonymous(
        this="NAMED_STRUCT", expressions=[exp.Literal.string("value"), node.this.this.copy()]
    )
    listed = exp.Anonymous(this="COLLECT_LIST", expressions=[held])
    entry = exp.to_identifier("entry")
    bare = exp.Lambda(
        this=exp.Dot(this=entry, expression=exp.to_identifier("value")), expressions=[entry.copy()]
    )
    values = exp.Anonymous(this="TRANSFORM", expressions=[listed, bare])
    is_any = exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(0))
    return exp.case().when(is_any, exp.Anonymous(this="ARRAY_SORT", expressions=[values]))


def _where_known(node: exp.ArgMin | exp.ArgMax) -> exp.Expr:
    # DuckDB passes over rows whose first argument is null.
    known = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.Null()))
    if isinstance(node.parent, exp.Filter):
        where = node.parent.expression
        where.set("this", exp.and_(where.this.copy(), known))
        return node
    return exp.Filter(this=node.copy(), expression=exp.Where(this=known))


_REPAIRS: dict[type[exp.Expr], Callable[[Any], exp.Expr]] = {
    exp.Window: _numbered,
    exp.Extract: _part,
    exp.DateDiff: _days_between,
    exp.TimestampTrunc: _first_of,
    exp.GenerateSeries: _series,
    exp.ArraySort: _sorted_list,
    exp.ArgMin: _where_known,
    exp.ArgMax: _where_known,
    **dict.fromkeys((exp.Year, exp.Month, exp.Day, exp.Hour, exp.Minute), _bigint),
}
