"""Forecasts that know nothing beyond their origin, and intervals that hold what they promise."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_assets.learning.forecast_backtest import interval
from customer_assets.learning.forecast_models import BASELINE, FORECASTERS, STEPS
from customer_assets_tests.conftest import read_source, run_source
from customer_assets_tests.tables import computed

MONDAY = dt.date(2024, 1, 1)
N_DAYS = 49


def calendar(values: Sequence[float]) -> pl.DataFrame:
    """Sales of successive days from a Monday on."""
    days = [MONDAY + dt.timedelta(days=n) for n in range(len(values))]
    weeks = [day - dt.timedelta(days=day.weekday()) for day in days]
    return pl.DataFrame(
        {
            "sales_date": days,
            "week_start": weeks,
            "revenue": [Decimal(f"{value:.4f}") for value in values],
            "is_complete": [True] * len(values),
            "is_week_complete": [weeks.count(week) == 7 for week in weeks],
        },
        schema={
            "sales_date": pl.Date,
            "week_start": pl.Date,
            "revenue": pl.Decimal(18, 4),
            "is_complete": pl.Boolean,
            "is_week_complete": pl.Boolean,
        },
    )


def forecasts(
    values: Sequence[float], holidays: Sequence[str] = ()
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The three tables of a series."""
    parameters = {"holidays": list(holidays)}
    frames = {"sales_calendar": calendar(values)}
    frames["forecast_backtest"] = computed("forecast_backtest", frames, parameters)
    frames["forecast_metrics"] = computed("forecast_metrics", frames)
    ahead = computed("sales_forecast", frames, parameters)
    return frames["forecast_backtest"], frames["forecast_metrics"], ahead


def closed_on_saturdays() -> list[float]:
    noise = np.random.default_rng(1).normal(0, 30, N_DAYS)
    weekdays = np.array([100, 150, 200, 250, 300, 0, 50])
    return [
        float(max(v + e, 1) if v else 0) for v, e in zip(np.tile(weekdays, 7), noise, strict=True)
    ]


@pytest.fixture(scope="module")
def shop():
    return forecasts(closed_on_saturdays())


def test_no_model_knows_what_comes_after_the_origin(shop) -> None:
    values = closed_on_saturdays()
    changed = values[:42] + [value * 9 + 7 for value in values[42:]]
    known = pl.col("origin_date") < MONDAY + dt.timedelta(days=42)
    forecast = ["period", "model", "origin_date", "horizon", "value", "low", "high"]
    before, after = (
        tables[0].filter(known).select(forecast) for tables in (shop, forecasts(changed))
    )
    assert set(before["model"]) == set(FORECASTERS)
    assert before.equals(after)


def test_the_same_sales_give_the_same_forecasts(shop) -> None:
    for one, other in zip(shop, forecasts(closed_on_saturdays()), strict=True):
        assert one.sort(pl.all()).equals(other.sort(pl.all()))


def test_nothing_is_expected_of_a_weekday_without_trade(shop) -> None:
    backtest, _, ahead = shop
    for frame in (backtest, ahead):
        saturdays = frame.filter(pl.col("target_date").dt.weekday() == 6)
        assert not saturdays["is_open"].any()
        assert saturdays.select("value", "low", "high").to_numpy().max() == 0
        assert frame.filter(pl.col("target_date").dt.weekday() == 5)["is_open"].all()


def test_the_forecast_begins_after_the_last_day(shop) -> None:
    day = shop[2].filter(pl.col("is_champion")).sort("target_date")
    assert day["target_date"][0] == MONDAY + dt.timedelta(days=N_DAYS)
    assert day.height == 14
    assert (day["low"] <= day["value"]).all()


def test_a_holiday_is_closed_and_leaves_the_season_in_place(shop) -> None:
    values = closed_on_saturdays()
    values[46] = 0
    holidays = [str(MONDAY + dt.timedelta(days=46)), str(MONDAY + dt.timedelta(days=51))]
    ahead = forecasts(values, holidays)[2]
    of_holiday = ahead.filter(pl.col("target_date") == dt.date.fromisoformat(holidays[1]))
    assert of_holiday["value"].to_list() == [0.0] * len(FORECASTERS)
    # Friday is the best day of the shop, Sunday the worst that is open.
    smoothed = ahead.filter((pl.col("model") == "exponential_smoothing") & pl.col("is_open"))
    ranked = smoothed.sort("value")["target_date"].dt.weekday().to_list()
    assert (ranked[0], ranked[-1]) == (7, 5)


def test_the_champion_has_the_lowest_wape(shop) -> None:
    worse = pl.col("value") + pl.when(pl.col("model") == BASELINE).then(50).otherwise(0)
    metrics = computed("forecast_metrics", {"forecast_backtest": shop[0].with_columns(value=worse)})
    overall = metrics.filter(pl.col("horizon") == 0)
    wape = dict(overall.select("model", "wape").iter_rows())
    champion = overall.filter("is_champion")["model"].item()
    assert champion == min(wape, key=wape.get) != BASELINE
    assert f"{champion} beats the baseline" in overall["decision"][0]


def test_what_repeats_itself_is_left_to_the_baseline() -> None:
    _, metrics, ahead = forecasts([100, 150, 200, 250, 300, 0, 50] * 7)
    assert set(metrics.filter("is_champion")["model"]) == {BASELINE}
    assert "No model beats the baseline" in metrics["decision"][0]
    assert set(ahead.filter("is_champion")["model"]) == {BASELINE}


def test_metrics_are_those_of_the_backtest(shop) -> None:
    backtest, metrics, _ = shop
    chosen = (pl.col("model") == "lightgbm") & (pl.col("horizon") == 3)
    rows = backtest.filter(chosen & pl.col("is_open"))
    actual, value = rows["actual"].to_numpy(), rows["value"].to_numpy()
    found = metrics.filter(chosen).row(0, named=True)
    assert found["mae"] == pytest.approx(np.abs(actual - value).mean())
    assert found["wape"] == pytest.approx(np.abs(actual - value).sum() / actual.sum())
    assert found["r2"] == pytest.approx(
        1 - ((actual - value) ** 2).sum() / actual.var() / len(actual)
    )
    inside = rows.filter(pl.col("low").is_not_null())
    assert found["n_intervals"] == inside.height < rows.height
    assert found["coverage"] == inside["actual"].is_between(inside["low"], inside["high"]).mean()


def test_intervals_rest_on_errors_known_at_their_origin(shop) -> None:
    rows = shop[0].filter((pl.col("model") == "lightgbm") & (pl.col("horizon") == 5))
    first_target = rows.filter("is_open")["target_date"].min()
    told = rows.filter("is_open", pl.col("low").is_not_null())
    assert told["origin_date"].min() >= first_target + dt.timedelta(days=10)


@pytest.mark.parametrize(
    "values",
    [
        [0, 0, 0, 0, 0, 90, 0] * 7,
        [80, 0, 0, 0, 90, 0, 0] * 7,
        [50.0] * 7 + [0] * 42 + [60.0],
        [0.0] * 49,
    ],
    ids=["one day a week", "two days a week", "a long pause", "nothing is paid"],
)
def test_sales_that_are_rare_are_forecast_too(values: list[float]) -> None:
    _, metrics, ahead = forecasts(values)
    assert metrics.filter("is_champion", pl.col("horizon") == 0).height == 1
    assert ahead["value"].is_finite().all()


@pytest.mark.parametrize("n_days", [0, 5, 38])
def test_a_log_too_short_has_no_forecast(n_days: int) -> None:
    assert [frame.height for frame in forecasts([10.0] * n_days)] == [0, 0, 0]


@given(st.lists(st.floats(0, 1e6), min_size=10, max_size=60), st.floats(0, 1e6))
def test_an_interval_holds_four_of_five_past_errors(errors: list[float], value: float) -> None:
    day, week = STEPS
    found = interval({"value": value, "is_open": True}, day, errors)
    rounding = 1e-9 * (value + 1)
    assert sum(error <= found["high"] - value + rounding for error in errors) >= 0.8 * len(errors)
    assert found["low"] == pytest.approx(max(2 * value - found["high"], 0), abs=rounding)
    # An error of a week is a share of what was forecast: twice the sales, twice the width.
    shares = [error / 1e7 for error in errors]
    once, twice = (interval({"value": sold, "is_open": True}, week, shares) for sold in (1e3, 2e3))
    assert twice["high"] == pytest.approx(2 * once["high"])


def test_a_last_day_that_breaks_off_is_marked_partial(tmp_path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    lines = ["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"]
    for day in range(1, 29):
        for hour in (9, 12, 17):
            if (day, hour) != (28, 17):
                at = f"2011-02-{day:02} {hour:02}:00:00"
                lines.append(f"{day}{hour},A1,MUG,1,{at},2.50,17,United Kingdom")
    (landing / "log.csv").write_text("\n".join(lines) + "\n")
    run = run_source("online_retail", read_source("online_retail"), landing, tmp_path / "home")
    run.ingest()
    names = (
        "events",
        "hourly_traffic",
        "calendar",
        "order_lines",
        "order_returns",
        "sales_daily",
        "sales_calendar",
    )
    run.materialize(*names, days=[dt.date(2011, 2, day) for day in range(1, 29)])
    days = run.frame("sales_calendar")
    assert days["is_complete"].to_list() == [True] * 27 + [False]
    # February 2011 began on a Tuesday and ended on a Monday.
    assert days["is_week_complete"].to_list() == [False] * 6 + [True] * 21 + [False]
