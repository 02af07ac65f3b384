"""Campaign plans over the tables: what was seen, what is expected, and what is left out."""

import polars as pl
import pytest

from customer_assets_tests.advice.shop import CAMPAIGN, TOLD, N, frames
from customer_assets_tests.tables import computed


def plans(**changes) -> pl.DataFrame:
    return computed(
        "campaign_economics", {n: f for n, f in (frames() | changes).items() if f is not None}, TOLD
    )


def one(rows: pl.DataFrame, **values) -> dict:
    for column, value in values.items():
        rows = rows.filter(pl.col(column) == value)
    assert rows.height == 1
    return rows.row(0, named=True)


def test_everybody_and_nobody_need_no_model():
    rows = plans(model_predictions=None, model_scores=None, champions=None)
    assert set(rows["plan"]) == {"everybody", "nobody", "segment"}
    everybody = one(rows, plan="everybody")
    assert (everybody["n_contacts"], everybody["n_buyers"]) == (N, 12)
    assert everybody["profit"] == 12 * 60 - N * 10
    assert one(rows, plan="nobody")["profit"] == 0


def test_a_model_that_was_never_promoted_ranks_nobody():
    champions = frames()["champions"].with_columns(promoted=pl.lit(False))
    rows = plans(champions=champions, model_scores=None)
    assert "best_n" not in set(rows["plan"])
    assert rows["model"].null_count() == rows.height


def test_the_best_number_is_the_group_that_pays():
    for basis in ("observed", "expected"):
        best = one(plans(), basis=basis, is_best=True)
        assert best["n_contacts"] == N // 2
        assert best["n_buyers"] == pytest.approx(12)
        assert float(best["profit"]) == pytest.approx(12 * 60 - 20 * 10)
    assert one(plans(), basis="observed", is_best=True)["split"] == "cross_validation"


def test_asked_numbers_are_worked_out_and_ties_share():
    seven = one(plans(), basis="observed", plan="best_n", n_contacts=7)
    assert seven["n_buyers"] == pytest.approx(7 * 12 / 20)


def test_out_of_time_answers_come_before_cross_validation():
    later = frames()["model_predictions"].with_columns(split=pl.lit("out_of_time"))
    both = pl.concat([frames()["model_predictions"], later])
    assert one(plans(model_predictions=both), basis="observed", is_best=True)["split"] == (
        "out_of_time"
    )
    # Of half of the customers only, they say nothing about a campaign among all.
    half = pl.concat([frames()["model_predictions"], later.head(N // 2)])
    assert one(plans(model_predictions=half), basis="observed", is_best=True)["split"] == (
        "cross_validation"
    )


def test_observed_groups_are_those_of_the_cut_off():
    """Customer 40 became one of the best only after the cut-off: he is judged among the rest."""
    today = frames()["customer_segments"].with_columns(
        segment=pl.when(pl.col("customer_id") == N).then(pl.lit("best")).otherwise("segment")
    )
    rows = plans(customer_segments=today)
    assert one(rows, basis="observed", plan="segment", target="best")["n_contacts"] == N // 2
    assert one(rows, basis="expected", plan="segment", target="best")["n_contacts"] == N // 2 + 1


def test_groups_add_up_to_everybody():
    rows = plans()
    for basis in ("observed", "expected"):
        groups = rows.filter(basis=basis, plan="segment")
        everybody = one(rows, basis=basis, plan="everybody")
        assert groups["n_contacts"].sum() == everybody["n_contacts"]
        assert groups["profit"].sum() == everybody["profit"]


def test_a_budget_shortens_the_list():
    advice = TOLD["advice"].model_copy(
        update={"campaign": CAMPAIGN.model_copy(update={"budget": 55})}
    )
    rows = computed("campaign_economics", frames(), TOLD | {"advice": advice})
    assert one(rows, basis="expected", plan="within_budget")["n_contacts"] == 5


def test_who_is_not_asked_about_is_not_contacted():
    features = frames()["customer_features"].with_columns(has_bought=pl.col("n_orders") > 1)
    rows = computed(
        "campaign_economics",
        frames() | {"customer_features": features},
        TOLD | {"campaign_among": "has_bought"},
    )
    assert one(rows, basis="observed", plan="everybody")["n_contacts"] == N // 2


def test_the_order_of_rows_does_not_matter():
    shuffled = {n: f.sample(fraction=1, shuffle=True, seed=4) for n, f in frames().items()}
    order = ["basis", "plan", "target", "n_contacts"]
    assert computed("campaign_economics", shuffled, TOLD).sort(order).equals(plans().sort(order))


def test_of_a_customer_table_the_label_itself_is_the_answer():
    customers = frames()["rfm"].with_columns(bought=pl.col("n_orders") > 1)
    rows = plans(customer_features=None, rfm=None, customers=customers, model_predictions=None)
    assert one(rows, basis="observed", plan="segment", target="best")["n_buyers"] == N // 2


YEAR_US = 365 * 86_400_000_000


@pytest.mark.parametrize(("years_back", "known"), [(0.5, False), (1, True)])
def test_a_season_that_no_label_saw_is_told(years_back, known):
    now = 3 * YEAR_US
    past = [now - YEAR_US // 10, now - int(years_back * YEAR_US)]
    features, scores = frames()["customer_features"], frames()["model_scores"]
    labelled = features.filter(cut_off_ts=100)
    dated = [labelled.with_columns(cut_off_ts=pl.lit(at)) for at in past]
    rows = plans(
        customer_features=pl.concat(dated),
        model_scores=scores.with_columns(cut_off_ts=pl.lit(now)),
    )
    assert set(rows.filter(basis="expected")["is_season_known"]) == {known}
    assert set(rows.filter(basis="observed")["is_season_known"]) == {None}


def test_past_totals_of_the_model_widen_what_is_expected():
    predictions = frames()["model_predictions"]
    back = [
        predictions.with_columns(split=pl.lit("backtest"), cut_off_ts=pl.lit(at, pl.Int64),
                                 probability=pl.col("probability") * factor)
        for at, factor in ((10, 1.3), (20, 0.7), (30, 1.2))
    ]  # fmt: skip
    alone = one(plans(), basis="expected", plan="everybody")
    among = one(plans(model_predictions=pl.concat([predictions, *back])),
                basis="expected", plan="everybody")  # fmt: skip
    assert (alone["n_past_totals"], among["n_past_totals"]) == (0, 3)
    assert among["profit"] == alone["profit"]
    assert among["profit_low"] < alone["profit_low"]
