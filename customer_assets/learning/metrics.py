"""What the predictions of a model are worth: each metric with its bootstrap interval.

All metrics of all resamples come from the counts of each different probability, so a thousand
customers drawn two hundred times cost milliseconds. Customers with equal probability are one
group everywhere: no figure depends on the order of rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 200
_CALIBRATION_BINS = 10
# Resamples times customers that are held in memory at once.
_BATCH_CELLS = 5_000_000


@dataclass(frozen=True)
class Predicted:
    """Labelled customers with the probability and the answer that a model gave them.

    `label` and `answer` are 0 or 1, `probability` is of 1; arrays of one length.
    """

    label: "np.ndarray"
    probability: "np.ndarray"
    answer: "np.ndarray"


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval; nan where it is not defined."""

    value: float
    low: float
    high: float


def metrics(predicted: Predicted, contact_share: float, seed: int) -> dict[str, Interval]:
    """Return every metric of `model_metrics` with its percentile bootstrap interval."""
    import numpy as np

    n = len(predicted.label)
    point = _of_weights(predicted, np.ones((1, n)), contact_share)
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in point}
    for weights in _resamples(n, seed):
        for name, values in _of_weights(predicted, weights, contact_share).items():
            drawn[name].append(values)
    return {
        name: Interval(float(point[name][0]), *_bounds(np.concatenate(values)))
        for name, values in drawn.items()
    }


def difference(
    ours: Predicted, theirs: Predicted, metric: str, contact_share: float, seed: int
) -> Interval:
    """Return how much better one model's metric is than another's on the same customers.

    Both are computed on the same resamples, so what the customers have in common cancels out.
    """
    import numpy as np

    n = len(ours.label)
    ones = np.ones((1, n))

    def gain(weights: "np.ndarray") -> "np.ndarray":
        return (
            _of_weights(ours, weights, contact_share)[metric]
            - _of_weights(theirs, weights, contact_share)[metric]
        )

    drawn = np.concatenate([gain(weights) for weights in _resamples(n, seed)])
    return Interval(float(gain(ones)[0]), *_bounds(drawn))


def curves(
    predicted: Predicted, n_points: int = 100
) -> dict[str, tuple["np.ndarray", "np.ndarray"]]:
    """Return x and y of the ROC, precision-recall, gain and calibration curves.

    `calibration` has the mean probability and the positive share of ten groups of customers.
    """
    import numpy as np

    counts = _counts(predicted, np.ones((1, len(predicted.label))))
    positive, total = counts.positive[0].cumsum(), counts.total[0].cumsum()
    negative = total - positive
    with np.errstate(divide="ignore", invalid="ignore"):
        recall = np.concatenate([[0.0], positive / positive[-1]])
        false_rate = np.concatenate([[0.0], negative / negative[-1]])
        contacted = np.concatenate([[0.0], total / total[-1]])
        precision = positive / total
    keep = np.unique(np.linspace(0, len(recall) - 1, n_points).round().astype(int))
    steps = np.unique(np.linspace(0, len(precision) - 1, n_points).round().astype(int))
    mean, share, weight = _calibration(counts)
    filled = weight[0] > 0
    return {
        "roc": (false_rate[keep], recall[keep]),
        "precision_recall": (recall[1:][steps], precision[steps]),
        "gain": (contacted[keep], recall[keep]),
        "calibration": (mean[0][filled], share[0][filled]),
    }


def best_threshold(label: "np.ndarray", probability: "np.ndarray") -> float:
    """Return the lowest probability to answer yes at that has the highest F1."""
    import numpy as np

    answer = np.zeros_like(label)
    counts = _counts(Predicted(label, probability, answer), np.ones((1, len(label))))
    found, called = counts.positive[0].cumsum(), counts.total[0].cumsum()
    f1 = 2 * found / (called + found[-1])
    return float(counts.probability[f1.argmax()])


def score(metric: str, label: "np.ndarray", probability: "np.ndarray") -> float:
    """Return what models are compared by, roc_auc or average_precision, without an interval."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    judge = roc_auc_score if metric == "roc_auc" else average_precision_score
    return float(judge(label, probability))


def calibration_error(label: "np.ndarray", probability: "np.ndarray") -> float:
    """Return the mean distance of probability and positive share over ten equal groups."""
    import numpy as np

    uncut = Predicted(label, probability, np.zeros_like(label))
    mean, share, weight = _calibration(_counts(uncut, np.ones((1, len(label)))))
    return float(np.nansum(np.abs(mean - share) * weight) / len(label))


@dataclass(frozen=True)
class _Counts:
    """Weighted customers per different probability, highest first; resamples x groups."""

    probability: "np.ndarray"
    positive: "np.ndarray"
    total: "np.ndarray"


def _counts(predicted: Predicted, weights: "np.ndarray") -> _Counts:
    import numpy as np

    order = np.argsort(-predicted.probability, kind="stable")
    ranked = predicted.probability[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    weights = weights[:, order]
    positive = np.add.reduceat(weights * predicted.label[order], starts, axis=1)
    return _Counts(ranked[starts], positive, np.add.reduceat(weights, starts, axis=1))


def _of_weights(
    predicted: Predicted, weights: "np.ndarray", contact_share: float
) -> dict[str, "np.ndarray"]:
    """Return each metric for each row of weights (resamples x customers)."""
    import numpy as np

    counts = _counts(predicted, weights)
    probability, positive, total = counts.probability, counts.positive, counts.total
    negative = total - positive
    n, n_positive = total.sum(axis=1), positive.sum(axis=1)
    n_negative = n - n_positive
    found, called = positive.cumsum(axis=1), total.cumsum(axis=1)

    answered = weights * predicted.answer
    n_called = answered.sum(axis=1)
    n_found = (answered * predicted.label).sum(axis=1)

    # Of a group that straddles the contact share, its part of the positives is contacted.
    contacts = contact_share * n
    before = called - total
    part = np.clip((contacts[:, None] - before) / np.maximum(total, 1e-12), 0, 1)
    reached = (positive * part).sum(axis=1)

    clipped = np.clip(probability, 1e-15, 1 - 1e-15)
    with np.errstate(divide="ignore", invalid="ignore"):
        pairs_won = (negative * (found - positive / 2)).sum(axis=1)
        precision_at = np.where(called > 0, found / np.maximum(called, 1e-12), 0)
        values = {
            "roc_auc": pairs_won / (n_positive * n_negative),
            "average_precision": (positive * precision_at).sum(axis=1) / n_positive,
            "f1": 2 * n_found / (n_called + n_positive),
            "precision": n_found / n_called,
            "recall": n_found / n_positive,
            "accuracy": (n - n_called - n_positive + 2 * n_found) / n,
            "recall_at_contact_share": reached / n_positive,
            "lift_at_contact_share": reached / contacts / (n_positive / n),
            "brier": (positive * (1 - probability) ** 2 + negative * probability**2).sum(axis=1)
            / n,
            "log_loss": -(positive * np.log(clipped) + negative * np.log1p(-clipped)).sum(axis=1)
            / n,
        }
        mean, share, weight = _calibration(counts)
        distance = np.where(weight > 0, np.abs(mean - share) * weight, 0).sum(axis=1)
        values["expected_calibration_error"] = distance / n
    return values


def _calibration(counts: _Counts) -> tuple["np.ndarray", "np.ndarray", "np.ndarray"]:
    """Return mean probability, positive share and weight of ten groups of about equal size."""
    import numpy as np

    n = counts.total.sum(axis=1, keepdims=True)
    middle = counts.total.cumsum(axis=1) - counts.total / 2
    group = np.minimum((middle / n * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
    inside = [group == k for k in range(_CALIBRATION_BINS)]

    def summed(values: "np.ndarray") -> "np.ndarray":
        return np.stack([(values * at).sum(axis=1) for at in inside], axis=1)

    weight = summed(counts.total)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = summed(counts.total * counts.probability) / weight
        share = summed(counts.positive) / weight
    return mean, share, weight


def _resamples(n: int, seed: int) -> Iterator["np.ndarray"]:
    """Yield how often each of n customers is drawn, in batches of resamples."""
    import numpy as np

    random = np.random.default_rng(seed)
    left = RESAMPLES
    while left:
        size = min(left, max(1, _BATCH_CELLS // n))
        yield np.stack(
            [np.bincount(random.integers(0, n, n), minlength=n) for _ in range(size)]
        ).astype(float)
        left -= size


def _bounds(drawn: "np.ndarray") -> tuple[float, float]:
    import numpy as np

    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return float("nan"), float("nan")
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)
