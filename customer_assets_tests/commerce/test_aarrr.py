import pytest

from customer_assets.pipeline import pipeline_of
from customer_assets_tests.conftest import read_source

BEHAVIOR = ("calendar", "customer_day", "hourly_traffic", "first_seen", "retention", "aarrr")
MORE = {"min_occurrences": 1, "retention_intervals": 5}


def figures(shop):
    shop.parameters |= MORE
    return {row["metric"]: row for row in shop.table(*BEHAVIOR).rows(named=True)}


def test_each_stage_has_a_value_and_a_definition(shop):
    shop.put([{"customer": 1, "day": 0, "item": "a", "type": "view"},
              {"customer": 1, "day": 0, "item": "a", "value": 8},
              {"customer": 1, "day": 1, "item": "a", "type": "view"},
              {"customer": 2, "day": 3, "item": "a", "type": "view"},
              {"customer": 2, "day": 4, "item": "a", "type": "share"}])  # fmt: skip
    found = figures(shop)
    assert found["customers"]["value"] == 2
    assert found["acted_on_first_day"]["value"] == 0.5
    assert found["back_the_next_day"]["value"] == 0.5
    assert found["referral_events_a_customer"]["value"] == 0.5
    assert found["buyers"]["value"] == 0.5
    assert found["revenue_a_customer"]["value"] == 4


def test_what_the_log_does_not_show_is_said(open_shop):
    shop = open_shop(view_event=None)
    shop.put([{"customer": 1, "item": "a", "value": None}])
    found = figures(shop)
    for metric in ("acted_on_first_day", "referral_events_a_customer", "revenue_a_customer"):
        assert found[metric]["value"] is None
        assert "log" in found[metric]["definition"]


@pytest.mark.parametrize(
    ("source", "has", "lacks"),
    [
        ("online_retail", {"published_category_advice", "basket_pairs"}, {"category_ranks"}),
        ("taobao", {"category_ranks", "repeat_purchase", "aarrr"}, {"product_performance"}),
        ("web_shop", {"product_performance", "product_ranks"}, {"published_category_advice"}),
    ],
)
def test_a_source_has_the_tables_that_its_log_can_feed(source, has, lacks):
    models = pipeline_of(source, read_source(source)).models
    assert has <= set(models)
    assert not lacks & set(models)
    assert "recommendations" in models
