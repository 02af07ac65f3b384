"""The recipes are right: what they show is read, to the last row, and has its tables."""

import re
from decimal import Decimal

import pytest
import yaml

from customer_assets import settings
from customer_assets.reports.page import SURENESS_PAGE
from customer_assets.sources import EventLogSource
from customer_assets_tests.conftest import run_source

FOLDER = settings.PROJECT_ROOT / "docs" / "recipes"
EXAMPLE = re.compile(r"<!-- example: (?P<name>\S+) -->\n```\w+\n(?P<text>.*?)```\n", re.DOTALL)
# Events, customers, and what purchases were worth; without money, null.
WANTED = {
    "ga4": (3, 1, "42.5"),
    "h_and_m": (2, 1, "47.98"),
    "instacart": (2, 1, None),
    "olist": (2, 2, "148.69"),
    "posthog": (2, 1, "12.5"),
    "rees46": (3, 3, "130.76"),
    "retailrocket": (2, 2, None),
    "shopify": (2, 1, "50"),
    "stripe": (2, 1, "20"),
    "yoochoose": (4, 2, "22933"),
}
# With visits, without money, with purchases alone: all their tables and the report; of the others
# the tables that lead to orders.
WHOLE = {"ga4", "instacart", "stripe"}
TO_ORDERS = ("events", "order_lines", "order_returns", "orders")


def test_every_recipe_is_run():
    assert sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README") == list(
        WANTED
    )


@pytest.mark.parametrize("name", WANTED)
def test_a_recipe_gives_its_tables(tmp_path, name):
    examples = EXAMPLE.finditer((FOLDER / f"{name}.md").read_text(encoding="utf-8"))
    for example in examples:
        path = tmp_path / example["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(example["text"], encoding="utf-8")
    text = (tmp_path / "customer_assets" / "defs" / name / "defs.yaml").read_text(encoding="utf-8")
    source = EventLogSource.model_validate(yaml.safe_load(text)["attributes"])
    roots = (*settings.table_roots(), tmp_path / "sql")
    run = run_source(name, source, tmp_path / "landing" / name, tmp_path / "home", roots)
    run.ingest()
    landed = run.frame("landed_files")
    assert set(landed["status"]) <= {"loaded", "lookup"}, landed["reason"].to_list()
    assert run.frame("rejected_rows").rows() == []
    events, customers, worth = WANTED[name]
    raw = run.frame("raw_events")
    assert (raw.height, raw["customer_id"].n_unique()) == (events, customers)
    tables = () if name in WHOLE else TO_ORDERS
    run.materialize(*tables, days=sorted(set(raw["event_date"])))
    orders = run.frame("orders")
    assert orders.height > 0
    total = orders.filter(orders["value"].is_not_null())["value"]
    assert (total.sum() if len(total) else None) == (worth and Decimal(worth))
    if name not in WHOLE:
        return
    page = run.report(tmp_path / "reports").with_name(SURENESS_PAGE).read_text(encoding="utf-8")
    assert re.search(rf"= *{events} events", re.sub(r"(<[^>]*>|\s)+", " ", page))
