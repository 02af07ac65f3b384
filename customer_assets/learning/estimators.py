"""The models that may answer a question: a scikit-learn pipeline each, and what its search tries.

Everything that is learned from data, encoding and scaling included, is inside the pipeline and so
is fitted on training rows only. Seeds and threads are fixed: equal rows give equal models.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from customer_assets.learning.design import Design
from customer_assets.sources.questions import ModelName

if TYPE_CHECKING:
    import numpy as np
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline

# A category that fewer customers have is encoded with the other rare ones.
_RARE_SHARE = 0.01
# Beyond it the coefficients still move, the ranking of customers does not.
_LOGISTIC_TOLERANCE = 1e-2


@dataclass(frozen=True)
class Candidate:
    """A model before it is fitted: its pipeline and the distributions that a search draws from."""

    pipeline: "Pipeline"
    distributions: dict[str, Any]


@contextmanager
def reproducible() -> Iterator[None]:
    """Let numerical libraries sum in one order, and models stop at their own iteration limit.

    Parameters come from the candidates here: scikit-learn need not look at them, tree by tree.
    """
    from sklearn import config_context
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with (
        threadpool_limits(1),
        config_context(skip_parameter_validation=True),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def fit_in_threads(pipeline: "Pipeline", matrix: "np.ndarray", label: "np.ndarray") -> "Pipeline":
    """Fit a pipeline with two threads where its model can use them, and return it.

    Only the fit: a forest's trees come out the same in any order, but threads that predict add up
    the trees' probabilities in the order in which they end, and the last digit with it.
    """
    import joblib

    with joblib.parallel_config("threading", n_jobs=2):
        return pipeline.fit(matrix, label)


def signed_log1p(values: "np.ndarray") -> "np.ndarray":
    """Return log(1 + |x|) with the sign of x: pulls in heavy tails on both sides."""
    import numpy as np

    return np.sign(values) * np.log1p(np.abs(values))


def candidate(name: ModelName, design: Design, seed: int) -> Candidate:
    """Return the named model over the features of a design.

    A search parameter is named without its place in the pipeline: `C`, not `model__C`.
    """
    from sklearn.pipeline import Pipeline

    estimator, distributions = _estimator(name, seed)
    steps: list[tuple[str, Any]] = [("features", _preprocessing(design, name in _TREES))]
    if name == "logistic_regression_on_components":
        from sklearn.decomposition import PCA

        steps.append(("components", PCA(random_state=seed)))
    steps.append(("model", estimator))
    return Candidate(Pipeline(steps), distributions)


_TREES = {"decision_tree", "random_forest", "lightgbm", "xgboost"}


def _preprocessing(design: Design, for_trees: bool) -> "BaseEstimator":
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    is_categorical = design.is_categorical()
    categories = Pipeline(
        [
            ("missing", SimpleImputer(strategy="constant", fill_value=-1.0)),
            (
                "encode",
                OneHotEncoder(
                    handle_unknown="infrequent_if_exist",
                    min_frequency=_RARE_SHARE,
                    sparse_output=False,
                ),
            ),
        ]
    )
    # Trees part missing values on their own and do not mind a scale.
    numbers: Any = "passthrough"
    if not for_trees:
        numbers = Pipeline(
            [
                ("tails", FunctionTransformer(signed_log1p)),
                (
                    "missing",
                    SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
                ),
                ("scale", StandardScaler()),
            ]
        )
    columns = range(len(design.features))
    return ColumnTransformer(
        [
            ("numbers", numbers, [i for i in columns if not is_categorical[i]]),
            ("categories", categories, [i for i in columns if is_categorical[i]]),
        ]
    )


def _estimator(name: ModelName, seed: int) -> tuple["BaseEstimator", dict[str, Any]]:
    from scipy.stats import loguniform, randint, uniform

    weights = [None, "balanced"]
    match name:
        case "logistic_regression":
            from sklearn.linear_model import LogisticRegression

            return (
                LogisticRegression(solver="liblinear", tol=_LOGISTIC_TOLERANCE, random_state=seed),
                {
                    "model__C": loguniform(1e-2, 1e1),
                    "model__l1_ratio": [0.0, 1.0],
                    "model__class_weight": weights,
                },
            )
        case "logistic_regression_on_components":
            from sklearn.linear_model import LogisticRegression

            return (
                LogisticRegression(solver="liblinear", tol=_LOGISTIC_TOLERANCE, random_state=seed),
                {
                    "components__n_components": uniform(0.7, 0.29),
                    "model__C": loguniform(1e-2, 1e1),
                    "model__class_weight": weights,
                },
            )
        case "decision_tree":
            from sklearn.tree import DecisionTreeClassifier

            return (
                DecisionTreeClassifier(random_state=seed),
                {
                    "model__max_depth": randint(2, 9),
                    "model__min_samples_leaf": randint(5, 60),
                    "model__criterion": ["gini", "log_loss"],
                },
            )
        case "nearest_neighbours":
            from sklearn.neighbors import KNeighborsClassifier

            return (
                KNeighborsClassifier(),
                {
                    "model__n_neighbors": randint(5, 60),
                    "model__weights": ["uniform", "distance"],
                    "model__p": [1, 2],
                },
            )
        case "support_vectors":
            from sklearn.svm import SVC

            return (
                SVC(random_state=seed, cache_size=500),
                {
                    "model__C": loguniform(1e-1, 3e1),
                    "model__gamma": loguniform(1e-3, 1e-1),
                    "model__kernel": ["rbf", "linear"],
                    "model__class_weight": weights,
                },
            )
        case "random_forest":
            from sklearn.ensemble import RandomForestClassifier

            return (
                RandomForestClassifier(n_estimators=100, max_samples=0.5, random_state=seed),
                {
                    "model__max_depth": randint(3, 14),
                    "model__min_samples_leaf": randint(2, 40),
                    "model__max_features": ["sqrt", 0.2, 0.35],
                    "model__class_weight": weights,
                },
            )
        case "neural_network":
            from sklearn.neural_network import MLPClassifier

            return (
                MLPClassifier(
                    solver="sgd", momentum=0.9, batch_size=64, max_iter=40, random_state=seed
                ),
                {
                    "model__hidden_layer_sizes": [(16,), (32,), (32, 16)],
                    "model__learning_rate_init": loguniform(3e-3, 5e-2),
                    "model__alpha": loguniform(1e-5, 1e-1),
                },
            )
        case "lightgbm":
            from lightgbm import LGBMClassifier

            return (
                LGBMClassifier(
                    n_estimators=120,
                    random_state=seed,
                    n_jobs=1,
                    deterministic=True,
                    force_row_wise=True,
                    verbosity=-1,
                ),
                {
                    "model__max_depth": randint(2, 8),
                    "model__num_leaves": randint(4, 40),
                    "model__learning_rate": loguniform(0.02, 0.2),
                    "model__min_child_samples": randint(10, 80),
                    "model__reg_lambda": loguniform(1e-2, 1e2),
                },
            )
        case "xgboost":
            from xgboost import XGBClassifier

            return (
                XGBClassifier(n_estimators=120, random_state=seed, n_jobs=1, tree_method="hist"),
                {
                    "model__max_depth": randint(2, 8),
                    "model__learning_rate": loguniform(0.02, 0.2),
                    "model__min_child_weight": loguniform(1, 30),
                    "model__subsample": uniform(0.6, 0.4),
                    "model__colsample_bytree": uniform(0.5, 0.5),
                    "model__reg_lambda": loguniform(1e-1, 1e2),
                },
            )
