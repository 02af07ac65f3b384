"""Our metrics against scikit-learn's, which computes each on its own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from customer_assets.learning import metrics as module
from customer_assets.learning.metrics import (
    Predicted,
    best_threshold,
    curves,
    difference,
    metrics,
)

ROWS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.05, 0.2, 0.2001, 0.5, 0.8, 0.95])),
    min_size=6,
    max_size=60,
).filter(lambda rows: len({label for label, _ in rows}) == 2)


def predicted(rows) -> Predicted:
    label = np.array([int(label) for label, _ in rows])
    probability = np.array([probability for _, probability in rows])
    return Predicted(label, probability, (probability >= 0.5).astype(int))


@given(ROWS)
@settings(max_examples=60)
def test_every_metric_is_scikit_learns(rows):
    p = predicted(rows)
    ours = {name: interval.value for name, interval in metrics(p, 0.2, seed=1).items()}
    theirs = {
        "roc_auc": sk.roc_auc_score(p.label, p.probability),
        "average_precision": sk.average_precision_score(p.label, p.probability),
        "f1": sk.f1_score(p.label, p.answer),
        "recall": sk.recall_score(p.label, p.answer),
        "accuracy": sk.accuracy_score(p.label, p.answer),
        "brier": sk.brier_score_loss(p.label, p.probability),
        "log_loss": sk.log_loss(p.label, p.probability),
    }
    assert {name: ours[name] for name in theirs} == pytest.approx(theirs)


@given(ROWS, st.randoms())
@settings(max_examples=40)
def test_the_order_of_rows_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    first, second = metrics(predicted(rows), 0.3, 1), metrics(predicted(shuffled), 0.3, 1)
    assert [m.value for m in first.values()] == pytest.approx(
        [m.value for m in second.values()], nan_ok=True
    )


@given(ROWS)
@settings(max_examples=40)
def test_contacting_everybody_finds_everybody(rows):
    found = metrics(predicted(rows), 1.0, seed=1)
    assert found["recall_at_contact_share"].value == pytest.approx(1)
    assert found["lift_at_contact_share"].value == pytest.approx(1)


def test_the_interval_of_an_auc_covers_it_and_narrows_with_customers():
    random = np.random.default_rng(3)

    def of(n):
        label = random.integers(0, 2, n)
        probability = np.clip(0.5 + 0.2 * (label - 0.5) + random.normal(0, 0.2, n), 0, 1)
        return metrics(Predicted(label, probability, label), 0.2, 1)["roc_auc"]

    few, many = of(60), of(3_000)
    assert few.low < few.value < few.high
    assert many.high - many.low < (few.high - few.low) / 3


def test_rows_of_one_customer_are_drawn_together():
    random = np.random.default_rng(3)
    label = random.integers(0, 2, 200)
    probability = np.clip(0.5 + 0.2 * (label - 0.5) + random.normal(0, 0.2, 200), 0, 1)
    once = Predicted(label, probability, label)
    four = np.tile(label, 4), np.tile(probability, 4), np.tile(label, 4)
    of_four = Predicted(*four, np.tile(np.arange(200), 4))
    assert (of_four.n_customers, len(of_four.label)) == (200, 800)
    # Four answers of each customer that are the same say no more than one.
    one, same = (metrics(said, 0.2, 1)["roc_auc"] for said in (once, of_four))
    assert (same.low, same.high) == pytest.approx((one.low, one.high))
    assert metrics(Predicted(*four), 0.2, 1)["roc_auc"].low > one.low


def test_a_model_is_not_better_than_itself():
    random = np.random.default_rng(3)
    label = random.integers(0, 2, 100)
    same = Predicted(label, random.random(100), label)
    gain = difference(same, same, "roc_auc", 0.2, seed=1)
    assert (gain.value, gain.low, gain.high) == (0, 0, 0)


def test_the_threshold_has_the_best_f1():
    label = np.array([0, 0, 1, 0, 1, 1])
    probability = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    best = best_threshold(label, probability)
    f1 = {t: sk.f1_score(label, probability >= t) for t in probability}
    assert f1[best] == max(f1.values())


def test_curves_begin_and_end_where_they_should():
    random = np.random.default_rng(3)
    label = random.integers(0, 2, 500)
    found = curves(Predicted(label, random.random(500), label))
    for name in ("roc", "gain"):
        x, y = found[name]
        assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
        assert (np.diff(x) >= 0).all()
        assert (np.diff(y) >= 0).all()
    assert len(found["calibration"][0]) == 10


@pytest.mark.parametrize("rows_each", [1, 2])
def test_of_very_many_rows_groups_are_drawn_with_the_same_ends(monkeypatch, rows_each):
    random = np.random.default_rng(5)
    probability = 1 / (1 + np.exp(2 - 1.2 * random.normal(size=4_000)))
    # The rows of one customer are alike: to draw each by itself would be too sure.
    probability = np.repeat(probability[::rows_each], rows_each)
    label = np.repeat(random.random(4_000 // rows_each), rows_each) < probability
    customer = np.arange(4_000) // rows_each
    rows = Predicted(label.astype(int), probability, (probability > 0.3).astype(int), customer)
    alone = metrics(rows, 0.2, seed=1)
    monkeypatch.setattr(module, "_MOST_DRAWN_ALONE", 3_999)
    grouped = metrics(rows, 0.2, seed=1)
    for name, one in alone.items():
        other, width = grouped[name], one.high - one.low
        assert other.value == one.value, name
        assert other.low == pytest.approx(one.low, abs=0.1 * width), name
        assert other.high == pytest.approx(one.high, abs=0.1 * width), name
    assert grouped != alone
