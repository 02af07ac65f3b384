"""---
description: >-
  One row per question and customer, scored by the question's champion. Where no model passed the
  gate, and the best failed in its probabilities alone, its ranks stand here without them.
key: [question, customer_id]
columns:
  question: {type: varchar, description: Name of the question.}
  customer_id: {type: source, description: Who.}
  cut_off_ts:
    type: bigint
    description: Moment of the features, epoch microseconds; 0 for a customer table.
  model: {type: varchar, description: Name of the champion's model.}
  version: {type: varchar, description: Version of the champion.}
  probability:
    type: double
    description: Calibrated probability of yes; null where only the ranks are to be believed.
  is_out_of_fold:
    type: boolean
    description: >-
      Whether the probability is by a model that had not seen the customer's own answer, since
      the champion has.
  decile: {type: bigint, description: 'Tenth of the customers, 1 the most likely.'}
  score_rank: {type: bigint, description: 'Rank, 1 the most likely. Ties share a rank.'}
  reasons:
    type: varchar
    description: >-
      Strongest features, as a JSON list of feature, value and effect: log odds against the
      middle customer, above zero for yes.
checks:
  - expect_column_values_to_be_between: {column: probability, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between: {column: decile, min_value: 1, max_value: 10}
  - expect_compound_columns_to_be_unique: {column_list: [question, customer_id]}
---
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.learning.history import history
from customer_assets.learning.scores import model_scores
from customer_assets.learning.store import ModelStore
from customer_assets.sources.questions import Question


def compute(
    customer_features: pl.LazyFrame,
    champions: pl.LazyFrame,
    model_predictions: pl.LazyFrame,
    *,
    questions: Mapping[str, Question],
    model_store: ModelStore,
) -> pl.DataFrame | list[dict[str, Any]]:
    return model_scores(
        history(customer_features, questions),
        champions.collect(),
        model_predictions,
        questions=questions,
        model_store=model_store,
    )
