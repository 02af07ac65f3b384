"""What the predictions of a model are worth: each metric with its bootstrap interval.

Customers are drawn again a thousand times, with all of their rows: those of one customer at several
cut-offs are alike. All metrics of all resamples come from the counts of each different probability,
so a thousand customers cost half a second; of very many rows, groups are counted instead. Customers
with equal probability are one group everywhere: no figure depends on the order of rows.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 1_000
_CALIBRATION_BINS = 10
# Of more rows than these, resamples count groups of nearly equal probability.
_MOST_DRAWN_ALONE = 20_000
_GROUPS = 2_000
# Resamples times rows at once: what a processor's cache holds.
_BATCH_CELLS = 100_000
_ERROR = "expected_calibration_error"


@dataclass(frozen=True)
class Predicted:
    """Labelled rows with the probability and the answer that a model gave them.

    `label` and `answer` are 0 or 1, `probability` is of 1; arrays of one length. `customer` numbers
    the customers from 0 where one may have several rows; None: each row is another customer.
    """

    label: "np.ndarray"
    probability: "np.ndarray"
    answer: "np.ndarray"
    customer: "np.ndarray | None" = None

    @property
    def n_customers(self) -> int:
        return len(self.label) if self.customer is None else int(self.customer.max()) + 1

    @cached_property
    def ranking(self) -> "tuple[np.ndarray, np.ndarray]":
        """Return the order of rows by probability, highest first, and where each other one starts.

        It is the same for all resamples, and dearer than what is summed up along it.
        """
        import numpy as np

        order = np.argsort(-self.probability, kind="stable")
        ranked = self.probability[order]
        return order, np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])

    def rows_of(self, drawn: "np.ndarray") -> "np.ndarray":
        """Return how often each row counts where each customer was drawn so often."""
        return drawn if self.customer is None else drawn[:, self.customer]


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval; nan where it is not defined."""

    value: float
    low: float
    high: float


def metrics(predicted: Predicted, contact_share: float, seed: int) -> dict[str, Interval]:
    """Return every metric of `model_metrics` with its bootstrap interval, by percentiles."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    point = _of_weights(predicted, np.ones((1, predicted.n_customers)), contact_share)
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in point}
    if len(predicted.label) > _MOST_DRAWN_ALONE:
        drawn_from, group = _grouped(predicted)
        resamples = _resamples_of_groups(predicted, group, seed)
    else:
        drawn_from, resamples = predicted, _resamples(predicted.n_customers, seed)
    with threadpool_limits(1):
        for weights in resamples:
            for name, values in _of_weights(drawn_from, weights, contact_share).items():
                drawn[name].append(values)
    found = {}
    for name, parts in drawn.items():
        value, (low, high) = float(point[name][0]), _bounds(np.concatenate(parts))
        if name == _ERROR:
            # A mean of distances: chance adds to it, to each draw once more, as variances add up.
            # So draws are turned around the figure by their squares, and not below 0.
            turned = 2 * value**2 - np.array([high, low]) ** 2
            low, high = (float(end) for end in np.sqrt(np.maximum(turned, 0)))
        found[name] = Interval(value, low, high)
    return found


def difference(
    ours: Predicted, theirs: Predicted, metric: "str | Metric", contact_share: float, seed: int
) -> Interval:
    """Return how much better one model's metric is than another's on the same rows.

    The metric is one of METRICS by its name, or a function of weighted rows.

    Both are computed on the same resamples, so what the customers have in common cancels out.
    """
    import numpy as np

    of = METRICS[metric] if isinstance(metric, str) else metric

    def gain(weights: "np.ndarray") -> "np.ndarray":
        our, their = (
            of(Weighted(model, model.rows_of(weights), contact_share)) for model in (ours, theirs)
        )
        return our - their

    drawn = np.concatenate([gain(weights) for weights in _resamples(ours.n_customers, seed)])
    return Interval(float(gain(np.ones((1, ours.n_customers)))[0]), *_bounds(drawn))


def curves(
    predicted: Predicted, n_points: int = 100
) -> dict[str, tuple["np.ndarray", "np.ndarray"]]:
    """Return x and y of the ROC, precision-recall, gain and calibration curves.

    `calibration` has the mean probability and the positive share of ten groups of customers.
    """
    import numpy as np

    counted = _unweighted(predicted)
    positive, total = counted.found[0], counted.called[0]
    negative = total - positive
    with np.errstate(divide="ignore", invalid="ignore"):
        recall = np.concatenate([[0.0], positive / positive[-1]])
        false_rate = np.concatenate([[0.0], negative / negative[-1]])
        contacted = np.concatenate([[0.0], total / total[-1]])
        precision = positive / total
    keep = np.unique(np.linspace(0, len(recall) - 1, n_points).round().astype(int))
    steps = np.unique(np.linspace(0, len(precision) - 1, n_points).round().astype(int))
    mean, share, weight = counted.calibration
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

    counted = _unweighted(Predicted(label, probability, np.zeros_like(label)))
    found, called = counted.found[0], counted.called[0]
    f1 = 2 * found / (called + found[-1])
    return float(counted.probability[f1.argmax()])


def score(metric: str, label: "np.ndarray", probability: "np.ndarray") -> float:
    """Return what models are compared by, roc_auc or average_precision, without an interval."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    judge = roc_auc_score if metric == "roc_auc" else average_precision_score
    return float(judge(label, probability))


def calibration_error(label: "np.ndarray", probability: "np.ndarray") -> float:
    """Return the mean distance of probability and positive share over ten equal groups."""
    import numpy as np

    uncut = Predicted(label, probability, np.zeros_like(label))
    return float(METRICS[_ERROR](_unweighted(uncut))[0])


def _unweighted(predicted: Predicted) -> "Weighted":
    import numpy as np

    return Weighted(predicted, np.ones((1, len(predicted.label))), 1.0)


class Weighted:
    """Rows counted with weights (resamples x rows), by different probability, highest first."""

    def __init__(self, predicted: Predicted, weights: "np.ndarray", contact_share: float) -> None:
        import numpy as np

        self.weights, self.predicted, self.contact_share = weights, predicted, contact_share
        order, starts = predicted.ranking
        self.probability = predicted.probability[order[starts]]
        ordered, label = weights[:, order], predicted.label[order]
        if len(starts) == len(order):
            self.total, self.positive = ordered, ordered * label
        else:
            self.total = np.add.reduceat(ordered, starts, axis=1)
            self.positive = np.add.reduceat(ordered * label, starts, axis=1)
        self.called, self.found = self.total.cumsum(axis=1), self.positive.cumsum(axis=1)
        self.n, self.n_positive = self.called[:, -1], self.found[:, -1]

    @cached_property
    def n_called(self) -> "np.ndarray":
        return self.sum_of(self.predicted.answer)

    @cached_property
    def n_found(self) -> "np.ndarray":
        return self.sum_of(self.predicted.answer * self.predicted.label)

    @cached_property
    def reached(self) -> "np.ndarray":
        """Return the positives among the best contact share.

        Of a group that straddles the contact share, its part of the positives is contacted.
        """
        import numpy as np

        contacts = self.contact_share * self.n
        at = np.minimum((self.called < contacts[:, None]).sum(axis=1), self.called.shape[1] - 1)
        row = np.arange(len(at))
        total, positive = self.total[row, at], self.positive[row, at]
        part = np.clip((contacts - self.called[row, at] + total) / np.maximum(total, 1e-12), 0, 1)
        return self.found[row, at] - positive * (1 - part)

    @cached_property
    def calibration(self) -> tuple["np.ndarray", "np.ndarray", "np.ndarray"]:
        """Return mean probability, positive share and weight of ten groups of about equal size."""
        import numpy as np

        promised = (self.total * self.probability).cumsum(axis=1)
        middle = self.called - self.total / 2
        steps = np.arange(1, _CALIBRATION_BINS) / _CALIBRATION_BINS
        n_groups = self.called.shape[1]
        ends = np.array(
            [
                np.searchsorted(of_resample, n * steps, side="left")
                for of_resample, n in zip(middle, self.n, strict=True)
            ]
        ).reshape(len(middle), -1)
        ends = np.concatenate([ends, np.full((len(middle), 1), n_groups)], axis=1)

        def summed(cumulated: "np.ndarray") -> "np.ndarray":
            until = np.take_along_axis(cumulated, np.maximum(ends - 1, 0), axis=1)
            return np.diff(np.where(ends > 0, until, 0), axis=1, prepend=0)

        weight = summed(self.called)
        with np.errstate(divide="ignore", invalid="ignore"):
            return summed(promised) / weight, summed(self.found) / weight, weight

    def sum_of(self, each: "np.ndarray") -> "np.ndarray":
        """Return the weighted sum of a number of each row, by resample."""
        return self.weights @ each.astype(float)


def _roc_auc(rows: Weighted) -> "np.ndarray":
    n_negative = rows.n - rows.n_positive
    negative = rows.total - rows.positive
    won = (negative * (rows.found - rows.positive / 2)).sum(axis=1)
    return won / (rows.n_positive * n_negative)


def _average_precision(rows: Weighted) -> "np.ndarray":
    import numpy as np

    precision = rows.found / np.maximum(rows.called, 1e-12)
    return (rows.positive * precision).sum(axis=1) / rows.n_positive


def _brier(rows: Weighted) -> "np.ndarray":
    predicted = rows.predicted
    return rows.sum_of((predicted.label - predicted.probability) ** 2) / rows.n


def _log_loss(rows: Weighted) -> "np.ndarray":
    import numpy as np

    clipped = np.clip(rows.predicted.probability, 1e-15, 1 - 1e-15)
    said = np.where(rows.predicted.label == 1, clipped, 1 - clipped)
    return -rows.sum_of(np.log(said)) / rows.n


def _calibration_error(rows: Weighted) -> "np.ndarray":
    import numpy as np

    mean, share, weight = rows.calibration
    return np.where(weight > 0, np.abs(mean - share) * weight, 0).sum(axis=1) / rows.n


def pays_for_contact(probability: "np.ndarray", contact_cost: float, margin: float) -> "np.ndarray":
    """Return of which customers a contact earns more than it costs, by their probability."""
    import numpy as np

    # Money has no digits beyond these: a sum that is nothing but rounding is no gain.
    return np.round(probability * margin - contact_cost, 6) > 0


def profit_of(contact_cost: float, margin: float) -> "Metric":
    """Return the metric of a campaign's profit for each customer who could be contacted.

    Those are contacted of whom a model says that it pays; their answers say what it brought.
    """

    def profit(rows: Weighted) -> "np.ndarray":
        said = rows.predicted
        contacted = pays_for_contact(said.probability, contact_cost, margin)
        return rows.sum_of(contacted * (said.label * margin - contact_cost)) / rows.n

    return profit


Metric = Callable[[Weighted], "np.ndarray"]
METRICS: Mapping[str, Metric] = {
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
    "f1": lambda rows: 2 * rows.n_found / (rows.n_called + rows.n_positive),
    "precision": lambda rows: rows.n_found / rows.n_called,
    "recall": lambda rows: rows.n_found / rows.n_positive,
    "accuracy": lambda rows: (rows.n - rows.n_called - rows.n_positive + 2 * rows.n_found) / rows.n,
    "recall_at_contact_share": lambda rows: rows.reached / rows.n_positive,
    "lift_at_contact_share": lambda rows: (
        rows.reached / (rows.contact_share * rows.n) / (rows.n_positive / rows.n)
    ),
    "brier": _brier,
    "log_loss": _log_loss,
    _ERROR: _calibration_error,
}


def _of_weights(
    predicted: Predicted, weights: "np.ndarray", contact_share: float
) -> dict[str, "np.ndarray"]:
    """Return each metric for each row of weights (resamples x customers)."""
    import numpy as np

    rows = Weighted(predicted, predicted.rows_of(weights), contact_share)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: of(rows) for name, of in METRICS.items()}


def _resamples(n: int, seed: int) -> Iterator["np.ndarray"]:
    """Yield how often each of n customers is drawn, in batches of resamples."""
    import numpy as np

    random = np.random.default_rng(seed)
    for size in _batches(n):
        drawn = random.integers(0, n, (size, n)) + n * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(float)


def _grouped(predicted: Predicted) -> tuple[Predicted, "np.ndarray"]:
    """Return rows as groups that are alike, and the number of each row's group.

    Alike are those of one label, one answer and one of 2,000 equal parts by probability, whose
    mean stands for theirs. Only what a probability is worth within its two-thousandth is lost, and
    not to the figure itself.
    """
    import numpy as np

    cuts = np.quantile(predicted.probability, np.linspace(0, 1, _GROUPS + 1)[1:-1])
    part = np.searchsorted(cuts, predicted.probability)
    code = (part * 2 + predicted.label.astype(int)) * 2 + predicted.answer.astype(int)
    codes, group = np.unique(code, return_inverse=True)
    size = np.bincount(part)
    # One probability for all of a part: which of them said yes must not rank them.
    mean = np.bincount(part, weights=predicted.probability) / np.maximum(size, 1)
    return Predicted(codes // 2 % 2, mean[codes // 4], codes % 2), group


def _resamples_of_groups(
    predicted: Predicted, group: "np.ndarray", seed: int
) -> Iterator["np.ndarray"]:
    """Yield how many rows of each group are drawn, in batches of resamples.

    To draw from groups is to draw customers of one row each; else customers bring all their rows.
    """
    import numpy as np

    counts = np.bincount(group)
    n = predicted.n_customers
    if n == len(group):
        random = np.random.default_rng(seed)
        for size in _batches(len(counts)):
            yield random.multinomial(n, counts / n, size).astype(float)
    else:
        from scipy.sparse import coo_array

        rows = coo_array((np.ones(len(group)), (group, predicted.customer))).tocsr()
        for drawn in _resamples(n, seed):
            yield (rows @ drawn.T).T


def _batches(n_cells: int) -> Iterator[int]:
    """Yield how many resamples of so many cells are drawn at once, until there are enough."""
    left = RESAMPLES
    while left:
        size = min(left, max(1, _BATCH_CELLS // n_cells))
        yield size
        left -= size


def _bounds(drawn: "np.ndarray") -> tuple[float, float]:
    import numpy as np

    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return float("nan"), float("nan")
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)
