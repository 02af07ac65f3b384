"""Why pyproject.toml holds DuckDB below 2: lift the pin when this passes on the new release."""


def test_bulk_rows_into_a_table_made_in_the_same_transaction_are_counted(connection):
    # DuckDB 2.0.0 answered 0 rows here, also after the commit, and raised nothing.
    connection.execute("begin")
    connection.execute("create table bulk as select range as n from range(1) limit 0")
    connection.execute("insert into bulk select range from range(200000)")
    assert connection.execute("select count(*), min(n) from bulk").fetchall() == [(200_000, 0)]
    connection.execute("commit")
    assert connection.execute("select count(*), min(n) from bulk").fetchall() == [(200_000, 0)]
