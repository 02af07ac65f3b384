"""---
description: >-
  One row per question and model, with the parameters that a search by successive halving found
  best on rows that take no part in the judgement; where customers have no orders, one for the best
  single feature, which models have to beat.
key: [question, model]
training: true
columns:
  question: {type: varchar, description: Name of the question.}
  model: {type: varchar, description: Name of the model or baseline.}
  parameters: {type: varchar, description: 'The best parameters, as JSON.'}
  metric: {type: varchar, description: What the search maximised.}
  search_score: {type: double, description: Mean of the metric over the folds of the last round.}
  n_settings:
    type: bigint
    description: 'Parameter settings that were tried; features, of the baseline.'
  n_rows: {type: bigint, description: Rows that the search saw.}
  features: {type: varchar, description: 'Features of the model, as JSON.'}
checks:
  - expect_column_values_to_not_be_null: {column: search_score}
---
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.learning.feature_profile import dropped_features
from customer_assets.learning.history import history
from customer_assets.learning.tuning import tuned_models
from customer_assets.sources.questions import Question


def compute(
    customer_features: pl.LazyFrame,
    feature_profile: pl.LazyFrame | None = None,
    *,
    questions: Mapping[str, Question],
) -> list[dict[str, Any]]:
    return tuned_models(
        history(customer_features, questions),
        dropped_features(feature_profile),
        questions=questions,
    )
