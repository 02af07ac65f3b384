"""Every customer's answer by the champion: a calibrated probability, its rank and its reasons."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.learning.champions import newest_champion, newest_ranking
from customer_assets.learning.design import (
    CUSTOMER,
    CUT_OFF,
    answers,
    asked_about,
    newest,
    with_cut_off,
)
from customer_assets.learning.estimators import reproducible
from customer_assets.learning.fitting import FittedModel
from customer_assets.learning.gate import is_judged_to_the_end
from customer_assets.learning.splits import CROSS_VALIDATION
from customer_assets.learning.store import Card, ModelStore
from customer_assets.sources.questions import Question

if TYPE_CHECKING:
    import numpy as np

N_REASONS = 3
# Effects below a hundredth of a log odd are no reasons.
_LEAST_EFFECT = 0.01
# Customers whose reasons are looked for at once: memory holds each of their values several times.
_BATCH_CUSTOMERS = 50_000


def model_scores(
    customer_features: pl.DataFrame,
    champions: pl.DataFrame,
    model_predictions: pl.LazyFrame,
    *,
    questions: Mapping[str, Question],
    model_store: ModelStore,
) -> pl.DataFrame | list[dict[str, Any]]:
    """Return one row per question and customer of the newest cut-off, by the champion.

    Without a champion the probability is null, and rank and decile are those of a model that
    failed the gate in nothing but its probabilities.

    A question that cannot be judged at the newest cut-off with answers has none.
    Customers whose own answer the champion learned from, as those of a customer table are, get
    their out-of-fold probability.
    """
    features = with_cut_off(customer_features)
    scored = features.filter(newest(features))
    parts = []
    for name, question in questions.items():
        champion = newest_champion(champions, name)
        # Ranks alone are published of a model whose probabilities are not to be believed.
        model = champion or newest_ranking(champions, name)
        asked = asked_about(scored, question)
        if model is None or asked.is_empty():
            continue
        if not is_judged_to_the_end(*answers(features, question)).passed:
            continue
        card, fitted = model_store.load(name, model["version"])
        with reproducible():
            matrix = card.design.matrix(asked)
            probability = fitted.probability(matrix)
            given = [
                each
                for start in range(0, len(asked), _BATCH_CUSTOMERS)
                for each in reasons(
                    card,
                    fitted,
                    matrix[start : start + _BATCH_CUSTOMERS],
                    asked[start : start + _BATCH_CUSTOMERS],
                )
            ]
        unseen = model_predictions.filter(question=name, split=CROSS_VALIDATION, model=card.model)
        learned_from = unseen.select(
            CUSTOMER, CUT_OFF, pl.col("probability").alias("out_of_fold")
        ).collect()
        parts.append(
            asked.select(
                CUSTOMER,
                CUT_OFF,
                pl.Series("by_champion", probability),
                pl.Series("reasons", given),
            )
            .join(learned_from, on=[CUSTOMER, CUT_OFF], how="left", maintain_order="left")
            .with_columns(
                pl.lit(name).alias("question"),
                pl.lit(card.model).alias("model"),
                pl.lit(card.version).alias("version"),
                pl.coalesce("out_of_fold", "by_champion").alias("probability"),
                pl.col("out_of_fold").is_not_null().alias("is_out_of_fold"),
            )
            .with_columns(
                pl.col("probability")
                .rank("min", descending=True)
                .cast(pl.Int64)
                .alias("score_rank")
            )
            .with_columns(
                pl.when(champion is not None).then(pl.col("probability")).alias("probability"),
                (1 + (pl.col("score_rank") - 1) * 10 // pl.len()).alias("decile"),
            )
            .drop("by_champion", "out_of_fold")
        )
    return pl.concat(parts) if parts else []


def reasons(
    card: Card, fitted: FittedModel, matrix: "np.ndarray", rows: pl.DataFrame
) -> Sequence[str]:
    """Return each customer's strongest reasons as JSON: feature, value, effect.

    The effect is how many log odds the score loses when the feature alone is set to that of the
    middle customer of the training rows: above zero it speaks for yes. It asks nothing of the
    model but its answers, so all models give their reasons alike.
    """
    import numpy as np

    whole = fitted.log_odds(matrix)
    effects = np.zeros_like(matrix)
    for column, name in enumerate(card.features):
        changed = matrix.copy()
        changed[:, column] = card.middle[name]
        effects[:, column] = whole - fitted.log_odds(changed)
    strongest = np.argsort(-np.abs(effects), axis=1, kind="stable")[:, :N_REASONS]
    values = {name: rows[name].to_list() for name in card.features}
    return [
        json.dumps(
            [
                {
                    "feature": card.features[column],
                    "value": _shown(values[card.features[column]][row]),
                    "effect": round(float(effects[row, column]), 4),
                }
                for column in columns
                if abs(effects[row, column]) >= _LEAST_EFFECT
            ],
            ensure_ascii=False,
        )
        for row, columns in enumerate(strongest)
    ]


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    return round(float(value), 4)
