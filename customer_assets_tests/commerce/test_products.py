"""What is sold: products, categories, ranks, concentration."""

import datetime as dt
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_assets_tests.commerce.commerce_tables import Shop

SALES = st.lists(
    st.fixed_dictionaries(
        {
            "customer": st.sampled_from([None, 1, 2, 3]),
            "day": st.integers(0, 80),
            "item": st.sampled_from(list("abcdef")),
            "category": st.sampled_from(["x", "y", None]),
            "type": st.sampled_from(["buy", "buy", "buy", "return", "view"]),
            "value": st.integers(0, 40).map(lambda n: n / 4),
        }
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=25)
@given(events=SALES, seed=st.integers(0, 9))
def test_shares_and_classes_cover_all_whatever_the_order_of_rows(events, seed):
    names = ["items", "product_performance", "category_performance"]
    with Shop() as shop, Shop() as other:
        shop.put(events)
        other.put(random.Random(seed).sample(events, len(events)))
        categories, again = shop.table(*names), other.table(*names)
        products = shop.table("product_performance")
        assert categories.equals(again)
        assert products.equals(other.table("product_performance"))
    bought = {event["item"] for event in events if event["type"] == "buy"}
    assert set(products["item_id"]) == bought
    for frame in (products, categories):
        kept = sum(max(float(amount), 0) for amount in frame["net_revenue"])
        assert frame["net_revenue_share"].sum() == pytest.approx(1 if kept else 0)
    by_revenue = {}
    for row in products.iter_rows(named=True):
        same = by_revenue.setdefault(row["net_revenue"], row)
        assert (row["abc_class"], row["revenue_rank"]) == (same["abc_class"], same["revenue_rank"])


def test_a_product_is_net_of_what_came_back(shop):
    shop.put(
        [
            {"customer": 1, "day": 0, "item": "a", "value": 30},
            {"customer": 1, "day": 10, "item": "a", "value": 30},
            {"customer": 1, "day": 12, "item": "a", "value": 15, "type": "return"},
            {"customer": 2, "day": 0, "item": "a", "value": 0.5},
            {"customer": None, "day": 1, "item": "b", "value": 5, "order": "7"},
            {"customer": 3, "day": 1, "item": "c", "value": -5, "type": "return"},
        ]
    )
    a, b = shop.table("items", "product_performance").rows(named=True)
    assert (float(a["net_revenue"]), a["return_share"]) == (45.5, 15 / 60.5)
    assert (a["repurchase_days"], a["n_repeat_customers"], a["repeat_share"]) == (10, 1, 0.5)
    assert (b["n_customers"], b["n_orders"], b["repeat_share"], b["abc_class"]) == (0, 1, None, "B")
    assert (a["first_sold"], a["last_sold"]) == (dt.date(2024, 1, 1), dt.date(2024, 1, 11))


def test_an_item_goes_by_the_name_it_is_bought_under(shop):
    names = ["MUG", "MUG", "mug, damaged", "mug, damaged", "mug, damaged"]
    kinds = ["buy", "buy", "view", "view", "view"]
    shop.put(
        [
            {"customer": 1, "item": "a", "name": name, "type": kind}
            for name, kind in zip(names, kinds, strict=True)
        ]
    )
    assert shop.table("items").select("item_name", "n_names").row(0) == ("MUG", 2)


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("JUMBO BAG RED RETROSPOT", "bags"),
        ("CHILLI LIGHTS", "lights"),
        ("WHITE HANGING HEART T-LIGHT HOLDER", "lights"),
        ("TURKISH DELIGHT BOX", "storage"),
        ("REGENCY CAKESTAND 3 TIER", "kitchen"),
        ("ALARM CLOCK BAKELIKE RED", "signs, clocks and frames"),
        ("CHOCOLATE HOT WATER BOTTLE", "textiles and warmth"),
        ("PINK SWEETHEART BRACELET", "jewellery"),
        ("PAPER CHAIN KIT 50'S CHRISTMAS ", "christmas and easter"),
        ("SOMBRERO ", "other"),
    ],
)
def test_descriptions_of_online_retail_fall_into_categories(open_shop, name, category):
    shop = open_shop("online_retail")
    shop.put([{"item": "22423", "name": name}])
    assert shop.table("items")["category"].item() == category


def test_postage_is_no_product(open_shop):
    shop = open_shop("online_retail")
    shop.put([{"item": "POST", "kind": "postage", "name": "POSTAGE"}, {"item": "A", "name": "MUG"}])
    assert shop.table("items", "product_performance")["item_id"].to_list() == ["A"]


_A_YEAR = {"first_day": "2024-01-01", "last_complete_day": "2025-03-01"}
_BUYERS = 40


def _category(shares, returned=0.0, n_items=1, category="x", returners=5):
    """Sales of a category a year ago and now, by many customers alike, and what came back."""
    bought = [
        {"customer": k, "day": day, "item": f"{category}{k % n_items}", "category": category,
         "value": value / _BUYERS}
        for k in range(_BUYERS)
        for day, value in ((5, shares[0]), (369, shares[1]))
        if value
    ]  # fmt: skip
    came_back = [
        {"customer": 100 + k, "day": 370, "item": f"{category}0", "category": category,
         "value": returned / returners, "type": "return"}
        for k in range(returners if returned else 0)
    ]  # fmt: skip
    return bought + came_back


def _judged(shop, judged):
    rest = _category((50, 50), category="y") + _category((50, 50), returned=1, category="z")
    shop.put([*judged, *rest])
    rows = shop.table("items", "category_performance").rows(named=True)
    return next(row for row in rows if row["category"] == "x")


@pytest.mark.parametrize(
    ("wanted", "judged"),
    [
        ("grow", _category((40, 60))),
        ("keep", _category((50, 50))),
        ("fix", _category((60, 40))),
        ("fix", _category((40, 60), returned=30, returners=20)),
        ("grow", _category((40, 80), returned=10, returners=1)),
        ("drop", _category((10, 10), n_items=20)),
        ("fix", _category((5, 15), n_items=20)),
        ("grow", _category((0, 50))),
        ("fix", _category((50, 0))),
    ],
)
def test_advice_follows_the_stated_rule(open_shop, wanted, judged):
    assert _judged(open_shop(**_A_YEAR), judged)["advice"] == wanted


def test_a_season_is_no_trend(open_shop):
    """What is sold in December only is not told to grow by a log of one year."""
    row = _judged(open_shop(**_A_YEAR | {"last_complete_day": "2025-01-20"}), _category((0, 50)))
    assert (row["trend_days"], row["trend"], row["direction"], row["advice"]) == (0, None) + (
        None,
    ) * 2
    summer = [sale | {"day": sale["day"] - 180} for sale in _category((0, 50))]
    assert _judged(open_shop(**_A_YEAR), summer)["trend"] is None


def test_what_one_customer_bought_is_no_trend(open_shop):
    one = [{"customer": 7, "day": 369, "item": "x0", "category": "x", "value": 30}]
    row = _judged(open_shop(**_A_YEAR), _category((40, 40)) + one)
    assert row["trend"] > 0.1
    assert row["trend_low"] < 0 < row["trend_high"]
    assert (row["direction"], row["advice"]) == ("steady", "keep")
    few = [sale for sale in _category((40, 60)) if sale["customer"] < 12]
    assert _judged(open_shop(**_A_YEAR), few)["trend"] is None


def test_what_one_customer_gave_back_is_no_return_rate(open_shop):
    """Of a hundred who give little back one gives back nearly all that was sold."""
    little = _category((50, 50), returned=1, returners=20)
    much = [
        {"customer": 7, "day": 371, "item": "x0", "category": "x", "value": 60, "type": kind}
        for kind in ("buy", "return")
    ]
    row = _judged(open_shop(**_A_YEAR), little + much)
    assert row["return_share"] > 0.3
    assert (row["n_returners"], row["has_high_returns"]) == (21, False)


def test_a_sale_of_a_hundred_million_has_a_square(open_shop):
    large = [{"customer": 1, "day": 5, "item": "x0", "category": "x", "value": 1e8}]
    row = _judged(open_shop(**_A_YEAR), large)
    assert row["net_revenue_share_low"] < row["net_revenue_share"] < 1


def test_intervals_of_a_category_are_those_of_its_customers(open_shop):
    """Against a bootstrap of customers, with all that each of them bought."""
    random = np.random.default_rng(3)
    n = 200
    money = random.lognormal(0, 0.7, (2, 2, n)).round(2)  # year, category, customer
    money[1, 0] *= 1.3
    shop = open_shop(**_A_YEAR)
    shop.put(
        [
            {"customer": k, "day": day, "item": name, "category": name, "value": money[year, at, k]}
            for year, day in ((0, 5), (1, 369))
            for at, name in enumerate("xy")
            for k in range(n)
        ]
    )
    row = shop.table("items", "category_performance").row(0, named=True)
    drawn = money[:, :, random.integers(0, n, (4000, n))].sum(axis=-1)
    share = drawn[:, 0] / drawn.sum(axis=1)
    low, high = np.quantile(share[1] / share[0] - 1, [0.025, 0.975])
    assert (row["trend_low"], row["trend_high"]) == pytest.approx((low, high), abs=0.02)
    of_all = drawn.sum(axis=0)
    low, high = np.quantile(of_all[0] / of_all.sum(axis=0), [0.025, 0.975])
    ends = row["net_revenue_share_low"], row["net_revenue_share_high"]
    assert ends == pytest.approx((low, high), abs=0.01)


def test_equal_counts_share_a_rank(shop):
    views = [{"customer": 1, "item": i, "category": i, "type": "view"} for i in "aabbccd"]
    shop.put([*views, {"customer": 1, "item": "d", "category": "d"}])
    for table in ("product_ranks", "category_ranks"):
        rows = shop.table("items", table).rows(named=True)
        assert [row["views_rank"] for row in rows] == [1, 1, 1, 4]
        assert [row["purchases_rank"] for row in rows] == [2, 2, 2, 1]
    assert rows[3]["places_lost"] == -3


@settings(max_examples=15)
@given(values=st.lists(st.integers(1, 50), min_size=1, max_size=12))
def test_the_pareto_curve_rises_to_one_and_gini_is_the_mean_difference(values):
    with Shop() as shop:
        shop.put(
            [{"customer": k, "item": f"p{k}", "value": value} for k, value in enumerate(values)]
        )
        shop.connection.execute(
            "create table rfm as select customer_id, value as monetary from events"
        )
        points = shop.table("items", "product_performance", "revenue_concentration")
    x = np.array(values)
    gini = np.abs(x[:, None] - x).sum() / (2 * len(x) * x.sum())
    for _, curve in points.group_by("unit"):
        shares = curve["net_revenue_share"].to_list()
        assert shares == sorted(shares)
        assert (shares[0], shares[-1]) == (0, 1)
        assert curve["gini"][0] == pytest.approx(gini, abs=1e-9)


def test_weeks_start_where_the_source_says(open_shop):
    for week_start, first in (("monday", dt.date(2024, 1, 1)), ("sunday", dt.date(2023, 12, 31))):
        shop = open_shop(week_start=week_start)
        shop.put([{"customer": 1, "item": "a", "day": day} for day in range(14)])
        weeks = shop.table("sales_daily", "sales_weekly")
        assert weeks["sales_week"][0] == first
        assert weeks["n_days"].sum() == 14
        assert weeks["is_complete"][0] == (week_start == "monday")


def test_a_refund_written_above_zero_is_still_taken_off(shop):
    shop.put([{"customer": 1, "item": "a", "value": 9}, {"customer": 1, "item": "a", "value": 4,
              "type": "return"}])  # fmt: skip
    assert float(shop.table("sales_daily")["returned_value"].item()) == 4
