"""What Spark is told, what it is not told, and why: without a server."""

import subprocess
import sys
from pathlib import Path

import pytest

from customer_assets.pipeline import pipeline_of
from customer_assets.spark.translate import NotPortableError, is_candidate, translated
from customer_assets.warehouse.header import ModelError
from customer_assets.warehouse.sql_model import SqlModel, read_model
from customer_assets_tests.conftest import read_source

HEADER = """/* ---
description: One row per customer.
key: [customer_id]
parameters:
  first_day: {{type: date, description: "First day."}}
columns:
  customer_id: {{type: bigint, description: "Who."}}
  made_up: {{type: {kind}, description: "A figure."}}
{more}--- */
"""
EVENTS = pipeline_of("taobao", read_source("taobao")).tables["events"]


def model_of(folder: Path, expression: str, kind: str = "bigint", more: str = "") -> SqlModel:
    path = folder / "figures.sql"
    path.write_text(
        HEADER.format(kind=kind, more=more)
        + "with days as (select customer_id, event_date, event_at, event_ts, event_type, value,\n"
        + "    getvariable('first_day') as first_day, from events)\n"
        + f"select\n    customer_id,\n    {expression} as made_up,\nfrom days\n"
        + "group by customer_id, event_date, first_day, event_at"
    )
    return read_model(path, "behavior")


def spark_of(folder: Path, expression: str) -> str:
    text = translated(model_of(folder, expression), {"events": EVENTS}, {"first_day": "2017-11-25"})
    return text.split(") SELECT customer_id, ")[1].split(" AS made_up FROM")[0]


@pytest.mark.parametrize("name", ["taobao", "web_shop", "online_retail"])
def test_every_table_without_a_double_is_translated_or_says_that_it_stays(name, monkeypatch):
    monkeypatch.setenv("CUSTOMER_ASSETS_ENGINE", "sc://127.0.0.1:1")
    pipeline = pipeline_of(name, read_source(name))
    routed = [model for model in pipeline.models.values() if is_candidate(model)]
    assert {"customer_interests", "related_things", "recommendation_lists"} <= {
        model.name for model in routed
    }
    assert len(routed) >= 25


@pytest.mark.parametrize(
    ("duckdb", "spark"),
    [
        (
            "date_diff('day', first_day, event_date)",
            "CAST(DATEDIFF(CAST(event_date AS DATE), CAST(first_day AS DATE)) AS BIGINT)",
        ),
        ("extract(hour from event_at)", "CAST(EXTRACT(HOUR FROM event_at) AS BIGINT)"),
        (
            "extract(second from event_at)",
            "CAST(FLOOR(EXTRACT(SECOND FROM event_at)) AS BIGINT)",
        ),
        (
            "arg_min(event_ts, event_at) filter (where event_type = 'pv')",
            "MIN_BY(event_ts, event_at) FILTER(WHERE event_type = 'pv' AND NOT event_ts IS NULL)",
        ),
        (
            "row_number() over (order by customer_id desc)",
            "CAST(ROW_NUMBER() OVER (ORDER BY customer_id DESC) AS BIGINT)",
        ),
        (
            "row_number() over (order by customer_id)",
            "CAST(ROW_NUMBER() OVER (ORDER BY customer_id NULLS LAST) AS BIGINT)",
        ),
        ("hour(event_at) // 7", "CAST(HOUR(event_at) AS BIGINT) DIV 7"),
        ("k_ln_k(2)", None),
        (
            "list_sort(list(event_ts))",
            "CASE WHEN COUNT(*) > 0 THEN ARRAY_SORT(TRANSFORM(COLLECT_LIST("
            "NAMED_STRUCT('value', event_ts)), entry -> entry.value)) END",
        ),
    ],
)
def test_what_differs_is_repaired(tmp_path, duckdb, spark):
    if spark is None:
        # A macro is read as what it says, and refused for what it holds.
        with pytest.raises(NotPortableError, match=r"LN\(.*whole millionths"):
            spark_of(tmp_path, duckdb)
    else:
        assert spark_of(tmp_path, duckdb) == spark


@pytest.mark.parametrize(
    ("expression", "instead"),
    [
        ("dayofweek(event_date)", "counts from Monday"),
        ("isodow(event_date)", "counts from Monday"),
        ("date_diff('month', first_day, event_date)", "epoch units"),
        ("event_date - first_day", r"date_diff\('day', a, b\)"),
        ("event_at + interval 1 day", "epoch microseconds"),
        ("median(event_ts)", "the row in the middle"),
        ("quantile_cont(event_ts, 0.5)", "the row of the place"),
        ("avg(event_ts)", "whole numbers or decimals"),
        ("sum(event_ts / 3)", "whole numbers or decimals"),
        ("cast(event_ts / 3 as bigint)", r"floor\(x \+ 0.5\)"),
        ("cast(sum(value) as bigint)", r"floor\(x \+ 0.5\)"),
        ("sum(value) / count(value)", "both sides to double"),
        ("round(event_ts / 3)", r"floor\(x \+ 0.5\)"),
        ("list(event_ts)", r"list_sort\(list\(x\)\)"),
        ("list(event_ts order by event_at)[1]", "nobody compared it"),
        ("hash(customer_id)", "nobody compared it"),
        ("length(cast(event_at as varchar))", "nobody compared it"),
        ("ln(customer_id)", "whole millionths"),
        ("epoch_us(event_at)", "nobody compared it"),
        ("upper(event_type)", "letters that are meant"),
        ("string_agg(event_type, ',')", "order by key"),
        ("case when event_type like 'a\\b' then 1 end", "without"),
    ],
)
def test_what_spark_would_take_otherwise_is_refused_with_its_line(tmp_path, expression, instead):
    with pytest.raises(NotPortableError, match=instead) as refusal:
        spark_of(tmp_path, expression)
    # The expression stands on the fifth line after the header of nine.
    assert str(refusal.value).startswith(f"{tmp_path}/figures.sql:14: ")
    assert "`engine: duckdb` in the header" in str(refusal.value)


def test_a_header_keeps_its_table_on_duckdb(tmp_path):
    assert is_candidate(model_of(tmp_path, "count(*)"))
    assert not is_candidate(model_of(tmp_path, "count(*)", more="engine: duckdb\n"))
    assert not is_candidate(model_of(tmp_path, "avg(event_ts)", kind="double"))
    assert not is_candidate(model_of(tmp_path, "count(*)", more="ledger: true\n"))
    with pytest.raises(ModelError, match="engine"):
        model_of(tmp_path, "count(*)", more="engine: spark\n")


def test_definitions_name_what_is_refused_where_spark_computes(tmp_path, monkeypatch):
    own = tmp_path / "sql" / "behavior"
    own.mkdir(parents=True)
    model_of(own, "cast(median(event_ts) as bigint)")
    from customer_assets import settings

    roots = [*settings.table_roots(), tmp_path / "sql"]
    pipeline_of("taobao", read_source("taobao"), roots)
    monkeypatch.setenv("CUSTOMER_ASSETS_ENGINE", "sc://127.0.0.1:1")
    with pytest.raises(ModelError, match=r"figures.sql:14: MEDIAN\(event_ts\)"):
        pipeline_of("taobao", read_source("taobao"), roots)


def test_without_the_setting_nothing_of_spark_is_imported():
    """Nor does Great Expectations, which looks whether it is there."""
    program = (
        "import sys, duckdb\n"
        "import customer_assets.definitions\n"
        "from customer_assets.quality import audit\n"
        "from customer_assets.spark import engine_on\n"
        "from customer_assets.quality.checks import Check\n"
        "with duckdb.connect() as connection, engine_on(connection) as engine:\n"
        "    connection.execute('create table rows as select 1 as n')\n"
        "    name = 'expect_column_values_to_not_be_null'\n"
        "    check = Check('n', name, {'column': 'n'}, 'error', 'No null.')\n"
        "    (result,) = audit(connection, 'rows', [check])\n"
        "    assert result.passed, result\n"
        "    assert 'great_expectations' in sys.modules\n"
        "    assert type(engine).__name__ == 'DuckDBEngine'\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('pyspark', 'grpc_status')])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stdout.strip().endswith("[]"), ran.stdout + ran.stderr
