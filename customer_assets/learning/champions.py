"""The champion of each question: the best model, promoted only if it passes the gate."""

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from customer_assets.learning.baselines import BEST_FEATURE, baseline_of, features_of_baseline
from customer_assets.learning.design import (
    CUSTOMER,
    CUT_OFF,
    Design,
    answers,
    design_of,
    labelled,
    labels,
    with_cut_off,
)
from customer_assets.learning.drift import bin_shares, bins_of
from customer_assets.learning.estimators import reproducible
from customer_assets.learning.fitting import FittedModel
from customer_assets.learning.gate import (
    PROBABILITY_RULES,
    Verdict,
    better_than_champion,
    earns_more_than_champion,
    gate,
    is_judged_to_the_end,
    reason,
    single_feature_aucs,
)
from customer_assets.learning.metrics import Predicted, metrics
from customer_assets.learning.predictions import (
    champion_to_be,
    fit_rows,
    judged_again,
    predicted_of,
    unfitted,
)
from customer_assets.learning.splits import HOLDOUT, OUT_OF_TIME, splits_of, teaching
from customer_assets.learning.store import Card, ModelStore
from customer_assets.sources.advice import Campaign
from customer_assets.sources.questions import ModelName, Question

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline


def decisions(
    customer_features: pl.DataFrame,
    tuned_models: pl.DataFrame,
    model_predictions: pl.DataFrame,
    champions: pl.DataFrame,
    dropped: Mapping[str, Collection[str]],
    *,
    questions: Mapping[str, Question],
    model_store: ModelStore,
    campaign: Campaign | None = None,
) -> list[dict[str, Any]]:
    """Return one row per question: the best model, and whether it was promoted and why.

    Models are tried in the order of their search: the best that passes the gate is fitted on all
    labelled rows, stored, and becomes the champion. One of another kind than the champion must
    also be surely better than the champion's kind in what it is used for, positives found and the
    profit of the source's campaign, else that is fitted anew. Where none passes the
    previous champion stays; without one, the best is stored if only its probabilities failed, for
    it ranks. A model that is the champion already is not decided on again.
    """
    features = with_cut_off(customer_features)
    decided = []
    for name, question in questions.items():
        rows = labelled(features, question)
        of_question = model_predictions.filter(question=name)
        champion = newest_champion(champions, name)
        if of_question.is_empty():
            n_positive = int(labels(rows, question).sum())
            decided.append(
                _row(name, champion, None, False)
                | {
                    "reason": f"{n_positive} of {len(rows)} labelled customers answer yes: too "
                    "few of one kind to learn from.",
                    "n_rows": len(rows),
                    "n_positive": n_positive,
                }
            )
            continue
        design = design_of(features, question, dropped.get(name, ()))
        tuned = tuned_models.filter(question=name)
        recipe = _best_recipe(question, design, tuned, of_question)
        ours = predicted_of(_judging(of_question, recipe.model))
        incumbent = None
        if champion is not None:
            incumbent = _incumbent(model_store.card(name, champion["version"]), features)
        contest: list[Verdict] = []
        if incumbent is not None and incumbent.stated != recipe.stated:
            theirs = incumbent.judged(rows, question)
            found = [better_than_champion(question, recipe.model, ours, theirs)]
            if campaign is not None and campaign.question == name:
                found.append(
                    earns_more_than_champion(question, campaign, recipe.model, ours, theirs)
                )
            is_better = all(verdict.passed for verdict in found)
            if not is_better:
                recipe, ours = incumbent, theirs
            # Either way one of the two is fitted on the rows of now.
            used = f" The {'new' if is_better else 'old'} kind is used."
            contest = [replace(v, passed=True, text=v.text + used) for v in found]
        alone = features_of_baseline(tuned)
        challenger = _Challenger(name, question, rows, of_question, recipe, ours, alone)
        challenger.verdicts += contest
        if champion is not None and champion["version"] == challenger.version:
            continue
        passed = all(verdict.passed for verdict in challenger.verdicts)
        if passed or (champion is None and _ranks(challenger.verdicts)):
            with reproducible():
                fitted = challenger.fitted()
            keep = [champion["version"]] if champion else []
            model_store.save(challenger.card(fitted), fitted, keep)
        decided.append(challenger.row(champion, passed))
    return decided


def newest_champion(ledger: pl.DataFrame, question: str) -> dict[str, Any] | None:
    """Return the row that promoted the champion of a question, or None where there is none."""
    promoted = ledger.filter(pl.col("promoted") & (pl.col("question") == question))
    return promoted.sort("decided_at").row(-1, named=True) if len(promoted) else None


def newest_ranking(ledger: pl.DataFrame, question: str) -> dict[str, Any] | None:
    """Return the newest row of a question whose model was stored for its ranks alone, or None."""
    rows = ledger.filter(pl.col("question") == question).sort("decided_at")
    for row in rows.reverse().iter_rows(named=True):
        if row["verdicts"] and _ranks([Verdict(**v) for v in json.loads(row["verdicts"])]):
            return row
    return None


def _ranks(verdicts: Sequence[Verdict]) -> bool:
    """Return whether a model failed, and in nothing but its probabilities."""
    failed = {verdict.rule for verdict in verdicts if not verdict.passed}
    return bool(failed) and failed <= PROBABILITY_RULES


@dataclass(frozen=True)
class _Recipe:
    """A kind of model: what it is fitted with, wherever it is fitted."""

    model: ModelName
    design: Design
    parameters: Mapping[str, Any]

    @property
    def stated(self) -> tuple[str, list[str], str]:
        parameters = json.dumps(dict(self.parameters), sort_keys=True)
        return self.model, list(self.design.features), parameters

    def pipeline(self, question: Question) -> "Pipeline":
        return unfitted(self.model, self.design, self.parameters, question)

    def judged(self, rows: pl.DataFrame, question: Question) -> Predicted:
        """Return what it says of the judging rows where it is fitted on the others."""
        splits = splits_of(rows, question)
        assert splits is not None
        with reproducible():
            return judged_again(splits, self.pipeline(question), self.design, question)


def _judging(predictions: pl.DataFrame, model: str | None = None) -> pl.DataFrame:
    """Return the rows that judge, of all models or one, in the order of cut-off and customer."""
    rows = predictions.filter(pl.col("split").is_in([OUT_OF_TIME, HOLDOUT]))
    rows = rows if model is None else rows.filter(model=model)
    return rows.sort(CUT_OFF, CUSTOMER)


def _best_recipe(
    question: Question, design: Design, tuned: pl.DataFrame, predictions: pl.DataFrame
) -> _Recipe:
    model = champion_to_be(predictions, tuned, question)
    parameters = json.loads(tuned.filter(model=model)["parameters"].item())
    return _Recipe(cast(ModelName, model), design, parameters)


def _incumbent(card: Card, features: pl.DataFrame) -> _Recipe | None:
    """Return what the champion is made of; None where one of its features is there no more."""
    if not set(card.features) <= set(features.columns):
        return None
    return _Recipe(cast(ModelName, card.model), card.design, card.parameters)


class _Challenger:
    """The model of a question that may become its champion, before it is promoted."""

    def __init__(
        self,
        name: str,
        question: Question,
        rows: pl.DataFrame,
        predictions: pl.DataFrame,
        recipe: _Recipe,
        ours: Predicted,
        alone: Sequence[str],
    ) -> None:
        self.name, self.question, self.recipe = name, question, recipe
        self.rows = rows.filter(teaching(rows, question))
        self.model, self.design, self.parameters = recipe.model, recipe.design, recipe.parameters
        self.matrix, self.label = self.design.matrix(self.rows), labels(self.rows, question)
        self.training_data_version = _digest(
            self.matrix.tobytes(), self.label.tobytes(), str(self.rows[CUSTOMER].to_list()).encode()
        )
        stated = [name, self.model, list(self.design.features), self.parameters]
        self.version = _digest(json.dumps(stated).encode(), self.training_data_version.encode())
        judged = _judging(predictions)
        self.split = str(judged["split"][0])
        self.baseline = baseline_of(set(judged["model"]))
        theirs = predicted_of(_judging(predictions, self.baseline))
        self.metrics = metrics(ours, question.contact_share, question.random_state)
        to_beat = f"{alone[0]} alone" if self.baseline == BEST_FEATURE else self.baseline
        aucs = single_feature_aucs(self.matrix, self.label, self.design)
        verdicts, self.gain = gate(question, ours, theirs, to_beat, aucs)
        self.verdicts = [*verdicts, is_judged_to_the_end(*answers(rows, question))]

    def fitted(self) -> FittedModel:
        pipeline = self.recipe.pipeline(self.question)
        return fit_rows(pipeline, self.matrix, self.rows, self.question)

    def card(self, fitted: FittedModel) -> Card:
        probability = fitted.probability(self.matrix)
        edges = bins_of(probability, False)
        bins = {
            name: bins_of(self.matrix[:, i], name in self.design.categories)
            for i, name in enumerate(self.design.features)
        }
        return Card(
            question=self.name,
            version=self.version,
            model=self.model,
            features=list(self.design.features),
            categories={n: list(v) for n, v in self.design.categories.items()},
            parameters=dict(self.parameters),
            slope=fitted.calibration.slope,
            intercept=fitted.calibration.intercept,
            threshold=fitted.calibration.threshold,
            knots=list(fitted.calibration.knots),
            training_data_version=self.training_data_version,
            n_rows=len(self.label),
            n_positive=int(self.label.sum()),
            metrics={n: (m.value, m.low, m.high) for n, m in self.metrics.items()},
            middle={
                name: _middle(self.matrix[:, i], name in self.design.categories)
                for i, name in enumerate(self.design.features)
            },
            bin_edges={name: edges.tolist() for name, edges in bins.items()},
            bin_shares={
                name: bin_shares(self.matrix[:, i], bins[name]).tolist()
                for i, name in enumerate(self.design.features)
            },
            score_edges=edges.tolist(),
            score_shares=bin_shares(probability, edges).tolist(),
        )

    def row(self, champion: Mapping[str, Any] | None, promoted: bool) -> dict[str, Any]:
        of_metric = self.metrics[self.question.metric]
        return _row(self.name, champion, self.version, promoted) | {
            "model": self.model,
            "reason": reason(self.verdicts),
            "split": self.split,
            "metric": self.question.metric,
            "value": of_metric.value,
            "low": of_metric.low,
            "high": of_metric.high,
            "baseline": self.baseline,
            "gain": self.gain.value,
            "gain_low": self.gain.low,
            "gain_high": self.gain.high,
            "verdicts": json.dumps([_plain(verdict) for verdict in self.verdicts]),
            "n_rows": len(self.label),
            "n_positive": int(self.label.sum()),
            "training_data_version": self.training_data_version,
        }


def _row(
    question: str, champion: Mapping[str, Any] | None, version: str | None, promoted: bool
) -> dict[str, Any]:
    return {
        "question": question,
        "version": version,
        "promoted": promoted,
        "previous_version": champion["version"] if champion else None,
        "decided_at": dt.datetime.now(dt.UTC).replace(tzinfo=None),
    }


def _plain(verdict: Verdict) -> dict[str, Any]:
    return {n: v.item() if hasattr(v, "item") else v for n, v in asdict(verdict).items()}


def _middle(values: "np.ndarray", is_categorical: bool) -> float:
    """Return the median of a feature, of a category the most frequent; 0 where none is known."""
    import numpy as np

    known = values[~np.isnan(values)]
    if not len(known):
        return 0.0
    if is_categorical:
        found, counts = np.unique(known, return_counts=True)
        return float(found[counts.argmax()])
    return float(np.median(known))


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:12]
