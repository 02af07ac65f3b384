"""The figures and curves of each model, computed from what it predicted."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.learning.metrics import METRICS, curves, metrics
from customer_assets.learning.predictions import predicted_of
from customer_assets.learning.splits import BACKTEST
from customer_assets.sources.questions import Question
from customer_assets.warehouse.source_warehouse import PythonModel
from customer_assets.warehouse.table import Column, Table

_OF = ("question", "model", "split", "cut_off_ts")


def model_metrics(
    frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]
) -> pl.DataFrame:
    """Return every metric of every model and split with its 95 % bootstrap interval."""
    questions: Mapping[str, Question] = parameters["questions"]
    found = []
    for group, rows in _groups(frames["model_predictions"]):
        question = questions[str(group["question"])]
        predicted = predicted_of(rows)
        n, n_positive = len(predicted.label), int(predicted.label.sum())
        counted = {"n_customers": n, "n_positive": n_positive}
        of_metrics = metrics(predicted, question.contact_share, question.random_state)
        for name, interval in of_metrics.items():
            bounds = {"value": interval.value, "low": interval.low, "high": interval.high}
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
    frame = pl.DataFrame(found, schema=_METRICS_SCHEMA)
    return frame.with_columns(pl.col("value", "low", "high").fill_nan(None))


def model_curves(frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]) -> pl.DataFrame:
    """Return the points of each model's curves, by which reports draw them."""
    parts = [pl.DataFrame(schema=_CURVES_SCHEMA)]
    for group, rows in _groups(frames["model_predictions"]):
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
                ).cast(_CURVES_SCHEMA)
            )
    return pl.concat(parts)


def _groups(predictions: pl.DataFrame) -> list[tuple[dict[str, Any], pl.DataFrame]]:
    """Return the rows that are judged together: in a backtest, those of each cut-off."""
    together = pl.col("cut_off_ts").max().over("question", "split")
    is_backtest = pl.col("split") == BACKTEST
    of_group = predictions.with_columns(
        pl.when(is_backtest).then("cut_off_ts").otherwise(together).alias("cut_off_ts")
    )
    groups = of_group.group_by(*_OF, maintain_order=True)
    return [(dict(zip(_OF, key, strict=True)), rows) for key, rows in groups]


_GROUP_SCHEMA = {
    "question": pl.String,
    "model": pl.String,
    "split": pl.String,
    "cut_off_ts": pl.Int64,
}
_METRICS_SCHEMA = {
    **_GROUP_SCHEMA,
    "metric": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n_customers": pl.Int64,
    "n_positive": pl.Int64,
}
_CURVES_SCHEMA: dict[Any, Any] = {
    **_GROUP_SCHEMA,
    "curve": pl.String,
    "point": pl.Int64,
    "x": pl.Float64,
    "y": pl.Float64,
}
_GROUP_COLUMNS = {
    "question": Column(type="varchar", description="Name of the question."),
    "model": Column(type="varchar", description="Name of the model or baseline."),
    "split": Column(type="varchar", description="As in model_predictions."),
    "cut_off_ts": Column(
        type="bigint",
        description="The last cut-off that is judged, in a backtest the only one; 0 for a table.",
    ),
}

MODEL_METRICS = PythonModel(
    table=Table(
        name="model_metrics",
        layer="models",
        description=(
            "One row per question, model, split, cut-off and metric, with a 95 % bootstrap "
            "interval over customers."
        ),
        columns={
            **_GROUP_COLUMNS,
            "metric": Column(
                type="varchar",
                description=" ".join(f"{name}: {text}" for name, text in METRICS.items())
                + " Counts of the confusion matrix, and the accuracy of always answering no.",
            ),
            "value": Column(type="double", description="The metric; null where undefined."),
            "low": Column(type="double", description="Lower bound of the interval."),
            "high": Column(type="double", description="Upper bound of the interval."),
            "n_customers": Column(type="bigint", description="Customers it is computed on."),
            "n_positive": Column(type="bigint", description="Those of them whose answer is yes."),
        },
        key=[*_OF, "metric"],
        checks=[
            {
                "unexpected_rows_expectation": {
                    "name": "intervals_are_around_their_value",
                    "description": "Each bound is on its side, and areas and shares are from 0 "
                    "to 1.",
                    "unexpected_rows_query": "select * from {batch} where low > high or (metric "
                    "in ('roc_auc', 'average_precision', 'f1', 'recall', 'precision') and not "
                    "value between 0 and 1)",
                }
            }
        ],
    ),
    inputs=("model_predictions",),
    compute=model_metrics,
    parameters=("questions",),
)

MODEL_CURVES = PythonModel(
    table=Table(
        name="model_curves",
        layer="models",
        description="One row per point of a model's ROC, precision-recall, gain or calibration "
        "curve.",
        columns={
            **_GROUP_COLUMNS,
            "curve": Column(
                type="varchar",
                description="roc (false positive rate, recall), precision_recall (recall, "
                "precision), gain (share contacted, share of the positives found), calibration "
                "(mean probability, positive share, of ten groups).",
            ),
            "point": Column(type="bigint", description="Number of the point along the curve."),
            "x": Column(type="double", description="First coordinate."),
            "y": Column(type="double", description="Second coordinate."),
        },
        key=[*_OF, "curve", "point"],
    ),
    inputs=("model_predictions",),
    compute=model_curves,
)
