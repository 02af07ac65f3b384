import textwrap
from collections import defaultdict

import pytest

from customer_assets import settings
from customer_assets.warehouse.header import ModelError, dictionary
from customer_assets.warehouse.places import read_models
from customer_assets.warehouse.python_model import read_python_file
from customer_assets.warehouse.sql_model import column_lineage, columns_asked_of, read_model

GOOD = """\
/* ---
description: One row per customer.
key: [customer_id]
parameters:
  purchase_event: {type: varchar, description: The purchase.}
columns:
  customer_id: {type: source, description: Who.}
  n_purchases: {type: bigint, description: Purchases.}
  n_rows: {type: bigint, description: Rows.}
checks:
  - expect_column_values_to_not_be_null: {column: customer_id}
--- */
with events as (
    select customer_id, event_type = getvariable('purchase_event') as is_purchase
    from events
)

select
    events.customer_id,
    count(*) filter (where is_purchase) as n_purchases,
    count(*) as n_rows,
from events
inner join customers on events.customer_id = customers.customer_id
group by events.customer_id
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="commerce/buyers.sql"):
        path = tmp_path / "sql" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    return write


def test_all_follows_from_the_file(write):
    model = read_model(write(GOOD), "commerce")
    assert model.name == "buyers"
    assert model.inputs == ("customers", "events")
    assert model.table.layer == "commerce"
    assert list(model.table.columns) == ["customer_id", "n_purchases", "n_rows"]
    assert model.table.with_source_types({"customer_id": "bigint"}).columns["customer_id"].type == (
        "bigint"
    )


def test_lineage_goes_through_ctes_to_the_input_columns(write):
    model = read_model(write(GOOD), "commerce")
    schemas = {
        "events": {"customer_id": "bigint", "event_type": "varchar"},
        "customers": {"customer_id": "bigint"},
    }
    lineage = column_lineage(model, schemas)
    assert lineage["customer_id"] == [("events", "customer_id")]
    assert lineage["n_purchases"] == [("events", "event_type")]
    assert lineage["n_rows"] == []


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("/* ---", "/* -- ", 1, "must start with"),
        ("key: [customer_id]", "keys: [customer_id]", 3, "keys"),
        ("key: [customer_id]", "key: [customer_id", 3, "no YAML"),
        ("key: [customer_id]", "key: [somebody]", 2, "somebody"),
        (
            "n_purchases: {type: bigint, description: Purchases.}",
            "n_purchases: {type: varchar}",
            8,
            "bigint in",
        ),
        ("n_rows: {type: bigint, description: Rows.}", "low: {}", 9, "several meanings"),
        ("n_rows: {type", "n_lines: {type", 2, "n_lines, n_rows|n_lines|n_rows"),
        ("  purchase_event: {type", "  bought_event: {type", 2, "purchase_event|bought_event"),
        ("count(*) as n_rows,", "count(* as n_rows,", 21, ""),
        ("with events as", "delete from x; with events as", 13, "one SELECT"),
    ],
)
def test_a_wrong_file_is_an_error_with_its_line(write, old, new, line, words):
    import re

    path = write(GOOD.replace(old, new))
    with pytest.raises(ModelError) as error:
        read_model(path, "commerce")
    found = re.match(rf"{re.escape(str(path))}:(\d+): ", str(error.value))
    assert found is not None
    assert abs(int(found[1]) - line) <= 1
    assert re.search(words, str(error.value))


def test_a_name_that_tables_share_is_in_the_dictionary():
    """So that another type under it is an error, and its meaning stands once."""
    having = defaultdict(set)
    for root in settings.table_roots():
        for path in root.glob("*/**/*.*"):
            layer = path.relative_to(root).parts[0]
            if path.suffix == ".sql" and layer != "raw":
                columns = read_model(path, layer).table.columns
            elif path.suffix == ".py" and path.stem != "__init__":
                columns = read_python_file(path, layer, None, 0).header.columns
            else:
                continue
            for name in columns:
                having[name].add(path.stem)
    assert len(having) > 500
    assert {name for name, tables in having.items() if len(tables) > 1} <= dictionary().keys()


@pytest.mark.parametrize(
    ("sql", "asked"),
    [
        ("select day, count(*) from raw group by day", {"day"}),
        ("select * exclude (copies) from raw", {"day", "copies", "rest"}),
        ("with a as (select day from raw) select *, 1 as copies from a", {"day"}),
        ("select b.copies from other as b inner join raw on raw.day = b.day", {"day", "copies"}),
        ("select copies from other", set()),
    ],
)
def test_columns_asked_of_a_table_are_those_beside_it(sql, asked):
    assert columns_asked_of(sql, "raw", ["day", "copies", "rest"]) == asked


def test_a_source_may_replace_a_shared_file(write, tmp_path):
    write(GOOD)
    write(GOOD.replace("One row per customer.", "Ours."), "commerce/shop/buyers.sql")
    roots = [tmp_path / "sql"]
    assert read_models(roots, "shop", "event_log")["buyers"].table.description == "Ours."
    assert read_models(roots, "other", "event_log")["buyers"].owner is None
