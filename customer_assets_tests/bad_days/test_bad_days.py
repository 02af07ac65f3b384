"""Days on which something else came than was to be expected: each is seen by the run it meets."""

import datetime as dt
from collections.abc import Callable

import pytest

from customer_assets.generation import accept_days
from customer_assets.reports.data_quality import data_status
from customer_assets_tests.bad_days.steady_shop import BAD_DAY, DAYS, HEADER, SteadyShop, rows_of

TENTH, TENFOLD = rows_of(BAD_DAY, per_hour=1)[::3], rows_of(BAD_DAY, per_hour=30)


def replaced(*pairs: tuple[str, str]) -> Callable[[str], str]:
    def in_text(text: str) -> str:
        for old, new in pairs:
            text = text.replace(old, new)
        return text

    return in_text


def text_of(rows: list[str], header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def shifted(text: str) -> str:
    header, *rows = text.splitlines()
    moved = []
    for row in rows:
        user, when, rest = row.split(",", 2)
        moved.append(f"{user},{dt.datetime.fromisoformat(when) + dt.timedelta(hours=10)},{rest}")
    return "\n".join([header, *moved]) + "\n"


USUAL = text_of(rows_of(BAD_DAY))
# What landed for the bad day, what is found, and whether the day is held back.
BAD = {
    "every row unreadable": (replaced((str(BAD_DAY), "unknown"))(USUAL), "file_refused", False),
    "half of the rows unreadable": (
        text_of([r.replace(str(BAD_DAY), "?") if n % 5 < 3 else r
                 for n, r in enumerate(rows_of(BAD_DAY))]),
        "rows_rejected", True,
    ),
    "a column renamed": (replaced(("user,", "client,"))(USUAL), "file_refused", False),
    "a column gone": (replaced((",what,", ",x,"))(USUAL), "file_refused", False),
    "an optional column empty": (replaced((",web", ","), (",app", ","))(USUAL),
                                 "column_empty", True),
    "ten times the rows": (text_of(TENFOLD), "many_rows", True),
    "a tenth of the rows": (text_of(TENTH), "few_rows", True),
    "header only": (text_of([]), "file_empty", False),
    "ids that become text": (replaced(("\n", "\nu"))(USUAL).rstrip("u"), "nothing_read", False),
    "item ids that become text": (replaced((",7", ",A7"))(USUAL), "identifiers_changed", True),
    "all dates in the future": (replaced(("2025-", "2035-"))(USUAL), "nothing_read", False),
    "event names in upper case": (replaced((",view,", ",VIEW,"), (",buy,", ",BUY,"))(USUAL),
                                  "event_type_gone", True),
    "no purchases": (text_of([r for r in rows_of(BAD_DAY) if ",buy," not in r]),
                     "event_type_gone", True),
    "times shifted by ten hours": (shifted(USUAL), "hours_shifted", True),
    "no file": (None, "day_missing", False),
}  # fmt: skip


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


@pytest.mark.parametrize("what", BAD)
def test_a_bad_day_is_seen_by_the_run_that_meets_it(shop, what):
    text, finding, is_held = BAD[what]
    if text is not None:
        shop.land(f"{BAD_DAY}.csv", text, BAD_DAY)
    checks = shop.night(BAD_DAY)
    found = shop.frame("findings")
    assert finding in found["finding"].to_list()
    assert [c for c in checks if not c.passed], "no check says so"
    status = data_status(found)
    assert not status.startswith("Data is whole."), status
    (of_day,) = shop.rows("accounting", f"event_date = date '{BAD_DAY}'") or [None]
    if is_held:
        assert of_day["n_pending"] == of_day["n_landed"] - of_day["n_rejected"] > 0
        assert of_day["pending_reason"].startswith("held back: ")
        assert "held back" in status
    n_before = shop.rows("events", f"event_date = date '{DAYS[-1]}'")
    assert len(n_before) == len(rows_of(DAYS[-1]))
    assert (len(shop.rows("events", f"event_date = date '{BAD_DAY}'")) == 0) == (
        is_held or text is None or finding in ("file_refused", "file_empty", "nothing_read")
    )


def held(shop):
    return shop.frame("day_findings").filter("is_held")["event_date"].unique().to_list()


def n_events(shop, day=BAD_DAY):
    return len(shop.rows("events", f"event_date = date '{day}'"))


@pytest.fixture
def held_shop(shop):
    shop.land(f"{BAD_DAY}.csv", text_of(TENFOLD), BAD_DAY)
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
    assert n_events(held_shop) == len(TENFOLD)
    assert all(check.passed for check in checks)
    assert data_status(held_shop.frame("findings")) == "Data is whole."


def test_a_day_that_a_run_accepted_is_through_as_long_as_its_rows_stay(held_shop):
    run = held_shop.run
    accept_days(run.pipeline, run.warehouse, [BAD_DAY], run.now)
    held_shop.night(BAD_DAY)
    assert n_events(held_shop) == len(TENFOLD)
    held_shop.land("more.csv", text_of([r.replace(",view,", ",VIEW,") for r in TENFOLD]), BAD_DAY)
    held_shop.night(BAD_DAY)
    assert held(held_shop) == [BAD_DAY]


def test_a_day_that_is_delivered_anew_is_held_no_more(held_shop):
    held_shop.land(f"{BAD_DAY}.csv", USUAL, BAD_DAY)
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
    shop.land(f"{BAD_DAY}.csv", USUAL, BAD_DAY)
    shop.night(BAD_DAY)
    (shop.folder / "landing" / f"{BAD_DAY}.csv").unlink()
    shop.night(BAD_DAY)
    assert n_events(shop) == 0
    assert "day_missing" in shop.frame("findings")["finding"].to_list()
