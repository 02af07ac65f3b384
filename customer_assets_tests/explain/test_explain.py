"""A number is followed to the lines of the landed files, which are then counted by other means."""

import csv
import datetime as dt
import json
import os
import random
import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from customer_assets import customer_tables
from customer_assets.explain import CellError, Explanation, as_csv, as_json, as_text, explain, steps
from customer_assets.explain.alone import NotSeparableError, for_each_unit
from customer_assets.project import open_warehouse, read_pipeline
from customer_assets.sample import write_sample
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.places import read_models
from customer_assets_tests.conftest import NOW, SourceRun, run_source

DAY = dt.timedelta(days=1)
FIRST = dt.datetime(2025, 3, 1)
TABLES = (
    "events", "customer_day", "first_seen", "calendar", "session_fragments", "sessions",
    "order_lines", "orders", "hourly_traffic", "daily_traffic", "funnel_entries",
    "funnel_active", "funnel_steps", "funnel", "retention", "lifecycle",
    "stickiness", "rfm", "sales_daily", "sales_monthly", "customer_segments", "segment_profile",
    "accounting",
)  # fmt: skip

SOURCE = EventLogSource.model_validate(
    {
        "files": "*.csv",
        "columns": {
            "customer_id": {"from": "customer", "type": "bigint"},
            "event_at": "time",
            "event_type": "event",
            "item_id": "product",
            "order_id": "order",
            "quantity": "units",
            "value": "amount",
        },
        "view_event": "view",
        "purchase_event": "buy",
        "timezone": "UTC",
        "first_day": "2025-03-01",
        "last_day": "2025-03-08",
        "currency": "EUR",
        "funnels": {"purchase": {"steps": ["view", "cart", "buy"], "window": "1 day"}},
    }
)


def shop_rows() -> list[list[str]]:
    """Eight days of forty customers, some of whom go on after midnight; some lines come twice.

    On the last day twenty more buy without a look, so that there are enough for segments.
    """
    chance = random.Random(7)
    rows = []
    for customer in range(1, 41):
        for _ in range(chance.randint(1, 5)):
            at = FIRST + dt.timedelta(minutes=chance.randrange(8 * 1440 - 200))
            order = f"A{customer}-{at:%d%H%M}"
            for event in ("view", "cart", "buy")[: chance.randint(1, 3)]:
                amount = f"{chance.randint(1, 90)}.5" if event == "buy" else ""
                is_buy = event == "buy"
                rows.append(
                    [str(customer), f"{at:%Y-%m-%d %H:%M:%S}", event, f"p{chance.randint(1, 9)}",
                     order if is_buy else "", "1" if is_buy else "", amount]
                )  # fmt: skip
                at += dt.timedelta(minutes=chance.randint(1, 90))
    chance.shuffle(rows)
    last = FIRST + dt.timedelta(days=7)
    return rows + [
        [str(customer), f"{last:%Y-%m-%d} 12:00:00", "buy", "p1", f"A{customer}", "1", "5.0"]
        for customer in range(41, 61)
    ]


def land(folder: Path, name: str, rows: list[list[str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [["customer", "time", "event", "product", "order", "units", "amount"], *rows]
        )
    moment = dt.datetime(2025, 6, 1, tzinfo=dt.UTC).timestamp()
    os.utime(folder / name, (moment, moment))


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch):
    """What is left out may not depend on how busy the machine is."""
    monkeypatch.setattr(steps, "SECONDS_TO_NARROW", 900.0)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SourceRun:
    folder = tmp_path_factory.mktemp("explained")
    rows = shop_rows()
    land(folder / "landing", "a.csv", rows[:150])
    # The first lines are delivered again: each of them stands for two landed rows.
    land(folder / "landing", "b.csv", [*rows[:10], *rows[150:]])
    run = run_source("shop", SOURCE, folder / "landing", folder / "home")
    run.ingest()
    run.materialize(*TABLES, "order_returns")
    return run


def explained(run: SourceRun, table: str, where: str, column: str) -> Explanation:
    return explain(run.pipeline, run.warehouse, run.landing, table, where, column, NOW)


def lines(run: SourceRun, answer: Explanation) -> list[dict[str, str]]:
    """Read the landed rows of an answer again, by file and line number alone."""
    found = []
    for row in answer.landed.rows["raw_events"].iter_rows(named=True):
        text = (run.landing / row["file"]).read_text().splitlines()
        assert text[row["row"] - 1] == row["raw_text"]
        found.append(dict(zip(text[0].split(","), row["raw_text"].split(","), strict=True)))
    return found


def landed(run: SourceRun) -> list[dict[str, str]]:
    """All different rows of the landing folder."""
    texts = [file.read_text().splitlines() for file in sorted(run.landing.iterdir())]
    rows = [row for text in texts for row in csv.DictReader(text)]
    return [dict(each) for each in {tuple(row.items()) for row in rows}]


def day(row: dict[str, str]) -> str:
    return row["time"][:10]


def converted(rows: list[dict[str, str]], entry_day: str) -> set[str]:
    """The customers who view on a day, then cart, then buy within a day: one by one."""
    found = set()
    for customer in {row["customer"] for row in rows}:
        own = sorted((row["time"], row["event"]) for row in rows if row["customer"] == customer)
        for start, first in own:
            if first != "view" or start[:10] != entry_day:
                continue
            end = str(dt.datetime.fromisoformat(start) + DAY)
            after = [event for at, event in own if start < at <= end]
            if "cart" in after and "buy" in after[after.index("cart") :]:
                found.add(customer)
    return found


def test_a_funnel_cell_is_recounted_in_the_landing_files(shop):
    for entry_day in ("2025-03-03", "2025-03-05"):
        answer = explained(shop, "funnel", f"entry_date = '{entry_day}' and step = 3", "n_reached")
        reached = answer.rows["n_reached"].item()
        assert reached > 0
        assert answer.is_proved
        assert answer.adds_up
        found = lines(shop, answer)
        assert converted(found, entry_day) == converted(landed(shop), entry_day)
        assert converted(found, entry_day) == set(map(str, answer.customers["customer_id"]))
        assert len(converted(found, entry_day)) == reached
        # Three steps each, and nothing else; a row that was delivered twice is there twice.
        assert len({tuple(row.items()) for row in found}) == 3 * reached


def test_a_retention_cell_is_recounted_in_the_landing_files(shop):
    where = (
        "cohort_start = '2025-03-02' and period = 'day' and activity = 'event' "
        "and cohort_mode = 'recurring' and measure = 'n_day' and from_interval = 2"
    )
    answer = explained(shop, "retention", where, "n_retained_customers")
    on = {d: {r["customer"] for r in landed(shop) if day(r) == f"2025-03-0{d}"} for d in (2, 4)}
    assert answer.is_proved
    assert answer.rows["n_retained_customers"].item() == len(on[2] & on[4]) > 0
    assert set(map(str, answer.customers["customer_id"])) == on[2] & on[4]
    found = lines(shop, answer)
    assert {(r["customer"], day(r)) for r in found} >= {
        (customer, f"2025-03-0{d}") for customer in on[2] & on[4] for d in (2, 4)
    }


def test_money_adds_up_over_the_landed_lines(shop):
    answer = explained(shop, "sales_daily", "sales_date = '2025-03-04'", "revenue")
    bought = [r for r in landed(shop) if day(r) == "2025-03-04" and r["event"] == "buy"]
    different = {tuple(row.items()) for row in lines(shop, answer)}
    assert answer.is_proved
    assert different == {tuple(row.items()) for row in bought}
    assert float(answer.rows["revenue"].item()) == sum(float(r["amount"]) for r in bought) > 0
    by_customer = {c: float(v) for c, v in answer.customers.iter_rows()}
    assert sum(by_customer.values()) == float(answer.rows["revenue"].item())


def test_a_customers_value_is_the_sum_of_the_lines(shop):
    customer = shop.frame("rfm").sort("monetary")["customer_id"][-1]
    answer = explained(shop, "rfm", f"customer_id = {customer}", "monetary")
    own = [r for r in landed(shop) if r["customer"] == str(customer) and r["event"] == "buy"]
    assert answer.is_proved
    assert {tuple(r.items()) for r in lines(shop, answer)} == {tuple(r.items()) for r in own}
    assert float(answer.rows["monetary"].item()) == sum(float(r["amount"]) for r in own)


def test_a_sum_of_sums_is_followed_through_both(shop):
    answer = explained(shop, "sales_monthly", "true", "revenue")
    assert answer.is_proved
    assert [step.table for step in answer.steps] == [
        "sales_monthly", "sales_daily", "order_lines", "events"
    ]  # fmt: skip
    assert {r["event"] for r in lines(shop, answer)} == {"buy"}


def test_a_rank_says_that_it_takes_all_customers(shop):
    customer = shop.frame("rfm").sort("monetary")["customer_id"][-1]
    answer = explained(shop, "rfm", f"customer_id = {customer}", "m_score")
    (step,) = [step for step in answer.steps if step.table == "rfm"]
    assert not answer.is_proved
    assert any(used.is_whole for used in step.used)
    assert "depends on other rows too" in as_text(answer)
    assert {r["customer"] for r in lines(shop, answer)} == {str(customer)}


@pytest.mark.parametrize("table", TABLES)
def test_every_number_of_every_table_has_a_way_back(shop, table):
    described = shop.pipeline.tables[table]
    numbers = [n for n, c in described.columns.items() if c.type in ("bigint", "decimal(18,4)")]
    rows = shop.frame(table)
    known = [n for n in numbers if n not in described.key and rows[n].is_not_null().any()]
    column = [*known, described.key[-1]][0]
    values = rows.filter(pl.col(column).is_not_null()).head(1)
    keys = [f"{name} is not distinct from '{values[name].item()}'"
            for name in described.key if values[name].item() is not None]  # fmt: skip
    answer = explained(shop, table, " and ".join(keys), column)
    assert answer.steps or table == "events"
    assert not answer.notes
    for step in answer.steps:
        assert step.is_proved or any(used.is_whole for used in step.used)
    assert answer.landed.problems == []
    assert all(frame["row"].null_count() == 0 for frame in answer.landed.rows.values())


def test_copies_of_a_row_are_all_named(shop):
    copied = shop.frame("events").filter(pl.col("n_copies") == 2).row(0, named=True)
    answer = explained(
        shop,
        "customer_day",
        f"customer_id = {copied['customer_id']} and event_date = '{copied['event_date']}'",
        "n_events",
    )
    places = answer.landed.rows["raw_events"].filter(pl.col("event_ts") == copied["event_ts"])
    assert sorted(places["file"]) == ["a.csv", "b.csv"]


def test_rejected_rows_have_their_place_already(shop, tmp_path):
    land(
        tmp_path / "landing", "a.csv", [*shop_rows()[:5], ["9", "no time", "view", "", "", "", ""]]
    )
    run = run_source("shop", SOURCE, tmp_path / "landing", tmp_path / "home")
    run.ingest()
    run.materialize("events", "accounting")
    answer = explained(run, "accounting", "n_rejected > 0", "n_rejected")
    assert answer.is_proved
    assert answer.landed.rows["rejected_rows"].select("file", "row").rows() == [("a.csv", 7)]


def test_a_file_that_was_changed_since_is_not_searched(shop, tmp_path):
    for file in shop.landing.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "a.csv").write_text("customer,time\n")
    elsewhere = replace(shop, landing=tmp_path)
    answer = explained(elsewhere, "sales_daily", "sales_date = '2025-03-04'", "revenue")
    assert answer.landed.problems == [
        "a.csv: it is not the file that was loaded: refresh the source"
    ]
    assert "not found" in as_text(answer, limit=1000)


@pytest.mark.parametrize(
    ("table", "where", "column", "complaint"),
    [
        (
            "funnels",
            "true",
            "n_reached",
            "no table is named 'funnels'; did you mean funnel",
        ),
        (
            "funnel",
            "true",
            "reached",
            "funnel has no column 'reached'; there are funnel, entry_date",
        ),
        ("funnel", "stp = 1", "n_reached", "funnel has no column stp; it has"),
        ("funnel", "step =", "n_reached", "no condition that can be read"),
        ("funnel", "step = 1; drop table x", "n_reached", "no condition that can be read"),
        ("funnel", "true) or (true", "n_reached", "more than one condition"),
        ("funnel", "step in (select 1)", "n_reached", "cannot hold another select"),
        ("funnel", "entry_date = 'soon'", "n_reached", "cannot be used: Conversion Error"),
        ("paths", "true", "n_steps", "paths is not published yet"),
    ],
)
def test_a_cell_that_there_is_not(shop, table, where, column, complaint):
    with pytest.raises(CellError, match=re.escape(complaint)):
        explained(shop, table, where, column)


def test_no_row_is_said_to_be_no_row(shop):
    answer = explained(shop, "funnel", "step = 99", "n_reached")
    assert "nothing there" in as_text(answer)


SCORES = '''"""---
description: One row per customer.
key: [customer_id]
columns:
  customer_id: {type: source, description: Who.}
  probability: {type: double, description: How likely.}
  version: {type: varchar, description: Version of the model.}
  reasons: {type: varchar, description: Strongest features.}
---
"""

import polars as pl


def compute(rfm):
    reasons = '[{"feature": "n_orders", "value": 2, "effect": 0.4}]'
    told = {"probability": 0.25, "version": "v7", "reasons": reasons}
    return rfm.select("customer_id", *(pl.lit(value).alias(n) for n, value in told.items()))
'''


def test_a_model_score_is_told_by_what_there_is(shop, tmp_path):
    """No way leads back through a model: its features, reasons and version are what can be said."""
    path = tmp_path / "own" / "models" / "model_scores.py"
    path.parent.mkdir(parents=True)
    path.write_text(SCORES)
    score = read_models([tmp_path / "own"], "shop", "event_log")["model_scores"]
    table = score.table.with_source_types(shop.pipeline.source.source_types())
    tables = {**shop.pipeline.tables, "model_scores": table}
    score = replace(score, table=table)
    models = {**shop.pipeline.models, "model_scores": score}
    pipeline = replace(shop.pipeline, models=models, tables=tables)
    warehouse = replace(shop.warehouse, tables=tables)
    run = replace(shop, pipeline=pipeline, warehouse=warehouse)
    run.materialize("model_scores")
    customer = run.frame("rfm")["customer_id"][0]
    answer = explained(run, "model_scores", f"customer_id = {customer}", "probability")
    text = as_text(answer)
    assert "version" in text
    assert "v7" in text
    assert '"feature": "n_orders"' in text
    assert "a function in Python, which looks at all rows at once" in text
    assert answer.tables["rfm"]["customer_id"].to_list() == [customer]
    assert not answer.is_proved


def test_a_customer_of_a_customer_table_is_found_in_all_files(tmp_path, monkeypatch):
    monkeypatch.setenv("CUSTOMER_ASSETS_HOME", str(tmp_path / "home"))
    landing = tmp_path / "one_click"
    write_sample("one_click", landing, tell=lambda text: None)
    pipeline = read_pipeline("one_click")
    with open_warehouse(pipeline) as warehouse:
        prepared = customer_tables.prepare(
            warehouse.engine.connection, "one_click", pipeline.source, landing, warehouse.folder,
            now=NOW, run_id="test", tell=lambda text: None,
        )  # fmt: skip
        for name, staged in prepared.staged.items():
            warehouse.publish(name, staged)
        parameters = pipeline.parameters(NOW)
        for name, model in pipeline.models.items():
            if name.startswith(("typed_", "customers", "rejected_customers")):
                list(warehouse.materialize(model, parameters))
        answer = explain(
            pipeline, warehouse, landing, "rejected_customers", "rule = 'inactive'", "rule", NOW
        )
    assert answer.is_proved
    assert answer.customers.height == 3
    for row in answer.landed.rows["raw_market_money"].iter_rows(named=True):
        line = (landing / row["file"]).read_text().splitlines()[row["row"] - 1]
        assert line.startswith(f"{row['customer_id']},{row['period']}")


def test_an_answer_is_harmless_wherever_it_goes(shop, tmp_path):
    nasty = ["=HYPERLINK(1)", "<script>alert(1)</script>", "\u202eright", "a" * 10_000, "🛒\x1b[2J"]
    rows = [["1", f"2025-03-01 10:0{i}:00", "buy", text, f"o{i}", "1", "1"]
            for i, text in enumerate(nasty)]  # fmt: skip
    land(tmp_path / "landing", "a.csv", rows)
    run = run_source("nasty", SOURCE, tmp_path / "landing", tmp_path / "home")
    run.ingest()
    run.materialize("events", "customer_day")
    answer = explained(run, "customer_day", "true", "n_purchases")
    assert answer.landed.n_rows == len(nasty)
    text = as_text(answer)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert max(map(len, text.splitlines())) < 500
    assert b"'=HYPERLINK(1)" in as_csv(answer)
    kept = {row["item_id"] for row in json.loads(as_json(answer))["landed"]["raw_events"]}
    assert kept == set(nasty)


def test_what_mixes_units_is_not_taken_apart():
    with pytest.raises(NotSeparableError, match="limit"):
        for_each_unit("select customer_id from events order by 1 limit 3", {"events"})
    with pytest.raises(NotSeparableError, match="no input"):
        for_each_unit("select 1 as one", {"events"})


def test_each_unit_is_computed_alone(connection):
    connection.execute(
        "create table events as select * from (values (1, 'a', 5), (1, 'b', 7), (2, 'a', 1)) "
        "as t(_unit, kind, n)"
    )
    alone = for_each_unit(
        "with sums as (select kind, sum(n) as n from events group by kind), "
        "shares as (select *, n / sum(n) over () as share from sums) select kind, n, share "
        "from shares",
        {"events"},
    )
    rows = connection.execute(
        f"select _unit, kind, n, share from ({alone}) order by all"
    ).fetchall()
    assert rows == [(1, "a", 5, 5 / 12), (1, "b", 7, 7 / 12), (2, "a", 1, 1.0)]
