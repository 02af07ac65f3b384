"""---
description: >-
  One row per question, kept feature and bin of its values, at the last cut-off with a label:
  how many customers are in it and how many of them answer yes.
key: [question, feature, bin]
training: true
columns:
  question: {type: varchar, description: Name of the question.}
  feature: {type: varchar, description: Column of customer_features.}
  bin: {}
  text: {}
  low: {type: double, description: Smallest value in it; null for texts.}
  high: {type: double, description: Largest value in it; null for texts.}
  n_customers: {type: bigint, description: Customers in it.}
  customer_share: {type: double, description: Their share of all customers.}
  positive_share: {type: double, description: Share of them with a yes; null without a label.}
checks:
  - expect_column_values_to_be_between: {column: n_customers, min_value: 1}
  - unexpected_rows_expectation:
      name: shares_sum_to_one
      description: The bins of a feature hold every customer once.
      unexpected_rows_query: >-
        select question, feature, sum(customer_share) as total from {batch} group by question,
        feature having abs(sum(customer_share) - 1) > 1e-9
---
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.learning.feature_bins import feature_bins
from customer_assets.learning.feature_profile import dropped_features
from customer_assets.learning.history import history
from customer_assets.sources.questions import Question


def compute(
    customer_features: pl.LazyFrame,
    feature_profile: pl.LazyFrame,
    *,
    questions: Mapping[str, Question],
) -> list[dict[str, Any]]:
    return feature_bins(
        history(customer_features, questions),
        dropped_features(feature_profile),
        questions=questions,
    )
