"""The expectations that a table's header may name, with their arguments.

A copy of what Great Expectations says itself, kept here so that definitions load without its
import; a test compares the two. What is missing has no sound answer on DuckDB (patterns, column
types) or no use for tables (query comparison): `unexpected_rows_expectation` says it in SQL.
"""

from dataclasses import dataclass
from typing import Literal

UNEXPECTED_ROWS = "unexpected_rows_expectation"
COLUMN_UNIQUE = "expect_column_values_to_be_unique"
COMPOUND_UNIQUE = "expect_compound_columns_to_be_unique"

# Great Expectations' values of `ignore_row_if`, for pairs of columns and for more: what joins the
# conditions "the column is null" to that of the rows which the check leaves out.
IGNORE_ROW_IF: dict[str, Literal["and", "or"] | None] = {
    "both_values_are_missing": "and",
    "either_value_is_missing": "or",
    "neither": None,
    "all_values_are_missing": "and",
    "any_value_is_missing": "or",
    "never": None,
}

COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list", "column_set")

# What the values of arguments are, where a wrong one is easily written: a name for a number.
_NUMBER = (int, float)
ARGUMENT_TYPES: dict[str, tuple[str, tuple[type, ...]]] = {
    "column": ("a column's name", (str,)),
    "column_A": ("a column's name", (str,)),
    "column_B": ("a column's name", (str,)),
    "column_list": ("a list of columns", (list,)),
    "column_set": ("a list of columns", (list,)),
    "ignore_row_if": ("a text", (str,)),
    "mostly": ("a number", _NUMBER),
    "strict_min": ("true or false", (bool,)),
    "strict_max": ("true or false", (bool,)),
    "or_equal": ("true or false", (bool,)),
    "sum_total": ("a number", _NUMBER),
    "threshold": ("a number", _NUMBER),
    "unexpected_rows_query": ("a query", (str,)),
    "value": ("a number", _NUMBER),
    "value_pairs_set": ("a list of pairs", (list,)),
    "value_set": ("a list", (list,)),
}


@dataclass(frozen=True)
class Expectation:
    """One supported expectation.

    `kind` starts the names of its checks. `says` is the sentence about it, where `{columns}`
    and `{bounds}` are put together from the arguments and other fields are the arguments
    themselves. A row-wise expectation can point at the rows that fail it.
    """

    kind: str
    says: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    row_wise: bool = False

    @property
    def has_bounds(self) -> bool:
        return "min_value" in self.optional


_BOUNDS = ("min_value", "max_value", "strict_min", "strict_max")


def _rows(kind: str, says: str, *required: str, optional: tuple[str, ...] = ()) -> Expectation:
    return Expectation(kind, says, required, ("mostly", *optional), row_wise=True)


def _pairs(kind: str, says: str, *required: str, optional: tuple[str, ...] = ()) -> Expectation:
    return _rows(kind, says, *required, optional=("ignore_row_if", *optional))


def _statistic(kind: str, says: str) -> Expectation:
    return Expectation(kind, says, ("column",), _BOUNDS)


SUPPORTED: dict[str, Expectation] = {
    # Row-wise, of one column. A null passes all of them but the first.
    "expect_column_values_to_not_be_null": _rows("not_null", "{columns} is not null", "column"),
    "expect_column_values_to_be_null": _rows("null", "{columns} is null", "column"),
    COLUMN_UNIQUE: Expectation("unique", "{columns} is unique", ("column",), row_wise=True),
    "expect_column_values_to_be_between": _rows(
        "between", "{columns} is {bounds}", "column", optional=_BOUNDS
    ),
    "expect_column_values_to_be_in_set": _rows(
        "in_set", "{columns} is one of {value_set}", "column", "value_set"
    ),
    "expect_column_values_to_not_be_in_set": _rows(
        "not_in_set", "{columns} is none of {value_set}", "column", "value_set"
    ),
    "expect_column_value_lengths_to_be_between": _rows(
        "length_between",
        "The length of {columns} is {bounds}",
        "column",
        optional=_BOUNDS,
    ),
    "expect_column_value_lengths_to_equal": _rows(
        "length_equal", "The length of {columns} is {value}", "column", "value"
    ),
    "expect_column_value_z_scores_to_be_less_than": _rows(
        "z_score_below",
        "The z-score of {columns} is below {threshold}",
        *("column", "threshold", "double_sided"),
    ),
    # Row-wise, of several columns. With one null side, "greater" is unknown and passes.
    "expect_column_pair_values_a_to_be_greater_than_b": _pairs(
        "greater",
        "{column_A} is greater than {column_B}",
        "column_A",
        "column_B",
        optional=("or_equal",),
    ),
    "expect_column_pair_values_to_be_equal": _pairs(
        "equal", "{column_A} equals {column_B}", "column_A", "column_B"
    ),
    "expect_column_pair_values_to_be_in_set": _pairs(
        "pair_in_set",
        "The pair of {columns} is one of {value_pairs_set}",
        *("column_A", "column_B", "value_pairs_set"),
    ),
    "expect_multicolumn_sum_to_equal": _pairs(
        "sum_equal",
        "The sum of {columns} in a row is {sum_total}",
        "column_list",
        "sum_total",
    ),
    "expect_multicolumn_values_to_be_equal": _pairs(
        "all_equal", "{columns} are equal", "column_list"
    ),
    "expect_select_column_values_to_be_unique_within_record": _pairs(
        "all_different", "{columns} differ within a row", "column_list"
    ),
    COMPOUND_UNIQUE: Expectation(
        "unique",
        "No two rows agree in {columns}",
        ("column_list",),
        ("ignore_row_if",),
        row_wise=True,
    ),
    UNEXPECTED_ROWS: Expectation(
        "unexpected_rows",
        "No row is found by `{unexpected_rows_query}`",
        ("unexpected_rows_query",),
        row_wise=True,
    ),
    # Of a column as a whole.
    "expect_column_min_to_be_between": _statistic("min", "The least {columns} is {bounds}"),
    "expect_column_max_to_be_between": _statistic("max", "The greatest {columns} is {bounds}"),
    "expect_column_mean_to_be_between": _statistic("mean", "The mean {columns} is {bounds}"),
    "expect_column_median_to_be_between": _statistic("median", "The median {columns} is {bounds}"),
    "expect_column_stdev_to_be_between": _statistic(
        "stdev", "The standard deviation of {columns} is {bounds}"
    ),
    "expect_column_sum_to_be_between": _statistic("sum", "The sum of {columns} is {bounds}"),
    "expect_column_unique_value_count_to_be_between": _statistic(
        "unique_count", "The number of different {columns} is {bounds}"
    ),
    "expect_column_proportion_of_unique_values_to_be_between": _statistic(
        "unique_share", "The share of different {columns} is {bounds}"
    ),
    "expect_column_proportion_of_non_null_values_to_be_between": _statistic(
        "not_null_share", "The share of rows with {columns} is {bounds}"
    ),
    "expect_column_quantile_values_to_be_between": Expectation(
        "quantiles",
        "The quantiles of {columns} are within {quantile_ranges}",
        ("column", "quantile_ranges"),
    ),
    "expect_column_most_common_value_to_be_in_set": Expectation(
        "most_common_in_set",
        "The most common {columns} is one of {value_set}",
        ("column", "value_set"),
        ("ties_okay",),
    ),
    "expect_column_distinct_values_to_be_in_set": Expectation(
        "distinct_in_set",
        "Every {columns} is one of {value_set}",
        ("column", "value_set"),
    ),
    "expect_column_distinct_values_to_contain_set": Expectation(
        "distinct_contain", "{columns} has each of {value_set}", ("column", "value_set")
    ),
    "expect_column_distinct_values_to_equal_set": Expectation(
        "distinct_equal",
        "{columns} has each of {value_set} and no other",
        ("column", "value_set"),
    ),
    # Of the table.
    "expect_table_row_count_to_be_between": Expectation(
        "row_count", "The number of rows is {bounds}", (), _BOUNDS
    ),
    "expect_table_row_count_to_equal": Expectation(
        "row_count_equal", "The number of rows is {value}", ("value",)
    ),
    "expect_table_row_count_to_equal_other_table": Expectation(
        "row_count_as",
        "There are as many rows as in {other_table_name}",
        ("other_table_name",),
    ),
    "expect_table_column_count_to_be_between": Expectation(
        "column_count",
        "The number of columns is {bounds}",
        (),
        ("min_value", "max_value"),
    ),
    "expect_table_column_count_to_equal": Expectation(
        "column_count_equal", "The number of columns is {value}", ("value",)
    ),
    "expect_table_columns_to_match_ordered_list": Expectation(
        "columns_ordered", "The columns are, in order, {columns}", ("column_list",)
    ),
    "expect_table_columns_to_match_set": Expectation(
        "columns_match", "The columns are {columns}", ("column_set",), ("exact_match",)
    ),
    "expect_column_to_exist": Expectation(
        "exists", "There is a column {columns}", ("column",), ("column_index",)
    ),
}
