"""What the champion of a question looks at: Shapley values and permutation importance."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.learning.champions import newest_champion
from customer_assets.learning.design import labelled, labels, newest, with_cut_off
from customer_assets.learning.estimators import reproducible
from customer_assets.learning.fitting import FittedModel
from customer_assets.learning.metrics import score
from customer_assets.learning.store import Card, ModelStore
from customer_assets.sources.questions import Question

if TYPE_CHECKING:
    import numpy as np

_EXPLAINED, _BACKGROUND, _PERMUTED, _REPEATS = 80, 10, 1_000, 3
# A rank correlation of a feature with its effect that is weaker has no one direction.
_CLEAR = 0.3


def feature_importance(
    customer_features: pl.DataFrame,
    champions: pl.DataFrame,
    *,
    questions: Mapping[str, Question],
    model_store: ModelStore,
) -> pl.DataFrame | list[dict[str, Any]]:
    """Return one row per question with a champion and feature.

    Shapley values (Lundberg and Lee, 2017) are of the log odds, by permutation sampling over the
    features as they are before encoding; permutation importance (Breiman, 2001) is the mean loss
    of the question's metric. Both on a seeded draw of the rows of the last labelled cut-off.
    """
    features = with_cut_off(customer_features)
    parts = []
    for name, question in questions.items():
        champion = newest_champion(champions, name)
        if champion is None:
            continue
        card, fitted = model_store.load(name, champion["version"])
        rows = labelled(features, question)
        rows = rows.filter(newest(rows))
        matrix, label = card.design.matrix(rows), labels(rows, question)
        with reproducible():
            parts.append(_of_champion(card, fitted, matrix, label, question))
    return pl.concat(parts) if parts else []


def _of_champion(
    card: Card,
    fitted: FittedModel,
    matrix: "np.ndarray",
    label: "np.ndarray",
    question: Question,
) -> pl.DataFrame:
    import numpy as np

    seed = question.random_state
    order = np.random.default_rng(seed).permutation(len(matrix))
    explained = matrix[order[:_EXPLAINED]]
    shap_values = shapley(fitted, explained, matrix[order[-_BACKGROUND:]], seed)
    drop = permuted(fitted, matrix[order[:_PERMUTED]], label[order[:_PERMUTED]], question)
    return (
        pl.DataFrame(
            {
                "question": card.question,
                "version": card.version,
                "feature": card.features,
                "shap_mean_abs": np.abs(shap_values).mean(axis=0),
                "permutation": drop,
                "direction": [
                    "mixed"
                    if name in card.categories
                    else direction(explained[:, i], shap_values[:, i])
                    for i, name in enumerate(card.features)
                ],
            }
        )
        .sort("shap_mean_abs", "feature", descending=[True, False])
        .with_row_index("rank", offset=1)
    )


def shapley(
    fitted: FittedModel, rows: "np.ndarray", background: "np.ndarray", seed: int
) -> "np.ndarray":
    """Return Shapley values in log odds, rows x features, against the background rows."""
    import numba
    import numpy as np

    # What numba compiles for shap, anew in every process, takes longer than these few rows do.
    numba.config.DISABLE_JIT = True  # type: ignore[attr-defined]
    import shap

    masker = shap.maskers.Independent(background, max_samples=len(background))
    explainer = shap.PermutationExplainer(fitted.log_odds, masker, seed=seed)
    explained = explainer(rows, max_evals=2 * rows.shape[1] + 1, silent=True)
    return np.asarray(explained.values)


def permuted(
    fitted: FittedModel, rows: "np.ndarray", label: "np.ndarray", question: Question
) -> "np.ndarray":
    """Return the mean loss of the question's metric when a feature's values change owners."""
    import numpy as np

    random = np.random.default_rng(question.random_state)
    whole = score(question.metric, label, fitted.probability(rows))
    losses = np.zeros((_REPEATS, rows.shape[1]))
    for repeat in range(_REPEATS):
        for column in range(rows.shape[1]):
            shuffled = rows.copy()
            shuffled[:, column] = random.permutation(shuffled[:, column])
            losses[repeat, column] = whole - score(
                question.metric, label, fitted.probability(shuffled)
            )
    return losses.mean(axis=0)


def direction(values: "np.ndarray", effects: "np.ndarray") -> str:
    """Say whether more of a feature raises or lowers the score, or neither throughout."""
    import numpy as np
    from scipy.stats import spearmanr

    known = ~np.isnan(values)
    if len(np.unique(values[known])) < 2 or len(np.unique(effects[known])) < 2:
        return "mixed"
    correlation = spearmanr(values[known], effects[known]).statistic
    if abs(correlation) < _CLEAR:
        return "mixed"
    return "raises" if correlation > 0 else "lowers"
