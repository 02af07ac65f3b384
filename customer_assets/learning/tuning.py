"""The parameters of each model of a question, found by successive halving on the tuning rows.

Source: Jamieson and Talwalkar, Non-stochastic best arm identification, 2016; scikit-learn's
HalvingRandomSearchCV with training rows as the resource.
"""

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.learning.baselines import BEST_FEATURE, best_feature, has_rfm, narrowed
from customer_assets.learning.design import CUSTOMER, Design, design_of, labelled, with_cut_off
from customer_assets.learning.estimators import candidate, reproducible
from customer_assets.learning.fitting import folds_of
from customer_assets.learning.splits import bounded, splits_of
from customer_assets.sources.questions import ModelName, Question

if TYPE_CHECKING:
    import numpy as np

# Settings are told apart on so many rows; support vectors slow down with their square.
MOST_ROWS = 4_000
_FACTOR = 3
_FOLDS = 3
# The first round must hold some customers of the rarer answer in every fold.
_FEWEST_ROWS, _FEWEST_OF_EACH = 300, 30


def tuned_models(
    customer_features: pl.DataFrame,
    dropped: Mapping[str, Collection[str]],
    *,
    questions: Mapping[str, Question],
) -> list[dict[str, Any]]:
    """Return one row per question and model: the parameters that the search found best.

    Where customers have no orders to rank them by, the baseline to beat has a row too: the best
    single feature. Nothing is returned for a question with too few customers of either answer.
    `dropped` are the features, by question, that no model sees.
    """
    found = []
    features = with_cut_off(customer_features)
    for name, question in questions.items():
        splits = splits_of(labelled(features, question), question)
        if splits is None:
            continue
        design = design_of(features, question, dropped.get(name, ()))
        rows = bounded(splits.tuning, MOST_ROWS, question.random_state)
        matrix, label = design.matrix(splits.rows)[rows], splits.label[rows]
        customers = splits.rows[CUSTOMER].to_numpy()[rows]
        fold = folds_of(customers, label, _FOLDS, question.random_state)
        for model in question.models:
            best, score = search(model, design, question, matrix, label, fold)
            found.append(
                _row(name, question, model, best, score, len(label), design)
                | {"n_settings": question.search_iterations}
            )
        if not has_rfm(design):
            feature, score = best_feature(design, question, matrix, label, fold)
            alone = narrowed(design, [feature])
            found.append(
                _row(name, question, BEST_FEATURE, {}, score, len(label), alone)
                | {"n_settings": len(design.features)}
            )
    return found


def _row(
    name: str,
    question: Question,
    model: str,
    parameters: Mapping[str, Any],
    score: float,
    n_rows: int,
    design: Design,
) -> dict[str, Any]:
    return {
        "question": name,
        "model": model,
        "parameters": json.dumps(parameters, sort_keys=True),
        "metric": question.metric,
        "search_score": score,
        "n_rows": n_rows,
        "features": json.dumps(list(design.features)),
    }


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
        return_train_score=False,
        error_score="raise",
    )
    with reproducible():
        halving.fit(matrix, label)
    return {name: _plain(value) for name, value in halving.best_params_.items()}, float(
        halving.best_score_
    )


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
