"""---
description: >-
  One row per question and feature, and one for the score: how far the customers of now are from
  those that the champion learned from.
key: [question, feature]
columns:
  question: {type: varchar, description: Name of the question.}
  feature: {type: varchar, description: 'Name of the feature; (score): the probability.'}
  stability_index:
    type: double
    description: >-
      Population stability index, less what so many customers show of it by chance: below 0.1 no
      change, above 0.25 a major.
  has_drifted: {type: boolean, description: Whether the change is a major one.}
checks:
  - unexpected_rows_expectation:
      name: customers_are_like_those_learned_from
      description: No feature or score has moved far since the training.
      unexpected_rows_query: select * from {batch} where has_drifted
      severity: warn
---
"""

from typing import Any

import polars as pl

from customer_assets.learning.drift import model_drift
from customer_assets.learning.history import history
from customer_assets.learning.store import ModelStore


def compute(
    customer_features: pl.LazyFrame,
    model_scores: pl.LazyFrame,
    *,
    model_store: ModelStore,
) -> list[dict[str, Any]]:
    return model_drift(
        history(customer_features, {}), model_scores.collect(), model_store=model_store
    )
