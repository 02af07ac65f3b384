"""Customers grouped by k-means over recency, frequency and monetary value."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.warehouse.source_warehouse import PythonModel
from customer_assets.warehouse.table import Column, Table

_FEATURES = ["recency_days", "n_orders", "monetary"]


def customer_segments(
    frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]
) -> pl.DataFrame:
    """Return one row per customer of `rfm` with the segment that it belongs to.

    As in the Online Retail case study: log1p, standardised, scikit-learn's KMeans with ten
    starts, rows in the order of customer_id. Groups are named by their mean monetary value,
    highest first, since the numbers that k-means gives them mean nothing. With fewer different
    customers than names, the last names stay unused.
    """
    import numpy as np
    from sklearn.cluster import KMeans
    from sklearn.preprocessing import StandardScaler

    rfm = frames["rfm"].sort("customer_id")
    names: list[str] = parameters["segment_names"]
    values = rfm.select(pl.col(_FEATURES).cast(pl.Float64)).to_numpy()
    n_groups = min(len(names), len(np.unique(values, axis=0)))
    if n_groups == 0:
        return rfm.select(
            "customer_id",
            pl.lit(None, pl.String).alias("segment"),
            pl.lit(None, pl.Int64).alias("segment_rank"),
        )
    scaled = StandardScaler().fit_transform(np.log1p(values))
    model = KMeans(n_clusters=n_groups, n_init=10, random_state=parameters["random_state"])
    clustered = rfm.select("customer_id", "monetary").with_columns(
        pl.Series("cluster", model.fit_predict(scaled))
    )
    ranks = (
        clustered.group_by("cluster")
        .agg(pl.col("monetary").cast(pl.Float64).mean().alias("mean_value"))
        .sort("mean_value", "cluster", descending=[True, False])
        .with_row_index("segment_rank", offset=1)
        .select("cluster", pl.col("segment_rank").cast(pl.Int64))
    )
    return clustered.join(ranks, on="cluster", how="left", maintain_order="left").select(
        "customer_id",
        pl.col("segment_rank")
        .replace_strict(dict(enumerate(names, 1)), return_dtype=pl.String)
        .alias("segment"),
        "segment_rank",
    )


CUSTOMER_SEGMENTS = PythonModel(
    table=Table(
        name="customer_segments",
        layer="segments",
        description=(
            "One row per customer who bought, with the k-means group of recency, frequency and "
            "monetary value that the customer belongs to."
        ),
        columns={
            "customer_id": Column(type="source", description="Who."),
            "segment": Column(type="varchar", description="Name of the segment."),
            "segment_rank": Column(
                type="bigint", description="Rank by mean value of a customer, 1 is the highest."
            ),
        },
        key=["customer_id"],
        checks=[
            {"expect_column_values_to_not_be_null": {"column": "segment"}},
            {"expect_column_values_to_be_between": {"column": "segment_rank", "min_value": 1}},
        ],
    ),
    inputs=("rfm",),
    compute=customer_segments,
    parameters=("segment_names", "random_state"),
)
