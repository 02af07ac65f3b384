"""The shop that questions are asked of: web_shop's sample, its tables published and shown."""

import datetime as dt
import json

import pytest

from customer_assets.ask import open_warehouse
from customer_assets.sample import write_sample
from customer_assets.warehouse.catalog import take_snapshot
from customer_assets_tests.conftest import read_source, run_source

# Every table that is asked for, or compared with; what these need comes with them.
TABLES = (
    "orders",
    "sessions",
    "funnel_people",
    "retention",
    "paths",
    "segment_measures",
    "sales_daily",
    "lifecycle",
)


@pytest.fixture(scope="package")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ask")
    landing = folder / "landing" / "web_shop"
    files = write_sample("web_shop", folder / "sample", rows=6000, tell=lambda text: None)
    # Three weeks are enough, and one file is read ten times as fast as twenty. Late events of the
    # weeks before would make days of a few rows.
    last = files[-21:]
    rows = [row for file in last for row in file.read_text().splitlines(keepends=True)]
    landing.mkdir(parents=True)
    (landing / "events_all.jsonl").write_text(
        "".join(row for row in rows if json.loads(row)["occurred_at"][:10] > last[0].stem[-10:])
    )
    run = run_source("web_shop", read_source("web_shop"), landing, folder / "home" / "warehouse")
    run.now = dt.datetime.now(dt.UTC)
    run.ingest()
    run.materialize(*needed(run.pipeline.models, TABLES))
    take_snapshot(run.warehouse.folder, run.pipeline.tables.values())
    return run


def needed(models, names):
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name in models and name not in found and not models[name].training:
            found.add(name)
            waiting += models[name].inputs
    return tuple(found)


@pytest.fixture
def shop(published, monkeypatch):
    monkeypatch.setenv("CUSTOMER_ASSETS_HOME", str(published.warehouse.folder.parent.parent))
    return open_warehouse("web_shop")
