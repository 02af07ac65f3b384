"""---
description: >-
  One row per attribute that the source names in label_rates and bin of its values: how many
  customers are in it and how many of them have the label, of those whose label is known.
key: [attribute, bin]
requires: [label_rates]
columns:
  attribute: {}
  bin: {}
  text: {}
  n_customers: {type: bigint, description: Customers in it.}
  customer_share: {type: double, description: Their share of all customers.}
  label_share: {type: double, description: Share of them with the label.}
  label_share_low: {type: double, description: Lower end of its 95 % interval.}
  label_share_high: {type: double, description: Upper end of its 95 % interval.}
  all_label_share: {type: double, description: Share of all customers with the label.}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [attribute, bin]}
  - expect_column_values_to_be_between: {column: n_customers, min_value: 1}
  - unexpected_rows_expectation:
      name: bins_hold_every_customer_once
      description: The bins of an attribute hold every customer once.
      unexpected_rows_query: >-
        select attribute, sum(customer_share) as total from {batch} group by attribute
        having abs(sum(customer_share) - 1) > 1e-9
---
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from customer_assets.intervals import wilson
from customer_assets.learning.feature_bins import spread

_YES_OR_NO = {True: "yes", False: "no"}


def compute(customers: pl.LazyFrame, *, label_rates: Sequence[str]) -> list[dict[str, Any]]:
    known = (
        customers.select("label", *label_rates)
        .drop_nulls("label")
        .with_columns(pl.col("label").cast(pl.Float64).clip(0, 1))
        .collect()
    )
    found = []
    for attribute in label_rates:
        values = known[attribute]
        if values.dtype == pl.Boolean:
            values = values.replace_strict(_YES_OR_NO, return_dtype=pl.String)
        elif values.dtype != pl.String:
            values = values.cast(pl.Float64)
        for row in spread(values, known["label"]):
            n, share = row["n_customers"], row["positive_share"]
            low, high = wilson(share * n, float(n))
            found.append(
                {
                    "attribute": attribute,
                    **{name: row[name] for name in ("bin", "text", "n_customers")},
                    "customer_share": row["customer_share"],
                    "label_share": share,
                    "label_share_low": low,
                    "label_share_high": high,
                    "all_label_share": known["label"].mean(),
                }
            )
    return found
