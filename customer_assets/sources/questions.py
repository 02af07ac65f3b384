"""Question: what is to be predicted of a source's customers, and how the answer is judged."""

from typing import Annotated, Literal

from pydantic import Field

from customer_assets.sources.parts import Model

ModelName = Literal[
    "logistic_regression",
    "logistic_regression_on_components",
    "decision_tree",
    "nearest_neighbours",
    "support_vectors",
    "random_forest",
    "neural_network",
    "lightgbm",
    "xgboost",
]


class PublishedScore(Model):
    """What a study prints for a model, shown beside ours and never tuned to."""

    model: str = Field(description="The model as the study calls it.")
    metric: str = Field(description="What is measured: accuracy, roc_auc, recall.")
    value: float = Field(description="What is printed.")
    note: str = Field(default="", description="Where, and on which rows.")


class Question(Model):
    """A yes-or-no question about each customer, answered by the best of several models.

    Of an event log the label is a column of `customer_features` about what comes after a cut-off,
    of a customer table it is the table's own label. All models see the same folds.
    """

    title: str = Field(description="The question in words: Will the customer buy tomorrow?")
    label: str = Field(description="The boolean column of customer_features to predict.")
    among: str | None = Field(
        default=None,
        description="A boolean column of customer_features: only customers for whom it is true "
        "are asked about.",
    )
    models: list[ModelName] = Field(
        min_length=1, description="Which are tried; the best that passes the gate answers."
    )
    metric: Literal["roc_auc", "average_precision"] = Field(
        default="roc_auc",
        description="What models are tuned, compared and judged by; average_precision where few "
        "customers answer yes.",
    )
    search_iterations: int = Field(
        default=9, ge=1, description="Parameter settings that the search tries per model."
    )
    folds: int = Field(default=5, ge=2, description="Parts of the cross-validation.")
    contact_share: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.2, description="Share of customers who can be contacted: recall is told at it."
    )
    max_calibration_error: float = Field(
        default=0.05, gt=0, description="The gate's limit of the expected calibration error."
    )
    max_single_feature_auc: float = Field(
        default=0.95, gt=0.5, le=1, description="A feature that alone does better is suspicious."
    )
    exclude: list[str] = Field(default=[], description="Features that the models may not see.")
    random_state: int = Field(default=42, description="The same number gives the same models.")
    published: list[PublishedScore] = []
