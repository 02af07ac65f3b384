"""CustomerTable: the component behind the `defs.yaml` of files that sum up each customer."""

from typing import ClassVar

from customer_assets.components.source_component import SourceComponent
from customer_assets.sources import CustomerTableSource


class CustomerTable(SourceComponent):
    """Files that sum up each customer, with a label: one row per customer, or several.

    The folder's name is the source's name. How the inputs are joined is the source's SQL file
    `sql/staging/<source>/customers_joined.sql`.
    """

    source_class: ClassVar = CustomerTableSource
