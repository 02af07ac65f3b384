"""What models are said to reach: metrics and differences of customers who have several answers."""

from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.special import expit

from customer_assets.learning.gate import CONTACTED
from customer_assets.learning.metrics import (
    METRICS,
    Predicted,
    Weighted,
    difference,
    metrics,
    profit_of,
)
from customer_assets_tests.evidence.statement import Draws, Random, Statement

_CUSTOMERS, _CUT_OFFS = 400, 3
_METRICS = (
    "roc_auc", "average_precision", "recall_at_contact_share", "lift_at_contact_share",
    "f1", "brier", "log_loss", "expected_calibration_error",
)  # fmt: skip
_SHARE = 0.2
# What a gain is told of: as a baseline is beaten, and as a champion is replaced.
_DIFFERENCES = {
    "roc_auc": METRICS["roc_auc"],
    CONTACTED: METRICS[CONTACTED],
    "profit": profit_of(10, 25),
}


def _predicted(n_customers: int, random: Random) -> tuple[Predicted, Predicted]:
    """Return two models' answers at several cut-offs, between which customers hardly change."""
    drive = np.repeat(random.normal(-0.7, 1.2, n_customers), _CUT_OFFS)
    customer = np.repeat(np.arange(n_customers), _CUT_OFFS)
    label = (random.random(len(drive)) < expit(drive)).astype(int)
    # A customer keeps most of what a model gets wrong of it from one cut-off to the next.
    blind = np.repeat(random.normal(0, 1, (2, n_customers)), _CUT_OFFS, axis=1)
    found = []
    for weight, mistake in zip((0.7, 0.5), blind, strict=True):
        noise = mistake + 0.3 * random.normal(0, 1, len(drive))
        said = expit(-0.5 + weight * (drive + 0.7) + 0.4 * noise)
        found.append(Predicted(label, said, (said >= 0.4).astype(int), customer))
    return found[0], found[1]


@cache
def _truth() -> tuple[dict[str, float], dict[str, float]]:
    """Return the metrics, and the differences of both models, among a million customers."""
    ours, theirs = (_values(model) for model in _predicted(1_000_000, np.random.default_rng(7)))
    return ours, {name: ours[name] - theirs[name] for name in _DIFFERENCES}


def _values(model: Predicted) -> dict[str, float]:
    weighted = Weighted(model, np.ones((1, len(model.label))), _SHARE)
    asked = {name: METRICS[name] for name in _METRICS} | _DIFFERENCES
    return {name: float(of(weighted)[0]) for name, of in asked.items()}


@cache
def _covered(draws: int) -> dict[str, list[bool]]:
    """Return of each metric whether it was covered; all are of the same draws."""
    truth, random = _truth()[0], np.random.default_rng(draws)
    covered: dict[str, list[bool]] = {name: [] for name in _METRICS}
    for seed in range(draws):
        told = metrics(_predicted(_CUSTOMERS, random)[0], _SHARE, seed)
        for name, each in covered.items():
            each.append(told[name].low <= truth[name] <= told[name].high)
    return covered


def of_metric(name: str) -> Callable[[int, Random], Draws]:
    return lambda draws, random: np.array(_covered(draws)[name])


def of_difference(name: str) -> Callable[[int, Random], Draws]:
    def simulated(draws: int, random: Random) -> Draws:
        truth = _truth()[1][name]
        covered = []
        for seed in range(draws):
            models = _predicted(_CUSTOMERS, random)
            gain = difference(*models, _DIFFERENCES[name], _SHARE, seed)
            covered.append(gain.low <= truth <= gain.high)
        return np.array(covered)

    return simulated


_WHO = f"{_CUSTOMERS} customers, each with answers at {_CUT_OFFS} cut-offs that are alike"
STATEMENTS = [
    *(
        Statement(
            f"metric of a model: {name}",
            "`model_metrics`",
            _WHO,
            "with a few dozen customers of the rarer answer",
            of_metric(name),
            quick_draws=30,
        )
        for name in _METRICS
    ),
    *(
        Statement(
            f"difference of two models: {name}",
            where,
            f"{_WHO}; both models are judged on the same",
            "where the models were chosen on the same rows",
            of_difference(name),
            quick_draws=20,
        )
        for name, where in {
            "roc_auc": "`champions.gain`",
            CONTACTED: "`champions.verdicts`, better_than_champion",
            "profit": "`champions.verdicts`, earns_more_than_champion",
        }.items()
    ),
]
