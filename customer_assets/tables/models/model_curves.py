"""---
description: One row per point of a model's ROC, precision-recall, gain or calibration curve.
key: [question, model, split, cut_off_ts, curve, point]
training: true
columns:
  question: {type: varchar, description: Name of the question.}
  model: {type: varchar, description: Name of the model or baseline.}
  split: {type: varchar, description: As in model_predictions.}
  cut_off_ts:
    type: bigint
    description: The last cut-off that is judged, in a backtest the only one; 0 for a table.
  curve:
    type: varchar
    description: >-
      roc (false positive rate, recall), precision_recall (recall, precision), gain (share
      contacted, share of the positives found), calibration (mean probability, positive share,
      of ten groups).
  point: {type: bigint, description: Number of the point along the curve.}
  x: {type: double, description: First coordinate.}
  y: {type: double, description: Second coordinate.}
---
"""

from typing import Any

import polars as pl

from customer_assets.learning.evaluation import model_curves


def compute(
    model_predictions: pl.LazyFrame,
) -> pl.DataFrame | list[dict[str, Any]]:
    return model_curves(model_predictions.collect())
