"""What Dagster knows of the project before anything runs."""

import subprocess
import sys
import tomllib
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster.components.core.component_tree import ComponentTreeException
from dagster.components.testing import create_defs_folder_sandbox

from customer_assets import project, settings
from customer_assets.components import table_assets
from customer_assets.components.source_component import DefinitionError
from customer_assets.components.warehouse_resource import started_by
from customer_assets.definitions import defs
from customer_assets.reports.catalogue import LAYERS

DG = Path(sys.executable).with_name("dg")


@pytest.fixture(scope="module")
def graph():
    return defs().resolve_asset_graph()


def test_every_asset_says_what_it_is(graph):
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.kinds, key
        assert node.owners, key
        assert node.tags["layer"] in LAYERS, key
        assert node.group_name == f"{key.path[0]}_{node.tags['layer']}", key
        # The table's own file comes before the source's defs.yaml.
        made_by, stated_in = node.metadata["dagster/code_references"].code_references
        assert Path(made_by.file_path).suffix in {".sql", ".py"}, key
        assert Path(made_by.file_path).is_file(), key
        assert Path(stated_in.file_path).parts[-2:] == (key.path[0], "defs.yaml"), key
        assert ("sql" in node.kinds) == ("sql" in node.metadata), key
        if key.path[-1] != "report":
            schema = node.metadata["dagster/column_schema"]
            assert all(column.description for column in schema.columns), key


def test_layers_go_one_way(graph):
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        for parent in node.parent_keys:
            layer, before = node.tags["layer"], graph.get(parent).tags["layer"]
            assert LAYERS.index(before) <= LAYERS.index(layer), key


def test_the_sql_of_a_table_stands_on_its_page(graph):
    shown = graph.get(dg.AssetKey(["taobao", "sessions"])).metadata["sql"].value
    file = settings.SQL_ROOT / "behavior" / "sessions.sql"
    sql = shown.removeprefix("```sql\n").removesuffix("\n```")
    assert file.read_text().strip().endswith(sql)
    # Where settings write the statement, that of the source is shown.
    written = graph.get(dg.AssetKey(["taobao", "funnel_entries"])).metadata["sql"].value
    assert "'buy'" in written


@pytest.mark.parametrize(
    ("tags", "who"),
    [
        ({"dagster/schedule_name": "daily_refresh_web_shop"}, "schedule daily_refresh_web_shop"),
        ({"dagster/sensor_name": "landing_web_shop"}, "sensor landing_web_shop"),
        ({"dagster/from_ui": "true"}, "UI"),
        ({"dagster/backfill": "abc"}, "UI"),
        ({}, "command line"),
    ],
)
def test_a_run_says_what_started_it(tags, who):
    assert started_by(tags) == who


def test_how_old_a_table_may_be_follows_the_job_that_makes_it():
    definitions = defs()
    graph = definitions.resolve_asset_graph()
    nightly, trained = (
        definitions.resolve_job_def(f"{job}_web_shop").asset_layer.selected_asset_keys
        for job in ("refresh", "train")
    )
    assert nightly
    assert trained - nightly
    for key in nightly:
        assert graph.get(key).freshness_policy == table_assets.NIGHTLY, key
    for key in trained - nightly:
        assert graph.get(key).freshness_policy == table_assets.WEEKLY, key


def test_workspace_and_project_name_the_same_location():
    workspace = yaml.safe_load((settings.PROJECT_ROOT / "workspace.yaml").read_text())
    stated = tomllib.loads((settings.PROJECT_ROOT / "pyproject.toml").read_text())
    location = workspace["load_from"][0]["python_module"]["location_name"]
    assert location == stated["tool"]["dg"]["project"]["code_location_name"]


MY_SHOP = """\
type: customer_assets.EventLog
attributes:
  files: "*.csv"
  columns: {customer_id: who, event_at: {from: at, format: iso}}
  timezone: Europe/London
  first_day: 2024-01-13
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "way_out"),
    [
        ("London", "Londn", 5, "use an IANA name such as 'Europe/London'"),
        ("2024-01-13", "2024-13-01", 6, "write it as 2017-11-25"),
        ("columns: {customer_id: who,", "columns: {", 4, "customer_id"),
        (
            "  first_day",
            "  session_timeout: soon\n  first_day",
            6,
            "write for example '30 minutes'",
        ),
        ("  first_day", "  attributes: {Colour: c}\n  first_day", 6, "use lower-case letters"),
    ],
)
def test_a_wrong_value_names_file_line_and_way_out(old, new, line, way_out):
    with create_defs_folder_sandbox() as sandbox:
        (sandbox.defs_folder_path / "my_shop").mkdir()
        file = sandbox.defs_folder_path / "my_shop" / "defs.yaml"
        file.write_text(MY_SHOP.replace(old, new))
        with pytest.raises(ComponentTreeException) as error, sandbox.build_all_defs():
            pass
    text = str(error.value.__cause__)
    assert f"my_shop/defs.yaml:{line}" in text
    assert way_out in text


@pytest.mark.parametrize(
    ("added", "line", "words"),
    [
        (
            "  rules: [{name: r, condition: colour = 1}]\n",
            7,
            "there is no column 'colour'; there are customer_id",
        ),
        (
            "  funnels: {f: {steps: [a, b], window: 1 day, dialect: sloppy}}\n",
            7,
            "sloppy",
        ),
        (
            "  segment_rules:\n    - {name: s, condition: n_eventz > 1}\n",
            8,
            "there is no column 'n_eventz'",
        ),
    ],
)
def test_what_cannot_be_asked_names_file_line_and_way_out(added, line, words):
    with create_defs_folder_sandbox() as sandbox:
        (sandbox.defs_folder_path / "my_shop").mkdir()
        file = sandbox.defs_folder_path / "my_shop" / "defs.yaml"
        file.write_text(MY_SHOP + added)
        with pytest.raises(ComponentTreeException) as error, sandbox.build_all_defs():
            pass
    cause = error.value.__cause__
    assert isinstance(cause, DefinitionError)
    assert f"my_shop/defs.yaml:{line}: " in str(cause)
    assert words in str(cause)
    # Nobody is shown the way by which it was found.
    assert cause.__suppress_context__ or cause.__context__ is None


def test_the_environment_may_say_a_part(monkeypatch):
    monkeypatch.setenv("SHOP_ZONE", "Asia/Tokyo")
    with create_defs_folder_sandbox() as sandbox:
        (sandbox.defs_folder_path / "my_shop").mkdir()
        file = sandbox.defs_folder_path / "my_shop" / "defs.yaml"
        file.write_text(MY_SHOP.replace("Europe/London", '"{{ env.SHOP_ZONE }}"'))
        with sandbox.load_component_and_build_defs(defs_path=file.parent) as (component, _):
            assert component.source.timezone == "Asia/Tokyo"


def test_a_component_of_another_kind_is_no_source(tmp_path, monkeypatch):
    for name, kind in (("my_shop", "customer_assets.EventLog"), ("other", "dagster.Definitions")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "defs.yaml").write_text(f"type: {kind}\n")
    monkeypatch.setattr(settings, "source_root", lambda: tmp_path)
    assert project.source_names() == ["my_shop"]


def test_a_folder_that_is_no_usable_name_is_an_error():
    with create_defs_folder_sandbox() as sandbox:
        (sandbox.defs_folder_path / "raw").mkdir()
        (sandbox.defs_folder_path / "raw" / "defs.yaml").write_text(MY_SHOP)
        with pytest.raises(ComponentTreeException) as error, sandbox.build_all_defs():
            pass
    assert "'raw' is a reserved name; rename the folder" in str(error.value.__cause__)


def test_an_unknown_key_is_found_by_dg_check_yaml(tmp_path):
    folder = tmp_path / "project"
    source = folder / "customer_assets" / "defs" / "my_shop"
    source.mkdir(parents=True)
    (folder / "pyproject.toml").write_text((settings.PROJECT_ROOT / "pyproject.toml").read_text())
    (source / "defs.yaml").write_text(MY_SHOP.replace("timezone", "time_zone"))
    found = subprocess.run(
        [DG, "check", "yaml", str(source)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert found.returncode == 1
    assert "defs.yaml:5 - customer_assets.EventLog attributes.time_zone" in found.stdout


def test_a_source_is_scaffolded_and_checked(tmp_path):
    folder = tmp_path / "project"
    (folder / "customer_assets" / "defs").mkdir(parents=True)
    (folder / "customer_assets" / "__init__.py").write_text("")
    (folder / "pyproject.toml").write_text((settings.PROJECT_ROOT / "pyproject.toml").read_text())
    scaffold = [DG, "scaffold", "defs", "customer_assets.EventLog", "my_shop", "--timezone", "UTC"]
    subprocess.run(scaffold, cwd=folder, check=True, capture_output=True)
    written = folder / "customer_assets" / "defs" / "my_shop" / "defs.yaml"
    assert yaml.safe_load(written.read_text())["type"] == "customer_assets.EventLog"
    check = [DG, "check", "yaml", str(written.parent)]
    subprocess.run(check, cwd=folder, check=True, capture_output=True)


def test_a_daily_table_needs_days(refreshed):
    job = defs().resolve_job_def("refresh_online_retail")
    result = job.execute_in_process(
        instance=refreshed.instance,
        asset_selection=[dg.AssetKey(["online_retail", "customer_day"])],
        raise_on_error=False,
    )
    assert not result.success
