"""What a model must show before it may become the champion of a question."""

from collections.abc import Mapping, Sequence
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
    pays_for_contact,
    profit_of,
)
from customer_assets.sources.advice import Campaign
from customer_assets.sources.questions import Question

if TYPE_CHECKING:
    import numpy as np

_SIMULATIONS = 200
_LEAST_EXPECTED = 5
# Quantile of the standard normal distribution that both sides stay within 99 times in 100.
_Z_99 = 2.5758293035489004
# What a season may move unpunished: of the share of the rarer answer, and of the slope.
_TOLERANCE = 0.25

CONTACTED = "recall_at_contact_share"

# What speaks of probabilities only: a model that passes all else still ranks customers.
PROBABILITY_RULES = frozenset({"is_calibrated", "right_in_the_large", "right_slope"})


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
        *calibration(question, model),
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


def calibration(question: Question, model: Predicted) -> list[Verdict]:
    """Return the verdicts on a model's probabilities: their errors, their sum and their slope.

    All are measured against what chance alone gives at that many customers, and none allows more
    than a part of the rarer answer's share: an absolute limit would let through any probability
    where few say yes. Source: Cox, Two further applications of a model for binary regression
    (Biometrika 45, 1958).
    """
    import numpy as np

    share, n = float(model.label.mean()), len(model.label)
    rarer = min(share, 1 - share)
    noise = calibration_noise(model, question.random_state)
    error = calibration_error(model.label, model.probability)
    limit = max(min(question.max_calibration_error, rarer / 2), noise)
    expected = float(model.probability.mean())
    spread = _Z_99 * float(np.sqrt((model.probability * (1 - model.probability)).sum())) / n
    allowed = max(spread, _TOLERANCE * rarer)
    slope, half = calibration_slope(model)
    lowest, highest = 1 - _TOLERANCE, 1 / (1 - _TOLERANCE)
    return [
        Verdict(
            "is_calibrated",
            error <= limit,
            error,
            limit,
            f"The expected calibration error is {error:.3f}; {limit:.3f} is allowed (so many "
            f"customers would show up to {noise:.3f} by chance with perfect probabilities).",
        ),
        Verdict(
            "right_in_the_large",
            abs(expected - share) <= allowed,
            expected - share,
            allowed,
            f"Probabilities promise {expected:.2%} yes, {share:.2%} say it; {allowed:.2%} of "
            f"difference is allowed ({spread:.2%} would be chance).",
        ),
        Verdict(
            "right_slope",
            slope - half <= highest and slope + half >= lowest,
            slope,
            lowest,
            f"Log odds of yes move by {slope:.2f} for each 1 that the model says (99 % interval "
            f"{slope - half:.2f} to {slope + half:.2f}); {lowest:.2f} to {highest:.2f} is allowed.",
        ),
    ]


def calibration_slope(predicted: Predicted) -> tuple[float, float]:
    """Return the slope of the answers on the model's log odds, and half its 99 % interval.

    1 is right; below it probabilities are too extreme. A constant, which has no slope, gets 1.
    """
    import numpy as np
    from scipy.special import logit
    from sklearn.linear_model import LogisticRegression

    odds = logit(np.clip(predicted.probability, 1e-6, 1 - 1e-6))
    spread = odds.std()
    if not spread > 0 or not 0 < predicted.label.mean() < 1:
        return 1.0, 0.0
    scaled = (odds - odds.mean()) / spread
    fitted = LogisticRegression(C=np.inf).fit(scaled[:, None], predicted.label)
    p = fitted.predict_proba(scaled[:, None])[:, 1]
    weight = p * (1 - p)
    middle = (weight * scaled).sum() / max(weight.sum(), 1e-12)
    information = max(float((weight * (scaled - middle) ** 2).sum()), 1e-12)
    return float(fitted.coef_[0, 0] / spread), _Z_99 / float(np.sqrt(information)) / float(spread)


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
    # In the order in which errors are counted: each simulation would sort them anew.
    promised = np.sort(predicted.probability)[::-1]
    errors = []
    for _ in range(_SIMULATIONS):
        drawn = (random.random(len(promised)) < promised).astype(int)
        errors.append(calibration_error(drawn, promised))
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


def chosen(
    order: Sequence[str], judged: Mapping[str, Predicted], baseline: str, q: Question
) -> str:
    """Return the first model of an order that passes, else the first.

    `judged` are the models and a baseline on rows that took no part in the order. What models
    share, as the features, does not tell them apart.
    """
    for model in order:
        verdicts, _ = gate(q, judged[model], judged[baseline], baseline, {})
        if all(verdict.passed for verdict in verdicts):
            return model
    return order[0]


def better_than_champion(
    question: Question, model: str, ours: Predicted, champions: Predicted
) -> Verdict:
    """Return whether a model of another kind finds surely more than the champion would.

    Both are fitted on the same rows, and judged on others that chose neither, customer by
    customer, in what they are used for: positives among those who can be contacted.
    """
    more = difference(ours, champions, CONTACTED, question.contact_share, question.random_state)
    return Verdict(
        "better_than_champion",
        more.low > 0,
        more.low,
        0.0,
        f"Among the best {question.contact_share:.0%} {model} finds {more.value:+.1%} of the "
        f"positives against the champion's kind (95 % interval {more.low:+.1%} to "
        f"{more.high:+.1%}).",
    )


def earns_more_than_champion(
    question: Question, campaign: Campaign, model: str, ours: Predicted, champions: Predicted
) -> Verdict:
    """Return whether a campaign among those whom a model of another kind finds surely earns more.

    On the same rows as `better_than_champion`, customer by customer. Where both kinds contact the
    same customers, profit does not tell them apart, and decides nothing.
    """
    terms = campaign.contact_cost, campaign.margin
    more = difference(
        ours, champions, profit_of(*terms), question.contact_share, question.random_state
    )
    our, their = (pays_for_contact(each.probability, *terms) for each in (ours, champions))
    is_same = bool((our == their).all())
    text = (
        f"Contacting whom {model} would earns {more.value:+,.2f} a customer against the champion's "
        f"kind (95 % interval {more.low:+,.2f} to {more.high:+,.2f}; a contact costs "
        f"{campaign.contact_cost:g}, a yes brings {campaign.margin:g})"
    )
    return Verdict(
        "earns_more_than_champion",
        is_same or more.low > 0,
        more.low,
        0.0,
        f"{text}: both contact the same customers." if is_same else f"{text}.",
    )


def reason(verdicts: Sequence[Verdict]) -> str:
    """Return the sentences that decide: of the rules that failed, else of all."""
    failed = [verdict.text for verdict in verdicts if not verdict.passed]
    return " ".join(failed or [verdict.text for verdict in verdicts])
