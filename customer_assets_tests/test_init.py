"""A project of one's own: its sources are those there are, its tables replace those that ship."""

import os
import subprocess
import sys

import pytest

from customer_assets import project, settings
from customer_assets.cli import main
from customer_assets_tests.test_bring_your_own import SOURCE

PLAIN = """/* ---
description: One row per item.
key: [item_id]
requires: [item]
columns:
  item_id: {type: source, description: Which item.}
  n_events: {type: bigint, description: "Its events."}
--- */
select
    item_id,
    count(*) as n_events,
from events
where item_id is not null
group by item_id
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.delenv("CUSTOMER_ASSETS_HOME")
    monkeypatch.delenv("CUSTOMER_ASSETS_LANDING")
    assert main(["init", str(tmp_path / "shop")]) == 0
    (tmp_path / "shop" / "sources" / "my_shop").mkdir()
    (tmp_path / "shop" / "sources" / "my_shop" / "defs.yaml").write_text(SOURCE)
    (tmp_path / "shop" / "sql" / "commerce").mkdir()
    monkeypatch.chdir(tmp_path / "shop" / "sql")
    return tmp_path / "shop"


def test_own_tables_replace_those_that_ship_and_data_lies_in_the_project(own):
    (own / "sql" / "commerce" / "seasonality.sql").write_text(PLAIN)
    (own / "sql" / "commerce" / "item_interest.sql").write_text(PLAIN)
    assert settings.home() == own / "data"
    assert settings.landing() == own / "data" / "landing"
    # In a process of its own: Python finds the modules of one project only.
    asked = (
        "from customer_assets.project import read_pipeline, source_names; "
        "p = read_pipeline('my_shop'); "
        "print(source_names(), *sorted({p.models[n].path.parts[-4] for n in "
        "('seasonality', 'item_interest')}), p.models['orders'].path.parts[-4])"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env=os.environ | {"PYTHONPATH": str(settings.PROJECT_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"['my_shop'] shop {settings.PROJECT_ROOT.name}\n", done.stderr


def test_a_folder_with_something_in_it_is_left_alone(own, capsys):
    assert main(["init", str(own)]) == 1
    assert "is not empty" in capsys.readouterr().err


def test_without_a_project_it_is_said_how_to_make_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(settings, "IS_WHEEL", True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(settings.SettingError, match="customer-assets init shop"):
        project.source_names()
    assert main(["verify", "my_shop"]) == 1
    assert "customer-assets init shop" in capsys.readouterr().err
