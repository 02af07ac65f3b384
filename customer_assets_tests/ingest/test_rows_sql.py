"""sql/raw/<source>/rows.sql: flat rows of whatever landed, and what became of every line."""

import json
from decimal import Decimal

import duckdb
import polars as pl
import pytest
import yaml

from customer_assets import ingest, settings
from customer_assets.sources import EventLogSource
from customer_assets_tests.conftest import run_source

STATED = {
    "files": ["*.csv", "*.jsonl", "*.log"],
    "columns": {
        "customer_id": "who",
        "event_at": "at",
        "order_id": "order",
        "item_id": "item",
        "value": "amount",
    },
    "default_event_type": "purchase",
    "purchase_event": "purchase",
    "timezone": "UTC",
    "first_day": "2024-01-01",
    "last_day": "2024-01-31",
}
COLUMNS = ("customer_id", "order_id", "item_id", "value")
FILL_DOWN = """
select
    _line,
    "Name" as "order",
    "Email" as who,
    max("Created at") over same_order as at,
    "Lineitem sku" as item,
    cast("Lineitem quantity" as bigint) * cast("Lineitem price" as decimal(18, 4)) as amount,
from landed
window same_order as (partition by "Name")
"""


def rows(tmp_path, sql, landed, **changes):
    """Return a run over landed files whose rows a rows.sql makes."""
    own = tmp_path / "sql"
    (own / "raw" / "my_shop").mkdir(parents=True, exist_ok=True)
    (own / "raw" / "my_shop" / "rows.sql").write_text(sql)
    landing = tmp_path / "landing"
    landing.mkdir(exist_ok=True)
    for name, content in landed.items():
        (landing / name).write_text(content)
    source = EventLogSource.model_validate(STATED | changes)
    run = run_source("my_shop", source, landing, tmp_path / "home", (*settings.table_roots(), own))
    run.ingest()
    return run


def events(run, *columns):
    return sorted(run.frame("raw_events").select(*(columns or COLUMNS)).rows())


def rejected(run, *columns):
    return run.frame("rejected_rows").sort("row", "part").select(*columns).rows()


def test_fields_that_stand_in_an_order_s_first_line_only(tmp_path):
    folder = settings.PROJECT_ROOT.parent / "shared" / "cases" / "shopify_blank_order_fields"
    if not folder.is_dir():
        pytest.skip("the cases are not beside the checkout (../shared/cases)")
    stated = yaml.safe_load((folder / "defs.yaml").read_text())["attributes"]
    orders = (folder / "orders.csv").read_text()
    changes = {key: stated[key] for key in ("timezone", "currency")}
    run = rows(tmp_path, FILL_DOWN, {"orders.csv": orders}, **changes)
    assert events(run) == [
        ("ann@example.com", "#1001", "BOWL", Decimal(30)),
        ("ann@example.com", "#1001", "MUG", Decimal(20)),
        ("bob@example.com", "#1002", "BOWL", Decimal(30)),
    ]
    run.materialize("events", "order_lines", "order_returns", "orders")
    worth = run.frame("orders").select("order_id", "value").sort("order_id").rows()
    assert worth == [("#1001", Decimal(50)), ("#1002", Decimal(30))]


def test_a_time_that_stands_in_the_last_line_only_and_a_customer_in_the_first(tmp_path):
    sql = """
    select _line, first_value(who ignore nulls) over up as who, max("at") over up as at, item
    from landed window up as (partition by "order" order by _line rows between unbounded preceding
    and unbounded following)
    """
    text = "order,who,at,item\n1,ann,,a\n1,,,b\n1,,2024-01-05,c\n2,bob,,d\n"
    columns = {k: v for k, v in STATED["columns"].items() if k not in ("value", "order_id")}
    run = rows(tmp_path, sql, {"a.csv": text}, columns=columns)
    assert events(run, "customer_id", "item_id") == [("ann", "a"), ("ann", "b"), ("ann", "c")]
    assert rejected(run, "row", "reason") == [(5, "no time")]


def test_nested_lists_maps_and_lines_without_a_row(tmp_path):
    sql = """
    select
        _line,
        json ->> '$.user' as who,
        json ->> '$.at' as at,
        json ->> '$.id' as "order",
        item ->> 'sku' as item,
        (select value ->> 'number' from json_each(item, '$.params') where value ->> 'key' = 'price')
            as amount,
    from (select _line, json, unnest(cast(json -> 'items' as json[])) as item from landed)
    """
    price = [{"key": "price", "number": 2.5}, {"key": "size", "number": 9}]
    orders = [
        {"user": "ann", "at": "2024-01-05", "id": 1, "items": [{"sku": "a", "params": price}] * 2},
        {"user": "bob", "at": "2024-01-05", "id": 2, "items": []},
        {"user": "cid", "at": "soon", "id": 3, "items": [{"sku": "a", "params": []}] * 2},
    ]
    text = "\n".join(map(json.dumps, orders)) + "\nbroken\n"
    run = rows(tmp_path, sql, {"a.jsonl": text})
    assert events(run) == [("ann", "1", "a", Decimal("2.5"))] * 2
    assert rejected(run, "row", "part", "reason") == [
        (2, 1, "rows.sql gives no row for it"),
        (3, 1, "not a time in the format iso"),
        (3, 2, "not a time in the format iso"),
        (4, 1, "not JSON"),
    ]
    landed = run.frame("landed_files").select("rows_landed", "rows_loaded", "rows_rejected")
    assert landed.rows() == [(6, 2, 4)]
    assert json.loads(rejected(run, "raw_text")[0][0]) == orders[1]


def test_a_lookup_is_part_of_the_reading_and_holds_no_events(tmp_path):
    sql = """
    select landed._line, landed.who, landed.at, items.sku as item
    from landed left join items on items.id = landed.item
    """
    files = {
        "a.csv": "who,at,item\nann,2024-01-05,1\nbob,2024-01-05,2\n",
        "items.csv": "id;sku\n1;mug\n",
    }
    columns = {k: v for k, v in STATED["columns"].items() if k not in ("value", "order_id")}
    changes = {"columns": columns, "lookups": {"items": "items.csv"}}
    run = rows(tmp_path, sql, files, **changes)
    assert run.frame("raw_events").sort("customer_id")["item_id"].to_list() == ["mug", None]
    statuses = run.frame("landed_files").select("file", "status").sort("file").rows()
    assert statuses == [("a.csv", "loaded"), ("items.csv", "lookup")]
    changed = {"items.csv": "id;sku\n1;bowl\n"}
    run = rows(tmp_path, sql.replace("left join", "join"), changed, **changes)
    assert events(run, "customer_id", "item_id") == [("ann", "bowl")]
    assert rejected(run, "row", "reason") == [(3, "rows.sql gives no row for it")]


def test_lines_as_they_stand(tmp_path):
    sql = r"""
    select _line, m.who, strptime(m.at, '%d/%b/%Y:%H:%M:%S %z') as at, m.item
    from (select _line, regexp_extract(line, '^\S+ \S+ (\S+) \[(.+?)\] "GET (\S+)',
        ['who', 'at', 'item']) as m from landed)
    where m.who <> ''
    """
    log = '1.1.1.1 - ann [05/Jan/2024:10:00:00 +0200] "GET /mug HTTP/1.1" 200 5\n# rotated\n'
    columns = {k: v for k, v in STATED["columns"].items() if k not in ("value", "order_id")}
    run = rows(tmp_path, sql, {"a.log": log}, columns=columns, format={"type": "lines"})
    assert events(run, "customer_id", "item_id", "event_ts") == [("ann", "/mug", 1704441600000000)]
    assert rejected(run, "row", "raw_text") == [(2, "# rotated")]


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("select 1; select 2", "it must be one SELECT"),
        ("drop table landed", "it must be one SELECT"),
        ("select _line, now() as at from landed", "depends on the moment or on chance"),
        ("select _line from landed using sample 3", "depends on the moment or on chance"),
        ("select from where", "rows.sql"),
    ],
)
def test_sql_that_cannot_be_used_is_an_error_at_load(tmp_path, sql, why):
    with pytest.raises(ingest.RowsSqlError, match=why):
        rows(tmp_path, sql, {})


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("select * from read_text('/etc/hostname')", "disabled"),
        ("select who from landed", "must give a column _line"),
        ('select _line + 7 as _line, who, "at" from landed', "_line of no landed row"),
        ("select _line, nobody from landed", "nobody"),
    ],
)
def test_sql_that_fails_on_a_file_refuses_it_and_says_why(tmp_path, sql, why):
    run = rows(tmp_path, sql, {"a.csv": "who,at\nann,2024-01-05\n"})
    (row,) = run.frame("landed_files").select("status", "reason").rows()
    assert row[0] == "refused"
    assert why in row[1]


def test_a_parquet_file_and_its_lookup_are_read_and_nothing_beside_them(tmp_path):
    landing = tmp_path / "landing"
    landing.mkdir()
    pl.DataFrame({"id": [1], "at": ["2024-01-05"]}).write_parquet(landing / "a.parquet")
    pl.DataFrame({"id": [1], "who": ["ann"]}).write_parquet(landing / "people.parquet")
    stated = {"files": "a.parquet", "lookups": {"people": "people.parquet"}}
    columns = {"columns": {"customer_id": "who", "event_at": "at"}}
    joined = 'select landed._line, who, "at" from landed join people using (id)'
    run = rows(tmp_path, joined, {"secret.csv": "a\n1\n"}, **stated, **columns)
    assert events(run, "customer_id") == [("ann",)]
    outside = f"select _line, id as who, \"at\" from landed, '{landing / 'secret.csv'}'"
    run = rows(tmp_path, outside, {}, **stated, **columns)
    (row,) = run.frame("landed_files").filter(file="a.parquet").select("status", "reason").rows()
    assert row[0].startswith("refused")
    assert "file system operations are disabled" in row[1]


def test_a_row_is_found_again_at_its_line(tmp_path, monkeypatch):
    text = '{"who": "ann", "at": "2024-01-05"}\n{"who": "bob", "at": "2024-01-06"}\n'
    sql = "select _line, json ->> 'who' as who, json ->> 'at' as at from landed"
    columns = {"customer_id": "who", "event_at": "at"}
    run = rows(tmp_path, sql, {"a.jsonl": text}, columns=columns)
    made = ingest.rows_sql("my_shop", run.pipeline.source, run.landing, [tmp_path / "sql"])
    with duckdb.connect() as connection:
        stored = [str(path) for path in run.warehouse.relation("raw_events").files]
        connection.execute(
            "create table wanted as select 7 as _id, * exclude source_file from "
            "read_parquet($1, hive_partitioning = false) where customer_id = 'bob'",
            [stored],
        )
        found = ingest.locate_rows(
            connection,
            run.pipeline.source,
            run.landing / "a.jsonl",
            "a.jsonl",
            2_000_000_000_000_000,
            tmp_path,
            "wanted",
            made,
        )
    assert found == [(7, 2, text.splitlines()[1])]
