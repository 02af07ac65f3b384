"""What each model answers about customers that it has not seen, on the same splits for all."""

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.learning.baselines import (
    BASE_RATE,
    BEST_FEATURE,
    RFM_FEATURES,
    RFM_SCORE,
    baseline_of,
    features_of_baseline,
    has_rfm,
    narrowed,
)
from customer_assets.learning.design import (
    CUSTOMER,
    CUT_OFF,
    Design,
    design_of,
    labelled,
    labels,
    newest,
    with_cut_off,
)
from customer_assets.learning.estimators import candidate, reproducible
from customer_assets.learning.fitting import (
    CALIBRATION_FOLDS,
    FittedModel,
    cross_validated,
    fit,
    folds_of,
    told,
)
from customer_assets.learning.gate import chosen
from customer_assets.learning.metrics import Predicted
from customer_assets.learning.splits import (
    CROSS_VALIDATION,
    HOLDOUT,
    OUT_OF_TIME,
    Split,
    Splits,
    splits_of,
)
from customer_assets.sources.questions import ModelName, Question

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline


def model_predictions(
    customer_features: pl.DataFrame,
    tuned_models: pl.DataFrame,
    dropped: Mapping[str, Collection[str]],
    *,
    questions: Mapping[str, Question],
) -> pl.DataFrame | list[dict[str, Any]]:
    """Return one row per question, model, split and labelled customer that was not trained on.

    All models and baselines are cross-validated and judged on the same rows. The model that
    is to be the champion, and the baselines, are also tested at every earlier cut-off.
    """
    features = with_cut_off(customer_features)
    parts = []
    for name, question in questions.items():
        splits = splits_of(labelled(features, question), question)
        if splits is not None:
            design = design_of(features, question, dropped.get(name, ()))
            tuned = tuned_models.filter(question=name)
            with reproducible():
                parts.append(_of_question(name, question, splits, design, tuned))
    return pl.concat(parts, how="diagonal") if parts else []


def pipelines(
    question: Question, design: Design, tuned: pl.DataFrame
) -> dict[str, tuple["Pipeline", Design]]:
    """Return the unfitted models of a question with their tuned parameters, and what each sees."""
    found = {
        row["model"]: (
            unfitted(row["model"], design, json.loads(row["parameters"]), question),
            design,
        )
        for row in tuned.filter(pl.col("model") != BEST_FEATURE).iter_rows(named=True)
    }
    baselines = {BEST_FEATURE: features_of_baseline(tuned)}
    if has_rfm(design):
        baselines[RFM_SCORE] = list(RFM_FEATURES)
    for name, features in baselines.items():
        if features:
            narrow = narrowed(design, features)
            found[name] = (unfitted("logistic_regression", narrow, {}, question), narrow)
    return found


def unfitted(
    model: ModelName, design: Design, parameters: Mapping[str, Any], question: Question
) -> "Pipeline":
    """Return a model with its parameters, as read from JSON."""
    pipeline = candidate(model, design, question.random_state).pipeline
    return pipeline.set_params(**told(parameters))


def _of_question(
    name: str, question: Question, splits: Splits, design: Design, tuned: pl.DataFrame
) -> pl.DataFrame:
    parts = []
    models = pipelines(question, design, tuned)
    compared = splits.compared
    label = splits.label[compared]
    fold = folds_of(
        splits.rows.filter(compared)[CUSTOMER].to_numpy(),
        label,
        question.folds,
        question.random_state,
    )
    for model, (pipeline, seen) in models.items():
        matrix = seen.matrix(splits.rows)
        probability, answer = cross_validated(pipeline, matrix[compared], label, fold)
        unseen = Predicted(label, probability, answer)
        parts.append(_rows(splits, compared, model, CROSS_VALIDATION, fold, unseen))
        parts.append(_judged(splits, splits.judged, model, pipeline, matrix, question))
    parts.append(_base_rate(splits, Split(CROSS_VALIDATION, compared, compared)))
    parts.append(_base_rate(splits, splits.judged))
    best = champion_to_be(pl.concat(parts), tuned, question) if splits.backtest else ""
    for split in splits.backtest:
        for model in {best, BEST_FEATURE, RFM_SCORE} & set(models):
            pipeline, seen = models[model]
            matrix = seen.matrix(splits.rows)
            parts.append(_judged(splits, split, model, pipeline, matrix, question))
        parts.append(_base_rate(splits, split))
    return pl.concat(parts).with_columns(pl.lit(name).alias("question"))


def fit_rows(
    pipeline: "Pipeline", matrix: "np.ndarray", rows: pl.DataFrame, question: Question
) -> FittedModel:
    """Return a model fitted on labelled rows and their matrix, and calibrated."""
    label = labels(rows, question)
    fold = folds_of(rows[CUSTOMER].to_numpy(), label, CALIBRATION_FOLDS, question.random_state)
    return fit(pipeline, matrix, label, fold, newest(rows))


def champion_to_be(predictions: pl.DataFrame, tuned: pl.DataFrame, question: Question) -> str:
    """Return the best model by its search that passes the gate, else the best.

    The search saw earlier rows, or those that were not kept apart: none of them judges.
    """
    judged = _by_model(predictions.filter(pl.col("split").is_in([OUT_OF_TIME, HOLDOUT])))
    models = tuned.filter(pl.col("model") != BEST_FEATURE)
    order = models.sort("search_score", "model", descending=[True, False])["model"].to_list()
    return chosen(order, judged, baseline_of(judged), question)


def _by_model(rows: pl.DataFrame) -> dict[str, Predicted]:
    ordered = rows.sort(CUT_OFF, CUSTOMER)
    return {str(m): predicted_of(of_model) for (m,), of_model in ordered.group_by("model")}


def predicted_of(rows: pl.DataFrame) -> Predicted:
    """Return rows of model_predictions as arrays."""
    return Predicted(
        rows["label"].cast(pl.Int8).to_numpy(),
        rows["probability"].to_numpy(),
        rows["answer"].cast(pl.Int8).to_numpy(),
        (rows[CUSTOMER].rank("dense") - 1).cast(pl.Int64).to_numpy(),
    )


def judged_again(
    splits: Splits, pipeline: "Pipeline", design: Design, question: Question
) -> Predicted:
    """Return what a model says of the judging rows, in the order of cut-off and customer."""
    rows = _judged(splits, splits.judged, "", pipeline, design.matrix(splits.rows), question)
    return predicted_of(rows.sort(CUT_OFF, CUSTOMER))


def _judged(
    splits: Splits,
    split: Split,
    model: str,
    pipeline: "Pipeline",
    matrix: "np.ndarray",
    question: Question,
) -> pl.DataFrame:
    fitted = fit_rows(pipeline, matrix[split.train], splits.rows.filter(split.train), question)
    probability = fitted.probability(matrix[split.test])
    answer = probability >= fitted.calibration.threshold
    predicted = Predicted(splits.label[split.test], probability, answer)
    return _rows(splits, split.test, model, split.name, None, predicted)


def _base_rate(splits: Splits, split: Split) -> pl.DataFrame:
    """Return the baseline that knows only the positive share; a constant needs no folds."""
    import numpy as np

    share = splits.label[split.train].mean()
    label = splits.label[split.test]
    constant = Predicted(label, np.full(len(label), share), np.full(len(label), share >= 0.5))
    return _rows(splits, split.test, BASE_RATE, split.name, None, constant)


def _rows(
    splits: Splits,
    mask: "np.ndarray",
    model: str,
    split: str,
    fold: "np.ndarray | None",
    predicted: Predicted,
) -> pl.DataFrame:
    return splits.rows.filter(mask).select(
        CUSTOMER,
        pl.lit(model).alias("model"),
        pl.lit(split).alias("split"),
        CUT_OFF,
        (pl.lit(None, pl.Int64) if fold is None else pl.Series(fold).cast(pl.Int64)).alias("fold"),
        pl.Series(predicted.label).cast(pl.Boolean).alias("label"),
        pl.Series(predicted.probability).cast(pl.Float64).alias("probability"),
        pl.Series(predicted.answer).cast(pl.Boolean).alias("answer"),
    )
