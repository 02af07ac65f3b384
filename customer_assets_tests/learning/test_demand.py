"""Demand by thing and orders by hour: planted series, and recursions written out."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from customer_assets.learning import demand, rota, season

MONDAY = dt.date(2023, 1, 2)
N_WEEKS = 60


def weekly(series):
    """Return the table demand_weekly of quantities by (kind, thing)."""
    return pl.DataFrame(
        [
            (kind, thing, MONDAY + dt.timedelta(weeks=at), float(value), True)
            for (kind, thing), values in series.items()
            for at, value in enumerate(values)
        ],
        schema=["kind", "thing", "week_start", "quantity", "is_complete"],
        orient="row",
    )


@pytest.fixture(scope="module")
def things():
    """Twenty steady items, twenty of one sale in five weeks, twenty that wander; a season."""
    random = np.random.default_rng(11)
    steady = {("item", f"steady {n}"): random.poisson(40, N_WEEKS) for n in range(20)}
    rare = {
        ("item", f"rare {n}"): random.poisson(12, N_WEEKS) * (random.random(N_WEEKS) < 0.2)
        for n in range(20)
    }
    wander = {
        ("item", f"wander {n}"): 500 + np.cumsum(random.normal(0, 20, N_WEEKS)).clip(-450)
        for n in range(20)
    }
    # From the week of 7 August 2023 on, which is 86 days before November, sales are half as high
    # again and more.
    rise = 1000 * np.where(np.arange(N_WEEKS) >= 31, 1.6, 1) + random.normal(0, 40, N_WEEKS)
    return steady | rare | wander | {("all", "all"): rise}


def test_croston_and_tsb_are_their_recursions():
    values = np.array([[0, 0, 6, 0, 0, 3, 9, 0, 0, 0]], dtype=float)
    size = gap = since = 0.0
    begun, found = False, []
    for now in values[0]:
        since += 1
        if now:
            size, gap = (size + 0.1 * (now - size), gap + 0.1 * (since - gap)) if begun else (
                now, since)  # fmt: skip
            begun, since = True, 0
        found.append(0.95 * size / gap if begun else 0)
    assert demand.croston(values)[0].tolist() == pytest.approx(found)
    chance, size, begun, found = 0.0, 0.0, False, []
    for at, now in enumerate(values[0]):
        chance = float(now > 0) if at == 0 else chance + 0.1 * (float(now > 0) - chance)
        if now:
            size = size + 0.2 * (now - size) if begun else now
            begun = True
        found.append(size * chance)
    assert demand.tsb(values)[0].tolist() == pytest.approx(found)


def test_demand_is_forecast_where_it_beats_the_last_week(things):
    metrics = pl.DataFrame(demand.demand_metrics(weekly(things)))
    of = metrics.with_columns(pl.col("thing").str.split(" ").list.first().alias("sort"))
    shown = dict(of.group_by("sort").agg(pl.mean("is_shown")).rows())
    assert shown["steady"] >= 0.9
    assert shown["rare"] >= 0.6
    assert shown["wander"] <= 0.3
    forecast = pl.DataFrame(demand.demand_forecast(weekly(things)))
    assert set(forecast["thing"]) == set(metrics.filter("is_shown")["thing"])
    steady = forecast.filter(pl.col("thing").str.starts_with("steady"))
    assert steady["value"].is_between(32, 48).all()
    assert (steady["low"] < 40).mean() > 0.9
    # An 80 % interval of the next week holds about so much of what came.
    covered = of.filter(pl.col("sort") == "steady")
    assert 0.7 <= np.average(covered["coverage"], weights=covered["n_intervals"]) <= 0.92


def test_reorder_points_keep_the_service_level(things):
    rows = pl.DataFrame(demand.reorder_points(weekly(things), lead_weeks=2, service_level=0.9))
    assert rows["thing"].str.contains("steady|rare|wander").all()
    steady = rows.filter(pl.col("thing").str.starts_with("steady"))
    # The 90 % quantile of two weeks of 40 is 92.
    assert steady["reorder_point"].mean() == pytest.approx(92, abs=4)
    assert 0.83 <= steady["achieved_share"].mean() <= 0.99
    assert rows["is_kept"].mean() > 0.85


def test_a_short_log_forecasts_no_demand(things):
    short = weekly({key: values[:24] for key, values in things.items()})
    assert demand.demand_metrics(short) == []
    assert demand.demand_forecast(short) == []
    empty = weekly({}).cast({"week_start": pl.Date, "is_complete": pl.Boolean})
    assert demand.reorder_points(empty, lead_weeks=1, service_level=0.9) == []


def test_the_gain_of_a_model_is_inside_its_interval_as_often_as_said():
    """Errors of successive origins overlap, as their targets do."""
    random = np.random.default_rng(2)
    inside = []
    for _ in range(600):
        noise = np.convolve(random.normal(0, 1, 18), np.ones(4) / 4, "valid")
        _, low, high = demand.gain(0.3 + noise, np.zeros(len(noise)), 4)
        inside.append(low <= 0.3 <= high)
    assert 0.91 <= np.mean(inside) <= 0.97


def test_the_lead_of_a_season_is_found(things):
    [row] = season.season_lead(weekly(things), season_month=11, season_lead_days=90)
    assert row["lead_days"] == 86
    assert row["lead_days_low"] <= 86 <= row["lead_days_high"]
    assert (row["n_seasons"], row["is_sure"]) == (1, False)
    calm = weekly({("all", "all"): np.full(N_WEEKS, 9.0) + np.arange(N_WEEKS) % 2})
    [none] = season.season_lead(calm, season_month=11, season_lead_days=90)
    assert (none["lead_days"], none["is_as_stated"]) == (None, None)
    assert season.season_lead(calm, season_month=None, season_lead_days=None) == []


def test_orders_by_hour_are_forecast_where_a_mean_beats_last_week():
    random = np.random.default_rng(4)
    days = [MONDAY + dt.timedelta(days=n) for n in range(7 * 30)]
    # On Sundays nobody orders; at noon twice as many as at four.
    mean = {12: 20, 16: 10}
    orders = [
        dt.datetime.combine(day, dt.time(hour, 30))
        for day in days if day.isoweekday() < 7
        for hour, often in mean.items()
        for _ in range(random.poisson(often))
    ]  # fmt: skip
    frame = pl.DataFrame({"ordered_at": orders})
    calendar = pl.DataFrame({"sales_date": days, "is_complete": True})
    metrics = pl.DataFrame(rota.rota_metrics(frame, calendar))
    [best] = metrics.filter("is_champion").to_dicts()
    assert best["model"] != "seasonal_naive"
    assert best["mae_gain"] > max(best["mae_gain_low"], 0)
    assert 0.7 <= best["coverage"] <= 0.9
    forecast = pl.DataFrame(rota.rota_forecast(frame, calendar))
    assert set(forecast["hour"]) == {12, 16}
    assert 7 not in forecast["weekday"]
    assert forecast.height == 24
    noon = forecast.filter(hour=12)
    assert noon["value"].is_between(14, 26).all()
    assert (noon["low"] < 20).all()
    assert (noon["high"] > 20).all()
    # The same each week: last week says it all, and nothing else is shown.
    same = pl.DataFrame(
        {"ordered_at": [dt.datetime.combine(day, dt.time(9)) for day in days for _ in range(5)]}
    )
    assert rota.rota_forecast(same, calendar) == []
