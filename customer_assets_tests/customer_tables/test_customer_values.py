"""From landed text to typed values: nothing is lost on the way, and nothing changes unseen."""

import datetime as dt
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from customer_table_run import CustomerRun, shop_source
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_assets.customer_tables.values import text_sql, value_sql
from customer_assets.ingest import TimeFormatError
from customer_assets.sources.customer_table import ReadColumn, ValueType


def value(text: str, kind: ValueType, formats: list[str] | None = None) -> Any:
    column = ReadColumn(name="c", spellings=["c"], type=kind, formats=formats or ["iso"])
    with duckdb.connect() as connection:
        texts = f"select {text_sql('c')} as t from (select ? as c)"
        sql = f"select {value_sql(column, 't')} from ({texts})"
        return connection.execute(sql, [text]).fetchall()[0][0]


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("9100000000000001 ", "bigint", 9100000000000001),
        ("9223372036854775807", "bigint", 9223372036854775807),
        ("17850.0", "bigint", 17850),
        ("17850,00", "bigint", 17850),
        ("\u00a0-1\t", "bigint", -1),
        ("+5", "bigint", 5),
        ("100.", "bigint", 100),
        ("9.1e15", "bigint", None),
        ("12.7", "bigint", None),
        ("9223372036854775808", "bigint", None),
        ("0x10", "bigint", None),
        ("4,2", "decimal", Decimal("4.2000")),
        ("4.2", "decimal", Decimal("4.2000")),
        ("5", "decimal", Decimal("5.0000")),
        (".5", "double", 0.5),
        (",5", "double", 0.5),
        ("1e3", "double", 1000.0),
        ("0.0", "double", 0.0),
        ("1.234,5", "double", None),
        ("1 234", "double", None),
        ("nan", "double", None),
        ("inf", "double", None),
        ("", "varchar", None),
        ("  ", "varchar", None),
        (" два слова ", "varchar", "два слова"),
        ("true", "boolean", True),
        ("да", "boolean", None),
        ("2018/7/1 9:05", "timestamp", dt.datetime(2018, 7, 1, 9, 5)),
        ("2018-07-01", "date", dt.date(2018, 7, 1)),
        ("7/1/2018", "date", None),
    ],
)
def test_a_text_is_read_as_a_value_or_not_at_all(text: str, kind: ValueType, expected: Any):
    assert value(text, kind) == expected


def test_dates_may_have_a_format_of_their_own():
    formats = ["iso", "%Y年%m月%d日"]
    assert value("2018年07月01日", "date", formats) == dt.date(2018, 7, 1)
    assert value("2018/7/1", "date", formats) == dt.date(2018, 7, 1)
    with pytest.raises(TimeFormatError, match="%Q"):
        value("1", "date", ["%Q"])


@settings(max_examples=50)
@given(st.integers(-(2**63), 2**63 - 1))
def test_every_whole_number_stays_what_it_is(number: int):
    assert value(str(number), "bigint") == number


def test_exact_copies_are_removed_and_counted(shop: CustomerRun):
    shop.land("people.csv", "id,plan,visits,paid\n1,basic,3,1.5\n1,basic,3,1.50\n2,gold,0,20\n")
    shop.build()
    assert shop.rows("typed_people", "customer_id", "paid", "occurrence", "n_copies") == [
        (1, Decimal("1.5"), 1, 2),
        (2, Decimal("20"), 1, 1),
    ]
    assert shop.rows("customer_accounting where table_name = 'people'") == [
        ("people", 3, 2, 1, 0, 0, 2, 0)
    ]


def test_rows_of_one_key_that_differ_are_counted_and_one_of_them_is_used(shop: CustomerRun):
    shop.land("people.csv", "id,plan,visits,paid\n1,gold,3,1\n1,basic,3,1\n2,gold,0,20\n")
    shop.build()
    assert shop.rows("customers", "customer_id", "plan") == [(1, "basic"), (2, "gold")]
    assert shop.rows("customer_accounting where table_name = 'people'", "n_landed", "n_kept",
                     "n_conflicting") == [(3, 2, 1)]  # fmt: skip


def test_values_that_are_not_as_expected_are_listed_with_their_rows(shop: CustomerRun):
    tables = shop.source.model_dump(by_alias=True)["tables"]
    tables["people"]["columns"]["plan"] = {
        "from": "plan",
        "values": ["basic", "gold"],
        "repairs": {"goldd": "gold"},
    }
    shop.source = shop_source(tables=tables)
    shop.land(
        "people.csv", "id,plan,visits,paid\n1,goldd,few,1,\n2,silver,few,x\n3,silver,,0\n"
        .replace("1,\n", "1\n"),
    )  # fmt: skip
    shop.build()
    assert shop.rows("unexpected_values") == [
        ("people", "paid", "x", None, "unreadable", 1),
        ("people", "plan", "goldd", "gold", "repaired", 1),
        ("people", "plan", "silver", "silver", "kept", 2),
        ("people", "visits", "few", None, "unreadable", 2),
    ]
    assert shop.rows("customers", "customer_id", "plan", "visits") == [
        (1, "gold", None),
        (2, "silver", None),
        (3, "silver", None),
    ]


def test_a_customer_of_any_input_is_a_customer(shop: CustomerRun):
    shop.land("calls.csv", "id,month,minutes\n2,may,5\n9,may,1\n")
    shop.build()
    assert shop.rows("customers", "customer_id", "minutes") == [
        (1, None),
        (2, 5.0),
        (3, None),
        (9, 1.0),
    ]
    assert shop.rows("customer_accounting", "table_name", "n_customers", "n_customers_missing") == [
        ("calls", 2, 2),
        ("customers", 4, 0),
        ("people", 3, 1),
    ]
