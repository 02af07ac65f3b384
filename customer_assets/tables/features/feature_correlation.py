"""---
description: >-
  One row per question and ordered pair of features, the label among them: how closely they hang
  together, at the last cut-off with a label, on at most 5,000 customers. Features of one value
  have none.
key: [question, feature, other]
training: true
columns:
  question: {type: varchar, description: Name of the question.}
  feature: {type: varchar, description: Column of customer_features.}
  other: {type: varchar, description: 'The other one, or the label.'}
  phik:
    type: double
    description: >-
      phi_K, 0 to 1, also between numbers and text; numbers in eight groups of equal size,
      missing values as one of their own.
  spearman:
    type: double
    description: Rank correlation of two numbers, -1 to 1; null for others.
checks:
  - expect_column_values_to_be_between: {column: phik, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between:
      column: spearman
      min_value: -1.000001
      max_value: 1.000001
---
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.learning.feature_correlation import feature_correlation
from customer_assets.learning.history import history
from customer_assets.sources.questions import Question


def compute(
    customer_features: pl.LazyFrame,
    *,
    questions: Mapping[str, Question],
) -> list[dict[str, Any]]:
    return feature_correlation(history(customer_features, questions), questions=questions)
