"""The parameters of each model of a question, found by successive halving on the tuning rows.

Source: Jamieson and Talwalkar, Non-stochastic best arm identification, 2016; scikit-learn's
HalvingRandomSearchCV with training rows as the resource.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.learning.design import CUSTOMER, Design, design_of, labelled, with_cut_off
from customer_assets.learning.estimators import candidate, reproducible
from customer_assets.learning.feature_profile import dropped_features
from customer_assets.learning.fitting import folds_of
from customer_assets.learning.splits import bounded, splits_of
from customer_assets.sources.questions import ModelName, Question
from customer_assets.warehouse.source_warehouse import PythonModel
from customer_assets.warehouse.table import Column, Table

if TYPE_CHECKING:
    import numpy as np

# Settings are told apart on so many rows; support vectors slow down with their square.
MOST_ROWS = 4_000
_FACTOR = 3
_FOLDS = 3
# The first round must hold some customers of the rarer answer in every fold.
_FEWEST_ROWS, _FEWEST_OF_EACH = 300, 30


def tuned_models(frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]) -> pl.DataFrame:
    """Return one row per question and model: the parameters that the search found best.

    Nothing is returned for a question with too few customers of either answer.
    """
    found = []
    features = with_cut_off(frames["customer_features"])
    questions: Mapping[str, Question] = parameters["questions"]
    for name, question in questions.items():
        splits = splits_of(labelled(features, question), question)
        if splits is None:
            continue
        design = design_of(features, question, dropped(frames, name))
        rows = bounded(splits.tuning, MOST_ROWS, question.random_state)
        matrix, label = design.matrix(splits.rows)[rows], splits.label[rows]
        customers = splits.rows[CUSTOMER].to_numpy()[rows]
        fold = folds_of(customers, label, _FOLDS, question.random_state)
        for model in question.models:
            best, score = search(model, design, question, matrix, label, fold)
            found.append(
                {
                    "question": name,
                    "model": model,
                    "parameters": json.dumps(best, sort_keys=True),
                    "metric": question.metric,
                    "search_score": score,
                    "n_settings": question.search_iterations,
                    "n_rows": len(label),
                    "features": json.dumps(list(design.features)),
                }
            )
    return pl.DataFrame(found, schema=_SCHEMA)


def dropped(frames: Mapping[str, pl.DataFrame], question: str) -> list[str]:
    """Return the features that the feature profile says are of no use to a question."""
    profile = frames.get("feature_profile")
    if profile is None:
        return []
    return list(dropped_features(profile.filter(question=question)))


def search(
    model: ModelName,
    design: Design,
    question: Question,
    matrix: "np.ndarray",
    label: "np.ndarray",
    fold: "np.ndarray",
) -> tuple[dict[str, Any], float]:
    """Return the best parameters and their mean score over the folds of the last round."""
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingRandomSearchCV, PredefinedSplit

    tried = candidate(model, design, question.random_state)
    rarer = min(label.mean(), 1 - label.mean())
    fewest = min(len(label), max(_FEWEST_ROWS, round(_FEWEST_OF_EACH / rarer)))
    halving = HalvingRandomSearchCV(
        tried.pipeline,
        tried.distributions,
        n_candidates=question.search_iterations,
        factor=_FACTOR,
        min_resources=max(fewest, len(label) // _FACTOR**2),
        cv=PredefinedSplit(fold),
        scoring=question.metric,
        random_state=question.random_state,
        refit=False,
        error_score="raise",
    )
    with reproducible():
        halving.fit(matrix, label)
    return {name: _plain(value) for name, value in halving.best_params_.items()}, float(
        halving.best_score_
    )


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


_SCHEMA = {
    "question": pl.String,
    "model": pl.String,
    "parameters": pl.String,
    "metric": pl.String,
    "search_score": pl.Float64,
    "n_settings": pl.Int64,
    "n_rows": pl.Int64,
    "features": pl.String,
}

TUNED_MODELS = PythonModel(
    table=Table(
        name="tuned_models",
        layer="models",
        description=(
            "One row per question and model, with the parameters that a search by successive "
            "halving found best on rows that take no part in the judgement."
        ),
        columns={
            "question": Column(type="varchar", description="Name of the question."),
            "model": Column(type="varchar", description="Name of the model."),
            "parameters": Column(type="varchar", description="The best parameters, as JSON."),
            "metric": Column(type="varchar", description="What the search maximised."),
            "search_score": Column(
                type="double", description="Mean of the metric over the folds of the last round."
            ),
            "n_settings": Column(type="bigint", description="Parameter settings that were tried."),
            "n_rows": Column(type="bigint", description="Rows that the search saw."),
            "features": Column(type="varchar", description="Features of the model, as JSON."),
        },
        key=["question", "model"],
        checks=[{"expect_column_values_to_not_be_null": {"column": "search_score"}}],
    ),
    inputs=("customer_features",),
    optional_inputs=("feature_profile",),
    compute=tuned_models,
    parameters=("questions",),
)
