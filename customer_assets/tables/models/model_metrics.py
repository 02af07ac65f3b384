"""---
description: >-
  One row per question, model, split, cut-off and metric, with a 95 % bootstrap interval: customers
  are drawn again with all of their rows, a thousand times.
key: [question, model, split, cut_off_ts, metric]
training: true
columns:
  question: {type: varchar, description: Name of the question.}
  model: {type: varchar, description: Name of the model or baseline.}
  split: {type: varchar, description: As in model_predictions.}
  cut_off_ts:
    type: bigint
    description: The last cut-off that is judged, in a backtest the only one; 0 for a table.
  metric:
    type: varchar
    description: >-
      roc_auc: Area under the ROC curve. average_precision: Area under the precision-recall
      curve, in steps. f1: Harmonic mean of precision and recall at the threshold. precision:
      Share of buyers among those predicted to be, at the threshold. recall: Share of the
      positive customers who are found, at the threshold. accuracy: Share of customers answered
      rightly, at the threshold. recall_at_contact_share: Share of the positive customers among
      the best contact share. lift_at_contact_share: Positive share among the best contact
      share, over that of all. brier: Mean squared error of the probability. log_loss: Mean
      negative log likelihood of the labels, in nats. expected_calibration_error: Mean distance
      of probability and share, ten equal groups. Counts of the confusion matrix, and the
      accuracy of always answering no.
  value: {type: double, description: The metric; null where undefined.}
  low: {type: double, description: Lower bound of the interval.}
  high: {type: double, description: Upper bound of the interval.}
  n_customers: {type: bigint, description: Different customers it is computed on.}
  n_rows:
    type: bigint
    description: Their answers; of several cut-offs together a customer may have several.
  n_positive: {type: bigint, description: Answers that are yes.}
checks:
  - unexpected_rows_expectation:
      name: intervals_are_around_their_value
      description: Each bound is on its side, and areas and shares are from 0 to 1.
      unexpected_rows_query: >-
        select * from {batch} where low > high or (metric in ('roc_auc', 'average_precision',
        'f1', 'recall', 'precision') and not value between 0 and 1)
---
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.learning.evaluation import model_metrics
from customer_assets.sources.questions import Question


def compute(
    model_predictions: pl.LazyFrame,
    *,
    questions: Mapping[str, Question],
) -> list[dict[str, Any]]:
    return model_metrics(model_predictions.collect(), questions=questions)
