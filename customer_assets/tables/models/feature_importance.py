"""---
description: 'One row per question and feature: how much its champion makes of it.'
key: [question, feature]
training: true
columns:
  question: {type: varchar, description: Name of the question.}
  version: {type: varchar, description: Version of the champion.}
  feature: {type: varchar, description: Name of the feature.}
  rank: {type: bigint, description: 'Rank by Shapley values, 1 the strongest.'}
  shap_mean_abs: {type: double, description: 'Mean absolute Shapley value, in log odds.'}
  permutation:
    type: double
    description: Mean loss of the question's metric when the feature is shuffled.
  direction:
    type: varchar
    description: >-
      raises or lowers: what more of the feature does to the score; mixed: neither throughout.
checks:
  - expect_column_values_to_be_in_set: {column: direction, value_set: [raises, lowers, mixed]}
---
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.learning.history import history
from customer_assets.learning.importance import feature_importance
from customer_assets.learning.store import ModelStore
from customer_assets.sources.questions import Question


def compute(
    customer_features: pl.LazyFrame,
    champions: pl.LazyFrame,
    *,
    questions: Mapping[str, Question],
    model_store: ModelStore,
) -> pl.DataFrame | list[dict[str, Any]]:
    return feature_importance(
        history(customer_features, questions),
        champions.collect(),
        questions=questions,
        model_store=model_store,
    )
