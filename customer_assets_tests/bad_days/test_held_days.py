"""Days that are held back or let through, and files that are gone."""

import datetime as dt

import pytest

from customer_assets.generation import accept_days
from customer_assets.reports.sections.data_quality import data_status
from customer_assets_tests.bad_days.kinds import BAD_DAYS, text_of
from customer_assets_tests.bad_days.steady_shop import BAD_DAY, DAYS, SteadyShop, rows_of

TENFOLD, UPPER = BAD_DAYS["ten times the rows"], BAD_DAYS["event names in upper case"]


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    """A shop of which four weeks are known, all alike."""
    shop = SteadyShop(tmp_path_factory.mktemp("steady"))
    for week in range(0, len(DAYS), 7):
        days = DAYS[week : week + 7]
        shop.land(f"{days[0]}.csv", text_of([r for day in days for r in rows_of(day)]), days[-1])
    shop.night(DAYS[-1])
    assert data_status(shop.frame("findings")).startswith("Data is whole")
    return shop


@pytest.fixture
def shop(steady, tmp_path):
    return steady.copied(tmp_path / "shop")


def held(shop):
    return shop.frame("day_findings").filter("is_held")["event_date"].unique().to_list()


def n_events(shop, day=BAD_DAY):
    return len(shop.rows("events", f"event_date = date '{day}'"))


@pytest.fixture
def held_shop(shop):
    shop.land(f"{BAD_DAY}.csv", TENFOLD.text(BAD_DAY), BAD_DAY)
    shop.night(BAD_DAY)
    assert held(shop) == [BAD_DAY]
    return shop


def test_a_held_day_waits_and_the_next_one_goes_on(held_shop):
    after = BAD_DAY + dt.timedelta(days=1)
    held_shop.land(f"{after}.csv", text_of(rows_of(after)), after)
    held_shop.night(after)
    # What is held is no measure: the day after is judged by the days before.
    assert held(held_shop) == [BAD_DAY]
    assert (n_events(held_shop), n_events(held_shop, after)) == (0, len(rows_of(after)))


def test_accept_in_the_source_lets_a_day_through(held_shop):
    held_shop.state(accept=[BAD_DAY])
    checks = held_shop.night(BAD_DAY)
    assert n_events(held_shop) == len(rows_of(BAD_DAY, 30))
    assert all(check.passed for check in checks)
    assert data_status(held_shop.frame("findings")) == "Data is whole."


def test_a_day_that_a_run_accepted_is_through_as_long_as_its_rows_stay(held_shop):
    run = held_shop.run
    accept_days(run.pipeline, run.warehouse, [BAD_DAY], run.now)
    held_shop.night(BAD_DAY)
    assert n_events(held_shop) == len(rows_of(BAD_DAY, 30))
    held_shop.land("more.csv", UPPER.text(BAD_DAY), BAD_DAY)
    held_shop.night(BAD_DAY)
    assert held(held_shop) == [BAD_DAY]


def test_a_day_that_is_delivered_anew_is_held_no_more(held_shop):
    held_shop.land(f"{BAD_DAY}.csv", text_of(rows_of(BAD_DAY)), BAD_DAY)
    held_shop.night(BAD_DAY)
    assert held(held_shop) == []
    assert n_events(held_shop) == len(rows_of(BAD_DAY))


@pytest.mark.parametrize("n_left", [0, 1])
def test_a_folder_that_is_emptied_withdraws_nothing_before_somebody_says_yes(shop, n_left):
    files = sorted((shop.folder / "landing").iterdir())
    away = [file.rename(shop.folder / file.name) for file in files[n_left:]]
    n_before = shop.frame("events").height
    checks = shop.night(DAYS[-1])
    assert shop.frame("events").height == n_before
    assert [c.check.name for c in checks if not c.passed] == ["nothing_is_wrong_with_what_came"]
    status = data_status(shop.frame("findings"))
    assert f"{len(away)} of {len(files)} files are gone" in status
    # They come back, and nothing has happened.
    for file in away:
        file.rename(shop.folder / "landing" / file.name)
    shop.night(DAYS[-1])
    assert data_status(shop.frame("findings")) == "Data is whole."
    for file in (shop.folder / "landing").iterdir():
        if file.name not in [f.name for f in files[:n_left]]:
            file.unlink()
    shop.night(DAYS[-1], may_withdraw=True)
    assert shop.frame("events").height < n_before


def test_a_file_that_is_taken_away_alone_is_withdrawn_unasked(shop):
    shop.land(f"{BAD_DAY}.csv", text_of(rows_of(BAD_DAY)), BAD_DAY)
    shop.night(BAD_DAY)
    (shop.folder / "landing" / f"{BAD_DAY}.csv").unlink()
    shop.night(BAD_DAY)
    assert n_events(shop) == 0
    assert "day_missing" in shop.frame("findings")["finding"].to_list()
