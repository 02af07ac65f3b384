"""What a statement can do that somebody smuggles into a run's connection: nothing outside."""

import duckdb
import pytest

from customer_assets import settings
from customer_assets.warehouse.engine import DuckDBEngine, lock_down


@pytest.fixture
def locked():
    settings.landing().mkdir(parents=True)
    (settings.landing() / "a.csv").write_text("a\n1\n")
    (settings.landing() / "out.csv").symlink_to("/etc/hostname")
    settings.warehouse_folder().mkdir(parents=True)
    with duckdb.connect(config=settings.duckdb_limits()) as connection:
        yield DuckDBEngine(lock_down(connection)).connection


@pytest.mark.parametrize(
    "statement",
    [
        "from read_csv('/etc/passwd')",
        "from read_text('{home}/../../../../../../etc/passwd')",
        "from read_csv('{landing}/out.csv')",
        "from glob('/etc/*')",
        "copy (select 1) to '/tmp/out_of_the_home.csv'",
        "attach '/tmp/out_of_the_home.db'",
        "from read_csv('https://example.org/a.csv')",
        "install httpfs",
        "load httpfs",
        "set memory_limit = '99GB'",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
        "reset lock_configuration",
    ],
)
def test_a_statement_reaches_nothing_outside(locked, statement):
    said = statement.format(home=settings.home(), landing=settings.landing())
    with pytest.raises(duckdb.Error, match=r"(?i)cannot|disabled|not allowed"):
        locked.execute(said).fetchall()


def test_a_run_does_what_it_needs(locked):
    path = settings.warehouse_folder() / "a.parquet"
    locked.execute(f"copy (from read_csv('{settings.landing() / 'a.csv'}')) to '{path}'")
    locked.execute("set variable day = date '2026-01-01'")
    assert locked.execute(f"select a, getvariable('day') from '{path}'").fetchall()[0][0] == 1
