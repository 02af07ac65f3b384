"""From the landed files of a customer table source to its customers, with nothing lost.

`tables` describes the raw tables and `prepare` stages them from the landing folder; `models` are
the tables that follow from the configuration alone: typed inputs, customers and what the cleaning
did. Between them stands `customers_joined`, the one SQL file of each source; `described` gives it
the source's columns. Knows no Dagster.
"""

from dataclasses import replace

from customer_assets.customer_tables.accounting import customer_accounting_model
from customer_assets.customer_tables.cleaning import (
    cleaning_model,
    customers_model,
    joined_columns,
    rejected_customers_model,
    stated_rules,
)
from customer_assets.customer_tables.load import locate_rows
from customer_assets.customer_tables.raw_tables import tables
from customer_assets.customer_tables.staging import customer_table_version, prepare
from customer_assets.customer_tables.typed_tables import typed_model, unexpected_values_model
from customer_assets.ingest import LandingError
from customer_assets.sources import CustomerTableSource
from customer_assets.warehouse.sql_model import SqlModel

__all__ = [
    "LandingError",
    "customer_table_version",
    "described",
    "locate_rows",
    "models",
    "prepare",
    "tables",
]


def models(name: str, source: CustomerTableSource) -> dict[str, SqlModel]:
    """Return the models that a source's configuration states, by table name.

    Raises:
        ValueError: a cleaning rule or a time format cannot be used.
    """
    rules = stated_rules(source)
    stated = [
        *(typed_model(name, source, table) for table in source.tables),
        unexpected_values_model(name, source),
        customers_model(name, source, rules),
        rejected_customers_model(name, source, rules),
        cleaning_model(name, source, rules),
        customer_accounting_model(name, source),
    ]
    return {model.name: model for model in stated}


def described(model: SqlModel, source: CustomerTableSource) -> SqlModel:
    """Return a model with the columns and types that the source chooses.

    A header that asks for `attributes` gets all columns of a joined customer.
    """
    table = model.table.with_source_types(source.source_types())
    if model.attributes:
        columns = {**table.columns, **joined_columns(source)}
        table = table.model_copy(update={"columns": columns})
    return replace(model, table=table)
