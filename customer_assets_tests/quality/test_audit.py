"""An audit as a whole: what it reports, what it survives, what it leaves behind."""

import json
import socket

import duckdb
import pytest

from customer_assets.quality import Check, audit

NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"
UNIQUE = "expect_compound_columns_to_be_unique"
UNEXPECTED = "unexpected_rows_expectation"


@pytest.fixture
def events(connection):
    connection.execute("""
        create temp view events as select * from (values
            (1, date '2020-01-01', 1.5::decimal(18, 4), 'view', [1, 2]),
            (null, date '2020-01-01', null, 'buy', null),
            (null, date '2020-01-02', 2.5, 'buy', null)
        ) as t(customer_id, event_date, value, event_type, items)
    """)
    return connection


def check(expectation, name=None, **arguments):
    return Check(name or expectation, expectation, arguments, "error", "")


def query(sql):
    return check(UNEXPECTED, unexpected_rows_query=sql)


def test_failing_rows_are_counted_shown_and_dated(events):
    (result,) = audit(
        events, "events", [check(NOT_NULL, column="customer_id")], partition_by="event_date"
    )
    assert (result.total_rows, result.failing_rows, result.failing_share) == (3, 2, 2 / 3)
    assert result.failing_days == ["2020-01-01", "2020-01-02"]
    assert list(result.sample[0]) == ["customer_id", "event_date", "value", "event_type", "items"]
    assert result.sample[1] == {
        "customer_id": None,
        "event_date": "2020-01-02",
        "value": "2.5000",
        "event_type": "buy",
        "items": None,
    }
    assert result.seconds > 0
    json.dumps(result.sample)


def test_nulls_in_a_key_count_as_equal_unless_told_otherwise(events):
    columns = {"column_list": ["customer_id", "event_type"]}
    results = audit(
        events,
        "events",
        [
            check(UNIQUE, **columns),
            check(UNIQUE, name="any", ignore_row_if="any_value_is_missing", **columns),
            check(UNIQUE, name="all", column_list=["customer_id"]),
            check(UNIQUE, name="never", column_list=["customer_id"], ignore_row_if="never"),
        ],
    )
    assert [result.failing_rows for result in results] == [2, 0, 0, 2]


def test_a_check_with_mostly_passes_and_still_shows_its_rows(events):
    (result,) = audit(events, "events", [check(NOT_NULL, column="customer_id", mostly=0.3)])
    assert (result.passed, result.failing_rows, len(result.sample)) == (True, 2, 2)


def test_equal_checks_of_two_names_both_have_a_result(events):
    checks = [check(NOT_NULL, name=name, column="value") for name in ("block", "show")]
    assert [result.failing_rows for result in audit(events, "events", checks)] == [1, 1]


def test_broken_checks_fail_with_their_error_and_hide_no_other(events):
    results = audit(
        events,
        "events",
        [
            check(BETWEEN, name="type", column="event_type", min_value=1),
            check(NOT_NULL, name="column", column="absent"),
            check(BETWEEN, name="arguments", column="value"),
            query("select absent from {batch}"),
            check(NOT_NULL, column="event_type"),
            check(BETWEEN, name="value", column="value", max_value=2),
        ],
    )
    assert [result.passed for result in results] == [False, False, False, False, True, False]
    errors = [result.error or "" for result in results]
    assert "Cannot compare values of type VARCHAR" in errors[0]
    assert '"absent" in BatchData does not exist' in errors[1]
    assert "cannot both be None" in errors[2]
    assert 'column "absent" not found' in errors[3]
    assert [*errors[4:], results[5].failing_rows] == ["", "", 1]


def test_a_query_that_fails_only_when_its_rows_are_read_has_failed(events):
    (result,) = audit(events, "events", [query("select event_type::int as n from {batch}")])
    assert (result.passed, result.failing_rows) == (False, 3)
    assert "Could not convert string" in result.error


@pytest.mark.parametrize(
    ("sql", "failing"),
    [
        ("select b.* from {batch} as b join other as o on b.customer_id = o.id", 1),
        ("select * from {batch} as b where exists (from other as o where o.id = b.value)", 0),
        ("with late as (from {batch} where event_date > '2020-01-01') from late ; ", 1),
        ("select * from {batch} -- all of them", 3),
        ("select * from {batch} where event_type like 'b%' or event_type = '{{}}'", 2),
    ],
)
def test_queries_may_join_alias_and_comment(events, sql, failing):
    events.execute("create temp view other as select 1 as id")
    (result,) = audit(events, "events", [query(sql)], partition_by="event_date")
    assert (result.error, result.failing_rows, len(result.sample)) == (None, failing, failing)


def test_no_rows_pass_row_wise_checks(events):
    events.execute("create table nothing as from events limit 0")
    results = audit(
        events,
        "nothing",
        [
            check(NOT_NULL, column="value"),
            check(BETWEEN, column="value", min_value=1),
            check(UNIQUE, column_list=["customer_id", "value"]),
            check("expect_column_values_to_be_unique", column="customer_id"),
            check("expect_column_pair_values_to_be_equal", column_A="value", column_B="value"),
            query("select * from {batch}"),
        ],
    )
    assert all(result.passed for result in results)
    assert {(result.failing_rows, result.failing_share) for result in results} == {(0, 0.0)}


def test_what_was_observed_is_json(events):
    results = audit(
        events,
        "events",
        [
            check("expect_column_max_to_be_between", column="event_date", max_value="2020-01-01"),
            check("expect_column_sum_to_be_between", column="value", min_value=5),
            check(
                "expect_column_quantile_values_to_be_between",
                column="value",
                quantile_ranges={"quantiles": [0.5], "value_ranges": [[0, 1]]},
            ),
            check(
                "expect_column_distinct_values_to_contain_set",
                column="event_type",
                value_set=["sell"],
            ),
        ],
    )
    assert [result.passed for result in results] == [False] * 4
    assert json.loads(json.dumps([result.observed for result in results]))[:2] == [
        "2020-01-02",
        4.0,
    ]
    assert results[3].observed == {"missing": ["sell"]}


def test_odd_names_are_quoted(connection):
    connection.execute('create schema "of"')
    connection.execute('create table "of"."select" as select null as "a ""b", 1 as "order"')
    (result,) = audit(connection, "of.select", [check(NOT_NULL, column='a "b')])
    assert result.sample == [{'a "b': None, "order": "1"}]


def test_the_connection_is_left_as_it_was(events, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    before = events.execute("select view_name from duckdb_views()").fetchall()
    audit(events, "events", [query("select absent from {batch}"), query("from {batch}")])
    assert events.execute("select view_name from duckdb_views()").fetchall() == before
    events.begin()
    events.rollback()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_sent_anywhere(events, monkeypatch):
    calls = []
    monkeypatch.setattr(socket.socket, "connect", lambda *address: calls.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address: calls.append(address))
    assert audit(events, "events", [check(NOT_NULL, column="event_type")])[0].passed
    assert calls == []


def test_wrong_calls_are_refused(events):
    checks = [check(NOT_NULL, column="value")]
    with pytest.raises(ValueError, match="no column 'day'"):
        audit(events, "events", checks, partition_by="day")
    with pytest.raises(duckdb.CatalogException):
        audit(events, "absent", checks)
    events.begin()
    with pytest.raises(duckdb.TransactionException):
        audit(events, "events", checks)
    assert audit(events, "events", []) == []
