"""Where windows end, over days of 23 and 25 hours."""

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


def test_short_days():
    assert windows.short_days(LONDON, dt.date(2017, 1, 1), dt.date(2017, 12, 31)) == [SHORT]
    assert windows.short_days("Asia/Shanghai", SHORT, LONG) == []
