"""k-means groups: names by means, whatever the order of rows, and how sure they are."""

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_assets.intervals import FEWEST_CUSTOMERS
from customer_assets.segments.kmeans import coordinates
from customer_assets.segments.known_customers import known_customers
from customer_assets.sources import Naming, Segments
from customer_assets.warehouse.sql_model import load_macros
from customer_assets_tests.segments.people import SEGMENTS, rfm
from customer_assets_tests.tables import computed

TOLD = {"segments": SEGMENTS}


def sizes(frame: pl.DataFrame) -> dict[str, int]:
    return dict(frame.group_by("segment").len().iter_rows())


def test_groups_are_named_by_value_highest_first():
    found = computed("customer_segments", {"rfm": rfm()}, TOLD)
    assert found["segment"].to_list() == ["best"] * 30 + ["middle"] * 30 + ["rest"] * 30
    assert found["segment_rank"].unique().sort().to_list() == [1, 2, 3]


@given(seed=st.integers(0, 1000))
@settings(max_examples=15)
def test_the_order_of_rows_does_not_matter(seed):
    customers = rfm()
    shuffled = customers.sample(fraction=1, shuffle=True, seed=seed)
    assert computed("customer_segments", {"rfm": shuffled}, TOLD).equals(
        computed("customer_segments", {"rfm": customers}, TOLD)
    )


def test_names_find_their_groups_by_rules_on_means():
    naming = {
        "sleepers": Naming(highest=["recency_days"]),
        "spenders": Naming(highest=["monetary"]),
    }
    segments = Segments(
        names=["sleepers", "spenders", "others"], naming=naming, columns=SEGMENTS.columns
    )
    found = computed("customer_segments", {"rfm": rfm()}, {"segments": segments})
    assert found["segment"].to_list() == ["spenders"] * 30 + ["others"] * 30 + ["sleepers"] * 30


def test_a_name_without_its_group_is_refused():
    with pytest.raises(ValueError, match="unheard_of"):
        Segments(names=["a", "b"], naming={"unheard_of": Naming(highest=["x"])})
    with pytest.raises(ValueError, match="give columns"):
        Naming()


def test_fewer_kinds_than_names_leave_the_last_names_unused():
    two = pl.concat([rfm().head(1), rfm().tail(1)] * 20)
    two = two.with_columns(customer_id=pl.int_range(40))
    assert sizes(computed("customer_segments", {"rfm": two}, TOLD)) == {"best": 20, "middle": 20}


def test_too_few_customers_have_no_segments_nor_what_follows_from_them():
    for few in (rfm().clear(), rfm(FEWEST_CUSTOMERS - 1)):
        frames = {
            "rfm": few,
            "customer_segments": computed("customer_segments", {"rfm": few}, TOLD),
        }
        assert frames["customer_segments"].columns == ["customer_id", "segment", "segment_rank"]
        for table in ("segment_profile", "segment_measures", "segment_stability", "segment_choice"):
            assert computed(table, frames, TOLD).is_empty(), table
        assert frames["customer_segments"].is_empty()
    with duckdb.connect() as connection:
        load_macros(connection)
        assert connection.sql("select fewest_customers()").fetchone() == (FEWEST_CUSTOMERS,)
    enough = rfm(FEWEST_CUSTOMERS)
    assert computed("customer_segments", {"rfm": enough}, TOLD).height == FEWEST_CUSTOMERS


def test_a_missing_value_counts_as_the_median_and_a_missing_column_is_refused():
    customers = rfm().with_columns(
        recency_days=pl.when(pl.col("customer_id") > 1).then("recency_days")
    )
    places = coordinates(customers, SEGMENTS)
    assert abs(places[0][0]) < abs(places[:, 0]).max()
    with pytest.raises(ValueError, match="colour"):
        coordinates(customers, SEGMENTS.model_copy(update={"columns": ["colour"]}))


def test_negative_amounts_have_a_place_too():
    customers = pl.DataFrame({"customer_id": [1, 2, 3], "profit": [-100.0, 0.0, 100.0]})
    places = coordinates(customers, Segments(names=["a", "b"], columns=["profit"]))
    assert places[0][0] == pytest.approx(-places[2][0])


def test_the_silhouette_finds_the_groups_that_are_there():
    choice = computed("segment_choice", {"rfm": rfm()}, TOLD)
    assert choice["n_segments"].to_list() == list(range(2, 11))
    assert choice.filter("is_best")["n_segments"].to_list() == [3]
    assert choice.filter("is_configured")["n_segments"].to_list() == [3]
    assert choice["inertia"].is_sorted(descending=True)


def test_groups_far_apart_are_stable_and_those_of_one_cloud_are_not():
    apart = computed("segment_stability", {"rfm": rfm()}, TOLD)
    assert apart["is_stable"].all()
    assert set(apart["n_runs"]) == {20}
    draw = np.random.default_rng(0)
    cloud = pl.DataFrame({"customer_id": range(90), "x": draw.random(90), "y": draw.random(90)})
    cut = Segments(names=["a", "b", "c", "d", "e"], columns=["x", "y"], transform="none", n_init=1)
    rows = computed("segment_stability", {"customers": cloud}, {"segments": cut})
    assert not rows["is_stable"].all()
    assert rows.filter(method="seeds")["lowest_rand"].min() < 1


def test_the_range_of_sizes_holds_the_published_size():
    rows = computed("segment_stability", {"rfm": rfm(seed=5)}, TOLD).filter(method="seeds")
    assert (rows["n_customers_low"] <= rows["n_customers"]).all()
    assert (rows["n_customers_high"] >= rows["n_customers"]).all()
    assert rows["n_customers"].sum() == rows["n_compared"][0]


def test_scores_and_newest_features_stand_beside_each_customer():
    features = pl.DataFrame(
        {"cut_off_ts": [1, 2], "customer_id": [1, 1], "n_orders": [7, 8], "visits": [3, 4]}
    )
    scores = pl.DataFrame(
        {"question": ["buys"], "customer_id": [1], "probability": [0.5], "decile": [1],
         "score_rank": [1]}
    )  # fmt: skip
    known = known_customers(
        rfm=rfm().lazy(), customer_features=features.lazy(), model_scores=scores.lazy()
    ).collect()
    first = known.row(0, named=True)
    assert (first["visits"], first["buys_probability"]) == (4, 0.5)
    assert first["n_orders"] == rfm()["n_orders"][0]
    assert known["visits"].null_count() == 89
