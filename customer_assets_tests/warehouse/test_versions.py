"""What outdates a table: what its rows come from, wherever it stands, and nothing else."""

import ast
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from customer_assets import settings
from customer_assets.pipeline import pipeline_of
from customer_assets.warehouse import versions
from customer_assets.warehouse.sql_model import read_model
from customer_assets_tests.conftest import NOW, read_source

FUNCTION = '''
"""A room."""

import math  # for the root


def spread(values: list[float], *, k: int = 2) -> float:
    """Return the spread."""
    # The mean first.
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** k for v in values)) + len(f"{mean:.2f} of {k!r}")
'''
TABLE = """\
/* ---
description: One row per customer.
key: [customer_id]
owner: team:data
columns:
  customer_id: {type: source, description: Who.}
  n_things: {type: bigint, description: Rows.}
checks:
  - expect_column_values_to_be_between: {column: n_things, min_value: 1}
--- */
-- Counts.
select
    customer_id,
    count(*) as n_things,
from events
group by customer_id
"""


def canonical(text):
    return versions.canonical_python(ast.parse(textwrap.dedent(text)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""A room."""', '"""Another room, described at length."""'),
        ('    """Return the spread."""\n', ""),
        ("  # for the root", ""),
        ("    # The mean first.\n", "\n\n"),
        ("sum(values) / len(values)", "(\n        sum(values)\n        / len(values)\n    )"),
        (
            "import math",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    x = 1\nimport math",
        ),
    ],
)
def test_words_and_layout_are_no_code(old, new):
    changed = FUNCTION.replace(old, new)
    assert changed != FUNCTION
    extra = "ImportFrom(module='typing', names=[alias(name='TYPE_CHECKING')], level=0), "
    assert canonical(changed).replace(extra, "") == canonical(FUNCTION)


@pytest.mark.parametrize(("old", "new"), [("k: int = 2", "k: int = 3"), ("- mean", "+ mean")])
def test_a_constant_and_an_operator_are(old, new):
    assert canonical(FUNCTION.replace(old, new)) != canonical(FUNCTION)


def test_every_python_reads_the_same_version():
    # Known once and for all: on whatever Python this runs, the text is the same.
    assert versions.digest([canonical(FUNCTION)]) == "e0dc2780a76592fd4bccd9380947f764"


def version_of(tmp_path, text):
    path = tmp_path / "buyers.sql"
    path.write_text(text)
    model = read_model(path, "commerce")
    return model.version({}).digest, versions.description_version(model.table)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("One row per customer.", "One row per known customer."),
        ("description: Rows.", "description: All rows."),
        ("owner: team:data", "owner: team:sales"),
        ("min_value: 1", "min_value: 1, severity: warn"),
        ("-- Counts.", "-- Adds up."),
        ("select\n    customer_id,", "select   customer_id,"),
    ],
)
def test_words_owners_and_checks_outdate_no_row(tmp_path, old, new):
    rows, words = version_of(tmp_path, TABLE)
    other_rows, other_words = version_of(tmp_path, TABLE.replace(old, new))
    assert other_rows == rows
    assert (other_words == words) == old.startswith(("-- ", "select"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("count(*) as", "count(customer_id) as"),
        ("n_things: {type: bigint", "n_things: {type: double"),
        ("from events", "from sessions"),
    ],
)
def test_statement_types_and_inputs_do(tmp_path, old, new):
    assert version_of(tmp_path, TABLE.replace(old, new))[0] != version_of(tmp_path, TABLE)[0]


def test_a_macro_is_part_of_those_who_ask_for_it():
    macros = {"low": "create macro low(x) as half(x)", "half": "create macro half(x) as x / 2"}
    asking = versions.sql_parts("a.sql", "select low(n) as n from t", macros)
    assert {"macro low", "macro half"} <= asking.keys()
    assert "macro low" not in versions.sql_parts("a.sql", "select low from t", macros)


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """Change a file of a copy of the package, and look at it as if it were this one."""
    copy = tmp_path / "customer_assets"
    shutil.copytree(
        settings.TABLES_ROOT.parent, copy, ignore=shutil.ignore_patterns("__pycache__", "defs")
    )

    def edit(file: str, old: str, new: str) -> None:
        path = copy / file
        text = path.read_text()
        assert old in text, file
        path.write_text(text.replace(old, new))

    def parts_of(table: Path) -> dict[str, str]:
        for cached in (versions.python_parts, versions._read_module, versions._tree):
            cached.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(versions, "_PACKAGE", copy)
            return versions.python_parts(copy / table.relative_to(settings.TABLES_ROOT.parent))

    yield edit, parts_of
    for cached in (versions.python_parts, versions._read_module, versions._tree):
        cached.cache_clear()


def outdated_by(edited, file, old, new):
    """The tables whose version an edit changes, and the parts that say where."""
    edit, parts_of = edited
    files = [f for f in settings.TABLES_ROOT.rglob("*.py") if "def compute(" in f.read_text()]
    before = {f: parts_of(f) for f in files}
    edit(file, old, new)
    moved = {f.stem: versions.moved(before[f], parts_of(f)) for f in files}
    return {table: parts for table, parts in moved.items() if parts}


def test_a_constant_outdates_the_tables_that_reach_it_and_says_where(edited):
    found = outdated_by(edited, "learning/forecast_models.py", "STEPS = (", "STEPS = tuple() or (")
    assert found.keys() == {"forecast_backtest", "forecast_metrics", "sales_forecast"}
    assert set(map(tuple, found.values())) == {("learning/forecast_models.py: STEPS",)}


def test_a_comment_outdates_nothing(edited):
    text = "STEPS = ("
    assert outdated_by(edited, "learning/forecast_models.py", text, f"# As ever.\n{text}") == {}


def test_a_docstring_of_the_charts_is_no_news(edited):
    assert outdated_by(edited, "reports/charts/bars.py", '"""', '"""More: ') == {}


def test_the_meaning_of_rules_outdates_what_is_made_by_rules(edited):
    old, new = 'sql = expression.sql(dialect="duckdb")', 'sql = f"not ({expression})"'
    found = outdated_by(edited, "ingest/rules.py", old, new)
    assert found.keys() >= {"rule_segments", "segment_actions"}
    assert found["rule_segments"] == ["ingest/rules.py: _checked"]


def test_reading_has_a_version_that_follows_its_code(edited):
    _, parts_of = edited
    for staging in ("ingest/staging.py", "customer_tables/staging.py"):
        parts = parts_of(settings.TABLES_ROOT.parent / staging)
        files = {part.split(":")[0] for part in parts}
        assert "ingest/text_readers.py" in files, staging
    assert {"ingest/zones.py", "ingest/rules.py", "ingest/times.py"} <= {
        part.split(":")[0] for part in parts_of(settings.TABLES_ROOT.parent / "ingest/staging.py")
    }


def test_words_of_the_configuration_outdate_only_the_tables_that_say_them():
    source = read_source("web_shop")
    louder = source.advice.actions[0].model_copy(update={"tone": "loud"})
    advice = source.advice.model_copy(update={"actions": [louder, *source.advice.actions[1:]]})
    asked = {n: q.model_copy(update={"title": "Well?"}) for n, q in source.questions.items()}
    others = source.model_copy(update={"advice": advice, "questions": asked})
    before, after = (pipeline_of("web_shop", each) for each in (source, others))
    old, new = before.parameters(NOW), after.parameters(NOW)
    moved = {
        name
        for name, model in before.models.items()
        if model.version(old).digest != after.models[name].version(new).digest
    }
    # The history of headlines writes down by which definitions it is made.
    assert moved == {"segment_actions", "campaign_economics", "customer_offers", "headline_history"}


def test_other_pythons_agree():
    """Where another supported Python is there, it reads every module as this one does."""
    there = [p for n in (11, 12, 13) if (p := shutil.which(f"python3.{n}"))]
    others = [p for p in there if subprocess.run([p, "-V"], capture_output=True).returncode == 0]
    if not others:
        pytest.skip("no other Python 3.11, 3.12 or 3.13 is there")
    root = settings.TABLES_ROOT.parent
    code = (
        "import ast, hashlib, sys, pathlib\n"
        "source = pathlib.Path(sys.argv[1]).read_text()\n"
        "tree = ast.parse(source)\n"
        "wanted = ('canonical_python', '_canonical_value', '_is_idle')\n"
        "kept = [n for n in tree.body if getattr(n, 'name', '') in wanted]\n"
        "from typing import Any\n"
        "space = {'ast': ast, 'Any': Any}\n"
        "exec(compile(ast.Module(kept, []), 'versions', 'exec'), space)\n"
        "for path in sorted(pathlib.Path(sys.argv[2]).rglob('*.py')):\n"
        "    text = space['canonical_python'](ast.parse(path.read_text()))\n"
        "    print(path, hashlib.sha256(text.encode()).hexdigest())\n"
    )
    runs = {
        python: subprocess.run(
            [python, "-c", code, versions.__file__, str(root)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for python in [sys.executable, *others]
    }
    assert len(set(runs.values())) == 1
