"""Cleaning rules: what they may say, and what they do to rows."""

import pytest
from ingest_shop import Shop, shop_source

from customer_assets import ingest

CSV = "who,at,what,n,price\na,2024-01-05,view,1,2\nb,2024-01-05,buy,-1,2\n,2024-01-05,buy,,\n"


def rule(condition, **more):
    return shop_source(rules=[{"name": "odd", "condition": condition} | more])


def test_a_rejecting_rule_takes_the_rows_where_it_is_true_not_null(shop: Shop):
    shop.source = rule("quantity < 0 and event_type in ('buy', 'order')")
    shop.land("a.csv", CSV)
    shop.run()
    assert shop.rows("rejected_rows", "row, reason, raw_text") == [
        (3, "rule odd", "b,2024-01-05,buy,-1,2")
    ]
    assert len(shop.rows("raw_events")) == 2


def test_a_flagging_rule_adds_a_column_that_is_never_null(shop: Shop):
    shop.source = rule("quantity < 0", action="flag")
    shop.land("a.csv", CSV)
    shop.run()
    assert shop.rows("raw_events", "is_odd, customer_id") == [
        (False, "a"),
        (False, None),
        (True, "b"),
    ]
    assert "is_odd" in ingest.tables(shop.source)["raw_events"].columns


def test_a_rule_that_is_switched_off_does_nothing_and_switching_it_reads_again(shop: Shop):
    shop.source = rule("quantity < 0", enabled=False)
    shop.land("a.csv", CSV)
    shop.run()
    assert shop.rows("rejected_rows") == []
    shop.source = rule("quantity < 0")
    assert [str(day) for day in shop.run().dirty_days] == ["2024-01-05"]
    assert len(shop.rows("rejected_rows")) == 1


@pytest.mark.parametrize(
    "condition",
    [
        "quantity <",
        "no_such_column > 1",
        "source_file = 'a'",
        "quantity",
        "quantity in (select 1)",
        "exists (select 1)",
        "(select count(*) from read_csv('/etc/passwd')) > 0",
        "read_text('/etc/passwd') is not null",
        "getenv('HOME') = ''",
        "random() < 0.5",
        "event_at < now()",
        "event_at < current_timestamp",
        "event_date < current_date",
        "true; drop table x",
        "true from x",
        "true, false",
        "quantity > 0) or (true",
        "x.quantity > 0",
        "sum(quantity) > 1",
        "row_number() over () = 1",
        "* > 1",
        "$1 > 1",
        "quantity > 0 -- ) comment",
        "",
    ],
)
def test_an_unusable_condition_is_an_error_that_names_the_rule(condition):
    if condition.endswith("comment"):
        ingest.tables(rule(condition))
        return
    with pytest.raises(ingest.RuleError, match="cleaning rule 'odd'"):
        ingest.tables(rule(condition))


@pytest.mark.parametrize(
    "condition",
    [
        "unit_price = 0 or Quantity <= 0",
        "customer_id is null and not event_type like 'v%'",
        "lower(trim(event_type)) = 'x' or length(item_id) > 12",
        "case when quantity > 5 then unit_price > 1.5 else false end",
        "regexp_matches(order_id, '^C') or starts_with(order_id, 'A')",
        "event_at >= timestamp '2024-01-01 00:00:00' and event_date < date '2024-02-01'",
        "abs(coalesce(quantity, 0) * unit_price) between 10 and 20",
        "extract(hour from event_at) = 3 or year(event_date) = 2020",
        "cast(quantity as double) / 2 > 1",
        "event_type ilike 'a%' and upper(event_type) <> 'B'",
        "contains(item_name, 'x') or left(item_name, 2) = 'ab'",
    ],
)
def test_usable_conditions(shop: Shop, condition):
    shop.source = rule(condition)
    shop.land("a.csv", CSV)
    shop.run()
    landed, loaded, rejected = shop.accounting()
    assert landed == loaded + rejected == 3


def test_two_columns_of_one_name_are_an_error():
    with pytest.raises(ValueError, match="taken twice"):
        ingest.tables(shop_source(attributes={"quantity": "n"}))
