"""Promoted models on disk: `models/<source>/<question>/<version>/`, safe to load.

A folder holds `model.skops`, which is loaded with a fixed list of types that may be built, so it
can run no code of its own, and `card.json`, which says what the model is and what it was
trained on.
"""

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from customer_assets.learning.design import Design
from customer_assets.learning.fitting import Calibration, FittedModel

KEPT_VERSIONS = 5
_MODEL, _CARD = "model.skops", "card.json"
# What the models of `estimators` are made of beyond what skops trusts by itself.
_TRUSTED = [
    "collections.OrderedDict",
    "customer_assets.learning.estimators.signed_log1p",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "numpy.dtype",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.metrics._dist_metrics.ManhattanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
]


class ModelStoreError(RuntimeError):
    """A promoted model cannot be loaded; the message says which and what to do."""


class Card(BaseModel):
    """What a promoted model is: enough to score with it and to say where it comes from."""

    question: str
    version: str
    model: str
    features: list[str]
    categories: dict[str, list[str]]
    parameters: dict[str, Any]
    slope: float
    intercept: float
    threshold: float
    # Of an isotonic calibration: score and log odds of its knots.
    knots: list[tuple[float, float]] = []
    training_data_version: str
    n_rows: int
    n_positive: int
    metrics: dict[str, tuple[float, float, float]]
    # Per feature: what a customer of the middle has, and the bins that drift is measured in.
    middle: dict[str, float]
    bin_edges: dict[str, list[float]]
    bin_shares: dict[str, list[float]]
    score_edges: list[float]
    score_shares: list[float]

    @property
    def design(self) -> Design:
        return Design(self.features, self.categories)


@dataclass(frozen=True)
class ModelStore:
    """The promoted models of one source."""

    # Where the models lie is no part of what they are.
    folder: Path = field(repr=False)

    def save(self, card: Card, fitted: FittedModel, keep: Collection[str] = ()) -> None:
        """Write a model, whole or not at all; drop all but the last five and those in `keep`."""
        import skops.io

        target = self.folder / card.question / card.version
        staged = target.with_name(f".{card.version}")
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        skops.io.dump(fitted.pipeline, staged / _MODEL)
        (staged / _CARD).write_text(card.model_dump_json(indent=1))
        shutil.rmtree(target, ignore_errors=True)
        staged.rename(target)
        for old in self._versions(card.question)[:-KEPT_VERSIONS]:
            if old.name not in {card.version, *keep}:
                shutil.rmtree(old)

    def card(self, question: str, version: str) -> Card:
        """Return what is known of a model. Raises ModelStoreError where it is not there."""
        path = self.folder / question / version / _CARD
        try:
            return Card.model_validate_json(path.read_text())
        except FileNotFoundError:
            raise ModelStoreError(
                f"{path.parent}: there is no such model. It was promoted, but its folder is gone: "
                "put the folder back, or train again."
            ) from None

    def load(self, question: str, version: str) -> tuple[Card, FittedModel]:
        """Return a model with its card. Raises ModelStoreError where it is gone or not safe."""
        import skops.io
        from skops.io.exceptions import UntrustedTypesFoundException

        card = self.card(question, version)
        path = self.folder / question / version / _MODEL
        try:
            pipeline = skops.io.load(path, trusted=_TRUSTED)
        except UntrustedTypesFoundException as error:
            raise ModelStoreError(
                f"{path} holds types that no model of this project has: it was not written by it, "
                f"and is not loaded. {error}"
            ) from error
        knots = tuple(card.knots)
        calibration = Calibration(card.slope, card.intercept, card.threshold, knots)
        return card, FittedModel(pipeline, calibration)

    def _versions(self, question: str) -> Sequence[Path]:
        folders = [f for f in (self.folder / question).iterdir() if (f / _CARD).exists()]
        return sorted(folders, key=lambda folder: (folder / _CARD).stat().st_mtime_ns)
