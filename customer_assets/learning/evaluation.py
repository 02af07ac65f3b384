"""The figures and curves of each model, computed from what it predicted."""

import math
from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.learning.metrics import curves, metrics
from customer_assets.learning.predictions import predicted_of
from customer_assets.learning.splits import BACKTEST
from customer_assets.sources.questions import Question

_OF = ("question", "model", "split", "cut_off_ts")


def model_metrics(
    model_predictions: pl.DataFrame,
    *,
    questions: Mapping[str, Question],
) -> list[dict[str, Any]]:
    """Return every metric of every model and split with its 95 % bootstrap interval."""
    found = []
    for group, rows in _groups(model_predictions):
        question = questions[str(group["question"])]
        predicted = predicted_of(rows)
        n, n_positive = len(predicted.label), int(predicted.label.sum())
        counted = {
            "n_customers": predicted.n_customers,
            "n_rows": n,
            "n_positive": n_positive,
        }
        of_metrics = metrics(predicted, question.contact_share, question.random_state)
        for name, interval in of_metrics.items():
            bounds = {
                "value": _known(interval.value),
                "low": _known(interval.low),
                "high": _known(interval.high),
            }
            found.append(group | {"metric": name} | bounds | counted)
        said_yes, is_yes = predicted.answer == 1, predicted.label == 1
        for name, count in {
            "true_positives": (said_yes & is_yes).sum(),
            "false_positives": (said_yes & ~is_yes).sum(),
            "false_negatives": (~said_yes & is_yes).sum(),
            "true_negatives": (~said_yes & ~is_yes).sum(),
            "accuracy_of_always_no": 1 - n_positive / n,
        }.items():
            found.append(group | {"metric": name, "value": float(count)} | counted)
    return found


def model_curves(
    model_predictions: pl.DataFrame,
) -> pl.DataFrame | list[dict[str, Any]]:
    """Return the points of each model's curves, by which reports draw them."""
    parts = []
    for group, rows in _groups(model_predictions):
        if group["split"] == BACKTEST:
            continue
        for curve, (x, y) in curves(predicted_of(rows)).items():
            points = pl.DataFrame({"x": x, "y": y}).with_row_index("point")
            parts.append(
                points.select(
                    *(pl.lit(group[name]).alias(name) for name in _OF),
                    pl.lit(curve).alias("curve"),
                    pl.col("point").cast(pl.Int64),
                    "x",
                    "y",
                )
            )
    return pl.concat(parts) if parts else []


def _known(value: float) -> float | None:
    """Return a figure, or None for what is not a number: where it is undefined."""
    return None if math.isnan(value) else value


def _groups(predictions: pl.DataFrame) -> list[tuple[dict[str, Any], pl.DataFrame]]:
    """Return the rows that are judged together: in a backtest, those of each cut-off."""
    together = pl.col("cut_off_ts").max().over("question", "split")
    is_backtest = pl.col("split") == BACKTEST
    of_group = predictions.with_columns(
        pl.when(is_backtest).then("cut_off_ts").otherwise(together).alias("cut_off_ts")
    )
    groups = of_group.group_by(*_OF, maintain_order=True)
    return [(dict(zip(_OF, key, strict=True)), rows) for key, rows in groups]
