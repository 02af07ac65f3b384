"""What a header's checks become, and the errors that a wrong one gets."""

import subprocess
import sys

import pytest

from customer_assets.quality import checks_of
from customer_assets.warehouse.table import Column, Table

NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"
UNIQUE = "expect_compound_columns_to_be_unique"


def table(*checks, key=("customer_id", "started_ts")):
    columns = dict.fromkeys(["customer_id", "started_ts", "n_events", "label"])
    return Table(
        name="sessions",
        layer="behavior",
        description="One row per session.",
        columns={name: Column(type="bigint", description="") for name in columns},
        key=list(key),
        checks=list(checks),
    )


def test_names_severities_and_sentences():
    checks = checks_of(
        table(
            {NOT_NULL: {"column": "customer_id"}},
            {BETWEEN: {"column": "n_events", "min_value": 1, "mostly": 0.9, "severity": "warn"}},
            {
                "expect_column_values_to_be_in_set": {
                    "column": "label",
                    "value_set": ["a", "b"],
                    "name": "known_label",
                    "description": "Only known labels.",
                }
            },
        )
    )
    assert [(check.name, check.severity, check.description) for check in checks] == [
        ("not_null_customer_id", "error", "customer_id is not null."),
        ("between_n_events", "warn", "n_events is at least 1 in at least 90 % of rows."),
        ("known_label", "error", "Only known labels."),
        ("unique_customer_id_started_ts", "error", "No two rows agree in customer_id, started_ts."),
    ]
    assert checks[1].arguments == {"column": "n_events", "min_value": 1, "mostly": 0.9}


def test_a_stated_key_is_not_checked_twice():
    (check,) = checks_of(
        table({UNIQUE: {"column_list": ["started_ts", "customer_id"], "severity": "warn"}})
    )
    assert check.severity == "warn"
    (check,) = checks_of(
        table({"expect_column_values_to_be_unique": {"column": "label"}}, key=["label"])
    )
    assert check.name == "unique_label"


def test_the_name_of_a_long_key_is_short():
    columns = [f"a_rather_long_column_{n}" for n in range(5)]
    wide = table(key=columns).model_copy(
        update={"columns": {name: Column(type="bigint", description="") for name in columns}}
    )
    (check,) = checks_of(wide)
    assert check.name == "unique_a_rather_long_column_0_and_4_more"


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (
            {"expect_column_values_to_not_be_nul": {"column": "label"}},
            "no such expectation; did you mean expect_column_values_to_not_be_null",
        ),
        ({NOT_NULL: {"column": "lable"}}, "no column 'lable'; did you mean label"),
        ({UNIQUE: {"column_list": ["label", "n_event"]}}, "did you mean n_events"),
        ({UNIQUE: {"column_list": "label"}}, "column_list is a list of columns, not 'label'"),
        ({BETWEEN: {"column": "label", "minvalue": 1}}, "did you mean min_value"),
        ({BETWEEN: {"column": "label", "min_value": None}}, "needs min_value or max_value"),
        ({BETWEEN: {"column": "label", "max_value": 2**53 + 1}}, "which cannot hold it"),
        ({BETWEEN: {"min_value": 1}}, "argument 'column' is missing"),
        ({NOT_NULL: {"column": "label", "severity": "fatal"}}, "severity is error or warn"),
        ({NOT_NULL: {"column": "label", "mostly": 99}}, "mostly is a share"),
        ({NOT_NULL: {"column": "label", "name": "a b"}}, "letters, digits and underscores"),
        (
            {
                "expect_multicolumn_sum_to_equal": {
                    "column_list": ["n_events", "label"],
                    "sum_total": "started_ts",
                }
            },
            "sum_total is a number, not 'started_ts'",
        ),
        (
            {UNIQUE: {"column_list": ["label"], "ignore_row_if": "maybe"}},
            "no ignore_row_if 'maybe'",
        ),
        (
            {"unexpected_rows_expectation": {"unexpected_rows_query": "select 1"}},
            r"selects from \{batch\}",
        ),
        (
            {"unexpected_rows_expectation": {"unexpected_rows_query": "from {batch} where '{'"}},
            "a literal brace is doubled",
        ),
    ],
)
def test_a_wrong_check_says_what_and_what_else(check, message):
    with pytest.raises(ValueError, match=message) as caught:
        checks_of(table(check))
    assert str(caught.value).startswith("table sessions, check ")


def test_two_checks_of_one_name_are_refused():
    bounds = [{BETWEEN: {"column": "n_events", "min_value": bound}} for bound in (1, 2)]
    with pytest.raises(ValueError, match="two checks are called between_n_events"):
        checks_of(table(*bounds))


def test_definitions_load_without_great_expectations():
    code = (
        "import sys, customer_assets.quality\n"
        "print({'great_expectations', 'sqlalchemy', 'duckdb_engine'} & sys.modules.keys())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
