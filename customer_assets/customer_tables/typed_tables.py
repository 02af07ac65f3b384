"""Typed inputs: landed text to values, exact copies removed, and what was not as expected.

For each input the model `typed_<input>`, and for all of them `unexpected_values`.
"""

from pathlib import Path

from customer_assets.customer_tables.raw_tables import (
    SOURCE_FILE,
    column_meaning,
    not_null,
    raw_name,
)
from customer_assets.customer_tables.values import repaired_sql, text_sql, value_sql
from customer_assets.sources import CustomerTableSource
from customer_assets.sources.customer_table import ReadColumn, duckdb_type
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.sql_model import SqlModel
from customer_assets.warehouse.table import Column, Table

REPAIRED, KEPT, UNREADABLE = "repaired", "kept", "unreadable"
# Gives the columns their names and types, also where no column has anything to be met.
_NOTHING_MET = (
    "select cast(null as varchar) as table_name, cast(null as varchar) as column_name, "
    "cast(null as varchar) as value, cast(null as varchar) as read_as, "
    "cast(null as bigint) as n_rows where false"
)


def typed_name(table: str) -> str:
    return f"typed_{table}"


def generated_model(table: Table, sql: str, inputs: list[str], source: str) -> SqlModel:
    """Return a model whose SQL was built from the configuration of a source."""
    return SqlModel(
        path=Path(f"defs/{source}/defs.yaml"),
        table=table,
        sql=sql,
        inputs=tuple(sorted(inputs)),
        neighbours={},
        parameters={},
        requires=frozenset(),
        attributes=False,
        source=source,
    )


def typed_model(name: str, source: CustomerTableSource, table: str) -> SqlModel:
    """Return the model of one input's typed rows."""
    columns = source.read_columns(table)
    key = source.tables[table].key
    names = ", ".join(quoted(column) for column in columns)
    texts = ", ".join(
        f"{repaired_sql(column, text_sql(c))} as {quoted(c)}" for c, column in columns.items()
    )
    values = ", ".join(
        f"{value_sql(column, quoted(c))} as {quoted(c)}" for c, column in columns.items()
    )
    by_key = ", ".join(quoted(column) for column in key)
    rest = ", ".join(quoted(column) for column in columns if column not in key) or by_key
    sql = (
        f"with texts as (select {texts}, {SOURCE_FILE} from {quoted(raw_name(table))}),\n"
        f"typed as (select {values}, {SOURCE_FILE} from texts),\n"
        f"different as (select {names}, count(*) as n_copies, min({SOURCE_FILE}) as {SOURCE_FILE} "
        f"from typed group by {names})\n"
        f"select {names}, "
        f"row_number() over (partition by {by_key} order by {rest}) as occurrence, "
        f"n_copies, {SOURCE_FILE} from different"
    )
    described = {
        c: Column(type=duckdb_type(column.type), description=column_meaning(source, column))
        for c, column in columns.items()
    }
    described |= {
        "occurrence": Column(
            type="bigint",
            description=f"k for the k-th of the rows that agree in {', '.join(key)} and differ "
            "otherwise; only the first one is used.",
        ),
        "n_copies": Column(type="bigint", description="Landed rows that this row stands for."),
        SOURCE_FILE: Column(type="varchar", description="Landed file of the row, the first one."),
    }
    return generated_model(
        Table(
            name=typed_name(table),
            layer="staging",
            description=f"One row per different row of the input {table}, with typed values. A "
            "value that cannot be read is null, and listed in unexpected_values.",
            columns=described,
            key=[*key, "occurrence"],
            checks=[
                *(not_null(column) for column in key),
                {
                    "expect_column_values_to_be_between": {
                        "column": "occurrence",
                        "max_value": 1,
                        "severity": "warn",
                        "name": "no_conflicting_rows",
                        "description": f"No two rows agree in {', '.join(key)} and differ "
                        "otherwise.",
                    }
                },
            ],
            owner=source.owner,
        ),
        sql,
        [raw_name(table)],
        name,
    )


def unexpected_values_model(name: str, source: CustomerTableSource) -> SqlModel:
    """Return the model of all landed values that are not as the source expects them."""
    parts = [
        _unexpected(table, column)
        for table in source.tables
        for column in source.read_columns(table).values()
        if column.type != "varchar" or column.values or column.repairs
    ]
    sql = (
        f"with met as ({_NOTHING_MET} union all {' union all '.join(parts)})\n"
        "select table_name, column_name, value, read_as, "
        f"case when read_as is null then '{UNREADABLE}' when read_as = value then '{KEPT}' "
        f"else '{REPAIRED}' end as outcome, n_rows from met"
    )
    described = {
        "table_name": ("varchar", "Input of the source."),
        "column_name": ("varchar", "Column of the input, by its name in the tables."),
        "value": ("varchar", "The value as it stands in the files, without blanks around it."),
        "read_as": ("varchar", "What the tables hold instead; null where it cannot be read."),
        "outcome": (
            "varchar",
            "kept (not among the expected values, but left as it is), repaired (read as another "
            "value) or unreadable (null in the tables).",
        ),
        "n_rows": ("bigint", "Landed rows with the value."),
    }
    return generated_model(
        Table(
            name="unexpected_values",
            layer="staging",
            description="One row per landed value that is not of its column's type or not among "
            "the expected ones, and what became of it.",
            columns={
                n: Column(type=kind, description=text) for n, (kind, text) in described.items()
            },
            key=["table_name", "column_name", "value"],
            checks=[
                {
                    "expect_column_values_to_be_in_set": {
                        "column": "outcome",
                        "value_set": [REPAIRED],
                        "severity": "warn",
                        "name": "values_as_expected",
                        "description": "Every landed value is expected, or a known misspelling.",
                    }
                }
            ],
            owner=source.owner,
        ),
        sql,
        [raw_name(table) for table in source.tables],
        name,
    )


def _unexpected(table: str, column: ReadColumn) -> str:
    landed = f"select {text_sql(column.name)} as value from {quoted(raw_name(table))}"
    repaired = (
        f"select value, {repaired_sql(column, 'value')} as repaired from ({landed}) as landed"
    )
    expected = ", ".join(literal(value) for value in column.values)
    wanted = f"value not in ({expected})" if expected else "repaired <> value"
    return (
        f"select {literal(table)}, {literal(column.name)}, value, read_as, count(*) from ("
        f"select value, repaired, cast({value_sql(column, 'repaired')} as varchar) as read_as "
        f"from ({repaired}) as repaired) as typed "
        f"where value is not null and (read_as is null or {wanted}) group by value, read_as"
    )
