"""---
description: >-
  One row per input, and one for the customers: rows landed = kept + duplicates + conflicting +
  rejected.
key: [table_name]
columns:
  table_name:
    type: varchar
    description: 'Input of the source, or customers: all inputs joined.'
  n_landed:
    type: bigint
    description: 'Rows of its landed files; for customers: ids in any input.'
  n_kept: {type: bigint, description: 'Rows that are used; for customers: rows of customers.'}
  n_duplicates: {type: bigint, description: 'Further copies of a row, removed.'}
  n_conflicting:
    type: bigint
    description: Rows that another row with the same key stands before.
  n_rejected:
    type: bigint
    description: 'Rows in rejected_rows; for customers: in rejected_customers.'
  n_customers: {type: bigint, description: Different customers in the table.}
  n_customers_missing:
    type: bigint
    description: Customers of other inputs that are not in the table.
checks:
  - unexpected_rows_expectation:
      name: landed_rows_accounted_for
      description: >-
        Rows landed = kept + duplicates + conflicting + rejected, for every input and for the
        customers.
      unexpected_rows_query: >-
        select * from {batch} where n_landed <> n_kept + n_duplicates + n_conflicting +
        n_rejected
  - expect_column_values_to_be_between: {column: n_conflicting, max_value: 0, severity: warn}
---
"""

from customer_assets.customer_tables.cleaning import CUSTOMERS, REJECTED
from customer_assets.customer_tables.raw_tables import typed_name
from customer_assets.sources import CustomerTableSource
from customer_assets.sources.customer_table import CUSTOMER_ID
from customer_assets.warehouse.quoting import literal, quoted


def sql(source: CustomerTableSource) -> str:
    ids = " union ".join(
        f"select {CUSTOMER_ID} from {quoted(typed_name(table))}" for table in source.tables
    )
    parts = [_input_accounting(table) for table in source.tables]
    return (
        f"with known as ({ids}),\nstock as (select count(*) as n_known from known)\n"
        f"{' union all '.join(parts)} union all "
        "select 'customers', n_known, n_customers, cast(0 as bigint), cast(0 as bigint), "
        "n_rejected, n_customers, n_known - n_customers "
        f"from stock cross join (select count(*) as n_customers from {CUSTOMERS}) as kept "
        f"cross join (select count(*) as n_rejected from {REJECTED}) as rejected"
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
