import datetime as dt
import re
from pathlib import Path

import polars as pl
import pytest

from customer_assets.reports import write_report
from customer_assets.reports.sections.retention import fitting_period
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.table import Table

Frames = dict[str, pl.DataFrame]
Tables = dict[str, Table]


@pytest.fixture(scope="module")
def text(
    source: EventLogSource,
    tables: Tables,
    shop_frames: Frames,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    folder = tmp_path_factory.mktemp("behavior")
    return write_report("shop", source, tables, shop_frames, folder).read_text()


def _picture(text: str, alt: str) -> str:
    found = re.search(rf'aria-label="{alt}.*?</figure>', text, re.DOTALL)
    assert found is not None
    return found.group()


def test_open_days_are_no_bounces(text: str) -> None:
    assert (
        "25.0% of the sessions are a single event, a bounce (95% interval 15.0% to 38.0%); 1 day "
        "with open sessions" in text
    )
    assert "the busiest day is 8 February 2024 with 17" in text


def test_hours_are_averages_over_the_weekdays_of_the_log(text: str) -> None:
    assert "Most view events come at 21:00\u201322:00, 55.5% of them" in text
    # The log has two Thursdays and one of every other day.
    assert "Thursday 21:00\u201322:00: 61.0" in _picture(text, "Heat map of view events")


def test_purchases_stand_against_views(text: str) -> None:
    assert "<bdi>22.4</bdi>" in text


def test_open_windows_stay_out_of_the_rate(text: str) -> None:
    assert (
        "40.0% of 600 entries, a customer counted for each day of entry, reach purchase within "
        "1 day" in text
    )
    assert "Of 40 different people who enter, 45.0% reach purchase at least once" in text
    assert "Most are lost between cart or wish and purchase" in text
    assert "2 entry days whose window is still open are left out" in text
    assert "<pattern" not in _picture(text, "Bars of the funnel")
    assert "<pattern" in _picture(text, "Line of the share of entries")


def test_a_funnel_without_a_closed_window_has_no_rate(
    source: EventLogSource, tables: Tables, frames: Frames, tmp_path: Path
) -> None:
    open_windows = {
        "funnel": frames["funnel"].with_columns(is_mature=False),
        "funnel_people": frames["funnel_people"].head(0),
    }
    text = write_report("shop", source, tables, open_windows, tmp_path).read_text()
    assert "there is no rate to report" in text
    assert "<pattern" in _picture(text, "Bars of the funnel")
    assert 'id="table-funnel"' not in text


def test_retention_counts_what_is_over(text: str) -> None:
    assert "90.0% came back 1 week later and 70.0% came back 3 weeks later" in text
    picture = _picture(text, "Triangle of cohorts")
    assert "26 Feb, 1 week later: 9 of 10 so far" in picture
    assert "4 Mar, 1 week later" not in picture
    assert "<pattern" in picture


def test_the_period_fits_the_length_of_the_log() -> None:
    def frame(n_months: int, n_weeks: int) -> pl.DataFrame:
        starts = {"month": n_months, "week": n_weeks, "day": 40}
        rows = [
            (period, dt.date(2024, 1, 1) + dt.timedelta(days=at))
            for period, n in starts.items()
            for at in range(n)
        ]
        return pl.DataFrame(rows, schema=["period", "start"], orient="row")

    assert fitting_period(frame(6, 26), "start") == "month"
    assert fitting_period(frame(2, 6), "start") == "week"
    assert fitting_period(frame(1, 2), "start") == "day"


def test_lifecycle_tells_the_last_whole_interval(text: str) -> None:
    assert "In the week of 26 February 2024, the last complete week, 10 customers" in text
    assert "2 new, 5 who were there the week before and 3 back after a pause" in text
    assert "4 Mar: 5 returning, 3 resurrecting, 2 new, 5 dormant (not over yet)" in text


def test_empty_intervals_before_the_log_are_not_drawn(
    source: EventLogSource, tables: Tables, frames: Frames, tmp_path: Path
) -> None:
    rows = frames["lifecycle"]
    early = rows.head(1).with_columns(interval_start=dt.date(2023, 1, 2), n_active=0, n_new=0)
    early = early.cast(dict(rows.schema))
    shown = {"lifecycle": pl.concat([early, rows])}
    text = write_report("shop", source, tables, shown, tmp_path).read_text()
    assert "2 January 2023" not in text
    assert "29 January 2024" in text


def test_long_logs_make_short_pages(
    source: EventLogSource, tables: Tables, frames: Frames, tmp_path: Path
) -> None:
    one = frames["daily_traffic"].head(1)
    days = pl.Series(
        "event_date", [dt.date(2014, 1, 1) + dt.timedelta(days=n) for n in range(4000)]
    )
    traffic = pl.concat([one] * 4000).with_columns(days)
    page = write_report("shop", source, tables, {"daily_traffic": traffic}, tmp_path)
    assert page.stat().st_size < 500_000
    assert "The last 400 days are shown" in page.read_text()


def test_who_first_came_how_is_told_with_what_is_sure(text: str) -> None:
    assert (
        "Of the customers who first came with channel mail, 20.0% came back the week after</h2>"
        in text
    )
    assert "+20.0 points against all others (95% interval +10.0 to +30.0)" in text
    picture = _picture(text, "Channel at the first event")
    for told in ("mail, 40%: 20.0%", "unknown, 27%: 40.0%", "Revenue a buyer: mail, 40%: £20"):
        assert told in picture


def test_where_no_difference_is_sure_none_is_told(
    source: EventLogSource, tables: Tables, frames: Frames, tmp_path: Path
) -> None:
    # Above zero by itself, but not as the best of several.
    unsure = frames["retention_by"].with_columns(is_surely_more=pl.lit(False))
    text = write_report("shop", source, tables, {"retention_by": unsure}, tmp_path).read_text()
    assert "No first channel surely brings customers who come back more than others</h2>" in text


def test_new_buyers_stand_against_returning_ones(text: str) -> None:
    assert "In March 2024 new buyers brought 40.0% of the revenue (95% interval 35.0% to" in text
    assert "A returning buyer brought £0.40 more than a new one (95% interval +£0.35 to" in text
    assert "January 2024: 20.0%; March 2024: 40.0%" in _picture(text, "Line of the share of the")
