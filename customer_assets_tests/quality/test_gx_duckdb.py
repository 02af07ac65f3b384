"""What Great Expectations, duckdb-engine and DuckDB need to agree: shows when a release moves."""

import gc
import weakref

import duckdb
import pytest

from customer_assets.quality import Check, audit

GREATEST = ("expect_column_max_to_be_between", {"column": "x", "max_value": 2})


@pytest.fixture(scope="module", autouse=True)
def imported():
    """Great Expectations imports deprecated modules; an audit knows that, these tests do not."""
    with duckdb.connect() as connection:
        connection.execute("create table t as select 1 as x")
        audit(connection, "t", [Check("max", *GREATEST, "error", "")])


def test_the_libraries_as_shipped_still_need_our_cursor(tmp_path):
    """When this fails, a release has repaired it: `gx_duckdb` may lose its wrappers."""
    import great_expectations as gx

    file = tmp_path / "shipped.duckdb"
    with duckdb.connect(file) as connection:
        connection.execute("create table t as select 1 as x")
    context = gx.get_context(mode="ephemeral")
    source = context.data_sources.add_sql("shipped", connection_string=f"duckdb:///{file}")
    batch = source.add_table_asset("t").add_batch_definition_whole_table("t").get_batch()
    result = batch.validate(gx.expectations.ExpectColumnMaxToBeBetween(column="x", max_value=2))
    assert "list index out of range" in str(result.exception_info)


def test_a_temp_view_of_the_callers_connection_is_validated(connection):
    from customer_assets.quality import gx_duckdb

    connection.execute("create temp view v as select 1 as x")
    batch = gx_duckdb.open_batch(connection, "v")
    assert gx_duckdb.validate(batch, {"max": GREATEST}) == {
        "max": gx_duckdb.Verdict(passed=True, observed=1)
    }


def test_a_cursor_keeps_its_rows_when_the_connection_moves_on(connection):
    from customer_assets.quality import gx_duckdb

    borrowed = gx_duckdb.BorrowedConnection(connection)
    cursor = borrowed.cursor()
    cursor.execute("select * from range(25000)")
    connection.execute("select 'other'")
    assert (cursor.fetchone(), cursor.fetchmany(2)) == ((0,), [(1,), (2,)])
    assert len(cursor.fetchall()) == 24_997
    assert (cursor.fetchone(), cursor.fetchall()) == (None, [])
    borrowed.close()
    assert connection.execute("select 1").fetchall() == [(1,)]


def test_rollback_is_real(connection):
    from customer_assets.quality import gx_duckdb

    borrowed = gx_duckdb.BorrowedConnection(connection)
    borrowed.begin()
    borrowed.cursor().execute("create table t (x int)")
    borrowed.rollback()
    with pytest.raises(duckdb.CatalogException):
        connection.execute("from t")


def test_the_connection_can_be_freed_after_an_audit():
    connection = duckdb.connect()
    connection.execute("create table t as select 1 as x")
    audit(connection, "t", [Check("max", *GREATEST, "error", "")])
    freed = weakref.ref(connection)
    del connection
    gc.collect()
    assert freed() is None


def test_parameters_of_failing_rows_survive(connection):
    """Great Expectations' own text of this query loses the 4, since `len_4` holds a 4."""
    connection.execute(
        "create table t as select * from (values ('it''s 50%'), ('a\\b'), ('c')) v(len_4)"
    )
    checks = [
        Check("in", "expect_column_values_to_not_be_in_set", arguments, "error", "")
        for arguments in [{"column": "len_4", "value_set": ["it's 50%", "a\\b"]}]
    ]
    checks.append(
        Check(
            "length",
            "expect_column_value_lengths_to_be_between",
            {"column": "len_4", "max_value": 4},
            "error",
            "",
        )
    )
    inside, length = audit(connection, "t", checks)
    assert inside.sample == [{"len_4": "a\\b"}, {"len_4": "it's 50%"}]
    assert length.sample == [{"len_4": "it's 50%"}]
