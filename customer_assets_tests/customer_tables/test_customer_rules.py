"""Cleaning rules: what each action does, on and off, and that no customer gets lost."""

from typing import Any

import pytest
from customer_table_run import CustomerRun, shop_source
from pydantic import ValidationError

from customer_assets.pipeline import pipeline_of
from customer_assets.sources.configuration import ConfigurationError

REJECT = {"name": "poor", "condition": "paid < 1", "description": "Too poor."}
FLAG = {"name": "never", "condition": "visits <= 0", "action": "flag"}
CLEAR = {
    "name": "negative",
    "condition": "value < 0",
    "action": "clear",
    "columns": ["visits", "paid"],
}


def with_rules(shop: CustomerRun, *rules: dict[str, Any]) -> CustomerRun:
    shop.source = shop_source(rules=list(rules))
    return shop.build()


def test_a_rejected_customer_is_in_rejected_customers(shop: CustomerRun):
    with_rules(shop, REJECT)
    assert shop.rows("customers", "customer_id") == [(1,), (2,)]
    assert shop.rows("rejected_customers", "rule", "customer_id", "visits") == [("poor", 3, -1)]
    assert shop.rows("customer_accounting where table_name = 'customers'") == [
        ("customers", 3, 2, 0, 0, 1, 2, 1)
    ]


def test_a_flag_marks_and_keeps(shop: CustomerRun):
    with_rules(shop, FLAG)
    assert shop.rows("customers", "customer_id", "visits", "is_never") == [
        (1, 3, False),
        (2, 0, True),
        (3, -1, True),
    ]


def test_clear_makes_null_what_it_is_true_of_and_nothing_else(shop: CustomerRun):
    with_rules(shop, CLEAR)
    assert shop.rows("customers", "customer_id", "visits", "paid", "is_negative") == [
        (1, 3, 1.5, False),
        (2, 0, 20, False),
        (3, None, 0, True),
    ]


@pytest.mark.parametrize("rule", [REJECT, FLAG, CLEAR], ids=["reject", "flag", "clear"])
def test_a_rule_switched_off_changes_nothing_and_still_counts(shop: CustomerRun, rule: dict):
    without = with_rules(shop).rows("customers")
    with_rules(shop, rule | {"enabled": False})
    assert shop.rows("customers") == without
    assert shop.rows("rejected_customers") == []
    assert shop.rows("cleaning", "rule", "is_enabled", "n_customers > 0") == [
        (rule["name"], False, True)
    ]


def test_cleaning_says_what_each_rule_does_and_touches(shop: CustomerRun):
    with_rules(shop, REJECT, FLAG | {"enabled": False}, CLEAR)
    assert shop.rows("cleaning") == [
        (1, "poor", "reject", True, "paid < 1", None, 1, 1 / 3, "Too poor."),
        (2, "never", "flag", False, "visits <= 0", None, 2, 2 / 3, ""),
        (3, "negative", "clear", True, "value < 0", "visits, paid", 1, 1 / 3, ""),
    ]


def test_the_first_rule_that_rejects_is_the_reason_and_all_see_the_landed_row(shop: CustomerRun):
    with_rules(shop, CLEAR, {"name": "below", "condition": "visits < 0"}, REJECT)
    assert shop.rows("rejected_customers", "rule", "visits") == [("below", -1)]
    assert shop.rows("cleaning", "rule_number", "n_customers") == [
        (1, 1),
        (2, 1),
        (3, 1),
    ]


def test_a_rule_that_knows_nothing_does_nothing(shop: CustomerRun):
    shop.land("people.csv", "id,plan,visits,paid\n1,basic,,\n")
    with_rules(shop, REJECT, FLAG, CLEAR)
    assert shop.rows("customers", "customer_id", "is_never", "is_negative") == [
        (1, False, False),
        (2, False, False),
    ]


def test_a_source_without_rules_has_an_empty_cleaning(shop: CustomerRun):
    with_rules(shop)
    assert (shop.rows("cleaning"), shop.rows("rejected_customers")) == ([], [])


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"condition": "wealth > 1"}, "there is no column 'wealth'"),
        ({"condition": "visits"}, "it gives BIGINT, where true or false is needed"),
        ({"condition": "(select true)"}, "a subquery is not possible"),
        ({"condition": "random() > 1"}, "the function rand"),
        ({"condition": "visits > 1; drop table x"}, "one expression"),
        ({"condition": "value > 1"}, "there is no column 'value'"),
        ({"action": "clear", "columns": ["plan"], "condition": "value < 0"}, "rule 'r'"),
    ],
)
def test_a_condition_that_cannot_be_used_names_the_rule(rule: dict, problem: str):
    source = shop_source(rules=[{"name": "r", **rule}])
    with pytest.raises(ConfigurationError, match="cleaning rule 'r'") as caught:
        pipeline_of("shop", source)
    assert problem in str(caught.value)
    assert caught.value.location == ("rules", 0, "condition")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"rules": [{"name": "r", "condition": "true", "action": "clear"}]}, "`columns` belong to"),
        ({"rules": [{"name": "r", "condition": "true", "columns": ["visits"]}]}, "belong to"),
        ({"rules": [CLEAR | {"columns": ["wealth"]}]}, "wealth: no such attribute"),
        ({"rules": [FLAG, FLAG]}, "is_never: the name is taken"),
        ({"rules": [{"name": "No", "condition": "true"}]}, "'No' is not a usable name"),
        ({"attributes": {"label": {"description": "x"}}}, "label: the name is taken"),
        ({"attributes": {"source_file": {"description": "x"}}}, "the name is taken"),
        ({"label": {"type": "double", "description": "x"}}, "must be boolean or bigint"),
        ({"tables": {"a": {"files": "a", "columns": ["x"], "key": ["x"]}}}, "key: it must be"),
        ({"tables": {"a": {"files": "a", "columns": ["occurrence"]}}}, "the name is taken"),
        ({"tables": {"a;b": {"files": "a", "columns": ["x"]}}}, "not a usable name"),
        ({"tables": {}}, "at least 1"),
        ({"timezone": "UTC"}, "Extra inputs"),
    ],
)
def test_a_configuration_that_cannot_be_used_says_why(changes: dict, problem: str):
    with pytest.raises(ValidationError, match=problem):
        shop_source(**changes)


def test_texts_of_a_configuration_are_quoted(shop: CustomerRun):
    quote = 'it\'s "x"'
    shop.source = shop_source(
        rules=[{"name": "r", "condition": "plan = 'it''s \"x\"'", "description": quote}],
        tables={
            "people": {
                "files": "people*.csv",
                "columns": {
                    "plan": {"from": quote, "values": [quote], "repairs": {"o'k": "ok'"}},
                    "visits": "visits",
                    "paid": "paid",
                },
            },
            "calls": shop.source.tables["calls"].model_dump(by_alias=True),
        },
    )
    shop.land("people.csv", 'id,"it\'s ""x""",visits,paid\n1,o\'k,1,1\n')
    shop.build()
    assert shop.rows("unexpected_values", "value", "read_as") == [("o'k", "ok'")]
    assert shop.rows("cleaning", "description") == [(quote,)]
