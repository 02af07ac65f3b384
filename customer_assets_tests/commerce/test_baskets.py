"""What is bought together, and who orders again."""

import datetime as dt
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from customer_assets_tests.commerce.commerce_tables import Shop


def baskets(*contents):
    return [{"customer": n, "order": str(n), "item": i} for n, c in enumerate(contents) for i in c]


def test_measures_of_a_pair(shop):
    shop.put(baskets(*["ab"] * 30, *["a"] * 10, *["c"] * 60))
    pair = shop.table("items", "basket_pairs").row(0, named=True)
    assert (pair["item_a"], pair["item_b"], pair["n_baskets"]) == ("a", "b", 30)
    assert pair["support"] == pytest.approx(0.3)
    assert (pair["confidence_a_b"], pair["confidence_b_a"]) == (0.75, 1)
    assert pair["lift"] == pytest.approx(2.5)
    assert pair["leverage"] == pytest.approx(0.3 - 0.4 * 0.3)
    exact = fisher_exact([[30, 10], [0, 60]], "greater").pvalue
    assert exact <= pair["p_value_bound"] < 1e-10


@settings(max_examples=12)
@given(st.lists(st.sets(st.sampled_from("abcd"), min_size=1), min_size=40, max_size=80))
def test_lift_is_symmetric_and_every_pair_is_significant(contents):
    renamed = [{chr(ord("z") - ord(item) + ord("a")) for item in basket} for basket in contents]
    both = ["ab"] * 25
    with Shop() as shop, Shop() as other:
        shop.put(baskets(*contents, *both, *["d"] * 40))
        other.put(baskets(*renamed, *["yz"] * 25, *["w"] * 40))
        pairs = shop.table("items", "basket_pairs")
        mirrored = other.table("items", "basket_pairs")
    assert sorted(pairs["lift"]) == sorted(mirrored["lift"])
    assert sorted(pairs["p_value_bound"]) == pytest.approx(sorted(mirrored["p_value_bound"]))
    for row in pairs.iter_rows(named=True):
        n_a, n_b, n_ab, n = (
            row[name] for name in ("n_baskets_a", "n_baskets_b", "n_baskets", "n_all_baskets")
        )
        table = [[n_ab, n_a - n_ab], [n_b - n_ab, n - n_a - n_b + n_ab]]
        assert fisher_exact(table, "greater").pvalue <= row["p_value_bound"] * (1 + 1e-9)
        assert row["p_value_bound"] * 6 <= 0.05


def test_chance_alone_makes_no_pair(shop):
    draw = random.Random(5)
    shop.put(baskets(*[{i for i in "abcdefgh" if draw.random() < 0.4} for _ in range(300)]))
    assert shop.table("items", "basket_pairs").is_empty()


def test_rare_products_and_huge_baskets_are_left_out_and_counted(shop):
    many = [f"p{k:03}" for k in range(101)]
    shop.put(baskets(*[many] * 6, *[["p000", "p001", "rare"]] * 4, *[["p000", "p001"]] * 40,
                     *[["p002"]] * 40))  # fmt: skip
    row = shop.table("items", "basket_pairs").row(0, named=True)
    assert (row["item_a"], row["item_b"], row["n_baskets"]) == ("p000", "p001", 44)
    assert (row["n_all_baskets"], row["n_large_baskets"], row["n_products"]) == (84, 6, 101)


def orders(shop, *placed):
    shop.put([{"customer": c, "day": d, "order": f"{c}-{d}-{n}", "item": "a", "second": n}
              for n, (c, d) in enumerate(placed)])  # fmt: skip
    return shop.table("orders", "repeat_purchase").rows(named=True)


def test_a_cohort_is_null_until_all_of_it_was_seen_for_as_long(shop):
    rows = orders(shop, (1, 0), (1, 5), (2, 25), (3, 65), (3, 66))
    found = {(row["cohort_month"], row["within_days"]): row for row in rows}
    january, march = dt.date(2024, 1, 1), dt.date(2024, 3, 1)
    assert found[january, 30]["repeat_share"] == 0.5
    assert found[january, 30]["median_days_to_second"] == 5
    assert found[january, 90]["repeat_share"] is None
    assert found[march, 14]["repeat_share"] == 1
    assert found[march, 30]["repeat_share"] is None
    assert (found[None, 30]["n_observed"], found[None, 30]["repeat_share"]) == (2, 0.5)
    assert found[None, None]["n_repeat_customers"] == 2


def test_lines_of_an_order_are_no_second_order(shop):
    shop.put([{"customer": 1, "item": i, "order": "7", "second": n} for n, i in enumerate("ab")])
    assert set(shop.table("orders", "repeat_purchase")["n_repeat_customers"]) == {0, None}
