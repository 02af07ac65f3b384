"""---
description: >-
  One row per question and decision: the best model, and whether the gate let it become the
  champion. The newest promoted row of a question is its champion.
key: [question, decided_at]
ledger: true
training: true
columns:
  question: {type: varchar, description: Name of the question.}
  version:
    type: varchar
    description: 'Version of the model: a hash of what it is and of the rows it learned from.'
  model: {type: varchar, description: Name of the model.}
  promoted: {type: boolean, description: Whether it passed the gate and became the champion.}
  previous_version:
    type: varchar
    description: The champion before; it stays where this model was not promoted.
  decided_at: {type: timestamp, description: 'When this was decided, UTC.'}
  reason: {type: varchar, description: 'Why, in figures.'}
  split: {type: varchar, description: 'The rows that it was judged on, as in model_predictions.'}
  metric: {type: varchar, description: What it was judged by.}
  value: {type: double, description: The metric of the model.}
  low: {type: double, description: Lower bound of its 95 % interval.}
  high: {type: double, description: Upper bound of its 95 % interval.}
  baseline: {type: varchar, description: The baseline that it had to beat.}
  gain: {type: double, description: How much better than the baseline it is.}
  gain_low: {type: double, description: Lower bound of the 95 % interval of the gain.}
  gain_high: {type: double, description: Upper bound of the 95 % interval of the gain.}
  verdicts:
    type: varchar
    description: 'Every rule of the gate: what was measured and what was allowed, as JSON.'
  n_rows: {type: bigint, description: Labelled rows that the final model is fitted on.}
  n_positive: {type: bigint, description: Those of them whose answer is yes.}
  training_data_version: {type: varchar, description: Hash of the rows that it learned from.}
checks:
  - unexpected_rows_expectation:
      name: champion_gate
      description: The best model of each question may become its champion.
      unexpected_rows_query: select question, model, reason from {batch} where not promoted
      severity: warn
---
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.learning.champions import decisions
from customer_assets.learning.feature_profile import dropped_features
from customer_assets.learning.history import history
from customer_assets.learning.store import ModelStore
from customer_assets.sources.advice import Campaign
from customer_assets.sources.questions import Question


def compute(
    customer_features: pl.LazyFrame,
    tuned_models: pl.LazyFrame,
    model_predictions: pl.LazyFrame,
    champions: pl.LazyFrame,
    feature_profile: pl.LazyFrame | None = None,
    *,
    questions: Mapping[str, Question],
    model_store: ModelStore,
    campaign: Campaign | None,
) -> list[dict[str, Any]]:
    return decisions(
        history(customer_features, questions),
        tuned_models.collect(),
        model_predictions.collect(),
        champions.collect(),
        dropped_features(feature_profile),
        questions=questions,
        model_store=model_store,
        campaign=campaign,
    )
