"""What will be asked for: units of products and categories, and orders by the hour.

`demand_backtest` holds what each model would have said at past weeks, `demand_metrics` how good
that was, with the champion of each class, `demand_forecast` what the champion says now, and how
much to have at hand. A series of one product is too short to choose a model by: all series of a
kind that are alike, regular or intermittent, choose together, on the earlier half of the backtest,
and the later half says whether that is better than doing as last time. Only then is it shown.
"""

import datetime as dt
import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import numpy as np

BASELINE = "seasonal_naive"
INTERVAL_LEVEL = 0.8
KINDS = ("item", "category", "hour", "shop")
_YEAR = 52
_MIN_HISTORY = 12
_MAX_ORIGINS = 26
_MIN_ORIGINS = 12
# An interval is made of the errors of so many origins, and so many errors, or there is none.
_MIN_KNOWN_ORIGINS = 6
_MIN_ERRORS = 50
# Weeks without demand between two with it (Syntetos, Boylan and Croston, On the categorization of
# demand patterns, 2005).
_INTERMITTENT = 1.32
_RESAMPLES = 999
_RANDOM_STATE = 42
_WEEK = dt.timedelta(days=7)


@dataclass(frozen=True)
class Panel:
    """The weekly demand of all things of a kind: a row a thing, a column a week without gaps."""

    kind: str
    things: list[tuple[str, str]]
    first_week: dt.date
    units: "np.ndarray"
    horizon: int

    def week(self, at: int) -> dt.date:
        return self.first_week + at * _WEEK

    @functools.cached_property
    def has_begun(self) -> "np.ndarray":
        """Whether a thing was asked for up to a week."""
        return self.units.cumsum(axis=1) > 0

    @functools.cached_property
    def is_regular(self) -> "np.ndarray":
        """Whether a thing, since it was first asked for, was in most weeks; known at each week."""
        n_weeks = self.has_begun.cumsum(axis=1)
        return (self.units > 0).cumsum(axis=1) * _INTERMITTENT >= n_weeks

    def ahead(self, at: int) -> "np.ndarray":
        return self.units[:, at + 1 : at + 1 + self.horizon].sum(axis=1)


def panels(demand_weekly: pl.DataFrame, lead_weeks: int) -> Iterator[Panel]:
    """Yield the panel of each kind that there is; hours are forecast for the next week alone."""
    if demand_weekly.is_empty():
        return
    first, last = demand_weekly["week_start"].min(), demand_weekly["week_start"].max()
    assert isinstance(first, dt.date)
    assert isinstance(last, dt.date)
    weeks = pl.DataFrame({"week_start": pl.date_range(first, last, _WEEK, eager=True)})
    for kind in KINDS:
        of_kind = demand_weekly.filter(pl.col("demand_kind") == kind)
        if of_kind.is_empty():
            continue
        things = of_kind.select("thing", "thing_name").unique("thing").sort("thing")
        units = (
            things.select("thing")
            .join(weeks, how="cross")
            .join(of_kind, on=["thing", "week_start"], how="left")
            .sort("thing", "week_start")["units"]
            .cast(pl.Float64)
            .fill_null(0.0)
        )
        shape = (len(things), len(weeks))
        horizon = 1 if kind == "hour" else lead_weeks
        yield Panel(kind, list(things.iter_rows()), first, units.to_numpy().reshape(shape), horizon)


# What a model says, at each week, of the demand of one week to come: things by weeks.
Model = Callable[[Panel], "np.ndarray"]


def seasonal_naive(panel: Panel) -> "np.ndarray":
    """Return the mean of the same weeks of the year before, or else of the last ones."""
    import numpy as np

    means = np.zeros_like(panel.units)
    for at in range(means.shape[1]):
        means[:, at] = panel.units[:, max(at + 1 - panel.horizon, 0) : at + 1].mean(axis=1)
        if (start := at + 1 - _YEAR) >= 0:
            of_year_before = panel.units[:, start : start + panel.horizon].mean(axis=1)
            has_year = panel.has_begun[:, start]
            means[has_year, at] = of_year_before[has_year]
    return means


def smoothing(weight: float) -> Model:
    """Return simple exponential smoothing (Brown, 1956), from the first week with demand on."""

    def model(panel: Panel) -> "np.ndarray":
        import numpy as np

        levels = np.zeros_like(panel.units)
        level = np.zeros(len(panel.things))
        begun = np.zeros(len(panel.things), dtype=bool)
        for at, units in enumerate(panel.units.T):
            level = np.where(begun, level + weight * (units - level), units)
            begun |= units > 0
            levels[:, at] = level
        return levels

    return model


def croston(panel: Panel) -> "np.ndarray":
    """Return Croston's forecast with the correction of Syntetos and Boylan (2005)."""
    import numpy as np

    weight = 0.1
    levels = np.zeros_like(panel.units)
    size, gap = np.zeros(len(panel.things)), np.ones(len(panel.things))
    since = np.ones(len(panel.things))
    begun = np.zeros(len(panel.things), dtype=bool)
    for at, units in enumerate(panel.units.T):
        is_asked = units > 0
        size = np.where(is_asked, np.where(begun, size + weight * (units - size), units), size)
        gap = np.where(is_asked & begun, gap + weight * (since - gap), gap)
        since = np.where(is_asked, 1, since + 1)
        begun |= is_asked
        levels[:, at] = (1 - weight / 2) * size / gap
    return levels


def teunter_syntetos_babai(panel: Panel) -> "np.ndarray":
    """Return TSB's forecast (2011), which falls also while nothing is asked for."""
    import numpy as np

    weight = 0.2
    levels = np.zeros_like(panel.units)
    size, chance = np.zeros(len(panel.things)), np.ones(len(panel.things))
    begun = np.zeros(len(panel.things), dtype=bool)
    for at, units in enumerate(panel.units.T):
        is_asked = units > 0
        size = np.where(is_asked, np.where(begun, size + weight * (units - size), units), size)
        chance = np.where(begun, chance + weight * (is_asked - chance), chance)
        begun |= is_asked
        levels[:, at] = size * chance
    return levels


MODELS: Mapping[str, Model] = {
    BASELINE: seasonal_naive,
    "smoothing_10": smoothing(0.1),
    "smoothing_20": smoothing(0.2),
    "smoothing_30": smoothing(0.3),
    "croston": croston,
    "tsb": teunter_syntetos_babai,
}
_FOR_INTERMITTENT = {"croston", "tsb"}


def demand_backtest(
    demand_weekly: pl.DataFrame, *, demand_lead_weeks: int, demand_service_level: float
) -> pl.DataFrame:
    """Return what each model would have said at past weeks, beside what was asked for.

    Intervals are split conformal, as those of sales: from the errors, as shares of the forecast, of
    all things of the class at origins whose outcome was known.
    """
    frames = []
    for panel in panels(demand_weekly, demand_lead_weeks):
        last = panel.units.shape[1] - 1 - panel.horizon
        origins = range(max(_MIN_HISTORY - 1, last + 1 - _MAX_ORIGINS), last + 1)
        if len(origins) < _MIN_ORIGINS:
            continue
        for name, model in MODELS.items():
            levels = model(panel)
            frame = pl.concat(_said(panel, name, levels, at) for at in origins)
            if frame.is_empty():
                continue
            actual = pl.concat(
                _of_things(panel, panel.week(at), panel.ahead(at), "actual_units") for at in origins
            )
            frame = frame.join(actual, on=["thing", "origin_date"])
            frames.append(_with_intervals(frame, panel, demand_service_level))
    if not frames:
        return pl.DataFrame()
    return pl.concat(frames)


def _of_things(panel: Panel, week: dt.date, values: "np.ndarray", name: str) -> pl.DataFrame:
    return pl.DataFrame({"thing": [thing for thing, _ in panel.things], name: values}).with_columns(
        origin_date=pl.lit(week)
    )


def _said(panel: Panel, model: str, levels: "np.ndarray", at: int) -> pl.DataFrame:
    """Return what a model says at a week of all things that were asked for up to it."""
    value = levels[:, at] * panel.horizon
    is_regular, has_begun = panel.is_regular[:, at], panel.has_begun[:, at]
    return (
        _of_things(panel, panel.week(at), value, "value")
        .with_columns(
            demand_kind=pl.lit(panel.kind),
            model=pl.lit(model),
            demand_class=pl.Series(["regular" if each else "intermittent" for each in is_regular]),
            horizon_weeks=pl.lit(panel.horizon, pl.Int64),
        )
        .filter(pl.Series(has_begun & ~is_regular if model in _FOR_INTERMITTENT else has_begun))
    )


def _with_intervals(frame: pl.DataFrame, panel: Panel, service_level: float) -> pl.DataFrame:
    """Return the forecasts with intervals and reorder points, from what was known at each."""
    parts = []
    for (origin, _), rows in frame.group_by("origin_date", "demand_class", maintain_order=True):
        known = frame.filter(
            pl.col("origin_date") <= origin - panel.horizon * _WEEK,
            pl.col("demand_class") == rows["demand_class"][0],
        )
        parts.append(_with_interval(rows, known, service_level))
    return pl.concat(parts)


def _with_interval(rows: pl.DataFrame, known: pl.DataFrame, service_level: float) -> pl.DataFrame:
    """Return forecasts with the interval and the reorder point that known errors make of them."""
    scale = pl.max_horizontal("value", 1.0)
    errors = known.select(error=(pl.col("actual_units") - pl.col("value")) / scale)["error"].sort()
    n = len(errors)
    if known["origin_date"].n_unique() < _MIN_KNOWN_ORIGINS or n < _MIN_ERRORS:
        none = pl.lit(None, pl.Float64)
        return rows.with_columns(low=none, high=none, reorder_point=none)

    def upper(level: float) -> float:
        return float(errors[min(math.ceil((n + 1) * level), n) - 1])

    tail = (1 - INTERVAL_LEVEL) / 2
    lower = float(errors[max(math.floor((n + 1) * tail), 1) - 1])

    def moved(by: float) -> pl.Expr:
        return pl.max_horizontal(pl.col("value") + by * scale, 0.0)

    return rows.with_columns(
        low=pl.min_horizontal("value", moved(lower)),
        high=pl.max_horizontal("value", moved(upper(1 - tail))),
        reorder_point=moved(upper(service_level)).ceil(),
    )


def demand_metrics(
    demand_backtest: pl.DataFrame, *, demand_service_level: float
) -> list[dict[str, Any]]:
    """Return how good each model was by kind and class, and which one is shown."""
    rows = []
    groups = demand_backtest.group_by("demand_kind", "demand_class", maintain_order=True)
    for (kind, demand_class), found in groups:
        origins = found["origin_date"].unique().sort()
        if len(origins) < _MIN_ORIGINS:
            continue
        is_later = pl.col("origin_date") >= origins[len(origins) // 2]
        earlier, later = found.filter(~is_later), found.filter(is_later)
        chosen = {name: wape for name, wape in _wapes(earlier).items() if wape is not None}
        champion = min(chosen, key=lambda name: (chosen[name], name)) if chosen else BASELINE
        judged = _wapes(later)
        difference, low, high = _difference(later, champion)
        is_shown = champion != BASELINE and high is not None and high < 0
        for name, of_model in found.group_by("model", maintain_order=True):
            has_interval = of_model.filter(pl.col("low").is_not_null())
            actual = pl.col("actual_units")
            rows.append(
                {
                    "demand_kind": kind,
                    "demand_class": demand_class,
                    "model": name[0],
                    "n_things": of_model["thing"].n_unique(),
                    "n_origins": len(origins),
                    "n_forecasts": len(of_model),
                    "wape_chosen_by": chosen.get(str(name[0])),
                    "wape": judged.get(str(name[0])),
                    "coverage": _mean(has_interval, actual.is_between("low", "high")),
                    "service": _mean(has_interval, actual <= pl.col("reorder_point")),
                    "service_level": demand_service_level,
                    "n_intervals": len(has_interval),
                    "is_champion": name[0] == champion,
                    "difference": difference if name[0] == champion else None,
                    "difference_low": low if name[0] == champion else None,
                    "difference_high": high if name[0] == champion else None,
                    "is_shown": is_shown,
                    "decision": _decision(champion, judged, low, high),
                }
            )
    return rows


def _mean(frame: pl.DataFrame, which: pl.Expr) -> float | None:
    share = frame.select(which.cast(pl.Float64).mean()).item()
    return None if share is None else float(share)


def _wapes(rows: pl.DataFrame) -> dict[str, float | None]:
    total, error = (
        pl.col("actual_units").sum(),
        (pl.col("actual_units") - pl.col("value")).abs().sum(),
    )
    found = rows.group_by("model").agg(pl.when(total > 0).then(error / total).alias("wape"))
    return dict(found.iter_rows())


def _difference(
    rows: pl.DataFrame, champion: str
) -> tuple[float | None, float | None, float | None]:
    """Return the champion's WAPE less the baseline's, with its 95 % interval.

    Forecasts of a thing stand or fall together, and so do those of a time: things and stretches of
    weeks as long as the horizon are drawn again, 999 times (Owen, The pigeonhole bootstrap, 2007).
    """
    import numpy as np

    if champion == BASELINE:
        return None, None, None
    error = (pl.col("actual_units") - pl.col("value")).abs()
    days = (pl.col("origin_date") - pl.col("origin_date").min()).dt.total_days()
    sums = (
        rows.with_columns(block=days // (7 * pl.col("horizon_weeks")))
        .filter(pl.col("model").is_in([champion, BASELINE]))
        .group_by("thing", "block")
        .agg(
            error.filter(pl.col("model") == champion).sum().alias("champion")
            - error.filter(pl.col("model") == BASELINE).sum().alias("baseline"),
            pl.col("actual_units").filter(pl.col("model") == BASELINE).sum(),
        )
    )
    grids = []
    for name in ("champion", "actual_units"):
        grid = sums.sort("block").pivot("block", index="thing", values=name).sort("thing")
        grids.append(grid.drop("thing").fill_null(0.0).to_numpy())
    apart, actual = grids
    n_things, n_blocks = actual.shape
    if n_things < 2 or n_blocks < 2 or not actual.sum() > 0:
        return None, None, None
    random = np.random.default_rng(_RANDOM_STATE)
    things, blocks = (
        random.multinomial(n, np.full(n, 1 / n), _RESAMPLES) for n in (n_things, n_blocks)
    )
    drawn_apart, totals = (((things @ grid) * blocks).sum(axis=1) for grid in (apart, actual))
    drawn = drawn_apart[totals > 0] / totals[totals > 0]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(apart.sum() / actual.sum()), float(low), float(high)


def _decision(
    champion: str, wape: Mapping[str, float | None], low: float | None, high: float | None
) -> str:
    if champion == BASELINE:
        return f"No model beats {BASELINE} where models are chosen; nothing is shown."
    ours, naive = wape.get(champion), wape.get(BASELINE)
    if ours is None or naive is None or low is None or high is None:
        return "Too little was asked for, or of too few things, to tell; nothing is shown."
    figures = (
        f"WAPE {ours:.1%} against {naive:.1%} of {BASELINE} after it was chosen, "
        f"95 % interval of the difference {100 * low:+.1f} to {100 * high:+.1f} points"
    )
    if high < 0:
        return f"{champion} beats the baseline: {figures}."
    return f"{champion} does not surely beat the baseline: {figures}; nothing is shown."


def demand_forecast(
    demand_weekly: pl.DataFrame,
    demand_backtest: pl.DataFrame,
    demand_metrics: pl.DataFrame,
    *,
    demand_lead_weeks: int,
    demand_service_level: float,
) -> pl.DataFrame:
    """Return what the champion of each class says now; without figures where it is not shown."""
    frames = []
    champions = demand_metrics.filter("is_champion").select(
        "demand_kind", "demand_class", "model", "is_shown", "service", "decision"
    )
    for panel in panels(demand_weekly, demand_lead_weeks):
        at = panel.units.shape[1] - 1
        things = pl.DataFrame(panel.things, schema=["thing", "thing_name"], orient="row")
        recent = panel.units[:, max(at + 1 - _MIN_HISTORY, 0) :].mean(axis=1)
        things = things.with_columns(weekly_units=pl.Series(recent))
        for name, model in MODELS.items():
            now = _said(panel, name, model(panel), at)
            now = now.join(champions, on=["demand_kind", "demand_class", "model"])
            for (demand_class,), rows in now.join(things, on="thing").group_by("demand_class"):
                known = demand_backtest.filter(
                    demand_kind=panel.kind, model=name, demand_class=demand_class
                )
                frames.append(_with_interval(rows, known, demand_service_level))
    if not frames:
        return pl.DataFrame()
    shown = ["value", "low", "high", "reorder_point", "service"]
    return (
        pl.concat(frames)
        .with_columns(pl.when("is_shown").then(pl.col(shown)))
        .with_columns(
            first_week=pl.col("origin_date") + _WEEK,
            service_level=pl.lit(demand_service_level),
            interval_level=pl.when(pl.col("low").is_not_null()).then(INTERVAL_LEVEL),
        )
        .drop("origin_date")
    )
