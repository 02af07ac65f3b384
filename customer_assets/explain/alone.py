"""A query computed for each unit alone: what each customer, or each row, adds to a result.

The query is rewritten so that a column `_unit` of its inputs runs through it: every group, window
and join is cut by it. The result for one unit is then what the query gives where its inputs hold
that unit only, for all units at once. The rewriting of queries to carry where their rows come from
goes back to Glavic and Alonso, "Perm: Processing provenance and data on the same data model
through query rewriting", ICDE 2009.
"""

import sqlglot
from sqlglot import exp

UNIT = "_unit"


class NotSeparableError(ValueError):
    """A query of which no part belongs to one unit alone."""


def for_each_unit(sql: str, carriers: set[str]) -> str:
    """Return a query with the column `_unit`, and its result for each unit alone.

    `carriers` are the input tables that have the column `_unit`; what the others hold is shared
    by all units. Raises NotSeparableError where a construct has no such reading, as a limit.
    """
    statement = sqlglot.parse_one(sql, dialect="duckdb")
    if not isinstance(statement, exp.Query) or not _carry(statement, set(carriers)):
        raise NotSeparableError("no input of it has units")
    return statement.sql(dialect="duckdb")


def _carry(query: exp.Expr, carriers: set[str]) -> bool:
    """Let the unit run through a query; say whether its result has the column."""
    known = set(carriers)
    with_ = query.args.get("with_") or query.args.get("with")
    for cte in with_.expressions if with_ else []:
        # A name means its table until the common table expression of that name ends.
        if _carry(cte.this, known):
            known.add(cte.alias)
        else:
            known.discard(cte.alias)
    if isinstance(query, exp.Subquery):
        return _carry(query.this, known)
    if isinstance(query, exp.Union):
        return _carry_union(query, known)
    if isinstance(query, exp.Select):
        return _carry_select(query, known)
    if query.find(exp.Table) is None:
        return False
    raise NotSeparableError(f"{type(query).__name__.lower()} mixes units")


def _carry_union(query: exp.Union, carriers: set[str]) -> bool:
    sides = [query.left, query.right]
    carry = [_carry(side, carriers) for side in sides]
    for side, has_unit in zip(sides, carry, strict=True):
        if any(carry) and not has_unit:
            if not isinstance(side, exp.Select):
                raise NotSeparableError("a union of what has units and what has none")
            side.select(f"null as {UNIT}", copy=False, dialect="duckdb")
    return any(carry)


def _carry_select(select: exp.Select, carriers: set[str]) -> bool:
    sources = [select.args.get("from_") or select.args.get("from")]
    joins = select.args.get("joins") or []
    names: list[str] = []
    unit: exp.Expr | None = None
    for source, join in [*((s, None) for s in sources if s), *((j, j) for j in joins)]:
        if not _has_unit(source.this, carriers):
            continue
        here = exp.column(UNIT, table=source.this.alias_or_name)
        names.append(source.this.alias_or_name)
        if unit is None:
            unit = here
            continue
        if join is not None:
            _join_by_unit(select, join, unit, here)
            if join.side in ("RIGHT", "FULL"):
                unit = exp.Coalesce(this=unit.copy(), expressions=[here])
    if unit is None:
        return False
    if select.args.get("limit") or select.args.get("offset"):
        raise NotSeparableError("a limit mixes units")
    _cut_windows(select, unit)
    _cut_groups(select, unit)
    _project(select, unit, names)
    return True


def _has_unit(source: exp.Expr, carriers: set[str]) -> bool:
    if isinstance(source, exp.Table):
        return source.name in carriers
    return isinstance(source, exp.Subquery) and _carry(source, carriers)


def _join_by_unit(select: exp.Select, join: exp.Join, unit: exp.Expr, here: exp.Expr) -> None:
    if join.args.get("using"):
        raise NotSeparableError("a join by USING")
    same = exp.NullSafeEQ(this=unit.copy(), expression=here.copy())
    if join.args.get("on") is not None:
        join.set("on", exp.and_(join.args["on"], same))
    else:
        select.where(same, copy=False)


def _own(select: exp.Select, kind: type[exp.Expr]) -> list[exp.Expr]:
    """Return the nodes of a kind that belong to a select itself, not to a query inside of it."""

    def is_other(node: exp.Expr) -> bool:
        return isinstance(node, exp.Query | exp.CTE | exp.From | exp.Join) and node is not select

    return [node for node in select.walk(prune=is_other) if isinstance(node, kind)]


def _cut_windows(select: exp.Select, unit: exp.Expr) -> None:
    for window in _own(select, exp.Window):
        if not window.args.get("alias"):
            cut = [*(window.args.get("partition_by") or []), unit.copy()]
            window.set("partition_by", cut)


def _cut_groups(select: exp.Select, unit: exp.Expr) -> None:
    group = select.args.get("group")
    if group and any(group.args.get(kind) for kind in ("grouping_sets", "cube", "rollup", "all")):
        raise NotSeparableError("grouping sets")
    aggregates = [
        node for node in _own(select, exp.AggFunc) if not isinstance(node.parent, exp.Window)
    ]
    in_window = all(_is_windowed(node) for node in aggregates)
    if group or (aggregates and not in_window):
        select.group_by(unit.copy(), copy=False)


def _is_windowed(node: exp.Expr) -> bool:
    parent = node.parent
    while isinstance(parent, exp.Filter | exp.IgnoreNulls | exp.Order):
        parent = parent.parent
    return isinstance(parent, exp.Window)


def _project(select: exp.Select, unit: exp.Expr, names: list[str]) -> None:
    stars = 0
    for projection in select.expressions:
        if isinstance(projection, exp.Star):
            stars += len(names)
        elif isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
            stars += projection.table in names
    if stars > 1:
        raise NotSeparableError("two stars over tables with units")
    if not stars:
        select.select(exp.alias_(unit.copy(), UNIT), copy=False)
    distinct = select.args.get("distinct")
    if distinct is not None and distinct.args.get("on") is not None:
        distinct.args["on"].append("expressions", unit.copy())
