"""Which neighbouring days are read, over days of 23 and 25 hours."""

import datetime as dt

from customer_assets.behavior import windows

LONDON = "Europe/London"
SHORT, LONG = dt.date(2017, 3, 26), dt.date(2017, 10, 29)
DAY = dt.timedelta(days=1)


def test_a_window_ends_a_day_later_over_a_short_day():
    two_days = 2 * 86_400
    assert windows.window_end_day(LONG - 2 * DAY, two_days, LONDON) == LONG
    assert windows.window_end_day(SHORT - 5 * DAY, two_days, LONDON) == SHORT - 3 * DAY
    assert windows.window_end_day(SHORT - 2 * DAY, two_days, LONDON) == SHORT + DAY


def test_first_entry_day_is_the_first_whose_window_reaches_the_event():
    for zone in (LONDON, "Asia/Shanghai"):
        for event_day in (SHORT + n * DAY for n in range(-3, 4)):
            first = windows.first_entry_day(event_day, 86_400, zone)
            assert windows.window_end_day(first, 86_400, zone) >= event_day
            assert windows.window_end_day(first - DAY, 86_400, zone) < event_day


def test_short_days():
    assert windows.short_days(LONDON, dt.date(2017, 1, 1), dt.date(2017, 12, 31)) == [SHORT]
    assert windows.short_days("Asia/Shanghai", SHORT, LONG) == []


def test_a_chain_over_midnights_needs_further_days():
    spanned = {SHORT + DAY, SHORT + 2 * DAY}
    assert windows.last_fragment_day(SHORT, spanned.__contains__) == SHORT + 3 * DAY
    assert windows.last_fragment_day(SHORT + 3 * DAY, spanned.__contains__) == SHORT + 4 * DAY
    assert windows.session_days_touched([SHORT + 3 * DAY], spanned.__contains__) == {
        SHORT + n * DAY for n in range(5)
    }
