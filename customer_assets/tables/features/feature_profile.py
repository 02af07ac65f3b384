"""---
description: >-
  One row per question and feature, at the last cut-off with a label: how its values are spread,
  what it says of the label by itself, and whether models see it.
key: [question, feature]
training: true
columns:
  question: {type: varchar, description: Name of the question.}
  feature: {type: varchar, description: Column of customer_features.}
  kind: {type: varchar, description: 'number, boolean or text.'}
  n_rows: {type: bigint, description: Customers that the question is about.}
  missing_share: {type: double, description: Share of them without a value.}
  n_distinct: {type: bigint, description: Different values.}
  most_frequent: {type: varchar, description: The most frequent value.}
  most_frequent_share: {type: double, description: Its share of all customers.}
  mean: {type: double, description: Mean; of a boolean the share of true.}
  std: {type: double, description: Standard deviation.}
  min: {type: double, description: Smallest value.}
  quantile_05: {type: double, description: 5 % of the values are not above.}
  quantile_25: {type: double, description: First quartile.}
  median: {type: double, description: Median.}
  quantile_75: {type: double, description: Third quartile.}
  quantile_95: {type: double, description: 95 % of the values are not above.}
  max: {type: double, description: Largest value.}
  auc:
    type: double
    description: >-
      ROC-AUC of the feature alone among customers who have it, in the better direction; near 1
      it probably knows the answer.
  direction:
    type: varchar
    description: Whether a higher value raises or lowers the chance of a yes.
  phik_label: {type: double, description: phi_K with the label.}
  vif:
    type: double
    description: >-
      Variance inflation from the other kept numbers: above 10 most of it follows from them,
      near a million it is a sum of them.
  cluster:
    type: bigint
    description: Kept features with a mean phi_K of .8 or more share a number.
  dropped_because: {type: varchar, description: 'Why models do not see it; null: they do.'}
checks:
  - expect_column_values_to_be_between: {column: missing_share, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between: {column: auc, max_value: 0.95, severity: warn}
  - unexpected_rows_expectation:
      name: kept_features_have_values
      description: What models see varies from customer to customer.
      unexpected_rows_query: >-
        select * from {batch} where dropped_because is null and (n_distinct = 0 or
        most_frequent_share = 1)
---
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.learning.feature_profile import feature_profile
from customer_assets.learning.history import history
from customer_assets.sources.questions import Question


def compute(
    customer_features: pl.LazyFrame,
    feature_correlation: pl.LazyFrame,
    *,
    questions: Mapping[str, Question],
) -> list[dict[str, Any]]:
    return feature_profile(
        history(customer_features, questions),
        feature_correlation.collect(),
        questions=questions,
    )
