"""What a statement can do that somebody smuggles into a connection: nothing outside."""

import ast

import duckdb
import pytest

from customer_assets import settings
from customer_assets.warehouse.connection import connect, of_project, scratch

STATEMENTS = [
    "from read_csv('/etc/passwd')",
    "from read_text('{home}/../../../../../../etc/passwd')",
    "from read_blob('/etc/passwd')",
    "from '/etc/passwd.csv'",
    "from read_csv('{landing}/out.csv')",
    "from glob('/etc/*')",
    "from read_json('/proc/self/environ')",
    "from parquet_metadata('/etc/passwd')",
    "from sniff_csv('/etc/passwd')",
    "from read_duckdb('/tmp/other.duckdb', table_name = 't')",
    "select getenv('HOME')",
    "copy (select 1) to '/tmp/out_of_the_home.csv'",
    "create temp table t as select 1; copy t from '/etc/passwd'",
    "export database '/tmp/out_of_the_home'",
    "import database '/tmp/out_of_the_home'",
    "attach '/tmp/out_of_the_home.db'",
    "attach 'https://example.org/a.duckdb'",
    "from read_csv('https://example.org/a.csv')",
    "from read_parquet('s3://bucket/a.parquet')",
    "create secret (type s3, key_id 'a', secret 'b')",
    "install httpfs",
    "force install httpfs from 'https://example.org'",
    "load httpfs",
    "load '/tmp/a.duckdb_extension'",
    "set memory_limit = '99GB'",
    "pragma memory_limit = '99GB'",
    "pragma enable_profiling = 'json'",
    "set profiling_output = '/tmp/out_of_the_home.json'",
    "pragma log_query_path = '/tmp/out_of_the_home.log'",
    "set temp_directory = '/tmp/out_of_the_home'",
    "set enable_external_access = true",
    "set allowed_directories = ['/']",
    "set allowed_paths = ['/etc/passwd']",
    "reset lock_configuration",
]


@pytest.fixture
def locked():
    settings.landing().mkdir(parents=True)
    (settings.landing() / "a.csv").write_text("a\n1\n")
    (settings.landing() / "out.csv").symlink_to("/etc/hostname")
    settings.warehouse_folder().mkdir(parents=True)
    with connect(of_project()) as connection:
        yield connection


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_reaches_nothing_outside(locked, statement):
    said = statement.format(home=settings.home(), landing=settings.landing())
    for connection in (locked, scratch().cursor()):
        with pytest.raises(duckdb.Error, match=r"(?i)cannot|disabled|extension|not exist"):
            connection.execute(said).fetchall()


def test_a_run_does_what_it_needs(locked):
    path = settings.warehouse_folder() / "a.parquet"
    locked.execute(f"copy (from read_csv('{settings.landing() / 'a.csv'}')) to '{path}'")
    locked.execute("set variable day = date '2026-01-01'")
    assert locked.execute(f"select a, getvariable('day') from '{path}'").fetchall()[0][0] == 1


def test_a_file_that_is_reached_lets_nobody_reach_its_neighbours(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("a\n1\n")
    with connect([tmp_path / "a.csv"]) as connection:
        assert connection.execute(f"from '{tmp_path / 'a.csv'}'").fetchall() == [(1,)]
        with pytest.raises(duckdb.PermissionException):
            connection.execute(f"from '{tmp_path / 'b.csv'}'")


def test_connections_are_opened_in_one_place_alone():
    # What DuckDB's module does by itself, without a connection, is done on one that is not locked.
    package = settings.PROJECT_ROOT / "customer_assets"
    used = {
        (file.relative_to(package).as_posix(), node.attr)
        for file in package.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "duckdb"
        and node.attr.islower()
    }
    assert used == {("warehouse/connection.py", "connect")}


def test_duckdb_draws_no_bar_of_its_own():
    # In a process that another one started it does by default, into a log too.
    with connect() as connection:
        shown = connection.execute("select current_setting('enable_progress_bar_print')")
        assert shown.fetchone() == (False,)
