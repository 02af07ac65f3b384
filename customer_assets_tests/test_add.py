"""`add`: from files to a finished report in one command; `inspect` over the whole log."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from customer_assets import add, settings
from customer_assets.cli import main
from customer_assets.ingest.inspect import inspect
from customer_assets.sources import EventLogSource

ORDERS = """Order ID;Customer No;Order Date;Product Code;Sales Value;order_status
0100000001;17;05.01.2024 10:00;0012;12,50;delivered
0100000002;18;05.01.2024 11:00;0012;12,50;delivered
0100000003;17;16.01.2024 10:00;0013;1.234,00;canceled
"""


@pytest.fixture
def defs(tmp_path, monkeypatch):
    folder = tmp_path / "defs"
    folder.mkdir()
    monkeypatch.setattr(settings, "source_root", lambda: folder)
    return folder


def test_one_command_leads_from_a_file_to_a_report(tmp_path):
    project = tmp_path / "project"
    for name in ("customer_assets", "sql"):
        shutil.copytree(settings.PROJECT_ROOT / name, project / name)
    for name in ("pyproject.toml", "dagster.yaml", "workspace.yaml"):
        shutil.copy(settings.PROJECT_ROOT / name, project / name)
    (tmp_path / "orders.csv").write_text(ORDERS)
    command = [sys.executable, "-m", "customer_assets", "add", str(tmp_path / "orders.csv")]
    done = subprocess.run(
        [*command, "--name", "my_shop", "--currency", "EUR"],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "value is the column 'Sales Value'" in done.stdout
    assert "--timezone: UTC is a guess" in done.stdout
    report = tmp_path / "home" / "reports" / "my_shop" / "index.html"
    assert "1,259" in report.read_text(encoding="utf-8")
    left = (project / "customer_assets/defs/my_shop/defs.yaml").read_text()
    line = left.splitlines()[0]
    assert line == "# yaml-language-server: $schema=../event_log.schema.json"
    schema = json.loads((project / "customer_assets/defs/event_log.schema.json").read_text())
    assert set(yaml.safe_load(left)["attributes"]) <= set(
        schema["properties"]["attributes"]["properties"]
    )


@pytest.mark.parametrize(
    ("content", "said", "why"),
    [
        ("a,b,at\n1,2,2024-01-05\n", [], r"--customer-id .* There are a, b, at"),
        ("who,day\n1,01/02/2024 10:00\n", [], r"--time-format .* the other way"),
        ("who,at\n1,2024-01-05\n", ["--customer-id", "whom"], "no column is named 'whom'"),
        ("who#at\n1#2024-01-05\n", [], "what separates its columns"),
    ],
)
def test_what_only_a_person_can_say_is_asked_by_name(tmp_path, defs, capsys, content, said, why):
    (tmp_path / "a.csv").write_text(content)
    assert main(["add", str(tmp_path / "a.csv"), "--name", "my_shop", *said]) == 1
    assert re.search(why, capsys.readouterr().err)
    assert list(defs.iterdir()) == []
    assert not (settings.landing() / "my_shop").exists()


def test_a_name_that_is_taken_is_left_alone(tmp_path, defs):
    (tmp_path / "a.csv").write_text(ORDERS)
    written = add.add([tmp_path / "a.csv"], "my_shop", {}, print)
    before = written.read_text()
    with pytest.raises(add.AddError, match="there is a source of the name my_shop"):
        add.add([tmp_path / "a.csv"], "my_shop", {"timezone": "Europe/Berlin"}, print)
    assert written.read_text() == before


def test_days_and_event_types_are_those_of_the_whole_log(tmp_path):
    days = "".join(f"1,2024-01-{1 + n % 28:02} 10:{n % 60:02}:00,view\n" for n in range(110_000))
    (tmp_path / "a.csv").write_text(f"user,time,event\n{days}1,2024-12-31 10:00:00,purchase\n")
    draft = inspect(tmp_path / "a.csv")
    assert [str(day) for day in draft.days] == ["2024-01-01", "2024-12-31"]
    assert draft.event_names == {"view": 110_000, "purchase": 1}
    assert draft.settings["funnels"]["purchase"]["steps"] == ["view", "purchase"]
    assert any("rows are copies of others" in doubt.why for doubt in draft.doubts)


def test_an_order_log_is_drafted_with_commerce(tmp_path):
    (tmp_path / "a.csv").write_text(ORDERS)
    settings = inspect(tmp_path / "a.csv").settings
    assert settings["columns"] == {
        "customer_id": {"from": "Customer No", "type": "bigint"},
        "event_at": {"from": "Order Date", "format": "%d.%m.%Y %H:%M"},
        "item_id": "Product Code",
        "order_id": "Order ID",
        "value": {"from": "Sales Value", "decimal": ","},
    }
    offered = EventLogSource.model_validate(settings).capabilities()
    assert {"purchase", "value", "item"} <= offered


def test_a_price_without_a_quantity_is_no_money(tmp_path):
    (tmp_path / "a.csv").write_text("user,time,action,price\n1,2024-01-05,purchase,2.50\n")
    drafts = [inspect(tmp_path / "a.csv", said) for said in ({}, {"value": "price"})]
    offered = [EventLogSource.model_validate(d.settings).capabilities() for d in drafts]
    assert ["value" in each for each in offered] == [False, True]
    said = [{doubt.setting: doubt.why for doubt in draft.doubts} for draft in drafts]
    assert said[0]["quantity"].endswith("--value price")
    assert "quantity" not in said[1]


@pytest.mark.parametrize(
    ("header", "mapped"),
    [
        ("household_key,sales_value,day", {"customer_id": "household_key", "value": "sales_value"}),
        (
            "Buyer Email No,Total Price,day",
            {"customer_id": "Buyer Email No", "value": "Total Price"},
        ),
    ],
)
def test_names_within_names(tmp_path, header, mapped):
    (tmp_path / "a.csv").write_text(f"{header}\n1,2.5,2024-01-05\n2,3.5,2024-01-06\n")
    columns = inspect(tmp_path / "a.csv").settings["columns"]
    found = {k: c["from"] if isinstance(c, dict) else c for k, c in columns.items()}
    assert found == mapped | {"event_at": "day"}


def test_doubts_of_a_log(tmp_path):
    rows = "1,2024-01-05,a|b|c,new\n,2024-01-05,a|b|d,new\n"
    (tmp_path / "a.csv").write_text(f"user,time,items,status\n{rows}")
    doubts = {doubt.setting: doubt.why for doubt in inspect(tmp_path / "a.csv").doubts}
    assert "empty in 50% of the rows" in doubts["customer_id"]
    assert "holds lists" in doubts["rows.sql"]
    assert "may say which rows count" in doubts["rules"]
