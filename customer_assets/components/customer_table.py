"""CustomerTable: the component behind the `defs.yaml` of files that sum up each customer."""

from typing import Self

import dagster as dg
from pydantic import BaseModel

from customer_assets.components.source_definitions import customer_table_definitions
from customer_assets.pipeline import customer_table_pipeline
from customer_assets.sources import CustomerTableSource, source_name


class CustomerTable(dg.Component):
    """Files that sum up each customer, with a label: one row per customer, or several.

    The folder's name is the source's name. How the inputs are joined is the source's SQL file
    `sql/staging/<source>/customers_joined.sql`.
    """

    def __init__(self, source: CustomerTableSource) -> None:
        self.source = source

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        # Validated as it stands, so that each error names the file, the line and the way out.
        return CustomerTableSource

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        return cls(CustomerTableSource.model_validate(attributes))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        name = source_name(context.path.name)
        return customer_table_definitions(customer_table_pipeline(name, self.source))
