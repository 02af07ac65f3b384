"""What learning reads of the features of very many customers."""

import polars as pl

from customer_assets.learning import history as module
from customer_assets.learning.history import history
from customer_assets.sources.questions import Question

QUESTIONS = {
    "returns": Question(title="Who returns?", label="label", models=["logistic_regression"])
}
FEATURES = pl.DataFrame(
    {
        "cut_off_ts": [at for at in (1, 2, 3, 4) for _ in range(50)],
        "customer_id": list(range(50)) * 4,
        # The horizon of the last cut-off is not over.
        "label": [at % 2 == 0 if at < 4 else None for at in (1, 2, 3, 4) for _ in range(50)],
    }
)


def test_the_past_is_of_a_draw_and_the_present_of_everybody(monkeypatch):
    assert history(FEATURES.lazy(), QUESTIONS).equals(FEATURES)
    monkeypatch.setattr(module, "MOST_CUSTOMERS", 20)
    found = history(FEATURES.lazy(), QUESTIONS)
    of_moment = {at: set(rows["customer_id"]) for (at,), rows in found.group_by("cut_off_ts")}
    assert of_moment[3] == of_moment[4] == set(range(50))
    assert of_moment[1] == of_moment[2]
    assert len(of_moment[1]) == 20
    assert (
        history(FEATURES.reverse().lazy(), QUESTIONS)
        .sort("cut_off_ts", "customer_id")
        .equals(found)
    )


def test_without_a_question_everybody_is_there_now(monkeypatch):
    monkeypatch.setattr(module, "MOST_CUSTOMERS", 20)
    counts = history(FEATURES.lazy(), {}).group_by("cut_off_ts").len().sort("cut_off_ts")
    assert counts["len"].to_list() == [20, 20, 20, 50]


def test_a_table_of_one_moment_is_read_whole(monkeypatch):
    monkeypatch.setattr(module, "MOST_CUSTOMERS", 20)
    customers = FEATURES.filter(cut_off_ts=1).drop("cut_off_ts")
    assert history(customers.lazy(), QUESTIONS).equals(customers)
