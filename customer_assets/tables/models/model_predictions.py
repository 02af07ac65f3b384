"""---
description: >-
  One row per question, model, split and labelled customer, with what a model that had not seen
  the customer's answer said. Every metric and curve is computed from it.
key: [question, model, split, cut_off_ts, customer_id]
training: true
columns:
  question: {type: varchar, description: Name of the question.}
  model: {type: varchar, description: Name of the model or baseline.}
  split:
    type: varchar
    description: >-
      cross_validation: out of fold, what a customer is scored by whose answer the champion has
      seen. out_of_time (of a log) or holdout (of a customer table): by which they are judged.
      backtest: out of time at earlier cut-offs, best model and baselines.
  cut_off_ts:
    type: bigint
    description: Moment of the features, epoch microseconds; 0 for a customer table.
  customer_id: {type: source, description: Who.}
  fold: {type: bigint, description: Fold of the customer; null out of time.}
  label: {type: boolean, description: The true answer.}
  probability: {type: double, description: Calibrated probability of yes.}
  answer:
    type: boolean
    description: >-
      Whether the probability reaches the threshold that had the best F1 on the training rows.
checks:
  - expect_column_values_to_not_be_null: {column: label}
  - expect_column_values_to_be_between: {column: probability, min_value: 0, max_value: 1}
---
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.learning.feature_profile import dropped_features
from customer_assets.learning.history import history
from customer_assets.learning.predictions import model_predictions
from customer_assets.sources.questions import Question


def compute(
    customer_features: pl.LazyFrame,
    tuned_models: pl.LazyFrame,
    feature_profile: pl.LazyFrame | None = None,
    *,
    questions: Mapping[str, Question],
) -> pl.DataFrame | list[dict[str, Any]]:
    return model_predictions(
        history(customer_features, questions),
        tuned_models.collect(),
        dropped_features(feature_profile),
        questions=questions,
    )
