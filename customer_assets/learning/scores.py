"""Every customer's answer by the champion: a calibrated probability, its rank and its reasons."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.learning.champions import newest_champion
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
from customer_assets.warehouse.source_warehouse import PythonModel
from customer_assets.warehouse.table import Column, Table

if TYPE_CHECKING:
    import numpy as np

N_REASONS = 3
# Effects below a hundredth of a log odd are no reasons.
_LEAST_EFFECT = 0.01


def model_scores(frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]) -> pl.DataFrame:
    """Return one row per question with a champion and customer of the newest cut-off.

    A question that cannot be judged at the newest cut-off with answers has none.
    Customers whose own answer the champion learned from, as all of a customer table are, get their
    out-of-fold probability.
    """
    store: ModelStore = parameters["model_store"]
    features = with_cut_off(frames["customer_features"])
    scored = features.filter(newest(features))
    questions: Mapping[str, Question] = parameters["questions"]
    parts = [pl.DataFrame(schema={CUSTOMER: features.schema[CUSTOMER], **_SCHEMA})]
    for name, question in questions.items():
        champion = newest_champion(frames["champions"], name)
        asked = asked_about(scored, question)
        if champion is None or asked.is_empty():
            continue
        if not is_judged_to_the_end(*answers(features, question)).passed:
            continue
        card, fitted = store.load(name, champion["version"])
        with reproducible():
            matrix = card.design.matrix(asked)
            probability = fitted.probability(matrix)
            given = reasons(card, fitted, matrix, asked)
        unseen = frames["model_predictions"].filter(
            question=name, split=CROSS_VALIDATION, model=card.model
        )
        learned_from = unseen.select(CUSTOMER, CUT_OFF, pl.col("probability").alias("out_of_fold"))
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
            .with_columns((1 + (pl.col("score_rank") - 1) * 10 // pl.len()).alias("decile"))
            .select(CUSTOMER, *_SCHEMA)
        )
    return pl.concat(parts)


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


_SCHEMA = {
    "question": pl.String,
    CUT_OFF: pl.Int64,
    "model": pl.String,
    "version": pl.String,
    "probability": pl.Float64,
    "is_out_of_fold": pl.Boolean,
    "decile": pl.Int64,
    "score_rank": pl.Int64,
    "reasons": pl.String,
}

MODEL_SCORES = PythonModel(
    table=Table(
        name="model_scores",
        layer="models",
        description=(
            "One row per question and customer, scored by the question's champion. A question "
            "without a champion has none."
        ),
        columns={
            "question": Column(type="varchar", description="Name of the question."),
            CUSTOMER: Column(type="source", description="Who."),
            CUT_OFF: Column(
                type="bigint",
                description="Moment of the features, epoch microseconds; 0 for a customer table.",
            ),
            "model": Column(type="varchar", description="Name of the champion's model."),
            "version": Column(type="varchar", description="Version of the champion."),
            "probability": Column(type="double", description="Calibrated probability of yes."),
            "is_out_of_fold": Column(
                type="boolean",
                description="Whether the probability is by a model that had not seen the "
                "customer's own answer, since the champion has.",
            ),
            "decile": Column(
                type="bigint", description="Tenth of the customers, 1 the most likely."
            ),
            "score_rank": Column(
                type="bigint", description="Rank, 1 the most likely. Ties share a rank."
            ),
            "reasons": Column(
                type="varchar",
                description="Strongest features, as a JSON list of feature, value and effect: log "
                "odds against the middle customer, above zero for yes.",
            ),
        },
        key=["question", CUSTOMER],
        checks=[
            {
                "expect_column_values_to_be_between": {
                    "column": "probability",
                    "min_value": 0,
                    "max_value": 1,
                }
            },
            {
                "expect_column_values_to_be_between": {
                    "column": "decile",
                    "min_value": 1,
                    "max_value": 10,
                }
            },
            {"expect_compound_columns_to_be_unique": {"column_list": ["question", CUSTOMER]}},
        ],
    ),
    inputs=("customer_features", "champions", "model_predictions"),
    compute=model_scores,
    parameters=("questions", "model_store"),
)
