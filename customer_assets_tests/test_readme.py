"""The README's examples, run as they stand."""

import datetime as dt
import re
import shutil

import pytest
import yaml

from customer_assets import settings
from customer_assets.__main__ import main
from customer_assets.ingest.inspect import draft_yaml, inspect
from customer_assets.sources import EventLogSource
from customer_assets_tests.conftest import read_source, run_source

README = (settings.PROJECT_ROOT / "README.md").read_text()


def example(name):
    return re.search(rf"<!-- example: {re.escape(name)} -->\n```\w+\n(.*?)```", README, re.DOTALL)[
        1
    ]


@pytest.fixture
def landing(tmp_path):
    folder = tmp_path / "my_shop"
    folder.mkdir()
    (folder / "clicks.csv").write_text(example("my_shop/clicks.csv"))
    return folder


def shop(landing, tmp_path, attributes):
    source = EventLogSource.model_validate(attributes)
    run = run_source("my_shop", source, landing, tmp_path / "home")
    run.now = dt.datetime.now(dt.UTC)
    run.ingest()
    return run


@pytest.fixture
def stated():
    return yaml.safe_load(example("my_shop/defs.yaml"))["attributes"]


def test_ten_lines_of_yaml_give_sessions_funnel_and_retention(landing, tmp_path, stated):
    assert len(example("my_shop/defs.yaml").splitlines()) <= 10
    run = shop(landing, tmp_path, stated)
    run.materialize()
    # Bob's session goes over midnight; Cid's gap of 45 minutes parts two.
    sessions = run.frame("sessions").select("customer_id", "n_events").rows()
    assert sessions == [("ann", 3), ("ann", 1), ("bob", 2), ("cid", 1), ("cid", 1)]
    reached = run.frame("funnel").filter(entry_date=dt.date(2025, 3, 1)).sort("step")
    assert reached["n_reached"].to_list() == [2, 2, 1]
    first = run.frame("retention").filter(
        activity="event", period="day", cohort_mode="first_ever", measure="n_day",
        cohort_start=dt.date(2025, 3, 1), from_interval=1,
    )  # fmt: skip
    assert first["n_retained_customers"].to_list() == [2]
    assert str(run.frame("orders")["value"].sum()) == "17.0000"


def test_the_draft_of_inspect_loads_the_same_events(landing, tmp_path, stated):
    draft = yaml.safe_load(draft_yaml(inspect(landing / "clicks.csv")))["attributes"]
    drafted = shop(landing, tmp_path / "draft", draft | {"timezone": stated["timezone"]})
    written = shop(landing, tmp_path / "stated", stated)
    for run in (drafted, written):
        run.materialize("events")
    same = ["customer_id", "event_ts", "event_type"]
    assert drafted.frame("events").select(same).equals(written.frame("events").select(same))


def test_the_added_table_runs(landing, tmp_path, stated):
    root = tmp_path / "sql"
    shutil.copytree(settings.SQL_ROOT, root)
    (root / "commerce" / "basket_sizes.sql").write_text(example("sql/commerce/basket_sizes.sql"))
    run = run_source(
        "my_shop", EventLogSource.model_validate(stated), landing, tmp_path / "home", root
    )
    run.now = dt.datetime.now(dt.UTC)
    run.ingest()
    run.materialize("events", "orders", "basket_sizes")
    assert run.frame("basket_sizes").rows() == [(1, 2)]


def test_the_commands_exist(capsys):
    named = set(re.findall(r"python -m customer_assets (\w+)", README))
    for command in named:
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
    makefile = (settings.PROJECT_ROOT / "Makefile").read_text()
    for target in re.findall(r"^    make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_every_source_is_in_the_table_and_loads():
    for path in (settings.PROJECT_ROOT / "customer_assets" / "defs").glob("*/defs.yaml"):
        assert f"| {path.parent.name} |" in README
    assert read_source("online_retail").currency == "GBP"
