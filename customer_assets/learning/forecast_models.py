"""The models that forecast sales, and the series that they see.

A forecaster is a function of a series and of origins: what it says at an origin depends on the
periods up to it alone. How good that is, and what is published, belongs to `forecast`.
"""

import datetime as dt
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import numpy as np

BASELINE = "seasonal_naive"
# A weekday on which nothing was sold so many times in a row is closed.
_CLOSED_AFTER = 4
# Below this, statsmodels finds no values to begin with: the mean must do.
_MIN_SMOOTHED = 10
_ROUNDS = 120
_RANDOM_STATE = 42
# The examples of one target at different horizons are almost the same: a leaf holds at least so
# many different targets.
_MIN_TARGETS_IN_LEAF = 10
_LIGHTGBM: Mapping[str, Any] = {
    "objective": "regression",
    "learning_rate": 0.05,
    "num_leaves": 8,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "seed": _RANDOM_STATE,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


@dataclass(frozen=True)
class Step:
    """The length of a period: how far ahead is forecast, and what a backtest needs of it.

    `refit_every` says at how many successive origins a model keeps the parameters that it was
    fitted with; what it knows of sales is always up to date. Errors are relative to the forecast
    where a period is long enough for sales to grow over the ones looked back at.
    """

    name: str
    days: int
    horizon: int
    min_history: int
    max_origins: int
    refit_every: int
    has_relative_errors: bool

    def scale(self, value: float) -> float:
        """Return what the error of a forecast is measured in."""
        return value if self.has_relative_errors else 1.0


STEPS = (Step("day", 1, 14, 28, 84, 7, False), Step("week", 7, 4, 12, 26, 1, True))


@dataclass(frozen=True)
class Series:
    """Sales by period without gaps, and a slot for each period, also of those to come.

    Periods of one slot (a weekday; weeks have one) are a season apart. Slot -1 is a holiday.
    `open_share` is the share of a period's days that are no holidays.
    """

    first: dt.date
    step: Step
    values: "np.ndarray"
    slots: "np.ndarray"
    open_share: "np.ndarray"

    def date(self, at: int) -> dt.date:
        return self.first + dt.timedelta(days=at * self.step.days)

    def open_slots(self, origin: int) -> list[int]:
        """Return the slots on which the source trades, as far as known at an origin."""
        if self.step.days > 1:
            return [0]
        found = []
        for slot in sorted({int(slot) for slot in self.slots if slot >= 0}):
            past = self.values[: origin + 1][self.slots[: origin + 1] == slot]
            recent = past[-_CLOSED_AFTER:]
            if len(recent) < _CLOSED_AFTER or recent.any():
                found.append(slot)
        return found

    def ahead(self, origin: int) -> range:
        return range(origin + 1, origin + 1 + self.step.horizon)


# Forecasts by origin (rows) and horizon (columns), for every period as if it were open.
Forecaster = Callable[[Series, Sequence[int]], "np.ndarray"]


def seasonal_naive(series: Series, origins: Sequence[int]) -> "np.ndarray":
    """Return the last value of the same weekday; for weeks, the value of the last week."""
    import numpy as np

    rows = []
    for origin in origins:
        latest = {int(slot): 0.0 for slot in series.slots}
        for slot, value in zip(series.slots[: origin + 1], series.values, strict=False):
            latest[int(slot)] = float(value)
        rows.append([latest[int(series.slots[at])] for at in series.ahead(origin)])
    return np.array(rows)


def exponential_smoothing(series: Series, origins: Sequence[int]) -> "np.ndarray":
    """Return forecasts by additive exponential smoothing, with one season per open weekday.

    Weeks have no season and a damped trend (Hyndman et al., Forecasting with Exponential
    Smoothing, 2008; statsmodels).
    """
    import numpy as np
    from statsmodels.tools.sm_exceptions import ConvergenceWarning
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel
    from threadpoolctl import threadpool_limits

    weekdays = _weekdays(series)
    rows = []
    season, parameters = 0, None
    for number, origin in enumerate(origins):
        open_slots = series.open_slots(origin)
        is_open = np.isin(weekdays, open_slots)
        past = _holidays_filled(series, weekdays, origin)[is_open[: origin + 1]]
        if len(past) < max(_MIN_SMOOTHED, 2 * len(open_slots)):
            rows.append(np.full(series.step.horizon, past.mean() if len(past) else 0.0))
            continue
        has_season = len(open_slots) > 1
        model = ETSModel(
            past,
            trend=None if has_season else "add",
            damped_trend=not has_season,
            seasonal="add" if has_season else None,
            seasonal_periods=len(open_slots) if has_season else None,
        )
        # One thread: the same sums on every machine, and no threads that wait for each other.
        with threadpool_limits(1), warnings.catch_warnings():
            # Parameters short of the optimum still forecast; the backtest says how well.
            warnings.simplefilter("ignore", ConvergenceWarning)
            is_due = number % series.step.refit_every == 0
            if is_due or parameters is None or season != len(open_slots):
                season, parameters = len(open_slots), model.fit(disp=False).params
            is_next_open = is_open[series.ahead(origin)]
            forecasts = np.zeros(series.step.horizon)
            forecasts[is_next_open] = model.smooth(parameters).forecast(is_next_open.sum())
        rows.append(forecasts)
    return np.array(rows)


def _weekdays(series: Series) -> "np.ndarray":
    """Return the slots with the weekday of each holiday in its place."""
    import numpy as np

    if series.step.days > 1:
        return np.zeros(len(series.slots), dtype=int)
    return (np.arange(len(series.slots)) + series.first.isoweekday() - 1) % 7


def _holidays_filled(series: Series, weekdays: "np.ndarray", origin: int) -> "np.ndarray":
    """Return the values up to an origin, a holiday's replaced by that of a week before.

    Left out, it would move all later days by one season's slot; left in, it would pass for a
    bad day.
    """
    filled = series.values[: origin + 1].copy()
    latest: dict[int, float] = {}
    for at in range(origin + 1):
        weekday = int(weekdays[at])
        if series.slots[at] < 0 and weekday in latest:
            filled[at] = latest[weekday]
        latest[weekday] = float(filled[at])
    return filled


def lightgbm_on_lags(series: Series, origins: Sequence[int]) -> "np.ndarray":
    """Return forecasts by LightGBM from lags, recent means and the calendar.

    One model for all horizons, the horizon being a feature, trained on targets up to the origin.
    It learns how far sales differ from the mean of the last four of their weekday, relative to the
    mean level at the origin, since trees cannot follow a trend beyond what they saw.
    """
    import lightgbm
    import numpy as np

    features, levels, means, targets = _examples(series)
    ahead = np.arange(1, series.step.horizon + 1)
    rows = []
    booster: lightgbm.Booster | None = None
    for number, origin in enumerate(origins):
        if number % series.step.refit_every == 0:
            is_known = np.arange(origin)[:, None] + ahead <= origin
            known = (targets - means)[:origin]
            is_used = is_known & ~np.isnan(known)
            booster = (
                lightgbm.train(
                    {**_LIGHTGBM, "min_data_in_leaf": _MIN_TARGETS_IN_LEAF * len(ahead)},
                    lightgbm.Dataset(features[:origin][is_used], known[is_used]),
                    num_boost_round=_ROUNDS,
                )
                if is_used.any()
                else None
            )
        learnt = 0.0 if booster is None else np.asarray(booster.predict(features[origin]))
        rows.append(np.nan_to_num((means[origin] + learnt) * levels[origin]))
    return np.array(rows)


def _examples(
    series: Series,
) -> tuple["np.ndarray", "np.ndarray", "np.ndarray", "np.ndarray"]:
    """Return features (origin, horizon, feature), levels by origin, means and targets.

    Means of the last four of a weekday, and targets, are relative to the level. What cannot be
    known, or is closed, is NaN.
    """
    import numpy as np

    n, horizon = len(series.values), series.step.horizon
    short, long = (5, 20) if series.step.days == 1 else (3, 8)
    features = np.full((n, horizon, 11), np.nan)
    levels = np.full(n, np.nan)
    means, targets = np.full((n, horizon), np.nan), np.full((n, horizon), np.nan)
    for origin in range(n):
        slots = series.open_slots(origin)
        known = np.flatnonzero(np.isin(series.slots[: origin + 1], slots))
        past = series.values[known]
        if len(past) < long or not past[-long:].mean() > 0:
            continue
        level = levels[origin] = past[-long:].mean()
        common = [
            past[-1] / level,
            past[-2] / level,
            past[-short:].mean() / level,
            past[-short:].std() / level,
            past[-2 * short : -short].mean() / level,
        ]
        for ahead, at in enumerate(series.ahead(origin)):
            slot = int(series.slots[at])
            if slot not in slots:
                continue
            same = past[series.slots[known] == slot]
            means[origin, ahead] = same[-4:].mean() / level
            date = series.date(at)
            features[origin, ahead] = [
                ahead + 1,
                slot,
                date.day,
                series.open_share[at],
                same[-1] / level,
                means[origin, ahead],
                *common,
            ]
            if at < n:
                targets[origin, ahead] = series.values[at] / level
    return features, levels, means, targets


FORECASTERS: Mapping[str, Forecaster] = {
    BASELINE: seasonal_naive,
    "exponential_smoothing": exponential_smoothing,
    "lightgbm": lightgbm_on_lags,
}


def series_of(calendar: pl.DataFrame, step: Step, holidays: Sequence[str]) -> Series:
    """Return the series of `sales_calendar` by day or by week, of complete periods only."""
    import numpy as np

    start, is_complete = ("sales_date", "is_complete")
    if step.days > 1:
        start, is_complete = ("week_start", "is_week_complete")
    periods = calendar.filter(is_complete).group_by(start).agg(pl.sum("revenue")).sort(start)
    values = periods["revenue"].cast(pl.Float64).to_numpy()
    first = periods[start].min() or dt.date(1970, 1, 1)
    assert isinstance(first, dt.date)
    closed = {dt.date.fromisoformat(day) for day in holidays}
    starts = [first + dt.timedelta(days=at * step.days) for at in range(len(values) + step.horizon)]
    shares = [
        sum(start + dt.timedelta(days=day) not in closed for day in range(step.days)) / step.days
        for start in starts
    ]
    slots = [
        0 if step.days > 1 else start.weekday() if share else -1
        for start, share in zip(starts, shares, strict=True)
    ]
    return Series(first, step, values, np.array(slots, dtype=int), np.array(shares))
