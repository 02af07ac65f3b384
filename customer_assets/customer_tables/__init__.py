"""From the landed files of a customer table source to its customers, with nothing lost.

`tables` describes the raw tables and `prepare` stages them from the landing folder. What follows
from the configuration alone are the tables of `tables/staging/customer_table/`; `values` and
`cleaning` make their SQL. Between them stands `customers_joined`, the one SQL file of each source.
Knows no Dagster.
"""

from customer_assets.customer_tables.load import locate_rows
from customer_assets.customer_tables.raw_tables import tables
from customer_assets.customer_tables.staging import customer_table_version, prepare
from customer_assets.ingest import LandingError

__all__ = ["LandingError", "customer_table_version", "locate_rows", "prepare", "tables"]
