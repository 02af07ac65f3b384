"""A night on which nothing landed: it succeeds, and publishes nothing."""

import pytest

from customer_assets import settings
from customer_assets.sample import write_sample
from customer_assets.warehouse import source_warehouse
from customer_assets_tests.nights.shop import Shop

BOUGHT = """/* ---
description: One row per day with what was bought.
key: [event_date]
columns:
  event_date: {type: date, description: Day.}
  n_bought: {type: bigint, description: Purchases.}
checks:
  - unexpected_rows_expectation:
      name: every_day_is_there
      unexpected_rows_query: >-
        select event_date from events
        where event_date not in (select event_date from {batch})
--- */
select event_date, cast(count(*) as bigint) as n_bought
from events
where event_type = 'buy'
group by event_date
"""


def failures(result):
    return [
        event.step_failure_data.user_failure_data.description
        for event in result.all_events
        if event.is_step_failure
    ]


@pytest.mark.parametrize("purpose", ["ingest", "refresh", "report", "backfill"])
def test_every_job_run_again_succeeds_and_publishes_nothing(shop, purpose):
    before = shop.manifests()
    result = shop.run(purpose)
    assert result.success, failures(result)
    assert shop.manifests() == before


def test_what_was_judged_is_not_judged_again(shop, monkeypatch):
    def judged():
        evaluations = shop.run("refresh").get_asset_check_evaluations()
        return {(str(e.asset_key), e.check_name, e.passed) for e in evaluations}

    before = judged()
    monkeypatch.setattr(source_warehouse, "audit", None)
    assert judged() == before


def test_a_check_of_ones_own_that_reads_an_input_runs_also_when_nothing_changed(shop):
    (shop.sql_root / "behavior" / "bought.sql").write_text(BOUGHT)
    first = shop.run("refresh", tables=["bought"])
    assert first.success, failures(first)
    again = shop.run("refresh", tables=["bought"])
    (evaluation,) = [
        e for e in again.get_asset_check_evaluations() if e.check_name == "every_day_is_there"
    ]
    assert again.success
    assert evaluation.passed


def test_a_check_that_cannot_run_is_no_failed_row_and_says_so(shop):
    broken = BOUGHT.replace(
        "from events\n        where", "from events\n        where event_type::int > 0 and"
    )
    (shop.sql_root / "behavior" / "bought.sql").write_text(broken)
    result = shop.run("refresh", tables=["bought"])
    (evaluation,) = [e for e in result.get_asset_check_evaluations() if not e.passed]
    (failure,) = failures(result)
    assert "every_day_is_there could not be run, no row has failed it" in failure
    assert "could not be run" in evaluation.description
    assert "failing_rows" not in evaluation.metadata


def test_a_customer_table_that_did_not_change_publishes_nothing():
    stated = (settings.PROJECT_ROOT / "customer_assets/defs/one_click/defs.yaml").read_text()
    one_click = Shop("one_click", stated)
    write_sample("one_click", one_click.landing, rows=300, tell=lambda text: None)
    of_files = ("raw", "staging")
    tables = [t.name for t in one_click.pipeline().tables.values() if t.layer in of_files]
    first = one_click.run("refresh", only_outdated=False, tables=tables)
    assert first.success, failures(first)
    before = one_click.manifests()
    assert one_click.run("refresh", tables=tables).success
    assert one_click.manifests() == before
