"""The same k-means over gross money: what the segments would be had nothing come back.

Published studies group customers by what they bought; what is acted on goes by what stayed. Both
stand side by side in `reproduction`. How customers are grouped belongs to `kmeans`.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.segments.kmeans import grouped
from customer_assets.segments.known_customers import BASE_TABLES, known_customers
from customer_assets.segments.profile import segment_profile
from customer_assets.warehouse.source_warehouse import PythonModel
from customer_assets.warehouse.table import Column, Table

_COLUMNS = {
    "segment": ("varchar", "Name of the segment."),
    "segment_rank": ("bigint", "Place of the name in the source's list."),
    "n_customers": ("bigint", "Customers in the segment."),
    "customer_share": ("double", "Share of all segmented customers."),
    "value_measure": ("varchar", "The column that says what a customer is worth, here gross."),
    "value": ("decimal(18,4)", "Sum of it over the segment's customers."),
    "value_share": ("double", "Share of the sum over all segments."),
}


def gross_segments(
    frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]
) -> pl.DataFrame:
    """Return one row per segment, found and measured with gross_monetary as monetary."""
    gross = frames["rfm"].with_columns(monetary="gross_monetary")
    frames = {**frames, "rfm": gross}
    found = grouped(known_customers(frames), parameters["segments"])
    profile = segment_profile({**frames, "customer_segments": found}, parameters)
    return profile.select(list(_COLUMNS))


GROSS_SEGMENTS = PythonModel(
    table=Table(
        name="gross_segments",
        layer="segments",
        description="One row per k-means segment as it would be had nothing come back: its size "
        "and its worth with gross money. For published figures only; nobody is acted on by it.",
        columns={
            name: Column(type=kind, description=meaning)
            for name, (kind, meaning) in _COLUMNS.items()
        },
        key=["segment"],
        checks=[{"expect_column_values_to_be_between": {"column": "n_customers", "min_value": 1}}],
    ),
    inputs=("rfm",),
    optional_inputs=tuple(name for name in BASE_TABLES if name != "rfm"),
    compute=gross_segments,
    parameters=("segments",),
    requires=frozenset({"segments", "purchase", "value", "returns"}),
)
