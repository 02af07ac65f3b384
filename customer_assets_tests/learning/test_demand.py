"""What will be asked for: judged by what was, shown only where it is better than last time."""

import datetime as dt
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from customer_assets.learning import demand
from customer_assets_tests.tables import computed

MONDAY = dt.date(2023, 1, 2)
STATED = {"demand_lead_weeks": 4, "demand_service_level": 0.95}


def weekly(units: np.ndarray, kind: str = "item") -> pl.DataFrame:
    """The table of series, a row each; what was not asked for in a week has no row."""
    n_things, n_weeks = units.shape
    found = pl.DataFrame(
        {
            "demand_kind": kind,
            "thing": [f"{n:03}" for n in range(n_things) for _ in range(n_weeks)],
            "thing_name": [f"thing {n}" for n in range(n_things) for _ in range(n_weeks)],
            "week_start": [MONDAY + dt.timedelta(weeks=n) for n in range(n_weeks)] * n_things,
            "units": units.ravel().astype(float),
        }
    )
    return found.filter(pl.col("units") > 0)


def forecasts(units: np.ndarray, kind: str = "item") -> dict[str, pl.DataFrame]:
    frames = {"demand_weekly": weekly(units, kind)}
    frames["demand_backtest"] = computed("demand_backtest", frames, STATED)
    frames["demand_metrics"] = computed(
        "demand_metrics", frames, {"demand_service_level": STATED["demand_service_level"]}
    )
    frames["demand_forecast"] = computed("demand_forecast", frames, STATED)
    return frames


def steady(n_things: int = 120, n_weeks: int = 60) -> np.ndarray:
    random = np.random.default_rng(3)
    rates = random.lognormal(2.5, 0.8, (n_things, 1))
    return random.negative_binomial(2, 2 / (2 + rates), (n_things, n_weeks))


@pytest.fixture(scope="module")
def shop():
    return forecasts(steady())


def test_no_model_knows_what_comes_after_the_origin(shop):
    changed = steady()
    changed[:, 52:] = changed[:, 52:] * 7 + 3
    known = pl.col("origin_date") < MONDAY + dt.timedelta(weeks=52)
    said = ["model", "origin_date", "thing", "demand_class", "value", "low", "reorder_point"]
    one, other = (
        frames["demand_backtest"].filter(known).select(said).sort(said[:3])
        for frames in (shop, forecasts(changed))
    )
    assert set(one["model"]) == set(demand.MODELS)
    assert one.equals(other)


def test_steady_demand_is_shown_and_holds_what_it_says(shop):
    champion = shop["demand_metrics"].filter("is_champion").sort("demand_class").row(-1, named=True)
    assert champion["demand_class"] == "regular"
    assert champion["model"].startswith("smoothing")
    assert champion["is_shown"]
    assert champion["difference_high"] < 0
    assert champion["coverage"] == pytest.approx(0.8, abs=0.04)
    assert champion["service"] == pytest.approx(0.95, abs=0.02)
    now = shop["demand_forecast"].filter(demand_class="regular")
    assert now["first_week"].unique().to_list() == [MONDAY + dt.timedelta(weeks=60)]
    # What is forecast is near what is planted.
    assert now["value"].sum() == pytest.approx(now["weekly_units"].sum() * 4, rel=0.1)
    assert (now["low"] <= now["value"]).all()
    assert (now["reorder_point"] >= now["high"].floor()).all()


def test_figures_are_those_of_the_backtest(shop):
    backtest, metrics = shop["demand_backtest"], shop["demand_metrics"]
    of_model = backtest.filter(model="smoothing_20", demand_class="regular")
    origins = sorted(of_model["origin_date"].unique())
    later = of_model.filter(pl.col("origin_date") >= origins[len(origins) // 2])
    error = np.abs(later["actual_units"].to_numpy() - later["value"].to_numpy()).sum()
    found = metrics.filter(model="smoothing_20", demand_class="regular").row(0, named=True)
    assert found["wape"] == pytest.approx(error / later["actual_units"].sum())
    # A reorder point of the last origin: the rank among the errors whose outcome was known.
    last = of_model.filter(origin_date=origins[-1]).row(0, named=True)
    known = of_model.filter(pl.col("origin_date") <= origins[-1] - dt.timedelta(weeks=4))
    errors = sorted(
        (row["actual_units"] - row["value"]) / max(row["value"], 1)
        for row in known.iter_rows(named=True)
    )
    by = errors[math.ceil((len(errors) + 1) * 0.95) - 1]
    assert last["reorder_point"] == math.ceil(last["value"] + by * max(last["value"], 1))


def test_what_comes_again_each_year_is_left_to_the_baseline():
    season = 20 + 15 * np.sin(np.arange(150) * 2 * np.pi / 52)
    frames = forecasts(np.tile(np.round(season), (60, 1)) + np.arange(60)[:, None] % 7)
    assert not frames["demand_metrics"]["is_shown"].any()
    assert "nothing is shown" in frames["demand_metrics"]["decision"][0]
    assert frames["demand_forecast"]["value"].null_count() == 60


def test_a_short_log_has_no_forecast():
    frames = forecasts(steady(n_weeks=20))
    assert frames["demand_backtest"].is_empty()
    assert frames["demand_metrics"].is_empty()
    assert frames["demand_forecast"].is_empty()
    assert forecasts(steady(n_weeks=0))["demand_forecast"].is_empty()


@given(st.lists(st.integers(0, 4).map(lambda n: max(n - 2, 0) * 3), min_size=1, max_size=30))
@hypothesis_settings(max_examples=50)
def test_croston_and_tsb_are_those_of_the_papers(series):
    panel = demand.Panel("item", [("a", "a")], MONDAY, np.array([series], dtype=float), 4)
    size = gap = chance = tsb_size = None
    since = 1
    for at, units in enumerate(series):
        if chance is not None:
            chance += 0.2 * ((units > 0) - chance)
        if units and size is None:
            size, gap, chance, tsb_size = units, 1, 1, units
        elif units:
            size += 0.1 * (units - size)
            gap += 0.1 * (since - gap)
            tsb_size += 0.2 * (units - tsb_size)
        since = 1 if units else since + 1
        croston = 0 if size is None else 0.95 * size / gap
        tsb = 0 if tsb_size is None else tsb_size * chance
        assert demand.croston(panel)[0, at] == pytest.approx(croston)
        assert demand.teunter_syntetos_babai(panel)[0, at] == pytest.approx(tsb)


def leads(units: np.ndarray, month: int | None = 11) -> pl.DataFrame:
    frames = {"demand_weekly": weekly(units, "category")}
    return computed("season_lead", frames, {"season_month": month, "season_lead_days": 90})


def test_how_long_before_its_month_a_season_begins():
    random = np.random.default_rng(11)
    # From the week of 7 August on, 86 days before November, half as much again and more.
    rise = 1000 * np.where(np.arange(60) >= 31, 1.6, 1) + random.normal(0, 40, 60)
    calm = 9.0 + np.arange(60) % 2
    risen, flat = leads(np.array([rise, calm])).sort("thing").iter_rows(named=True)
    assert risen["lead_days"] == 86
    assert risen["lead_days_low"] <= 86 <= risen["lead_days_high"]
    assert risen["season_start"] == dt.date(2023, 11, 1)
    # One season is no rule.
    assert (risen["n_seasons"], risen["is_sure"]) == (1, False)
    assert (flat["lead_days"], flat["is_as_stated"]) == (None, None)
    two = leads(np.array([np.tile(rise[:52], 2)]))
    assert two["n_seasons"].to_list() == [2, 2]
    assert two["is_sure"].all()
    assert leads(np.array([rise]), month=None).is_empty()
