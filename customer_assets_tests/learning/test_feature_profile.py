"""What the profile says of features, on rows whose answer is known beforehand."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_assets.learning.feature_bins import spread
from customer_assets.learning.feature_correlation import codes_of, phik
from customer_assets.learning.feature_profile import (
    area_under_curve,
    clusters,
    dropped_features,
    variance_inflation,
)
from customer_assets.learning.profiled import sampled
from customer_assets.quality import audit, checks_of
from customer_assets.sources.questions import Question
from customer_assets_tests.tables import computed, python_models

QUESTION = Question(title="Will it?", label="label", models=["lightgbm"], exclude=["secret"])
PARAMETERS = {"questions": {"will_it": QUESTION}}
N = 400
TABLES = ("feature_correlation", "feature_profile", "feature_bins")


def described(rows):
    """Return the frames of all tables of the profile."""
    frames = {"customer_features": rows}
    for name in TABLES:
        frames[name] = computed(name, frames, PARAMETERS)
    return frames


@pytest.fixture(scope="module")
def frames():
    numbers = list(range(N))
    rows = pl.DataFrame(
        {
            "customer_id": numbers,
            "visits": [n % 40 for n in numbers],
            "visits_in_words": [f"v{n % 40 // 10}" for n in numbers],
            "visits_squared": [(n % 40) ** 2 for n in numbers],
            "visits_known": [None if n % 3 else float(n % 40) for n in numbers],
            "city": [("rome", "oslo", "bonn")[n * 7 % 3] for n in numbers],
            "town": [("rom", "osl", "bon")[n * 7 % 3] for n in numbers],
            "email": [f"{n}@example.com" for n in numbers],
            "constant": [1] * N,
            "rare": [n == 7 for n in numbers],
            "empty": pl.Series([None] * N, dtype=pl.Float64),
            "nearly_empty": [None] * (N - 10) + list(range(10)),
            "secret": [n % 40 >= 20 for n in numbers],
            "one_or_nothing": [None if n % 2 else 5 for n in numbers],
            "rarely": [n % 11 if n % 20 == 0 else 0 for n in numbers],
            "rarely_too": [n % 7 if n % 20 == 0 else 0 for n in numbers],
            "noise": [(n * 7919) % 101 for n in numbers],
            "label": [None if n % 10 == 9 else n % 40 >= 20 for n in numbers],
        }
    )
    return described(rows)


def test_what_says_nothing_or_nothing_of_its_own_is_dropped_with_its_reason(frames):
    dropped = dropped_features(frames["feature_profile"].lazy())
    assert dropped["will_it"] == {
        "visits_squared": "Says the same as visits (spearman 1.000).",
        "visits_known": "Says the same as visits (spearman 1.000).",
        "town": "Says the same as city (phik 1.000).",
        "email": "Like an identifier: 360 texts for 360 customers.",
        "constant": "The same for every customer: 1.",
        "rare": "The same for 99.7% of the customers: 0.",
        "empty": "Missing for every customer.",
        "nearly_empty": "Missing for 97.5% of the customers.",
        "one_or_nothing": "5 wherever there is a value.",
        "secret": "Excluded by the question.",
    }


def test_rare_events_that_coincide_are_not_the_same(frames):
    rho = frames["feature_correlation"].filter(feature="rarely", other="rarely_too")["spearman"]
    assert rho.item() > 0.9
    dropped = dropped_features(frames["feature_profile"].lazy())
    assert not {"rarely", "rarely_too"} & set(dropped["will_it"])


def test_the_profile_describes_labelled_customers_only(frames):
    row = frames["feature_profile"].filter(feature="visits").row(0, named=True)
    assert (row["n_rows"], row["n_distinct"], row["min"], row["max"]) == (360, 36, 0, 38)
    assert (row["auc"], row["direction"], row["missing_share"]) == (1, "raises", 0)
    noise = frames["feature_profile"].filter(feature="noise").row(0, named=True)
    assert noise["phik_label"] < 0.3 < row["phik_label"]
    assert 0.5 <= noise["auc"] < 0.6


def test_correlations_are_symmetric_and_know_the_label(frames):
    bonds = frames["feature_correlation"]
    of_pair = {(a, b): value for _, a, b, value, _ in bonds.iter_rows()}
    assert all(of_pair[b, a] == value for (a, b), value in of_pair.items())
    assert ("label", "visits") in of_pair
    assert of_pair["visits", "visits_in_words"] > 0.9
    assert not {"constant", "empty"} & set(bonds["feature"])


@pytest.mark.parametrize("name", TABLES)
def test_checks_pass_but_for_the_feature_that_knows_the_answer(frames, connection, name):
    connection.register("audited", frames[name].to_arrow())
    checks = checks_of(python_models()[name].table)
    failed = [r.check for r in audit(connection, "audited", checks) if not r.passed]
    assert [c.severity for c in failed] == (["warn"] if name == "feature_profile" else [])


def test_of_an_event_log_the_last_labelled_cut_off_is_described():
    rows = pl.DataFrame(
        {
            "cut_off_ts": [1, 1, 2, 2, 2, 3],
            "customer_id": [1, 2, 1, 2, 3, 1],
            "visits": [9, 9, 1, 2, 3, 9],
            "label": [True, False, True, False, False, None],
        }
    )
    row = described(rows)["feature_profile"].filter(feature="visits").row(0, named=True)
    assert (row["n_rows"], row["max"]) == (3, 3)
    unlabelled = rows.with_columns(label=pl.lit(None, pl.Boolean))
    question = Question(title="Will it?", label="label", models=["lightgbm"])
    told = {"questions": {"q": question}}
    frames = {"customer_features": unlabelled}
    frames["feature_correlation"] = computed("feature_correlation", frames, told)
    row = computed("feature_profile", frames, told).row(0, named=True)
    assert (row["n_rows"], row["auc"], row["phik_label"]) == (1, None, None)


def test_bins_hold_every_customer_once_and_know_the_share_of_yes(frames):
    bins = frames["feature_bins"].filter(feature="visits")
    assert bins["n_customers"].sum() == 360
    assert bins["positive_share"].to_list() == sorted(bins["positive_share"])
    assert set(frames["feature_bins"]["feature"]) >= {"visits", "visits_in_words", "city"}


@given(st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_any_values_have_bins_in_order(values):
    bins = spread(pl.Series(values, dtype=pl.Float64), pl.Series([1.0] * len(values)))
    assert sum(row["n_customers"] for row in bins) == len(values)
    ends = [end for row in bins if row["low"] is not None for end in (row["low"], row["high"])]
    assert ends == sorted(ends)


@given(
    st.lists(
        st.tuples(st.none() | st.integers(0, 9), st.none() | st.booleans()), min_size=1, max_size=30
    )
)
def test_auc_is_the_share_of_pairs_in_the_right_order(rows):
    yes = [v for v, label in rows if v is not None and label]
    no = [v for v, label in rows if v is not None and label is False]
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in yes for b in no]
    found = area_under_curve(
        pl.Series([v for v, _ in rows], dtype=pl.Float64),
        pl.Series([label for _, label in rows], dtype=pl.Boolean).cast(pl.Float64),
    )
    assert found == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)


def test_phik_of_codes_is_that_of_its_authors():
    from phik.phik import phik_from_array

    first = [n % 7 for n in range(300)]
    second = [(n % 7 + n % 2) // 2 for n in range(300)]
    ours = phik(codes_of(pl.Series(first)), codes_of(pl.Series(map(str, second))))
    assert ours == pytest.approx(phik_from_array(first, second), abs=1e-6)


def test_a_sum_of_others_is_inflated_and_independent_numbers_are_not():
    first, second = ([(n * step) % 97 for n in range(97)] for step in (3, 5))
    both = [a + b for a, b in zip(first, second, strict=True)]
    values = {"first": pl.Series(first), "second": pl.Series(second)}
    assert all(v == pytest.approx(1, abs=0.1) for v in variance_inflation(values).values())
    assert min(variance_inflation(values | {"both": pl.Series(both)}).values()) > 1e4


def test_what_hangs_together_is_one_cluster():
    bonds = pl.DataFrame(
        [("a", "c", 0.9), ("c", "a", 0.9), ("a", "b", 0.1), ("b", "a", 0.1)],
        schema=["feature", "other", "phik"],
        orient="row",
    )
    assert clusters(["a", "b", "c"], bonds) == {"a": 1, "b": 2, "c": 1}


def test_a_sample_is_the_same_whatever_the_order_of_the_rows():
    rows = pl.DataFrame({"customer_id": range(1000)})
    drawn = sampled(rows, 50)["customer_id"].to_list()
    assert len(drawn) == 50
    assert set(drawn) == set(sampled(rows.reverse(), 50)["customer_id"])
