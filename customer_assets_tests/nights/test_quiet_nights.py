"""A night on which nothing landed: it succeeds, publishes nothing, and runs next to nothing."""

import dagster as dg
import pytest

from customer_assets import launch, settings
from customer_assets.generation import refreshed
from customer_assets.history import prepare_dagster_home
from customer_assets.sample import write_sample
from customer_assets.warehouse import source_warehouse
from customer_assets_tests.nights.shop import DAYS, Shop, lines

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


WARNED = BOUGHT.replace("every_day_is_there", "is_looked_at\n      severity: warn").replace(
    "events\n        where event_date not in (select event_date from {batch})", "{batch}"
)


@pytest.fixture
def night(shop, monkeypatch):
    """Return what one command of a night does to the shop: its outcome, and the steps it ran."""
    monkeypatch.setattr(launch, "read_pipeline", lambda name: shop.pipeline())
    monkeypatch.setattr(launch, "_definitions", lambda name: shop.definitions())
    monkeypatch.setenv("DAGSTER_HOME", str(prepare_dagster_home()))

    def run():
        with dg.DagsterInstance.get() as instance:
            before = {run.run_id for run in instance.get_runs()}
            outcome = launch.launch("refresh", "shop")
            runs = [run.run_id for run in instance.get_runs() if run.run_id not in before]
            steps = {s.step_key for each in runs for s in instance.get_run_step_stats(each)}
        assert not outcome.problem
        return outcome, {step.split("__")[-1] for step in steps}

    return run


def said_last(shop):
    """Return what Dagster knows of each table that a refresh looks at: the last said of it."""
    keys = {dg.AssetKey(["shop", name]): name for name in refreshed(shop.pipeline())}
    with dg.DagsterInstance.get() as instance:
        records = instance.get_asset_records(list(keys))
    return {keys[r.asset_entry.asset_key]: r.asset_entry.last_materialization for r in records}


def test_a_night_without_news_looks_and_says_again_what_stands(shop, night):
    before, manifests = said_last(shop), shop.manifests()
    for _ in range(3):
        outcome, steps = night()
        assert steps == {"ingest"}
        assert (outcome.n_published, outcome.n_failed, outcome.n_skipped) == (0, 0, 0)
        assert outcome.n_up_to_date == len(shop.pipeline().raw_tables) + len(before)
        after = said_last(shop)
        for name, last in after.items():
            # Looked at, and so fresh.
            assert last.timestamp > before[name].timestamp
            said, first = last.asset_materialization, before[name].asset_materialization
            assert said.metadata["is_up_to_date"].value
            assert said.metadata.get("preview") == first.metadata.get("preview")
            assert (said.tags, said.partition) == (first.tags, first.partition)
        before = after
    assert shop.manifests() == manifests


def test_a_night_with_a_late_row_runs_what_follows_from_it_and_the_next_one_nothing(shop, night):
    shop.land("late.csv", lines(DAYS[2], [50, 51]))
    outcome, steps = night()
    follow = {"events", "sessions", "session_changes", "verification", "report"}
    assert {"ingest", *follow} < steps
    assert outcome.n_published > 9
    with dg.DagsterInstance.get() as instance:
        (run,) = instance.get_runs(dg.RunsFilter(job_name="refresh_shop"), limit=1)
    assert run.tags["dagster/asset_partition_range_start"] >= str(DAYS[1])
    assert run.tags["dagster/asset_partition_range_end"] <= str(DAYS[3])
    assert shop.query("select count(*) from shop.sessions where customer_id = 50") == [(1,)]
    assert night()[1] == {"ingest"}


def test_a_warning_is_told_each_night_and_a_lost_page_or_history_comes_back(shop, night):
    (shop.sql_root / "behavior" / "bought.sql").write_text(WARNED)
    warned = ["shop/bought: is_looked_at (warn)"]
    assert night()[0].checks_failed == warned
    outcome, steps = night()
    assert (outcome.checks_failed, steps) == (warned, {"ingest"})
    page = settings.reports_folder() / "shop" / "index.html"
    page.unlink()
    night()
    assert page.is_file()
    with dg.DagsterInstance.get() as instance:
        instance.wipe_assets([dg.AssetKey(["shop", "first_seen"])])
    assert night()[1] == {"ingest", "first_seen"}
    assert "preview" in said_last(shop)["first_seen"].asset_materialization.metadata


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
