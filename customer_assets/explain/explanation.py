"""The whole way from a cell to the rows of landed files, one step upstream after another."""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from customer_assets import settings
from customer_assets.explain.cell import Cell, CellError, read_cell
from customer_assets.explain.landed import LandedRows, find_landed_rows
from customer_assets.explain.steps import CUSTOMER, Step, Upstream
from customer_assets.generation import open_shown
from customer_assets.pipeline import AnyPipeline
from customer_assets.project import read_pipeline
from customer_assets.warehouse.engine import relation_sql
from customer_assets.warehouse.quoting import quoted
from customer_assets.warehouse.source_warehouse import SourceWarehouse

# A cell of more rows than this is no cell any more, but a table: it is not followed further.
MOST_ROWS = 1_000_000

_CELL = "_explain_cell"


@dataclass
class Explanation:
    """What is behind a cell.

    `rows` are those that the condition chose, all columns; `customers` have `customer_id` and,
    where the customers' parts add up to the figure, what each `adds`. `steps` go upstream;
    `tables` holds the rows behind the cell by table. `landed` are the rows of landed files.
    """

    source: str
    cell: Cell
    grain: str
    meaning: str
    rows: pl.DataFrame
    customers: pl.DataFrame
    adds_up: bool = False
    steps: list[Step] = field(default_factory=list)
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    landed: LandedRows = field(default_factory=LandedRows)
    notes: list[str] = field(default_factory=list)

    @property
    def is_proved(self) -> bool:
        """Say whether every step was computed again from the rows shown, with the same values."""
        return bool(self.steps) and all(step.is_proved for step in self.steps)


def explain(
    pipeline: AnyPipeline,
    warehouse: SourceWarehouse,
    landing: Path,
    table: str,
    where: str,
    column: str,
    now: dt.datetime,
) -> Explanation:
    """Return what is behind the values of a column in the rows that a condition chooses.

    `where` is SQL over the table's columns; empty chooses all rows. `landing` is the source's own
    landing folder. Raises CellError where there is no such cell.
    """
    cell = read_cell(warehouse.tables, table, where, column)
    search = _Search(pipeline, warehouse, landing, pipeline.parameters(now), cell)
    try:
        return search.run()
    finally:
        search.upstream.close()


def explain_shown(source: str, table: str, where: str, column: str) -> Explanation:
    """Return what is behind a cell as readers of a source see it now.

    Raises UnknownSourceError, CellError, and ValueError where the source is wrong.
    """
    pipeline = read_pipeline(source)
    with open_shown(pipeline) as warehouse:
        if not warehouse.folder.is_dir():
            raise CellError(f"nothing of {source} is published: `customer-assets refresh {source}`")
        landing, now = settings.landing() / source, dt.datetime.now(dt.UTC)
        return explain(pipeline, warehouse, landing, table, where, column, now)


@dataclass
class _Search:
    pipeline: AnyPipeline
    warehouse: SourceWarehouse
    landing: Path
    parameters: dict[str, Any]
    cell: Cell

    def __post_init__(self) -> None:
        self.connection = self.warehouse.engine.connection
        self.upstream = Upstream(self.warehouse, self.parameters)
        # By table: the temporary tables of its rows behind the cell, and the columns that count.
        self.found: dict[str, list[str]] = {}
        self.columns: dict[str, set[str]] = {}

    def run(self) -> Explanation:
        name = self.cell.table
        table = self.warehouse.tables[name]
        self._choose_rows()
        rows = self.warehouse.query(f"select * from {_CELL}")
        answer = Explanation(
            source=self.pipeline.name,
            cell=self.cell,
            grain=table.description,
            meaning=table.columns[self.cell.column].description,
            rows=rows,
            customers=pl.DataFrame(schema={CUSTOMER: pl.String}),
        )
        if rows.is_empty():
            answer.notes.append("no row of the table fulfils the condition: there is nothing there")
            return answer
        self.found[name] = [_CELL]
        self.columns[name] = {self.cell.column}
        for each in reversed(list(self.pipeline.models)):
            if each in self.found:
                self._follow(each, answer)
        self._collect(answer)
        answer.landed = find_landed_rows(self.pipeline, self.warehouse, self.landing, self.found)
        return answer

    def _choose_rows(self) -> None:
        relation = self.warehouse.relation(self.cell.table)
        if not relation.files:
            raise CellError(f"{self.cell.table} is not published yet: run the source first")
        try:
            self.connection.execute(
                f"create or replace temp table {_CELL} as select * from "
                f"({relation_sql(relation)}) as cell where ({self.cell.condition})"
            )
        except duckdb.Error as error:
            raise CellError(f"--where cannot be used: {str(error).splitlines()[0]}") from error

    def _follow(self, name: str, answer: Explanation) -> None:
        rows = self._merged(name)
        n_rows = self.warehouse.query(f"select count(*) from {rows}").item()
        if n_rows > MOST_ROWS:
            answer.notes.append(
                f"{name}: {n_rows:,} rows are behind the cell, too many to follow further; "
                "choose a smaller cell"
            )
            return
        columns = self.columns[name]
        step = self.upstream.step(self.pipeline.models[name], rows, columns)
        answer.steps.append(step)
        if name == self.cell.table:
            self._name_customers(step, answer)
        for used in step.used:
            if not used.n_rows:
                continue
            has_customers = CUSTOMER in self.warehouse.tables[used.table].columns
            if used.is_whole and (not has_customers or used.n_rows == used.n_all):
                continue
            self.found.setdefault(used.table, []).append(used.relation)
            self.columns.setdefault(used.table, set()).update(step.columns.get(used.table, set()))

    def _merged(self, name: str) -> str:
        relations = self.found[name]
        if len(relations) > 1:
            merged = f"_explain_rows_{name}"
            together = " union ".join(f"select * from {relation}" for relation in relations)
            self.connection.execute(f"create or replace temp table {quoted(merged)} as {together}")
            self.found[name] = [quoted(merged)]
        return self.found[name][0]

    def _name_customers(self, step: Step, answer: Explanation) -> None:
        """Say who is in the cell: in its rows, by what adds up to it, or in the rows behind it."""
        if CUSTOMER in self.warehouse.tables[self.cell.table].columns:
            statement = f"select distinct customer_id from {_CELL} order by 1"
        elif step.contributions is not None:
            statement = f"select * from {step.contributions} order by adds desc, customer_id"
            answer.adds_up = step.adds_up
        else:
            relations = [
                f"select customer_id from {used.relation}"
                for used in step.used
                if CUSTOMER in self.warehouse.tables[used.table].columns and used.n_rows
            ]
            if not relations:
                return
            statement = (
                f"select distinct customer_id from ({' union all '.join(relations)}) order by 1"
            )
        answer.customers = self.warehouse.query(statement)

    def _collect(self, answer: Explanation) -> None:
        """Read the rows behind the cell; of a sum of sums, they alone name the customers."""
        for name in self.found:
            if name == self.cell.table:
                continue
            order = ", ".join(map(quoted, self.warehouse.tables[name].key))
            ordered = f" order by {order}" if order else ""
            answer.tables[name] = self.warehouse.query(
                f"select * from {self._merged(name)}{ordered}"
            )
        if answer.customers.is_empty():
            known = [frame for frame in answer.tables.values() if CUSTOMER in frame.columns]
            if known:
                fewest = min(known, key=lambda frame: frame[CUSTOMER].n_unique())
                answer.customers = fewest.select(CUSTOMER).unique().sort(CUSTOMER)
