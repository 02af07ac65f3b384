"""Where every landed row and every customer went: rows landed = kept + removed + rejected."""

from customer_assets.customer_tables.cleaning import CUSTOMERS, REJECTED
from customer_assets.customer_tables.typed_tables import generated_model, typed_name
from customer_assets.sources import CustomerTableSource
from customer_assets.sources.customer_table import CUSTOMER_ID
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.sql_model import SqlModel
from customer_assets.warehouse.table import Column, Table


def customer_accounting_model(name: str, source: CustomerTableSource) -> SqlModel:
    """Return the model that says where every landed row and every customer went."""
    described = {
        "table_name": ("varchar", "Input of the source, or customers: all inputs joined."),
        "n_landed": ("bigint", "Rows of its landed files; for customers: ids in any input."),
        "n_kept": ("bigint", "Rows that are used; for customers: rows of customers."),
        "n_duplicates": ("bigint", "Further copies of a row, removed."),
        "n_conflicting": ("bigint", "Rows that another row with the same key stands before."),
        "n_rejected": ("bigint", "Rows in rejected_rows; for customers: in rejected_customers."),
        "n_customers": ("bigint", "Different customers in the table."),
        "n_customers_missing": ("bigint", "Customers of other inputs that are not in the table."),
    }
    ids = " union ".join(
        f"select {CUSTOMER_ID} from {quoted(typed_name(table))}" for table in source.tables
    )
    parts = [_input_accounting(table) for table in source.tables]
    sql = (
        f"with known as ({ids}),\nstock as (select count(*) as n_known from known)\n"
        f"{' union all '.join(parts)} union all "
        "select 'customers', n_known, n_customers, cast(0 as bigint), cast(0 as bigint), "
        "n_rejected, n_customers, n_known - n_customers "
        f"from stock cross join (select count(*) as n_customers from {CUSTOMERS}) as kept "
        f"cross join (select count(*) as n_rejected from {REJECTED}) as rejected"
    )
    return generated_model(
        Table(
            name="customer_accounting",
            layer="staging",
            description="One row per input, and one for the customers: rows landed = kept + "
            "duplicates + conflicting + rejected.",
            columns={
                n: Column(type=kind, description=text) for n, (kind, text) in described.items()
            },
            key=["table_name"],
            checks=[
                {
                    "unexpected_rows_expectation": {
                        "name": "landed_rows_accounted_for",
                        "description": "Rows landed = kept + duplicates + conflicting + rejected, "
                        "for every input and for the customers.",
                        "unexpected_rows_query": "select * from {batch} where n_landed <> "
                        "n_kept + n_duplicates + n_conflicting + n_rejected",
                    }
                },
                {
                    "expect_column_values_to_be_between": {
                        "column": "n_conflicting",
                        "max_value": 0,
                        "severity": "warn",
                    }
                },
            ],
            owner=source.owner,
        ),
        sql,
        ["landed_files", CUSTOMERS, REJECTED, *(typed_name(table) for table in source.tables)],
        name,
    )


def _input_accounting(table: str) -> str:
    return (
        f"select cast({literal(table)} as varchar) as table_name, n_landed, n_kept, "
        "n_duplicates, n_conflicting, n_rejected, n_customers, "
        "n_known - n_customers as n_customers_missing from ("
        "select cast(coalesce(sum(rows_landed), 0) as bigint) as n_landed, "
        "cast(coalesce(sum(rows_rejected), 0) as bigint) as n_rejected "
        f"from landed_files where table_name = {literal(table)}) as landed cross join ("
        "select count(*) filter (where occurrence = 1) as n_kept, "
        "count(*) filter (where occurrence > 1) as n_conflicting, "
        "cast(coalesce(sum(n_copies - 1), 0) as bigint) as n_duplicates, "
        f"count(distinct {CUSTOMER_ID}) as n_customers from {quoted(typed_name(table))}) as typed "
        "cross join stock"
    )
