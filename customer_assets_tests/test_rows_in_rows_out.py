"""`<table>.test.yaml` beside `<table>.sql`: rows in, rows out, as an analyst writes them.

A case gives rows of the tables that are read, and settings where they matter; a column that is not
named is null. Of the rows expected only the named columns are compared; their order is that of
the key.
"""

from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from customer_assets import settings
from customer_assets.behavior.succession import COLUMNS
from customer_assets.pipeline import pipeline_of
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.sql_model import SqlModel, load_macros
from customer_assets_tests.conftest import add_succession, read_source

FILES = sorted(settings.SQL_ROOT.rglob("*.test.yaml"))
SHOP = pipeline_of("web_shop", read_source("web_shop"))
CASES = [
    pytest.param(file, case, id=f"{file.name.removesuffix('.test.yaml')}: {case['case']}")
    for file in FILES
    for case in yaml.safe_load(file.read_text(encoding="utf-8"))
]


def put(connection: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, Any]]) -> None:
    """Make a table of the web shop's form; when events happened follows from their `event_at`."""
    columns = {n: column.type for n, column in SHOP.tables[name].columns.items()}
    unknown = {key for row in rows for key in row} - columns.keys()
    assert not unknown, f"{name} has no column {', '.join(sorted(unknown))}"
    made = ", ".join(f"{quoted(n)} {kind}" for n, kind in columns.items())
    connection.execute(f"create table {quoted(name)} ({made})")
    for row in rows:
        names = ", ".join(map(quoted, row))
        values = ", ".join(literal(value) for value in row.values())
        connection.execute(f"insert into {quoted(name)} ({names}) values ({values})")
    if name == "events":
        connection.execute(
            "update events set event_date = event_at::date, event_ts = epoch_us(event_at)"
        )
        connection.execute("".join(f"alter table events drop column {n};" for n in COLUMNS))
        add_succession(connection)


@pytest.mark.parametrize(("file", "case"), CASES)
def test_rows_in_rows_out(file: Path, case: dict[str, Any]) -> None:
    assert case.keys() <= {"case", "settings", "given", "expect"}, case.keys()
    model = SHOP.models[file.name.removesuffix(".test.yaml")]
    assert isinstance(model, SqlModel)
    with duckdb.connect(config={"threads": 1}) as connection:
        load_macros(connection)
        for parameter, column in model.parameters.items():
            value = literal(case.get("settings", {}).get(parameter))
            connection.execute(f"set variable {parameter} = cast({value} as {column.type})")
        for name, rows in case["given"].items():
            put(connection, name, rows)
        key = ", ".join(map(quoted, model.table.key))
        result = connection.sql(f"select * from ({model.sql}) as made order by {key}")
        found = [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]
    assert len(found) == len(case["expect"]), found
    for row, wanted in zip(found, case["expect"], strict=True):
        assert {name: row[name] for name in wanted} == wanted


def test_a_dozen_tables_have_rows() -> None:
    assert len(FILES) >= 12
