"""Lists for mailing tools and the what-if of the command line, on made-up published tables."""

import csv
import datetime as dt
import json

import polars as pl
import pytest

from customer_assets.activation.export import (
    Choice,
    NoSuchCustomersError,
    chosen_customers,
    with_consent,
    write_export,
)
from customer_assets.activation.published import NothingPublishedError, Published
from customer_assets.activation.what_if import advice_lines
from customer_assets.sources import Advice
from customer_assets_tests.advice.shop import CAMPAIGN, TOLD, N, frames
from customer_assets_tests.tables import computed

RFM = {
    "recency_days": 1, "last_order_at": dt.datetime(2025, 1, 1), "rfm_cell": "loyal",
    "rf_level": "gold",
}  # fmt: skip


@pytest.fixture
def tables() -> Published:
    rfm = frames()["rfm"].with_columns(pl.lit(value).alias(name) for name, value in RFM.items())
    return Published(frames() | {"rfm": rfm}, {"rfm": "abc"})


def test_a_segment_and_the_best_are_lists_of_customers(tables):
    rest, definition = chosen_customers(tables, Choice(segment="rest"))
    assert rest["customer_id"].to_list() == list(range(21, 41))
    assert definition == {"segment": "rest"}
    best, definition = chosen_customers(tables, Choice(best=3, question="buys"))
    assert best["customer_id"].to_list() == [1, 2, 3]
    assert (definition["model"], definition["version"]) == ("forest", "v1")


@pytest.mark.parametrize(
    ("choice", "error", "says"),
    [
        (Choice(segment="vip"), NoSuchCustomersError, "there are best, rest"),
        (Choice(best=3, question="leaves"), NoSuchCustomersError, "there are buys"),
        (Choice(rule="any"), NothingPublishedError, "rule_segments is not published"),
        (Choice(best=0, question="buys"), ValueError, "a number above 0"),
        (Choice(best=3), ValueError, "and a question"),
    ],
)
def test_what_is_not_there_is_named(tables, choice, error, says):
    with pytest.raises(error, match=says):
        chosen_customers(tables, choice)


def test_the_files_are_safe_and_say_what_they_are(tables, tmp_path):
    customers = pl.DataFrame({"customer_id": ["=1+1", "@x"], "n": [-1, 2]})
    write_export(customers, {"n_customers": 2, "definition": {"segment": "=x"}}, tmp_path / "out")
    with (tmp_path / "out" / "customers.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["customer_id"] for row in rows] == ["'=1+1", "'@x"]
    assert [row["n"] for row in rows] == ["-1", "2"]
    assert pl.read_parquet(tmp_path / "out" / "customers.parquet").equals(customers)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["n_customers"] == 2
    assert set(manifest["sha256"]) == {"customers.csv", "customers.parquet"}
    with pytest.raises(FileExistsError):
        write_export(customers, {}, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_who_did_not_agree_is_not_written_to():
    people = pl.DataFrame({"customer_id": [1, 2, 3], "agrees": [True, False, None]})
    advice = Advice(consent="agrees")
    kept, n_withheld = with_consent(people.select("customer_id"), {"customers": people}, advice)
    assert (kept["customer_id"].to_list(), n_withheld) == ([1], 2)


def test_what_if_says_whom_to_contact_and_claims_no_uplift():
    text = "\n".join(advice_lines(frames(), CAMPAIGN, "EUR"))
    assert "Contact the 20 most likely to buy: cost 200.00 EUR, expected buyers 12.0" in text
    assert "expected profit 520.00 EUR" in text
    assert "needs a control group" in text


def test_a_budget_and_a_cost_change_the_advice():
    poor = CAMPAIGN.model_copy(update={"budget": 50.0})
    assert "Contact the 5 most likely" in "\n".join(advice_lines(frames(), poor))
    dear = CAMPAIGN.model_copy(update={"contact_cost": 99.0})
    assert "Contact nobody" in "\n".join(advice_lines(frames(), dear))


def test_without_scores_the_last_campaign_is_worked_out_anew():
    seen = computed(
        "campaign_economics",
        {n: f for n, f in frames().items() if n not in ("model_scores", "model_predictions")},
        TOLD,
    )
    known = {"campaign_economics": seen, "customer_segments": frames()["customer_segments"]}
    text = "\n".join(advice_lines(known, CAMPAIGN))
    assert f"Contact everybody, {N}" in text
    dear = CAMPAIGN.model_copy(update={"contact_cost": 30.0})
    assert "Contact nobody" in "\n".join(advice_lines(known, dear))
