"""What does not fit the tables that it reads is an error before anything runs."""

import pytest

from customer_assets import settings
from customer_assets.pipeline import pipeline_of
from customer_assets.sources.configuration import ConfigurationError
from customer_assets.warehouse import binding
from customer_assets.warehouse.header import ModelError
from customer_assets_tests.conftest import read_source

BUYERS = """\
/* ---
description: One row per customer.
key: [customer_id]
requires: [purchase]
columns:
  customer_id: {type: source, description: Who.}
  n_days: {type: bigint, description: Days.}
checks:
  - expect_column_values_to_be_between: {column: n_days, min_value: 1}
  - unexpected_rows_expectation:
      name: days_are_events
      description: More events than days.
      unexpected_rows_query: select n_days from {batch} where n_days < 0
--- */
select
    customer_id,
    count(*) as n_days,
from customer_day
where n_purchases > 0
group by customer_id
"""


def pipeline_with(tmp_path, text=BUYERS, **changes):
    path = tmp_path / "own" / "commerce" / "buyers.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    source = read_source("online_retail").model_copy(update=changes)
    return pipeline_of("online_retail", source, (*settings.table_roots(), tmp_path / "own"))


def test_what_fits_is_bound_once(tmp_path, monkeypatch):
    monkeypatch.setattr(binding, "_bound", {})
    assert "buyers" in pipeline_with(tmp_path).models
    assert settings.bound_models_file().exists()
    binding._bound.clear()

    def fail(*_):
        raise AssertionError("bound again")

    monkeypatch.setattr(binding, "_bind", fail)
    pipeline_with(tmp_path)
    with pytest.raises(AssertionError, match="bound again"):
        pipeline_with(tmp_path, BUYERS.replace("> 0", "> 1"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("where n_purchases", "where n_purchasess", r'buyers\.sql:19: .*"n_purchasess" not found'),
        ("count(*) as", "avg(1) as", r"buyers\.sql:1: n_days is double, the header says bigint"),
        ("column: n_days", "column: n_dayz", r"buyers\.sql:9: .*no column 'n_dayz'; did you mean"),
        ("where n_days <", "where n_dayz <", r'buyers\.sql:11: .*"n_dayz" not found'),
        (
            "from customer_day",
            "from customer_days",
            r"buyers\.sql:1: no table is named customer_da",
        ),
        ("count(*) as", "size(1) as", r"buyers\.sql:17: .*[Ff]unction.* size"),
    ],
)
def test_what_does_not_names_file_and_line(tmp_path, old, new, words):
    with pytest.raises(ModelError, match=words):
        pipeline_with(tmp_path, BUYERS.replace(old, new))


def test_a_configuration_that_asks_for_what_cannot_be_says_where(tmp_path):
    source = read_source("online_retail")
    rule = source.segment_rules[0].model_copy(update={"condition": "recency_dayz > 1"})
    with pytest.raises(ConfigurationError, match="recency_dayz") as error:
        pipeline_with(tmp_path, segment_rules=[rule])
    assert error.value.location == ("segment_rules", 0, "condition")
    advice = source.advice.model_copy(update={"consent": "may_be_written_to"})
    with pytest.raises(ConfigurationError, match="may_be_written_to") as error:
        pipeline_with(tmp_path, advice=advice)
    assert error.value.location == ("advice", "consent")
    funnels = read_source("taobao").funnels
    wrong = {n: f.model_copy(update={"dialect": "sloppy"}) for n, f in funnels.items()}
    with pytest.raises(ConfigurationError, match="sloppy") as error:
        pipeline_with(tmp_path, funnels=wrong)
    assert error.value.location[0] == "funnels"
