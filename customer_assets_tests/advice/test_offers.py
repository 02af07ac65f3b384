"""One offer for each customer, on the made-up shop of the tests of advice."""

import datetime as dt

import polars as pl
import pytest

from customer_assets.activation.export import (
    ALL_OFFERS,
    Choice,
    Contact,
    NoSuchCustomersError,
    chosen_customers,
    within_limit,
)
from customer_assets.activation.published import Published
from customer_assets.advice.exposures import Exposures, draw
from customer_assets.sources import Advice
from customer_assets_tests.advice.shop import ACTIONS, TOLD, N, frames
from customer_assets_tests.tables import computed

NOW = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)


def actions():
    """Two groups with an action each, of which the better is for both; and a rule before them."""
    rows = [("segment", "best", 1, "thank", 1), ("segment", "rest", 2, None, None),
            ("rule", "new", 3, "greet", 2)]  # fmt: skip
    return pl.DataFrame(
        rows, schema=["kind", "segment", "segment_rank", "action", "priority"], orient="row"
    ).with_columns(
        *(pl.col("action").alias(name) for name in ("offer", "channel", "tone", "timing")),
        reason=pl.format("{}'s figures", "segment"),
    )


def offers(advice=TOLD["advice"], **more):
    rules = pl.DataFrame({"rule": ["new"] * 2, "customer_id": [1, 21]})
    known = frames() | {"segment_actions": actions(), "rule_segments": rules} | more
    return computed("customer_offers", known, {"advice": advice})


def test_every_customer_has_an_offer_or_the_reason_why_not():
    found = offers()
    assert found["customer_id"].to_list() == list(range(1, N + 1))
    # In two groups: the action that is done first. In one without an action: that of the other.
    by_id = {row["customer_id"]: row for row in found.rows(named=True)}
    assert (by_id[1]["action"], by_id[1]["segment"]) == ("thank", "best")
    assert (by_id[21]["action"], by_id[21]["segment"]) == ("greet", "new")
    assert by_id[22]["why_not"] == "No action of the catalogue fits the customer's groups."
    assert found["may_be_made"].sum() == N // 2 + 1


def test_a_contact_is_worth_what_it_brings_less_what_it_costs():
    best = offers().row(0, named=True)
    # .6 x 60 - 10; of twenty customers alike it is not sure.
    assert (best["expected_value"], best["value_from"]) == (pytest.approx(26), "response")
    assert best["expected_value_low"] < 26 < best["expected_value_high"]
    assert best["why_no_value"] is None
    without = offers(Advice(actions=ACTIONS))
    assert without["expected_value"].is_null().all()
    assert without["why_no_value"].str.contains("states no campaign").all()


def test_a_measured_uplift_goes_before_a_response():
    economics = pl.DataFrame(
        {"basis": ["measured"], "plan": ["segment"], "target": ["best"], "n_contacts": [20],
         "profit": [100.0], "profit_low": [-40.0], "profit_high": [240.0]}
    )  # fmt: skip
    found = offers(campaign_economics=economics)
    best, rest = found.row(0, named=True), found.row(N - 1, named=True)
    assert (best["expected_value"], best["value_from"]) == (5, "uplift")
    assert (best["expected_value_low"], best["expected_value_high"]) == (-2, 12)
    assert rest["value_from"] == "response"


def test_a_recommendation_goes_before_what_is_typical_of_the_segment():
    recommended = pl.DataFrame(
        {"customer_id": [1, 1, 2], "kind": ["category", "item", "category"], "place": [1, 1, 1],
         "thing": ["mugs", "m1", "mugs"], "name": ["mugs", "Mug", "mugs"],
         "because_of": ["m2", "m2", "m2"], "because_of_name": ["Bowl", "Bowl", None]}
    )  # fmt: skip
    typical = pl.DataFrame(
        {"segment": ["best", "best"], "kind": ["category", "item"], "place": [1, 1],
         "product": ["lights", "l1"], "product_name": [None, "Lamp"],
         "buyer_share": [0.5, 0.25], "all_buyer_share": [0.3, 0.1]}
    )  # fmt: skip
    found = offers(recommendations=recommended, segment_products=typical)
    told = found.select("product", "product_from", "reason").rows()
    assert told[0] == ("m1", "recommendation", "best's figures; it goes with Bowl")
    assert told[1] == ("mugs", "recommendation", "best's figures; it goes with m2")
    assert told[2] == (
        "l1", "segment", "best's figures; bought by 25.0 % of the segment, 10.0 % of all"
    )  # fmt: skip
    assert told[N - 1][:2] == (None, None)


def test_who_did_not_agree_has_the_reason():
    people = frames()["rfm"].select("customer_id", agrees=pl.col("customer_id") != 1)
    found = offers(Advice(actions=ACTIONS, consent="agrees"), customers=people)
    assert found.row(0, named=True)["why_not"] == "The customer has not agreed to be written to."
    assert found.row(1, named=True)["may_be_made"]


def test_offers_are_listed_best_first():
    tables = Published({"customer_offers": offers()}, {})
    listed, definition = chosen_customers(tables, Choice(offers=ALL_OFFERS))
    assert listed["customer_id"].to_list() == list(range(1, N // 2 + 2))
    assert definition == {"offers": "all"}
    assert {"action", "offer", "channel", "reason", "expected_value"} <= set(listed.columns)
    thanked, _ = chosen_customers(tables, Choice(offers="greet"))
    assert thanked["customer_id"].to_list() == [21]
    with pytest.raises(NoSuchCustomersError, match="there are greet, thank"):
        chosen_customers(tables, Choice(offers="shout"))


def test_nobody_is_written_to_more_often_than_the_source_allows(tmp_path):
    people = pl.DataFrame({"customer_id": range(10)})
    for name, days in (("long_ago", 40), ("lately", 20), ("yesterday", 1)):
        drawn = draw(people.head(6), name, 0.5, NOW - dt.timedelta(days=days))
        with Exposures.below(tmp_path).kept(name, drawn):
            pass
    exposures = Exposures.below(tmp_path)
    advice = Advice(contact_limit={"most": 2, "within": "30 days"})
    kept, n_over = within_limit(people, exposures, advice, NOW)
    listed = exposures.read().filter(~pl.col("is_held_out"), pl.col("campaign") != "long_ago")
    twice = listed.group_by("customer_id").len().filter(pl.col("len") == 2)["customer_id"]
    assert n_over == len(twice) > 0
    assert set(people["customer_id"]) - set(kept["customer_id"]) == set(twice)
    assert within_limit(people, Exposures.below(tmp_path / "none"), advice, NOW)[1] == 0


@pytest.mark.parametrize(("campaign", "share"), [("../may", 0.1), ("may", 1.0), ("May", 0)])
def test_a_campaign_that_cannot_be_is_refused(campaign, share):
    with pytest.raises(ValueError, match="--"):
        Contact(campaign, share)
