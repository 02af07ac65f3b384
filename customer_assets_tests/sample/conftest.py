"""What the tests of the samples share: each source's sample of default size, written once."""

import datetime as dt
from pathlib import Path

import pytest

from customer_assets.sample import SOURCES, write_sample

# Past the end of summer time, so that offsets differ within the sample.
UNTIL = dt.date(2026, 11, 22)


@pytest.fixture(scope="session")
def samples(tmp_path_factory) -> dict[str, Path]:
    """The folder of each source's sample."""
    root = tmp_path_factory.mktemp("samples")
    for source in SOURCES:
        write_sample(source, root / source, until=UNTIL, tell=lambda line: None)
    return {source: root / source for source in SOURCES}


@pytest.fixture(scope="session")
def auc():
    """A function: cross-validated ROC-AUC of a plain logistic regression."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def score(features, label) -> float:
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        return cross_val_score(model, features, label, scoring="roc_auc", cv=3).mean()

    return score
