"""What an order is, and what came back of which one."""

import random
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_assets_tests.commerce.commerce_tables import Shop

BUY_1 = {"customer": 1, "day": 0, "item": "mug", "order": "A", "value": 10}
BUY_2 = {"customer": 1, "day": 9, "item": "mug", "order": "B", "value": 10}
BOWL = {"customer": 1, "day": 9, "item": "bowl", "order": "B", "value": 20}


def back(value=10, day=20, item="mug", order=None, customer=1):
    return {"customer": customer, "day": day, "item": item, "order": order, "value": -value,
            "type": "return"}  # fmt: skip


def taken(rows):
    """Order (None: no sale was found) to money that came back."""
    found = defaultdict(float)
    for row in rows:
        found[row["order_key"] and row["order_key"].split("/")[0]] += float(row["returned_value"])
    return dict(found)


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (back(order="C1"), {"B": 10}),
        (back(order="A"), {"A": 10}),
        (back(day=5), {"A": 10}),
        (back(15), {"B": 10, "A": 5}),
        (back(25), {"B": 10, "A": 10, None: 5}),
        (back(12, item=None, order="B"), {"B": 12}),
        (back(12, item="postage", order="B"), {"B": 12}),
        (back(5, item=None), {"B": 5}),
        (back(5, item="lamp"), {None: 5}),
        (back(5, customer=2), {None: 5}),
        (back(5, customer=None), {None: 5}),
        (back(5, day=0, item="bowl"), {None: 5}),
    ],
    ids=["the latest of its item", "the order it names", "never a later sale", "then the earlier",
         "no more than was paid", "a whole order", "a charge of an order", "neither named",
         "an item of before the log", "another customer", "nobody known", "before its sale"],
)  # fmt: skip
def test_a_return_is_taken_off_the_sale_that_it_takes_back(shop, returned, expected):
    shop.put([BUY_1, BUY_2, BOWL, returned])
    assert taken(shop.table("order_returns").rows(named=True)) == expected
    orders = {row["order_id"]: row for row in shop.table("orders").rows(named=True)}
    for order, row in orders.items():
        assert float(row["value"] - row["net_value"]) == expected.get(order, 0)
        assert row["is_mostly_returned"] == (2 * expected.get(order, 0) > row["value"])


RETURNS = st.lists(
    st.fixed_dictionaries(
        {
            "customer": st.integers(1, 2),
            "day": st.integers(0, 9),
            "second": st.integers(0, 3),
            "item": st.sampled_from(["mug", "bowl"]),
            "type": st.sampled_from(["buy", "buy", "return"]),
            "value": st.integers(1, 8),
            "order": st.uuids().map(str),
        }
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=30)
@given(events=RETURNS, seed=st.integers(0, 9))
def test_returns_come_off_the_top_of_what_was_bought(events, seed):
    """A stack of money by customer and item, event by event, as anyone would do it by hand."""
    stacks, expected = defaultdict(list), defaultdict(int)
    in_time = sorted(events, key=lambda e: (e["day"], e["second"], e["type"] == "return",
                                            e["order"]))  # fmt: skip
    for event in in_time:
        stack, left = stacks[event["customer"], event["item"]], event["value"]
        if event["type"] == "buy":
            stack.append([event["order"], left])
            continue
        while left and stack:
            part = min(left, stack[-1][1])
            expected[stack[-1][0]] += part
            left, stack[-1][1] = left - part, stack[-1][1] - part
            if not stack[-1][1]:
                stack.pop()
        expected[None] += left
    with Shop() as shop, Shop() as other:
        shop.put(events)
        other.put(random.Random(seed).sample(events, len(events)))
        rows = shop.table("order_returns")
        assert rows.equals(other.table("order_returns"))
        days = shop.table("sales_daily")
    assert taken(rows.rows(named=True)) == {order: n for order, n in expected.items() if n}
    came_back = sum(e["value"] for e in events if e["type"] == "return")
    assert float(days["returned_value"].sum()) == came_back
    assert float(days["revenue"].sum() - days["net_revenue"].sum()) == came_back


def test_values_that_are_net_already_are_not_reduced_again(open_shop):
    shop = open_shop(values_are_net=True)
    shop.put([BUY_1, back()])
    assert shop.table("order_returns").is_empty()
    assert float(shop.table("rfm")["monetary"].item()) == 10


def test_a_line_taken_back_at_once_inside_an_order_is_a_discount_on_it(shop):
    shop.put([BUY_1, back(3, day=0, item="DISCOUNT", order="A")])
    order = shop.table("orders").row(0, named=True)
    assert (float(order["value"]), order["n_lines"], float(order["returned_value"])) == (7, 2, 0)


# A number of two months and two customers; an order over midnight; one added to on a later day; a
# till that starts anew each morning, of customers unknown.
USES = [
    {"customer": 1, "day": 0, "item": "a", "order": "1"},
    {"customer": 1, "day": 60, "item": "b", "order": "1"},
    {"customer": 2, "day": 60, "item": "a", "order": "1"},
    {"customer": 3, "day": 5, "second": 43_190, "item": "a", "order": "7"},
    {"customer": 3, "day": 6, "second": -43_190, "item": "b", "order": "7"},
    {"customer": 4, "day": 10, "item": "a", "order": "9"},
    {"customer": 4, "day": 12, "item": "b", "order": "9"},
    {"customer": None, "day": 30, "item": "a", "order": "1"},
    {"customer": None, "day": 31, "second": -600, "item": "b", "order": "1"},
    {"customer": 5, "day": 20, "item": "a"},
    {"customer": 5, "day": 20, "second": 2, "item": "b"},
]  # fmt: skip


@pytest.mark.parametrize(
    ("order_key", "expected"),
    [
        ("number_and_customer", 9),
        ("number", 4),
        ("number_and_day", 9),
        ("number_day_and_customer", 10),
    ],
)
def test_an_order_is_one_thing_in_every_table(open_shop, order_key, expected):
    shop = open_shop(order_key=order_key)
    shop.put(USES)
    orders = shop.table("orders")
    assert orders.height == expected
    assert shop.table("sales_daily")["n_orders"].sum() == expected
    assert shop.table("seasonality")["n_orders"].sum() == expected
    lines = shop.table("order_lines").group_by("order_key").len()
    assert lines["len"].sum() == len(USES)
    n_of_customer_1 = shop.table("rfm").filter(customer_id=1)["n_orders"].item()
    assert n_of_customer_1 == (1 if order_key == "number" else 2)


def test_goods_of_two_people_are_no_basket(shop):
    """Forty numbers, each of a customer who bought a and of another who bought b a month later."""
    shop.put([{"customer": 2 * n + k, "day": 30 * k, "item": item, "order": str(n)}
              for n in range(40) for k, item in enumerate("ab")]
             + [{"customer": 999, "item": "c", "order": f"c{n}"} for n in range(20)])  # fmt: skip
    assert shop.table("items", "basket_pairs").is_empty()
    assert shop.table("orders").height == 100


def test_without_order_numbers_a_customers_day_is_an_order_in_every_table(shop):
    """As CDNOW has it: who, on which day, how much."""
    days = [(1, 0), (1, 0), (1, 30), (2, 0), (3, 5), (3, 6)]
    shop.put(
        [{"customer": c, "day": d, "second": n, "item": "cd"} for n, (c, d) in enumerate(days)]
    )
    shop.connection.execute("alter table events add column country varchar default 'US'")
    assert shop.table("orders").height == 5
    for table in ("sales_daily", "seasonality", "rfm", "country_performance"):
        assert shop.table(table)["n_orders"].sum() == 5, table
    assert shop.table("items", "product_performance")["n_orders"].item() == 5
    assert shop.table("items", "basket_pairs").is_empty()
