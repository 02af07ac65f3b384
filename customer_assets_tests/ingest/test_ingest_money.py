"""Amounts as they are kept: with four decimals, what is lost counted; returns told by condition."""

import pytest
from ingest_shop import Shop, shop_source

HEADER = "who,at,what,n,price\n"


@pytest.fixture
def priced(tmp_path, connection):
    def priced(*prices: str, **changes) -> Shop:
        shop = Shop(tmp_path, connection, shop_source(**changes))
        rows = (f"{n},2024-01-05 10:00:00,buy,2,{p}\n" for n, p in enumerate(prices))
        shop.land("a.csv", HEADER + "".join(rows))
        shop.run()
        return shop

    return priced


def test_a_number_with_an_exponent_is_read_as_it_is(priced):
    shop = priced("8.88e-16", "1e3", "1.5E-1", "-2.5e0")
    assert sorted(map(float, shop.rows("raw_events", "unit_price"))) == [-2.5, 0, 0.15, 1000]


def test_digits_that_are_not_kept_are_counted_and_said(priced):
    shop = priced("0.00004", "0.050830508", "1.2500", "12.340000000000002", "1.23450")
    [(n, reason)] = shop.rows("landed_files", "n_rounded_amounts, reason")
    assert n == 2
    assert "amounts with more than four decimals are rounded: 2 rows; `scale`" in reason


def test_a_scale_keeps_small_prices(priced):
    columns = shop_source().columns.model_dump() | {
        "unit_price": {"from": "price", "scale": 1000},
    }
    shop = priced("0.00004", "0.050830508", columns=columns)
    assert sorted(map(float, shop.rows("raw_events", "unit_price"))) == [0.04, 50.8305]
    assert sorted(map(float, shop.rows("raw_events", "value"))) == [0.08, 101.661]
    # 0.050830508 thousand times is 50.830508: the last two digits are not kept.
    assert shop.rows("landed_files", "n_rounded_amounts") == [1]


def test_purchases_that_take_one_back_are_told_by_a_condition(tmp_path, connection):
    source = shop_source(purchase_event="buy", return_when="quantity < 0 and event_type = 'buy'")
    assert source.return_event == "return"
    shop = Shop(tmp_path, connection, source)
    shop.land("a.csv", HEADER + "1,2024-01-05 10:00:00,buy,-1,5\n1,2024-01-05 10:00:00,buy,1,5\n"
              "1,2024-01-05 10:00:00,view,-1,5\n")  # fmt: skip
    shop.run()
    assert shop.rows("raw_events", "event_type, quantity") == [("buy", 1), ("return", -1),
                                                               ("view", -1)]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"return_when": "quantity < 0"}, "purchase_event"),
        ({"purchase_event": "buy", "return_event": "buy"}, "return_when"),
        ({"purchase_event": "buy", "return_when": "colour = 1"}, "no column"),
        ({"purchase_event": "buy", "return_when": "quantity"}, "true or false"),
    ],
)
def test_what_cannot_tell_a_return_is_refused(tmp_path, connection, changes, why):
    with pytest.raises(ValueError, match=why):
        Shop(tmp_path, connection, shop_source(**changes)).prepare()
