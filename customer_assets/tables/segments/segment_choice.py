"""---
description: >-
  One row per number of k-means groups, with how well the groups part, beside the number that
  the source configures. On a sample where there are many customers; without rows where there are
  fewer than 30.
key: [n_segments]
requires: [segments]
columns:
  n_segments: {type: bigint, description: Number of groups.}
  silhouette:
    type: double
    description: >-
      Mean silhouette, from -1 to 1: how much nearer a customer is to the own group than to the
      next one.
  inertia: {type: double, description: Sum of squared distances to the groups' centroids.}
  n_customers: {type: bigint, description: Customers it was computed on.}
  is_configured: {type: boolean, description: Whether the source uses it.}
  is_best: {type: boolean, description: Whether its silhouette is the highest of these.}
checks:
  - expect_column_values_to_be_between: {column: silhouette, min_value: -1, max_value: 1}
  - expect_column_values_to_be_between: {column: inertia, min_value: 0}
---
"""

from typing import Any

import numpy as np
import polars as pl
from sklearn.metrics import silhouette_score

from customer_assets.intervals import FEWEST_CUSTOMERS
from customer_assets.segments.kmeans import SAMPLE_ROWS, coordinates, fitted, sample_of
from customer_assets.segments.known_customers import known_customers
from customer_assets.sources import Segments

_SILHOUETTE_ROWS = 2_000
_CHOICES = range(2, 11)
_STARTS = 3


def compute(
    rfm: pl.LazyFrame | None = None,
    customers: pl.LazyFrame | None = None,
    rfem: pl.LazyFrame | None = None,
    *,
    segments: Segments,
) -> list[dict[str, Any]]:
    """Return for 2 to 10 groups how well they part: silhouette (Rousseeuw 1987) and inertia.

    On a fixed sample of at most SAMPLE_ROWS customers, the silhouette on one of at most 2,000.
    """
    known = known_customers(rfm, customers, rfem).collect()
    if known.height < FEWEST_CUSTOMERS:
        return []
    everybody = coordinates(known, segments)
    places = everybody[sample_of(len(everybody), SAMPLE_ROWS, segments.random_state)]
    n_different = len(np.unique(places, axis=0))
    shown = sample_of(len(places), _SILHOUETTE_ROWS, segments.random_state)
    rows: list[dict[str, Any]] = []
    for k in _CHOICES:
        if k > n_different:
            break
        model = fitted(places, k, _STARTS, segments.random_state)
        labels = model.labels_[shown]
        silhouette = None
        if 1 < len(set(labels.tolist())) < len(labels):
            silhouette = float(silhouette_score(places[shown], labels))
        rows.append(
            {
                "n_segments": k,
                "silhouette": silhouette,
                "inertia": float(model.inertia_),
                "n_customers": len(places),
                "is_configured": k == len(segments.names),
                "is_best": False,
            }
        )
    if judged := [row for row in rows if row["silhouette"] is not None]:
        # Of several the one with the fewest groups.
        max(judged, key=lambda row: row["silhouette"])["is_best"] = True
    return rows
