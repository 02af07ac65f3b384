"""A model fitted, its probabilities calibrated, its threshold chosen: on training rows only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from customer_assets.learning.estimators import fit_in_threads
from customer_assets.learning.metrics import best_threshold

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

# Folds that the training rows are split into to calibrate a model which is then fitted on all.
CALIBRATION_FOLDS = 3
# Fewer of one answer show no shape beyond a straight line.
_FEWEST_OF_EACH = 100
# How far isotonic pieces go on beyond the scores seen, and by how many log odds.
_END, _HAIR = 1.0, 0.05


@dataclass(frozen=True)
class Calibration:
    """A map from a model's score to a probability, and the probability to answer yes at.

    Platt's straight line of log odds, or, where `knots` (score, log odds) are given, straight
    pieces between these. Sources: Platt, Probabilistic outputs for support vector machines, 1999;
    Zadrozny and Elkan, Transforming classifier scores into accurate multiclass probability
    estimates, 2002.
    """

    slope: float
    intercept: float
    threshold: float
    knots: tuple[tuple[float, float], ...] = ()

    def probability(self, scores: "np.ndarray") -> "np.ndarray":
        import numpy as np
        from scipy.special import expit

        if self.knots:
            at, odds = zip(*self.knots, strict=True)
            return expit(np.interp(scores, at, odds))
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

    Isotonic where that proves better than Platt's line on rows kept back from both. A model that
    ranks such rows worse than chance gets their positive share as its answer.
    """
    best = _platt(scores, label)
    if best.slope > 0 and _proves_better(_isotonic, _platt, scores, label):
        best = _isotonic(scores, label)
    return replace(best, threshold=best_threshold(label, best.probability(scores)))


def _platt(scores: "np.ndarray", label: "np.ndarray") -> Calibration:
    import numpy as np
    from scipy.special import logit
    from sklearn.linear_model import LogisticRegression

    spread = scores.std()
    if spread > 0:
        scaled = ((scores - scores.mean()) / spread)[:, None]
        fitted = LogisticRegression(C=np.inf).fit(scaled, label)
        if fitted.coef_[0, 0] > 0:
            slope = float(fitted.coef_[0, 0] / spread)
            return Calibration(slope, float(fitted.intercept_[0] - slope * scores.mean()), 0.5)
    return Calibration(0.0, float(logit(label.mean())), 0.5)


def _isotonic(scores: "np.ndarray", label: "np.ndarray") -> Calibration:
    """Return straight pieces through the middles of the blocks of isotonic regression.

    A block's share leans to that of all by one customer: none is 0 or 1. Its customers keep their
    order, since the pieces rise between middles; at both ends they go on by a hair.
    """
    import numpy as np
    from scipy.special import logit
    from sklearn.isotonic import IsotonicRegression

    line = _platt(scores, label)
    level = IsotonicRegression().fit(scores, label).predict(scores)
    _, block = np.unique(level, return_inverse=True)
    size = np.bincount(block)
    share = (np.bincount(block, weights=label) + label.mean()) / (size + 1)
    middle = np.bincount(block, weights=scores) / size
    odds = np.maximum.accumulate(logit(share))
    ends = [(scores.min() - _END, odds[0] - _HAIR), (scores.max() + _END, odds[-1] + _HAIR)]
    knots = [ends[0], *zip(middle, odds, strict=True), ends[1]]
    return replace(line, knots=tuple((float(at), float(o)) for at, o in knots))


def _proves_better(
    ours: Callable[["np.ndarray", "np.ndarray"], Calibration],
    theirs: Callable[["np.ndarray", "np.ndarray"], Calibration],
    scores: "np.ndarray",
    label: "np.ndarray",
) -> bool:
    """Return whether a calibration has surely the lower log loss on folds that it has not seen.

    Surely: by more than twice the standard error of the difference by row.
    """
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    if min(label.sum(), len(label) - label.sum()) < _FEWEST_OF_EACH:
        return False
    gain = np.zeros(len(label))
    folds = StratifiedKFold(CALIBRATION_FOLDS, shuffle=True, random_state=0)
    for seen, unseen in folds.split(scores[:, None], label):
        for sign, method in ((1, ours), (-1, theirs)):
            p = method(scores[seen], label[seen]).probability(scores[unseen])
            p = np.clip(p, 1e-6, 1 - 1e-6)
            gain[unseen] += sign * np.log(np.where(label[unseen] == 1, p, 1 - p))
    return bool(gain.mean() > 2 * gain.std() / np.sqrt(len(gain)))


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
