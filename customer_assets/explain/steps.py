"""One step upstream: the rows of a model's inputs that some of its rows were computed from.

First the narrowest rows of each input are looked for that share what the rows themselves hold:
column lineage says which columns carry over. Then, where the rows are not about one customer each,
what each customer or each input row adds is computed for it alone. Last, what can be left out is
left out. Each of these is kept only if the model, run on the rows that remain, gives the same
values again: that is the proof.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from customer_assets.explain.alone import UNIT, NotSeparableError, for_each_unit
from customer_assets.warehouse.engine import relation_sql
from customer_assets.warehouse.model import Model
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.source_warehouse import SourceWarehouse
from customer_assets.warehouse.sql_model import SqlModel
from customer_assets.warehouse.table import Table

CUSTOMER = "customer_id"
# Rows of an input up to which each is tried for what it adds alone.
MOST_ROWS_ALONE = 2_000_000
_MOST_VALUES = 400
# How long the leaving out may take, per step; whatever remains then is proved all the same.
SECONDS_TO_NARROW = 5.0
_POSITIONS = ("bigint", "timestamp", "date")
_NUMBERS = ("bigint", "double", "decimal", "integer", "hugeint")


@dataclass(frozen=True)
class Used:
    """The rows of an input behind some rows of a table; `relation` is their temporary table.

    `is_whole`: no part of the input gives the same values, so all of it takes part;
    `relation` then holds the rows that are about the same customers, if there are such.
    """

    table: str
    relation: str
    n_rows: int
    n_all: int
    is_whole: bool = False


@dataclass
class Step:
    """What one table was computed from; `proof` says how far that is proved."""

    table: str
    n_rows: int
    used: list[Used]
    is_proved: bool
    proof: str
    adds_up: bool = False
    contributions: str | None = None
    columns: Mapping[str, set[str]] = field(default_factory=dict)


class Upstream:
    """Steps from tables to their inputs, over temporary tables of one connection."""

    def __init__(self, warehouse: SourceWarehouse, parameters: Mapping[str, Any]) -> None:
        self.warehouse = warehouse
        self.parameters = parameters
        self.connection = warehouse.engine.connection
        self._made: dict[str, str] = {}

    def step(self, model: Model, rows: str, columns: set[str]) -> Step:
        """Return what some rows of a model's table come from.

        `rows` names a temporary table of them; `columns` are those whose values matter.
        """
        table = self.warehouse.tables[model.name]
        n_rows = self._count(rows)
        everything = self._everything(model, table, rows)
        if isinstance(model, SqlModel) and model.compares is None and not table.ledger:
            return self._sql_step(model, table, rows, columns, everything, n_rows)
        used = []
        for name, full in everything.items():
            kept = self._same_names(table, name, rows, full)
            used.append(self._used(name, kept or self._none(full), full, is_whole=True))
        what = "a ledger of what earlier runs saw" if table.ledger else "a function in Python"
        proof = (
            f"{table.name} is {what}, which looks at all rows at once: shown are the rows of its "
            "inputs that are about the same keys"
        )
        return Step(table.name, n_rows, used, False, proof, columns=self._all_columns(model))

    def _sql_step(
        self,
        model: SqlModel,
        table: Table,
        rows: str,
        columns: set[str],
        everything: dict[str, str],
        n_rows: int,
    ) -> Step:
        lineage = self._lineage(model, table)
        needed = _columns_needed(model, lineage, columns, self.warehouse.tables)
        if not self._agrees(model, table, rows, columns, everything):
            proof = (
                "computed again from all that is published now, the value is another one: "
                "the table is older than its inputs, refresh it"
            )
            used = []
            for name, full in everything.items():
                kept = self._same_names(table, name, rows, full)
                used.append(self._used(name, kept or self._none(full), full, is_whole=True))
            return Step(table.name, n_rows, used, False, proof, columns=needed)

        use = dict(everything)
        for name in sorted(everything, key=lambda name: -self._count(everything[name])):
            for candidate in self._candidates(
                table, name, rows, columns, everything[name], lineage
            ):
                if self._agrees(model, table, rows, columns, {**use, name: candidate}):
                    use[name] = candidate
                    break
        contributions, adds_up = None, False
        if CUSTOMER not in table.columns:
            use, contributions, adds_up = self._by_unit(model, table, rows, columns, use)
        use = self._narrowed(model, table, rows, columns, use, everything, lineage)

        used, is_proved = [], True
        for name, full in everything.items():
            is_whole = use[name] == full and self._count(full) > 0
            relation = use[name]
            is_of_customers = CUSTOMER in self.warehouse.tables[name].columns
            if is_whole and is_of_customers and CUSTOMER in table.columns:
                relation = self._same_names(table, name, rows, full) or relation
                is_proved = is_proved and relation == full
            used.append(self._used(name, relation, full, is_whole))
        proof = (
            "computed again from these rows alone, the value is the same"
            if is_proved
            else "the value depends on other rows too, as a rank among all does: computed from all "
            "of them it is the same; shown are the rows about the same customers"
        )
        return Step(
            table.name, n_rows, used, is_proved, proof, adds_up, contributions, columns=needed
        )

    def _lineage(self, model: SqlModel, table: Table) -> dict[str, list[tuple[str, str]]]:
        """Return the lineage of all columns; the source's own attributes keep their names."""
        known = self.warehouse.lineage(model, model.version(self.parameters).digest)
        return {
            column: known[column]
            if column in known
            else [(n, column) for n in model.inputs if column in self.warehouse.tables[n].columns]
            for column in table.columns
        }

    def _everything(self, model: Model, table: Table, rows: str) -> dict[str, str]:
        """Return each input as a view: of all its days, or of those that the rows' days read."""
        days = None
        if table.partition_by is not None:
            found = self.connection.execute(
                f"select distinct {quoted(table.partition_by)} from {rows} order by 1"
            ).fetchall()
            days = [row[0] for row in found if row[0] is not None]
        views = {}
        for name in model.inputs:
            near = None
            if days is not None:
                near = self.warehouse.days.read(model, name, days, self.parameters)
            view = self._new("view")
            relation = relation_sql(self.warehouse.relation(name, near))
            self.connection.execute(f"create temp view {view} as {relation}")
            views[name] = view
        return views

    def _candidates(
        self,
        table: Table,
        name: str,
        rows: str,
        columns: set[str],
        full: str,
        lineage: Mapping[str, Sequence[tuple[str, str]]],
    ) -> Iterator[str]:
        """Yield ever wider parts of an input that share values with the rows, none first."""
        yield self._none(full)
        told = set()
        for condition in _conditions(table, self.warehouse.tables[name], columns, lineage):
            if condition not in told:
                told.add(condition)
                yield self._kept(full, rows, condition)

    def _same_names(self, table: Table, name: str, rows: str, full: str) -> str | None:
        """Return the rows of an input that have the keys of the rows, by the names of columns."""
        other = self.warehouse.tables[name]
        shared = [
            c
            for c in table.columns
            if c in other.columns
            and (c in table.key or c in other.key)
            and _same_type(table, c, other, c)
        ]
        if CUSTOMER not in shared and not set(table.key) <= set(shared):
            return None
        conditions = [_equal(c, table.columns[c].type, c, other.columns[c].type) for c in shared]
        return self._kept(full, rows, " and ".join(conditions)) if shared else None

    def _kept(self, full: str, rows: str, condition: str) -> str:
        kept = self._new()
        self.connection.execute(
            f"create temp table {kept} as select i.* from {full} as i "
            f"where exists (select 1 from {rows} as r where {condition})"
        )
        return kept

    def _none(self, full: str) -> str:
        none = self._new()
        self.connection.execute(f"create temp table {none} as select * from {full} limit 0")
        return none

    def _by_unit(
        self,
        model: SqlModel,
        table: Table,
        rows: str,
        columns: set[str],
        use: dict[str, str],
    ) -> tuple[dict[str, str], str | None, bool]:
        """Cut the inputs to what adds to the rows: single rows, or else customers."""
        numbers = [
            name
            for name in sorted(columns - set(table.key))
            if table.columns[name].type.split("(")[0] in _NUMBERS
        ]
        if not numbers or numbers != sorted(columns - set(table.key)):
            return use, None, False
        by_customer = {n for n in use if CUSTOMER in self.warehouse.tables[n].columns}
        tries = [
            ({name}, "row_number() over ()")
            for name in sorted(use, key=lambda name: -self._count(use[name]))
            if 0 < self._count(use[name]) <= MOST_ROWS_ALONE
        ]
        tries.append(({n for n in by_customer if self._count(use[n])}, quoted(CUSTOMER)))
        for carriers, unit in tries:
            cut = self._contributions(model, table, rows, numbers, use, carriers, unit)
            if cut is None:
                continue
            trial, contributions = cut
            if self._agrees(model, table, rows, columns, trial):
                among = self._among(contributions, trial, by_customer - carriers)
                is_enough = self._agrees(model, table, rows, columns, among)
                return among if is_enough else trial, contributions, True
        return use, None, False

    def _among(self, customers: str, use: dict[str, str], names: set[str]) -> dict[str, str]:
        """Return inputs of which some hold the given customers only."""
        among = dict(use)
        for name in names:
            among[name] = self._kept(
                use[name], customers, "i.customer_id is not distinct from r.customer_id"
            )
        return among

    def _contributions(
        self,
        model: SqlModel,
        table: Table,
        rows: str,
        numbers: Sequence[str],
        use: dict[str, str],
        carriers: set[str],
        unit: str,
    ) -> tuple[dict[str, str], str] | None:
        """Return the inputs cut to units that add something, and what each customer adds.

        None: the parts do not add up to the whole, as those of a median do not.
        """
        if not carriers:
            return None
        try:
            sql = for_each_unit(model.sql, carriers)
        except NotSeparableError:
            return None
        marked = {}
        for name in carriers:
            marked[name] = self._new()
            self.connection.execute(
                f"create temp table {marked[name]} as select *, {unit} as {UNIT} from {use[name]}"
            )
        parts = self._new()
        values = ", ".join(f"alone.{quoted(name)}" for name in numbers)
        try:
            self._set_inputs(model, {**use, **marked})
            self.connection.execute(
                f"create temp table {parts} as select alone.{UNIT}, {_keys(table)}, {values} "
                f"from ({sql}) as alone join {rows} as r on {_same_key(table, 'alone')}"
            )
        except duckdb.Error:
            return None
        sums = " or ".join(
            f"coalesce(s.{quoted(n)}, 0) is distinct from coalesce(r.{quoted(n)}, 0)"
            for n in numbers
        )
        totals = ", ".join(
            f"cast(sum({quoted(n)}) as {table.columns[n].type}) as {quoted(n)}" for n in numbers
        )
        key = ", ".join(map(quoted, table.key))
        wrong = self._value(
            f"select count(*) from {rows} as r left join (select {key}, {totals} from {parts} "
            f"group by {key}) as s on {_same_key(table, 's')} where {sums}"
        )
        if wrong:
            return None
        adds = " or ".join(f"coalesce({quoted(n)}, 0) <> 0" for n in numbers)
        cut = dict(use)
        for name in carriers:
            cut[name] = self._new()
            self.connection.execute(
                f"create temp table {cut[name]} as select * exclude ({UNIT}) from {marked[name]} "
                f"as i where exists (select 1 from {parts} as p where ({adds}) "
                f"and p.{UNIT} is not distinct from i.{UNIT})"
            )
        return cut, self._of_customers(parts, numbers, marked, carriers, adds)

    def _of_customers(
        self,
        parts: str,
        numbers: Sequence[str],
        marked: Mapping[str, str],
        carriers: set[str],
        adds: str,
    ) -> str:
        """Return a table of the customers and what they add to the first of the numbers."""
        kept = self._new()
        name = next(iter(sorted(carriers)))
        value = quoted(numbers[0])
        if CUSTOMER in self.warehouse.tables[name].columns:
            self.connection.execute(
                f"create temp table {kept} as select u.customer_id, sum(p.{value}) as adds "
                f"from (select * from {parts} where {adds}) as p join (select distinct {UNIT}, "
                f"customer_id from {marked[name]}) as u on p.{UNIT} is not distinct from u.{UNIT} "
                "group by u.customer_id"
            )
        else:
            self.connection.execute(
                f"create temp table {kept} (customer_id varchar, adds decimal(38, 4))"
            )
        return kept

    def _narrowed(
        self,
        model: SqlModel,
        table: Table,
        rows: str,
        columns: set[str],
        use: dict[str, str],
        everything: Mapping[str, str],
        lineage: Mapping[str, Sequence[tuple[str, str]]],
    ) -> dict[str, str]:
        """Leave out days and kinds of rows without which the values are the same."""
        deadline = time.monotonic() + SECONDS_TO_NARROW
        read = _names_read(model)
        for name in use:
            # A row of a day takes the rows of that day; a number by many columns tells of none.
            told = [[o for t, o in lineage[column] if t == name] for column in table.key]
            told_columns = {origins[0] for origins in told if len(origins) == 1}
            other = self.warehouse.tables[name]
            # A rank of one customer takes all customers: a few less would explain nothing.
            is_rank = CUSTOMER in table.columns and use[name] == everything[name]
            if is_rank or CUSTOMER not in other.columns or other.key == [CUSTOMER]:
                continue
            candidates = [
                c
                for c, each in other.columns.items()
                if c in read
                and each.type in ("date", "varchar", "boolean")
                and c not in (CUSTOMER, "source_file")
                and c not in told_columns
            ]
            for column in candidates:
                if not self._count(use[name]) or time.monotonic() > deadline:
                    break
                use = self._without(model, table, rows, columns, use, name, column, deadline)
        return use

    def _without(
        self,
        model: SqlModel,
        table: Table,
        rows: str,
        columns: set[str],
        use: dict[str, str],
        name: str,
        column: str,
        deadline: float,
    ) -> dict[str, str]:
        """Leave out the values of a column that change nothing, by halves."""
        values = [
            row[0]
            for row in self.connection.execute(
                f"select distinct {quoted(column)} from {use[name]} order by 1 "
                f"limit {_MOST_VALUES + 1}"
            ).fetchall()
        ]
        if not 1 < len(values) <= _MOST_VALUES:
            return use
        kind = self.warehouse.tables[name].columns[column].type
        waiting = [values]
        while waiting and time.monotonic() < deadline:
            some = waiting.pop()
            listed = ", ".join(f"cast({literal(value)} as {kind})" for value in some)
            kept = self._new()
            self.connection.execute(
                f"create temp table {kept} as select * from {use[name]} as i where not exists "
                f"(select 1 from (select unnest([{listed}]) as gone) "
                f"where gone is not distinct from i.{quoted(column)})"
            )
            trial = {**use, name: kept}
            if self._agrees(model, table, rows, columns, trial):
                use = trial
            elif len(some) > 1:
                half = len(some) // 2
                waiting += [some[:half], some[half:]]
        return use

    def _agrees(
        self, model: SqlModel, table: Table, rows: str, columns: set[str], use: Mapping[str, str]
    ) -> bool:
        """Say whether the model, run on these inputs, gives the rows again."""
        self._set_inputs(model, use)
        different = " or ".join(
            _different(f"r.{quoted(c)}", f"n.{quoted(c)}", table.columns[c].type)
            for c in sorted(columns)
        )
        key = ", ".join(map(quoted, dict.fromkeys([*table.key, *sorted(columns)])))
        wrong = self._value(
            f"select count(*) from {rows} as r left join (select {key}, true as is_there "
            f"from ({model.sql}) as computed) as n on {_same_key(table, 'n')} "
            f"where n.is_there is null or {different}"
        )
        return wrong == 0

    def _set_inputs(self, model: SqlModel, use: Mapping[str, str]) -> None:
        for name, relation in use.items():
            self.connection.execute(
                f"create or replace temp view {quoted(name)} as select * from {relation}"
            )
        self.warehouse.engine.set_variables(model, self.parameters)

    def _all_columns(self, model: Model) -> dict[str, set[str]]:
        return {name: set(self.warehouse.tables[name].columns) for name in model.inputs}

    def _used(self, name: str, relation: str, full: str, is_whole: bool) -> Used:
        return Used(name, relation, self._count(relation), self._count(full), is_whole)

    def _count(self, relation: str) -> int:
        return int(self._value(f"select count(*) from {relation}"))

    def _value(self, statement: str) -> Any:
        return self.connection.execute(statement).fetchall()[0][0]

    def _new(self, kind: str = "table") -> str:
        name = f"_explain_{len(self._made)}"
        self._made[name] = kind
        return name

    def close(self) -> None:
        """Drop everything that the steps made; what they returned holds no more."""
        for name, kind in reversed(self._made.items()):
            self.connection.execute(f"drop {kind} if exists {name}")
        self._made.clear()


def _conditions(
    table: Table,
    other: Table,
    columns: set[str],
    lineage: Mapping[str, Sequence[tuple[str, str]]],
) -> Iterator[str]:
    """Yield conditions between a row `r` of a table and a row `i` of an input, narrowest first.

    A key column that comes from one column of the input is taken to be the same there. Numbers
    and times that come from one column say where its values lie. None of it needs to be true:
    what comes of it is tried.
    """
    same: dict[str, str] = {}
    positions: dict[str, list[str]] = {}
    for column, described in table.columns.items():
        origins = [c for t, c in lineage[column] if t == other.name]
        alike = [c for c in origins if other.columns[c].type == described.type.removesuffix("[]")]
        if column in origins:
            origin = column
        elif len(origins) == 1 or len(alike) == 1:
            origin = (alike or origins)[0]
        else:
            continue
        is_key = column in table.key or column in (table.partition_by, CUSTOMER)
        if is_key and (origin == column or _same_type(table, column, other, origin)):
            same.setdefault(origin, column)
        elif (
            column in columns
            and described.type.removesuffix("[]") == other.columns[origin].type
            and (other.columns[origin].type in _POSITIONS)
        ):
            positions.setdefault(origin, []).append(column)
    customer = {o: c for o, c in same.items() if o == CUSTOMER}
    no_texts = {o: c for o, c in same.items() if other.columns[o].type != "varchar"} | customer
    no_day = {o: c for o, c in same.items() if c != table.partition_by}
    core = {o: c for o, c in no_texts.items() if o in no_day}
    where = {o: c for o, c in positions.items() if o not in same}
    for equal in (same, no_texts, no_day, core):
        conditions = [
            _equal(c, table.columns[c].type, o, other.columns[o].type) for o, c in equal.items()
        ]
        for lies in (_at, _between):
            parts = [lies(table, o, cs) for o, cs in where.items()]
            if parts:
                yield " and ".join([*conditions, *parts])
    for equal in (same, no_texts, no_day, core, customer):
        if equal:
            yield " and ".join(
                _equal(c, table.columns[c].type, o, other.columns[o].type) for o, c in equal.items()
            )


def _equal(column: str, kind: str, origin: str, origin_kind: str) -> str:
    here, there = f"r.{quoted(column)}", f"i.{quoted(origin)}"
    if kind != origin_kind:
        there = f"try_cast({there} as {kind})"
    return f"{there} is not distinct from {here}"


def _at(table: Table, origin: str, columns: Sequence[str]) -> str:
    parts = [
        f"list_contains(r.{quoted(c)}, i.{quoted(origin)})"
        if table.columns[c].type.endswith("[]")
        else f"i.{quoted(origin)} = r.{quoted(c)}"
        for c in columns
    ]
    return f"({' or '.join(parts)})"


def _between(table: Table, origin: str, columns: Sequence[str]) -> str:
    lows, highs = [], []
    for c in columns:
        is_list = table.columns[c].type.endswith("[]")
        lows.append(f"list_min(r.{quoted(c)})" if is_list else f"r.{quoted(c)}")
        highs.append(f"list_max(r.{quoted(c)})" if is_list else f"r.{quoted(c)}")
    return f"i.{quoted(origin)} between least({', '.join(lows)}) and greatest({', '.join(highs)})"


def _same_type(table: Table, column: str, other: Table, origin: str) -> bool:
    return table.columns[column].type == other.columns[origin].type


def _keys(table: Table) -> str:
    return ", ".join(f"r.{quoted(name)}" for name in table.key)


def _same_key(table: Table, alias: str) -> str:
    return " and ".join(
        f"r.{quoted(name)} is not distinct from {alias}.{quoted(name)}" for name in table.key
    )


def _different(here: str, there: str, kind: str) -> str:
    if kind == "double":
        # A mean of doubles depends on the order in which they were added.
        size = f"greatest(abs({here}), abs({there}))"
        return f"coalesce(abs({here} - {there}) > 1e-9 * {size}, {here} is distinct from {there})"
    return f"{here} is distinct from {there}"


def _columns_needed(
    model: SqlModel,
    lineage: Mapping[str, Sequence[tuple[str, str]]],
    columns: set[str],
    tables: Mapping[str, Table],
) -> dict[str, set[str]]:
    """Return the columns of each input that some columns of a model rest on.

    Those that they come from, and those that decide which rows are taken, joined or grouped.
    """
    statement = sqlglot.parse_one(model.sql, dialect="duckdb")
    parts = (exp.Where, exp.Having, exp.Join, exp.Group, exp.Qualify)
    deciding = _closure(
        statement,
        {_named(c) for part in statement.find_all(*parts) for c in part.find_all(exp.Column)},
    )
    needed: dict[str, set[str]] = {}
    for name in model.inputs:
        # A column that is named with its table is of no other one.
        of_input = {c for t, c in deciding if t == name or t not in model.inputs}
        origins = {o for c in columns for t, o in lineage[c] if t == name}
        described = set(tables[name].columns)
        needed[name] = (origins | of_input | set(tables[name].key)) & described
    return needed


def _named(column: exp.Column) -> tuple[str, str]:
    return column.table, column.name


def _names_read(model: SqlModel) -> set[str]:
    statement = sqlglot.parse_one(model.sql, dialect="duckdb")
    return {column.name for column in statement.find_all(exp.Column)}


def _closure(statement: exp.Expr, names: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return columns with those that they are computed from, wherever in the query."""
    computed: dict[str, set[tuple[str, str]]] = {}
    for alias in statement.find_all(exp.Alias):
        computed.setdefault(alias.alias, set()).update(
            _named(column) for column in alias.this.find_all(exp.Column)
        )
    found: set[tuple[str, str]] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += computed.get(name[1], ())
    return found
