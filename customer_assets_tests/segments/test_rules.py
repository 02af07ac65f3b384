"""Segments by rule: conditions over all that is known, checked before they are used."""

import polars as pl
import pytest

from customer_assets.ingest import RuleError
from customer_assets.segments.rules import check_rule
from customer_assets.sources import SegmentRule
from customer_assets_tests.segments.people import money
from customer_assets_tests.tables import computed

CUSTOMERS = pl.DataFrame(
    {
        "customer_id": range(1, 9),
        "profit": money([1, 2, 3, 4, 5, 6, 7, 8]),
        "promo_share": [0.1, 0.4, 0.4, 0.4, 0.1, 0.4, 0.4, 0.4],
        "marketing": [1.0, 9.0, 1.0, 9.0, 1.0, 1.0, 9.0, 1.0],
    }
)
SCORES = pl.DataFrame(
    {
        "question": ["declines"] * 8,
        "customer_id": range(1, 9),
        "probability": [0.9] * 7 + [0.74],
        "decile": [1] * 8,
        "score_rank": range(1, 9),
    }
)
CHOSEN = SegmentRule(
    name="chosen",
    question="declines",
    condition="probability >= 0.75 and profit >= median(profit) and promo_share >= 0.35 "
    "and marketing <= median(marketing)",
)


def held(condition: str, **frames: pl.DataFrame) -> list[int]:
    rule = SegmentRule(name="r", condition=condition)
    found = computed("rule_segments", {"customers": CUSTOMERS} | frames, {"segment_rules": [rule]})
    return found["customer_id"].to_list()


def test_the_chosen_segment_of_the_study_is_a_rule():
    frames = {"customers": CUSTOMERS, "model_scores": SCORES}
    found = computed("rule_segments", frames, {"segment_rules": [CHOSEN]})
    assert found.rows() == [("chosen", 6)]


@pytest.mark.parametrize(
    ("condition", "customers"),
    [
        ("profit > median(profit)", [5, 6, 7, 8]),
        ("profit >= quantile(profit, 0.9)", [8]),
        ("percent_rank(profit) < 0.2", [1, 2]),
        ("profit = 3 or marketing = 9 and promo_share > 0.1", [2, 3, 4, 7]),
        ("profit > 100", []),
    ],
)
def test_conditions_know_medians_and_ranks(condition, customers):
    assert held(condition) == customers


def test_equal_values_share_a_rank():
    # Five of eight have 1.0, the lowest: all of them rank 0.
    assert held("percent_rank(marketing) = 0") == [1, 3, 5, 6, 8]


def test_without_scores_a_rule_holds_for_nobody_and_says_why():
    frames = {"customers": CUSTOMERS}
    told = {"segment_rules": [CHOSEN]}
    members = computed("rule_segments", frames, told)
    assert members.is_empty()
    row = computed("segment_rules", frames | {"rule_segments": members}, told).row(0, named=True)
    assert (row["n_customers"], row["missing"]) == (0, "no scores of the question declines")


def test_a_missing_value_is_in_no_rule():
    unknown = CUSTOMERS.with_columns(promo_share=pl.lit(None, pl.Float64))
    rule = SegmentRule(name="r", condition="promo_share < 2")
    assert computed("rule_segments", {"customers": unknown}, {"segment_rules": [rule]}).is_empty()


@pytest.mark.parametrize(
    "condition",
    [
        "profit",
        "unheard_of > 1",
        "profit > 1; drop table customers",
        "profit > (select 1)",
        "profit > 1 or read_csv('x') is null",
        "median(profit + 1) > 1",
        "median(profit) over () > 1",
        "quantile(profit, 2) > 1",
        "profit > 1 --",
        "now() > timestamp '2020-01-01'",
        "probability > 0.5",
    ],
)
def test_what_is_no_condition_is_refused(condition):
    types = {"profit": "decimal(18,4)"}
    if condition.endswith("--"):
        # A comment is no way out of the statement: what stands before it counts.
        check_rule(SegmentRule(name="r", condition=condition), types)
        return
    with pytest.raises(RuleError, match="segment rule 'r'"):
        check_rule(SegmentRule(name="r", condition=condition), types)


def test_ties_do_not_make_a_fifth_a_third():
    """A third of the customers share the highest number: by rank all of them or none are in."""
    tied = pl.DataFrame({"customer_id": range(100), "unpaid": [0.0] * 66 + [5.0] * 34})
    assert len(held("unpaid >= quantile(unpaid, 0.8)", customers=tied)) == 34
    assert held("percent_rank(unpaid) >= 0.8", customers=tied) == []
    apart = tied.with_columns(unpaid=pl.col("customer_id").cast(pl.Float64))
    assert len(held("percent_rank(unpaid) >= 0.8", customers=apart)) == 20
