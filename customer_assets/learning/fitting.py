"""A model fitted, its probabilities calibrated, its threshold chosen: on training rows only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from customer_assets.learning.estimators import fit_in_threads
from customer_assets.learning.metrics import best_threshold

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

# Folds that the training rows are split into to calibrate a model which is then fitted on all.
CALIBRATION_FOLDS = 3


@dataclass(frozen=True)
class Calibration:
    """Platt's map from a model's score to a probability, and the probability to answer yes at.

    Source: Platt, Probabilistic outputs for support vector machines, 1999.
    """

    slope: float
    intercept: float
    threshold: float

    def probability(self, scores: "np.ndarray") -> "np.ndarray":
        from scipy.special import expit

        return expit(self.slope * scores + self.intercept)


@dataclass(frozen=True)
class FittedModel:
    """A fitted pipeline with its calibration; rows of features in, probabilities out."""

    pipeline: "Pipeline"
    calibration: Calibration

    def probability(self, matrix: "np.ndarray") -> "np.ndarray":
        return self.calibration.probability(raw_scores(self.pipeline, matrix))

    def log_odds(self, matrix: "np.ndarray") -> "np.ndarray":
        """Return the log odds of the probabilities, finite also where those are 0 or 1."""
        import numpy as np
        from scipy.special import logit

        return logit(np.clip(self.probability(matrix), 1e-9, 1 - 1e-9))


def raw_scores(pipeline: "Pipeline", matrix: "np.ndarray") -> "np.ndarray":
    """Return log odds, or the signed distance of a model that knows no probability."""
    import numpy as np
    from scipy.special import logit

    if hasattr(pipeline, "predict_proba"):
        return logit(np.clip(pipeline.predict_proba(matrix)[:, 1].astype(float), 1e-6, 1 - 1e-6))
    return pipeline.decision_function(matrix)


def calibrate(scores: "np.ndarray", label: "np.ndarray") -> Calibration:
    """Return the calibration that fits scores of rows which the model had not seen.

    A model that ranks such rows worse than chance gets their positive share as its answer.
    """
    import numpy as np
    from scipy.special import logit
    from sklearn.linear_model import LogisticRegression

    share = float(logit(label.mean()))
    slope, intercept = 0.0, share
    spread = scores.std()
    if spread > 0:
        scaled = ((scores - scores.mean()) / spread)[:, None]
        fitted = LogisticRegression(C=np.inf).fit(scaled, label)
        if fitted.coef_[0, 0] > 0:
            slope = float(fitted.coef_[0, 0] / spread)
            intercept = float(fitted.intercept_[0] - slope * scores.mean())
    uncut = Calibration(slope, intercept, 0.5)
    return Calibration(slope, intercept, best_threshold(label, uncut.probability(scores)))


def folds_of(customers: "np.ndarray", label: "np.ndarray", n_folds: int, seed: int) -> "np.ndarray":
    """Return each row's fold: all rows of a customer are in one, and folds are alike in answers."""
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    unique, row_of = np.unique(customers, return_inverse=True)
    ever = np.bincount(row_of, weights=label) > 0
    fold = np.zeros(len(unique), dtype=int)
    splits = StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(unique, ever)
    for number, (_, unseen) in enumerate(splits):
        fold[unseen] = number
    return fold[row_of]


def out_of_fold_scores(
    pipeline: "Pipeline", matrix: "np.ndarray", label: "np.ndarray", fold: "np.ndarray"
) -> "np.ndarray":
    """Return each row's score by a model that was fitted without the row's fold."""
    import numpy as np
    from sklearn.base import clone

    scores = np.zeros(len(label))
    for number in np.unique(fold):
        unseen = fold == number
        fitted = fit_in_threads(clone(pipeline), matrix[~unseen], label[~unseen])
        scores[unseen] = raw_scores(fitted, matrix[unseen])
    return scores


def cross_validated(
    pipeline: "Pipeline", matrix: "np.ndarray", label: "np.ndarray", fold: "np.ndarray"
) -> tuple["np.ndarray", "np.ndarray"]:
    """Return each row's probability and its answer (0 or 1).

    Neither the model nor the calibration nor the threshold that a row meets has seen its fold.
    """
    import numpy as np

    scores = out_of_fold_scores(pipeline, matrix, label, fold)
    probability, answer = np.zeros(len(label)), np.zeros(len(label), dtype=int)
    for number in np.unique(fold):
        mine = fold == number
        calibration = calibrate(scores[~mine], label[~mine])
        probability[mine] = calibration.probability(scores[mine])
        answer[mine] = probability[mine] >= calibration.threshold
    return probability, answer


def fit(
    pipeline: "Pipeline",
    matrix: "np.ndarray",
    label: "np.ndarray",
    fold: "np.ndarray",
    is_newest: "np.ndarray",
) -> FittedModel:
    """Return the model fitted on all rows, calibrated on the newest ones' out-of-fold scores.

    How many say yes moves with the season: the newest cut-off is the nearest to what comes.
    """
    from sklearn.base import clone

    scores = out_of_fold_scores(pipeline, matrix, label, fold)
    newest = is_newest if 0 < label[is_newest].mean() < 1 else slice(None)
    fitted = fit_in_threads(clone(pipeline), matrix, label)
    return FittedModel(fitted, calibrate(scores[newest], label[newest]))


def told(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as read from JSON in the types that scikit-learn takes."""
    return {n: tuple(v) if isinstance(v, list) else v for n, v in parameters.items()}
