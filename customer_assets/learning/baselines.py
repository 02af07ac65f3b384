"""What a model must beat: ranking by RFM, the best single feature, or the share of yes.

A model that is no better than one figure that anybody can look up is not worth its trouble. Where
customers have orders the figures are recency, frequency and monetary value; else it is the one
feature that tells most.
"""

import json
from collections.abc import Collection
from typing import TYPE_CHECKING

import polars as pl

from customer_assets.learning.design import Design
from customer_assets.learning.estimators import candidate, reproducible
from customer_assets.sources.questions import Question

if TYPE_CHECKING:
    import numpy as np

BASE_RATE, BEST_FEATURE, RFM_SCORE = "base_rate", "best_single_feature", "rfm_score"
# The strongest last.
BASELINES = (BASE_RATE, BEST_FEATURE, RFM_SCORE)
RFM_FEATURES = ("recency_days", "n_orders", "monetary")


def baseline_of(models: Collection[str]) -> str:
    """Return the strongest baseline that there is."""
    return next(name for name in reversed(BASELINES) if name in models or name == BASE_RATE)


def narrowed(design: Design, features: Collection[str]) -> Design:
    """Return a design of some of its features."""
    categories = {name: design.categories[name] for name in features if name in design.categories}
    return Design(tuple(features), categories)


def has_rfm(design: Design) -> bool:
    return set(RFM_FEATURES) <= set(design.features)


def best_feature(
    design: Design,
    question: Question,
    matrix: "np.ndarray",
    label: "np.ndarray",
    fold: "np.ndarray",
) -> tuple[str, float]:
    """Return the feature of which a logistic regression tells most, and its mean score by fold."""
    from sklearn.model_selection import PredefinedSplit, cross_val_score

    def scored(name: str) -> float:
        pipeline = candidate(
            "logistic_regression", narrowed(design, [name]), question.random_state
        ).pipeline
        column = matrix[:, [list(design.features).index(name)]]
        folds = PredefinedSplit(fold)
        return float(
            cross_val_score(pipeline, column, label, cv=folds, scoring=question.metric).mean()
        )

    with reproducible():
        scores = {name: scored(name) for name in design.features}
    best = max(scores, key=lambda name: scores[name])
    return best, scores[best]


def features_of_baseline(tuned: pl.DataFrame) -> list[str]:
    """Return the features of the best single feature's row of `tuned_models`; none without one."""
    rows = tuned.filter(pl.col("model") == BEST_FEATURE)["features"].to_list()
    return [str(name) for row in rows for name in json.loads(row)]
