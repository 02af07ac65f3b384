"""What tells groups apart adds up, and has honest intervals."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_assets_tests.segments.people import SEGMENTS, rfm
from customer_assets_tests.tables import computed

TOLD = {"segments": SEGMENTS}


def frames(customers: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {
        "rfm": customers,
        "customer_segments": computed("customer_segments", {"rfm": customers}, TOLD),
    }


@given(seed=st.integers(0, 10_000), n=st.integers(30, 120))
@settings(max_examples=20)
def test_shares_sum_to_one_and_intervals_hold_their_figures(seed, n):
    customers = rfm(n, seed)
    profile = computed("segment_profile", frames(customers), TOLD)
    assert profile["customer_share"].sum() == pytest.approx(1)
    assert profile["value_share"].sum() == pytest.approx(1)
    assert profile["n_customers"].sum() == n
    assert profile["value"].sum() == customers["monetary"].sum()
    for name in ("customer_share", "value_share"):
        assert (profile[f"{name}_low"] <= profile[name] + 1e-9).all()
        assert (profile[f"{name}_high"] >= profile[name] - 1e-9).all()


def test_the_order_of_rows_does_not_matter():
    shuffled = rfm().sample(fraction=1, shuffle=True, seed=3)
    for name in ("segment_profile", "segment_measures"):
        assert computed(name, frames(shuffled), TOLD).equals(computed(name, frames(rfm()), TOLD))


def test_without_money_there_is_no_worth():
    without = SEGMENTS.model_copy(update={"value": None})
    profile = computed("segment_profile", frames(rfm()), {"segments": without})
    assert profile["value_share"].null_count() == 3
    assert profile["customer_share"].sum() == pytest.approx(1)


def test_measures_are_told_beside_those_of_all():
    scores = pl.DataFrame(
        {"question": ["buys"] * 90, "customer_id": range(1, 91), "decile": [1] * 90,
         "score_rank": [1] * 90, "probability": [0.9] * 30 + [0.3] * 60}
    )  # fmt: skip
    rules = pl.DataFrame({"rule": ["first"], "customer_id": [1]})
    found = computed(
        "segment_measures", frames(rfm()) | {"model_scores": scores, "rule_segments": rules}
    )
    best = found.filter(segment="best", measure="buys_probability").row(0, named=True)
    assert best["mean"] == pytest.approx(0.9)
    assert best["all_mean"] == pytest.approx(0.5)
    assert best["ratio_to_all"] == pytest.approx(1.8)
    assert best["difference"] == pytest.approx(0.6)
    orders = found.filter(segment="best", measure="n_orders").row(0, named=True)
    # Two intervals may overlap where that of the difference leaves no doubt.
    assert orders["difference_low"] > 0
    rule = found.filter(kind="rule", measure="n_orders").row(0, named=True)
    assert (rule["segment_rank"], rule["n_known"], rule["mean_low"]) == (4, 1, None)


@pytest.mark.parametrize("n", [3, 4, 6])
def test_a_handful_of_customers_has_measures_without_a_warning(n):
    """Of one customer there is no interval, of two no skewness."""
    found = computed("segment_measures", frames(rfm(n)))
    assert found["mean"].is_not_null().all()
    assert found["difference_low"].is_finite().fill_null(True).all()


def test_typical_is_what_is_more_frequent_beyond_chance():
    customers = (
        rfm(300)
        .drop("monetary")
        .with_columns(
            plan=pl.when(pl.col("customer_id") <= 100)
            .then(pl.lit("gold"))
            .otherwise(pl.lit("basic")),
            coin=(pl.col("customer_id") % 2).cast(pl.String),
        )
    )
    stated = {"segments": SEGMENTS.model_copy(update={"columns": ["n_orders"], "value": None})}
    segments = computed("customer_segments", {"customers": customers}, stated)
    found = computed("segment_attributes", {"customers": customers, "customer_segments": segments})
    assert set(found["attribute"]) == {"plan"}
    gold = found.filter(value="gold").row(0, named=True)
    assert gold["lift"] == pytest.approx(3)


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_labels_tell_nothing(seed):
    """Of 300 values and 200 products hardly one is told apart where there is no difference."""
    random = np.random.default_rng(seed)
    n = 600
    customers = pl.DataFrame({"customer_id": range(n)}).with_columns(
        *(pl.Series(f"c{k}", random.integers(0, 30, n)).cast(pl.String) for k in range(10))
    )
    names = pl.Series("segment", random.permutation(np.repeat(["a", "b", "c"], n // 3)))
    segments = customers.select("customer_id", names, segment_rank=pl.lit(1, pl.Int64))
    events = pl.DataFrame(
        {"customer_id": random.integers(0, n, 9000), "item_id": random.integers(0, 200, 9000)}
    ).with_columns(
        event_type=pl.lit("buy"), item_name=pl.lit("x"), category_id=pl.lit(None, pl.String)
    )
    told = {"customers": customers, "events": events, "customer_segments": segments}
    found = computed("segment_attributes", told).height
    found += computed("segment_products", told, {"purchase_event": "buy"}).height
    assert found <= 1
