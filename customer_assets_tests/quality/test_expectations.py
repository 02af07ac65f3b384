"""Each supported expectation: rows that pass it, and a row that makes it fail."""

import duckdb
import pytest

from customer_assets.quality import Check, audit
from customer_assets.quality.expectations import IGNORE_ROW_IF, SUPPORTED

GOOD_ROWS = """
    create table good as select * from (values
        (1::bigint, 0, 1, 4, date '2020-01-01', 'view', 'aa', 1.5::decimal(18, 4), null::varchar),
        (2, 1, 2, 3, date '2020-01-01', 'buy', 'aa', 2.5, null),
        (3, 2, 3, 2, date '2020-01-02', 'buy', 'aa', 3.5, null)
    ) as t(id, before, twin, rest, day, kind, code, amount, missing)
"""
FOURTH_ROW = {
    "id": "4",
    "before": "3",
    "twin": "4",
    "rest": "1",
    "day": "2020-01-03",
    "kind": "buy",
    "code": "aa",
    "amount": "2.5",
    "missing": None,
}

# Expectation, arguments, and what makes the rows fail: a fourth row that differs so, or a query.
CASES = [
    ("expect_column_values_to_not_be_null", {"column": "kind"}, {"kind": None}),
    ("expect_column_values_to_be_null", {"column": "missing"}, {"missing": "x"}),
    ("expect_column_values_to_be_unique", {"column": "id"}, {"id": "3"}),
    (
        "expect_column_values_to_be_between",
        {"column": "amount", "min_value": 1, "max_value": 4},
        {"amount": "9.0"},
    ),
    (
        "expect_column_values_to_be_in_set",
        {"column": "kind", "value_set": ["view", "buy"]},
        {"kind": "sell"},
    ),
    (
        "expect_column_values_to_not_be_in_set",
        {"column": "kind", "value_set": ["sell"]},
        {"kind": "sell"},
    ),
    (
        "expect_column_value_lengths_to_be_between",
        {"column": "kind", "max_value": 4},
        {"kind": "refund"},
    ),
    ("expect_column_value_lengths_to_equal", {"column": "code", "value": 2}, {"code": "aaa"}),
    (
        "expect_column_value_z_scores_to_be_less_than",
        {"column": "amount", "threshold": 1.2, "double_sided": True},
        {"amount": "100"},
    ),
    (
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": "id", "column_B": "before"},
        {"before": "4"},
    ),
    (
        "expect_column_pair_values_to_be_equal",
        {"column_A": "id", "column_B": "twin"},
        {"twin": "5"},
    ),
    (
        "expect_column_pair_values_to_be_in_set",
        {
            "column_A": "kind",
            "column_B": "code",
            "value_pairs_set": [["view", "aa"], ["buy", "aa"]],
        },
        {"code": "bb"},
    ),
    (
        "expect_multicolumn_sum_to_equal",
        {"column_list": ["id", "rest"], "sum_total": 5},
        {"rest": "2"},
    ),
    ("expect_multicolumn_values_to_be_equal", {"column_list": ["id", "twin"]}, {"twin": "5"}),
    (
        "expect_select_column_values_to_be_unique_within_record",
        {"column_list": ["id", "before"]},
        {"before": "4"},
    ),
    (
        "expect_compound_columns_to_be_unique",
        {"column_list": ["day", "kind"]},
        {"day": "2020-01-02"},
    ),
    (
        "unexpected_rows_expectation",
        {"unexpected_rows_query": "select * from {batch} where amount > 4"},
        {"amount": "9.0"},
    ),
    ("expect_column_min_to_be_between", {"column": "id", "min_value": 1}, {"id": "0"}),
    ("expect_column_max_to_be_between", {"column": "id", "max_value": 4}, {"id": "5"}),
    ("expect_column_mean_to_be_between", {"column": "amount", "max_value": 3}, {"amount": "9"}),
    (
        "expect_column_median_to_be_between",
        {"column": "amount", "max_value": 2.5},
        {"amount": "9"},
    ),
    ("expect_column_stdev_to_be_between", {"column": "amount", "max_value": 2}, {"amount": "9"}),
    ("expect_column_sum_to_be_between", {"column": "amount", "max_value": 10}, {"amount": "9"}),
    (
        "expect_column_unique_value_count_to_be_between",
        {"column": "kind", "max_value": 2},
        {"kind": "sell"},
    ),
    (
        "expect_column_proportion_of_unique_values_to_be_between",
        {"column": "id", "min_value": 1},
        {"id": "3"},
    ),
    (
        "expect_column_proportion_of_non_null_values_to_be_between",
        {"column": "kind", "min_value": 1},
        {"kind": None},
    ),
    (
        "expect_column_quantile_values_to_be_between",
        {"column": "id", "quantile_ranges": {"quantiles": [1.0], "value_ranges": [[1, 4]]}},
        {"id": "9"},
    ),
    (
        "expect_column_most_common_value_to_be_in_set",
        {"column": "kind", "value_set": ["buy"]},
        {"kind": "view"},
    ),
    (
        "expect_column_distinct_values_to_be_in_set",
        {"column": "kind", "value_set": ["view", "buy"]},
        {"kind": "sell"},
    ),
    (
        "expect_column_distinct_values_to_contain_set",
        {"column": "kind", "value_set": ["view", "buy"]},
        "select * from good where kind <> 'view'",
    ),
    (
        "expect_column_distinct_values_to_equal_set",
        {"column": "kind", "value_set": ["view", "buy"]},
        {"kind": "sell"},
    ),
    ("expect_table_row_count_to_be_between", {"max_value": 3}, {}),
    ("expect_table_row_count_to_equal", {"value": 3}, {}),
    ("expect_table_row_count_to_equal_other_table", {"other_table_name": "good"}, {}),
    ("expect_table_column_count_to_be_between", {"max_value": 9}, "select *, 1 as x from good"),
    ("expect_table_column_count_to_equal", {"value": 9}, "select *, 1 as x from good"),
    (
        "expect_table_columns_to_match_ordered_list",
        {"column_list": list(FOURTH_ROW)},
        "select * exclude (id), id from good",
    ),
    (
        "expect_table_columns_to_match_set",
        {"column_set": list(FOURTH_ROW)},
        "select *, 1 as x from good",
    ),
    ("expect_column_to_exist", {"column": "kind"}, "select * exclude (kind) from good"),
]
FAILING_DAYS = {
    "expect_column_values_to_be_unique": ["2020-01-02", "2020-01-03"],
    "expect_compound_columns_to_be_unique": ["2020-01-02"],
}


@pytest.fixture(scope="module")
def rows():
    with duckdb.connect() as connection:
        connection.execute(GOOD_ROWS)
        yield connection


@pytest.fixture(scope="module")
def passing(rows):
    return {
        result.check.expectation: result
        for result in audit(rows, "good", [check_of(*case) for case in CASES], partition_by="day")
    }


def check_of(expectation, arguments, _=None):
    return Check(expectation, expectation, arguments, "error", "")


def test_every_supported_expectation_has_a_case():
    assert sorted(expectation for expectation, *_ in CASES) == sorted(SUPPORTED)


@pytest.mark.parametrize(("expectation", "arguments", "bad"), CASES, ids=[c[0] for c in CASES])
def test_good_rows_pass_and_a_bad_row_fails(rows, passing, expectation, arguments, bad):
    good = passing[expectation]
    assert (good.passed, good.error, good.sample, good.failing_days) == (True, None, [], [])

    fourth = FOURTH_ROW | (bad if isinstance(bad, dict) else {})
    rows.execute("create or replace temp table bad as from good limit 0")
    if isinstance(bad, dict):
        rows.execute("insert into bad from good")
        rows.execute("insert into bad values (?, ?, ?, ?, ?, ?, ?, ?, ?)", list(fourth.values()))
    else:
        rows.execute(f"create or replace temp table bad as {bad}")
    (failed,) = audit(rows, "bad", [check_of(expectation, arguments)], partition_by="day")
    assert (failed.passed, failed.error) == (False, None)
    if SUPPORTED[expectation].row_wise:
        assert failed.failing_days == FAILING_DAYS.get(expectation, ["2020-01-03"])
        assert failed.failing_rows == len(failed.sample)
        assert failed.failing_share == failed.failing_rows / 4
        fourth["amount"] = f"{float(fourth['amount']):.4f}"
        assert fourth in failed.sample
    else:
        assert (failed.failing_rows, failed.sample, failed.failing_days) == (None, [], [])


def test_the_table_of_expectations_agrees_with_great_expectations(passing):
    from great_expectations.expectations.registry import get_expectation_impl

    for name, supported in SUPPORTED.items():
        fields = get_expectation_impl(name).__fields__
        required = {field for field, model in fields.items() if model.required}
        assert required <= set(supported.required), name
        assert {*supported.required, *supported.optional} <= fields.keys(), name


def test_counts_and_failing_rows_agree_on_every_pattern_of_nulls(connection):
    values = "(values (null), (1), (2)) "
    connection.execute(f"create view pairs as select * from {values} a(x), {values} b(y)")
    pair, several = {"column_A": "x", "column_B": "y"}, {"column_list": ["x", "y"]}
    arguments = {
        "expect_column_pair_values_to_be_in_set": pair | {"value_pairs_set": [[1, 2]]},
        "expect_multicolumn_sum_to_equal": several | {"sum_total": 3},
    }
    checks = []
    for expectation, supported in SUPPORTED.items():
        if "ignore_row_if" not in supported.optional:
            continue
        family = pair if "column_A" in supported.required else several
        own = arguments.get(expectation, family)
        words = list(IGNORE_ROW_IF)[:3] if family is pair else list(IGNORE_ROW_IF)[3:]
        for n, extra in enumerate([{}, *({"ignore_row_if": word} for word in words)]):
            checks.append(Check(f"{expectation}_{n}", expectation, own | extra, "error", ""))
    for result in audit(connection, "pairs", checks):
        assert result.error is None, result
        assert result.failing_rows == len(result.sample), result.check
