"""Bad days as Dagster's runs meet them: in their checks, in the report, and in alerts."""

import datetime as dt
import re

import dagster as dg
import duckdb
import pytest

from customer_assets import settings
from customer_assets.components.alert_sensors import alerts_of_run
from customer_assets.components.warehouse_resource import ACCEPT
from customer_assets.reports.sections.data_quality import data_status
from customer_assets_tests.bad_days.kinds import BAD_DAYS, text_of
from customer_assets_tests.bad_days.steady_shop import DAYS, LOG, landed, rows_of
from customer_assets_tests.nights.shop import Shop

# Each kind has a day of its own, after five weeks that are all alike.
DAY_OF = {what: DAYS[-1] + dt.timedelta(days=n) for n, what in enumerate(BAD_DAYS, 1)}
LAST = max(DAY_OF.values())
STATED = f"type: customer_assets.EventLog\nattributes:{LOG}  last_day: {LAST}\n"
TABLES = ("staging/events", "staging/accounting", "staging/findings")
AT_ONCE = 5


def new_shop() -> Shop:
    shop = Shop("shop", STATED, tables=TABLES)
    shop.landing.mkdir(parents=True)
    for n in range(0, len(DAYS), 7):
        days = DAYS[n : n + 7]
        text = text_of([row for day in days for row in rows_of(day)])
        landed(shop.landing / f"{days[0]}.csv", text, days[-1])
    return shop


def run(shop: Shop, first: dt.date, last: dt.date, **asked: str) -> dg.ExecuteInProcessResult:
    tables = [*shop.pipeline().raw_tables, *shop.pipeline().models, "report"]
    result = shop.run("refresh", [first, last], tables=tables, asked=asked)
    assert result.success
    return result


def n_events(shop: Shop, day: dt.date) -> int:
    ((n,),) = shop.query(f"select count(*) from shop.events where event_date = date '{day}'")
    return n


def told(result: dg.ExecuteInProcessResult) -> list[str]:
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(result.run_id)
        return [alert.text for alert in alerts_of_run(instance, run)]


def first_line() -> str:
    page = (settings.reports_folder() / "shop" / "index.html").read_text()
    return re.search(r'class="data-status"[^>]*>(.*?)</p>', page)[1]


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """The bad days, five in each of three nights, and what is said of each night.

    Its checks that fail by day, its alerts, its findings and the first line of its report.
    """
    folder = tmp_path_factory.mktemp("nights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTOMER_ASSETS_HOME", str(folder / "home"))
        patch.setenv("CUSTOMER_ASSETS_LANDING", str(folder / "landing"))
        patch.delenv("DAGSTER_HOME", raising=False)
        shop, found = new_shop(), {}
        for n in range(0, len(BAD_DAYS), AT_ONCE):
            kinds = list(BAD_DAYS)[n : n + AT_ONCE]
            for what in kinds:
                day = DAY_OF[what]
                if (text := BAD_DAYS[what].text(day)) is not None:
                    landed(shop.landing / f"{what}.csv", text, day)
            result = run(shop, DAYS[0], DAY_OF[kinds[-1]])
            checks = {
                day: check.severity
                for check in result.get_asset_check_evaluations()
                if not check.passed
                for day in check.metadata["findings"].value
            }
            with duckdb.connect(str(settings.catalog_file()), read_only=True) as reader:
                findings = reader.sql("from shop.findings").pl()
            found |= dict.fromkeys(kinds, (checks, told(result), findings, first_line()))
    return folder, shop, found


@pytest.fixture
def shop(nights, monkeypatch):
    """The shop after its bad nights."""
    folder, shop, _ = nights
    monkeypatch.setenv("CUSTOMER_ASSETS_HOME", str(folder / "home"))
    monkeypatch.setenv("CUSTOMER_ASSETS_LANDING", str(folder / "landing"))
    return shop


@pytest.mark.parametrize("what", BAD_DAYS)
def test_a_bad_day_is_seen_by_the_run_that_meets_it(nights, shop, what):
    checks, alerts, findings, line = nights[-1][what]
    bad, day = BAD_DAYS[what], DAY_OF[what]
    is_read = bad.finding not in ("file_refused", "file_empty", "nothing_read", "day_missing")
    seen_on = day if is_read or bad.finding == "day_missing" else day + dt.timedelta(days=1)
    assert str(seen_on) in checks
    words = bad.finding.replace("_", " ")
    assert any(text.startswith(f"shop, {seen_on}: ") and words in text for text in alerts), alerts
    assert line.startswith("Data is not whole.")
    status = data_status(findings.filter(event_date=seen_on, finding=bad.finding))
    assert ("held back" in status) == bad.is_held
    assert status != "Data is whole."
    assert n_events(shop, day) == 0
    pending = shop.query(
        "select pending_reason, n_landed - n_rejected - n_pending from shop.accounting "
        f"where n_pending > 0 and event_date = date '{day}'"
    )
    assert [reason[:11] for reason, _ in pending] == ["held back: "] * bad.is_held
    assert all(n_others == 0 for _, n_others in pending)
    assert n_events(shop, DAYS[-1]) == len(rows_of(DAYS[-1]))


def test_a_run_with_the_tag_lets_its_day_through_and_readers_see_it(shop):
    day = DAY_OF["ten times the rows"]
    assert n_events(shop, day) == 0
    result = run(shop, day, day, **{ACCEPT: "day"})
    assert n_events(shop, day) == len(rows_of(day, per_hour=30))
    assert not [text for text in told(result) if f" {day}:" in text]
    # Other days are not meant by it.
    assert n_events(shop, DAY_OF["no purchases"]) == 0


def test_files_that_are_gone_wait_for_a_run_with_the_tag(shop):
    for path in sorted(shop.landing.iterdir())[1:]:
        path.unlink()
    before = shop.query("select count(*) from shop.raw_events")
    result = run(shop, DAYS[0], LAST)
    assert shop.query("select count(*) from shop.raw_events") == before
    assert any("withdrawal waits" in text for text in told(result))
    assert "files are gone, with" in first_line()
    result = run(shop, DAYS[0], LAST, **{ACCEPT: "withdrawal"})
    assert not any("withdrawal waits" in text for text in told(result))
    left = [len(rows_of(day)) for day in DAYS[:7]]
    assert shop.query("select count(*) from shop.raw_events") == [(sum(left),)]
