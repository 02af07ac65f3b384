"""What a model must show before it may become the champion of a question."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from customer_assets.learning.design import Design
from customer_assets.learning.feature_profile import area_under_curve
from customer_assets.learning.metrics import (
    Interval,
    Predicted,
    calibration_error,
    difference,
)
from customer_assets.sources.questions import Question

if TYPE_CHECKING:
    import numpy as np

_SIMULATIONS = 200
_LEAST_EXPECTED = 5


@dataclass(frozen=True)
class Verdict:
    """One rule of the gate: what was measured, what was allowed, and a sentence for the reader."""

    rule: str
    passed: bool
    value: float
    limit: float
    text: str


def gate(
    question: Question,
    model: Predicted,
    baseline: Predicted,
    baseline_name: str,
    single_features: dict[str, float],
) -> tuple[list[Verdict], Interval]:
    """Return a verdict per rule, and by how much the model beats the baseline.

    Both were judged on the same customers, in the same order, out of time or held out.
    """
    gain = difference(
        model, baseline, question.metric, question.contact_share, question.random_state
    )
    error = calibration_error(model.label, model.probability)
    noise = calibration_noise(model, question.random_state)
    limit = max(question.max_calibration_error, noise)
    best = max(single_features, key=lambda name: single_features[name], default="")
    strongest = single_features.get(best, 0.5)
    verdicts = [
        Verdict(
            "beats_baseline",
            gain.low > 0,
            gain.low,
            0.0,
            f"{question.metric} is {gain.value:+.3f} against {baseline_name} "
            f"(95 % interval {gain.low:+.3f} to {gain.high:+.3f}); all of it must be above zero.",
        ),
        Verdict(
            "is_calibrated",
            error <= limit,
            error,
            limit,
            f"The expected calibration error is {error:.3f}; {limit:.3f} is allowed (so many "
            f"customers would show up to {noise:.3f} by chance with perfect probabilities).",
        ),
        Verdict(
            "no_suspicious_feature",
            strongest <= question.max_single_feature_auc,
            strongest,
            question.max_single_feature_auc,
            f"The strongest single feature, {best or 'none'}, has an AUC of {strongest:.3f}; above "
            f"{question.max_single_feature_auc:.2f} it probably knows the answer.",
        ),
    ]
    return verdicts, gain


def is_judged_to_the_end(share: float, n_answers: int, n_positive: int) -> Verdict:
    """Return whether the newest cut-off with answers has both kinds of them.

    Where nobody says yes any more (or everybody), a model of earlier cut-offs promises what the
    end of the log contradicts. It may be chance where few would be expected: of five, none is
    left to chance less than once in a hundred times. `share` is that of yes over all cut-offs.
    """
    rarer = min(n_positive, n_answers - n_positive)
    expected = min(share, 1 - share) * n_answers
    text = f"At the newest cut-off whose answers are known {n_positive} of {n_answers} say yes"
    passed = rarer > 0 or expected < _LEAST_EXPECTED
    return Verdict(
        "judged_to_the_end",
        passed,
        rarer,
        1,
        f"{text}." if passed else f"{text}: the question cannot be judged there, nobody is scored.",
    )


def calibration_noise(predicted: Predicted, seed: int) -> float:
    """Return the calibration error that perfect probabilities stay under 99 times in 100."""
    import numpy as np

    random = np.random.default_rng(seed)
    errors = []
    for _ in range(_SIMULATIONS):
        drawn = (random.random(len(predicted.label)) < predicted.probability).astype(int)
        errors.append(calibration_error(drawn, predicted.probability))
    return float(np.quantile(errors, 0.99))


def single_feature_aucs(
    matrix: "np.ndarray", label: "np.ndarray", design: Design
) -> dict[str, float]:
    """Return the AUC of each numeric feature taken alone, in the better direction."""
    found = {}
    for column, name in enumerate(design.features):
        if name not in design.categories:
            values = pl.Series(matrix[:, column], nan_to_null=True)
            auc = area_under_curve(values, pl.Series(label))
            if auc is not None:
                found[name] = max(auc, 1 - auc)
    return found


def reason(verdicts: Sequence[Verdict]) -> str:
    """Return the sentences that decide: of the rules that failed, else of all."""
    failed = [verdict.text for verdict in verdicts if not verdict.passed]
    return " ".join(failed or [verdict.text for verdict in verdicts])
