"""Demand by week of many things: what is expected, how sure, and when to order again.

Things are categories and items of class A. All models say one level for the weeks to come, since a
year of weeks of one item tells no season of its own. A model is chosen on the earlier origins of a
backtest and judged on later ones, whose outcomes the choice has not seen; only where it then errs
less than the seasonal naive is anything forecast. Sales as a whole belong to `forecast`, orders by
hour to `rota`, the beginning of a season to `season`.
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.intervals import wilson

if TYPE_CHECKING:
    import numpy as np

BASELINE = "seasonal_naive"
INTERVAL_LEVEL = 0.8
HORIZON = 4
# Weeks that a level rests on before it is believed, and origins that are judged at most.
MIN_HISTORY = 12
_MAX_ORIGINS = 30
_MIN_JUDGED = 8
_MIN_ERRORS = 10


def _naive(values: "np.ndarray") -> "np.ndarray":
    """The last week again: weeks have no shorter season."""
    return values


def _mean_of_8(values: "np.ndarray") -> "np.ndarray":
    import numpy as np

    sums = np.cumsum(values, axis=1)
    before = np.pad(sums, ((0, 0), (8, 0)))[:, : values.shape[1]]
    return (sums - before) / np.minimum(np.arange(1, values.shape[1] + 1), 8)


def _smoothed(values: "np.ndarray") -> "np.ndarray":
    """Simple exponential smoothing."""
    import numpy as np

    levels = values.astype(float).copy()
    for at in range(1, values.shape[1]):
        levels[:, at] = levels[:, at - 1] + 0.3 * (values[:, at] - levels[:, at - 1])
    return np.asarray(levels)


def croston(values: "np.ndarray", alpha: float = 0.1) -> "np.ndarray":
    """Size of a demand over the time between demands (Croston, 1972), less its bias (Syntetos and
    Boylan, The accuracy of intermittent demand estimates, 2005). Nothing before the first."""
    import numpy as np

    n, weeks = values.shape
    size, gap, since = np.zeros(n), np.ones(n), np.ones(n)
    levels = np.zeros((n, weeks))
    is_begun = np.zeros(n, dtype=bool)
    for at in range(weeks):
        now = values[:, at]
        is_sold = now > 0
        first, later = is_sold & ~is_begun, is_sold & is_begun
        size[first], gap[first] = now[first], since[first]
        size[later] += alpha * (now[later] - size[later])
        gap[later] += alpha * (since[later] - gap[later])
        is_begun |= is_sold
        since = np.where(is_sold, 1, since + 1)
        levels[:, at] = np.where(is_begun, (1 - alpha / 2) * size / gap, 0)
    return levels


def tsb(values: "np.ndarray", alpha: float = 0.2, beta: float = 0.1) -> "np.ndarray":
    """Size of a demand times its chance, which falls while none comes (Teunter, Syntetos and Babai,
    Intermittent demand: linking forecasting to inventory obsolescence, 2011)."""
    import numpy as np

    n, weeks = values.shape
    size, chance = np.zeros(n), np.zeros(n)
    levels = np.zeros((n, weeks))
    is_begun = np.zeros(n, dtype=bool)
    for at in range(weeks):
        now = values[:, at]
        is_sold = now > 0
        size = np.where(is_sold, np.where(is_begun, size + alpha * (now - size), now), size)
        chance = np.where(is_begun | (at > 0), chance + beta * (is_sold - chance), is_sold)
        is_begun |= is_sold
        levels[:, at] = size * chance
    return levels


# The level of each series (rows) after each week (columns), knowing nothing later.
MODELS: Mapping[str, Callable[["np.ndarray"], "np.ndarray"]] = {
    BASELINE: _naive,
    "mean_of_8_weeks": _mean_of_8,
    "exponential_smoothing": _smoothed,
    "croston": croston,
    "tsb": tsb,
}


@dataclass(frozen=True)
class Weeks:
    """Demand of things (rows) by complete week (columns), without gaps."""

    things: Sequence[tuple[str, str]]
    first: dt.date
    values: "np.ndarray"

    def date(self, at: int) -> dt.date:
        return self.first + dt.timedelta(days=7 * at)

    @property
    def last(self) -> int:
        return int(self.values.shape[1]) - 1

    @property
    def origins(self) -> list[int]:
        """Return the last known weeks of the backtest."""
        end = self.last - HORIZON + 1
        return list(range(max(MIN_HISTORY - 1, end - _MAX_ORIGINS), end))

    @property
    def judged(self) -> list[int]:
        """Return the origins that judge; the outcomes of the choosing ones are known by then."""
        return self.origins[len(self.origins) // 2 :]

    @property
    def choosing(self) -> list[int]:
        begin = self.judged[0] if self.judged else 0
        return [at for at in self.origins if at + HORIZON <= begin]


def weeks_of(demand_weekly: pl.DataFrame) -> Weeks:
    """Return the demand of complete weeks; before its first sale a thing sold nothing."""
    import numpy as np

    complete = demand_weekly.filter("is_complete").with_columns(pl.col("quantity").cast(float))
    if complete.is_empty():
        return Weeks([], dt.date(1970, 1, 1), np.zeros((0, 0)))
    wide = complete.pivot(
        "week_start", index=["kind", "thing"], values="quantity", sort_columns=True
    ).sort("kind", "thing")  # fmt: skip
    first, last = complete["week_start"].min(), complete["week_start"].max()
    assert isinstance(first, dt.date)
    assert isinstance(last, dt.date)
    weeks = [first + dt.timedelta(days=7 * n) for n in range((last - first).days // 7 + 1)]
    values = np.zeros((wide.height, len(weeks)))
    for at, week in enumerate(weeks):
        if str(week) in wide.columns:
            values[:, at] = wide[str(week)].fill_null(0).to_numpy()
    return Weeks(list(wide.select("kind", "thing").iter_rows()), first, np.maximum(values, 0))


def gain(naive: "np.ndarray", model: "np.ndarray", overlap: int) -> tuple[float, float, float]:
    """Return by how much less a model errs than the naive one, with its 95 % interval.

    Errors are by origin, and those of `overlap` successive ones share targets: the interval is
    that of means of blocks as long (Schmeiser, Batch size effects in the analysis of simulation
    output, 1982). The test of Diebold and Mariano covers 86 instead of 95 % of so few origins.
    """
    import numpy as np
    from scipy.stats import t

    gains = naive - model
    n = len(gains) // overlap
    mean = float(gains.mean())
    if n < 2:
        return mean, -math.inf, math.inf
    blocks = gains[len(gains) - n * overlap :].reshape(n, overlap).mean(axis=1)
    half = float(t.ppf(0.975, n - 1) * np.std(blocks, ddof=1)) / math.sqrt(n)
    return mean, mean - half, mean + half


def errors_at(weeks: Weeks, levels: "np.ndarray", origins: Sequence[int]) -> "np.ndarray":
    """Return the absolute error of the total of the horizon of each series (rows) at each origin.

    Of totals, since of weeks with a sale now and then the one that says nothing errs least.
    """
    import numpy as np

    columns = []
    for at in origins:
        total = weeks.values[:, at + 1 : at + 1 + HORIZON].sum(axis=1)
        columns.append(np.abs(total - HORIZON * levels[:, at]))
    return np.array(columns).T if columns else np.zeros((len(weeks.things), 0))


def scales(weeks: Weeks, levels: "np.ndarray") -> "np.ndarray":
    """Return what an error is measured in: the level, or the mean so far where that is higher."""
    import numpy as np

    so_far = np.cumsum(weeks.values, axis=1) / np.arange(1, weeks.values.shape[1] + 1)
    return np.asarray(np.maximum(np.maximum(levels, so_far), 1e-9))


@dataclass(frozen=True)
class Chosen:
    """The model of each series, what it says of each week, and whether it beats the naive one."""

    models: Sequence[str]
    levels: "np.ndarray"
    beats: Sequence[bool]
    metrics: Sequence[dict[str, Any]]


def choose(weeks: Weeks) -> Chosen | None:
    """Return the models by series; None where the log is too short to judge any."""
    import numpy as np

    if len(weeks.judged) < _MIN_JUDGED or not weeks.choosing or not weeks.things:
        return None
    levels = {name: model(weeks.values) for name, model in MODELS.items()}
    chosen = {name: errors_at(weeks, each, weeks.choosing) for name, each in levels.items()}
    judged = {name: errors_at(weeks, each, weeks.judged) for name, each in levels.items()}
    names = list(MODELS)
    means = np.array([chosen[name].mean(axis=1) for name in names])
    # Equal ones leave it at the first, the simplest.
    best = [names[int(at)] for at in means.argmin(axis=0)]
    beats, metrics, own = [], [], np.zeros(weeks.values.shape)
    for row, (kind, thing) in enumerate(weeks.things):
        model = best[row]
        own[row] = levels[model][row]
        sold = [weeks.values[row, at + 1 : at + 1 + HORIZON].sum() for at in weeks.judged]
        naive, mine = judged[BASELINE][row], judged[model][row]
        mean, low, high = gain(naive, mine, HORIZON)
        beats.append(model != BASELINE and mean > 0)
        metrics.append(
            {
                "kind": kind,
                "thing": thing,
                "model": model,
                "n_origins": len(weeks.judged),
                "sold_share": float((weeks.values[row] > 0).mean()),
                "mean_quantity": float(np.mean(sold)),
                "mae": float(mine.mean()),
                "naive_mae": float(naive.mean()),
                "mae_gain": mean,
                "mae_gain_low": low,
                "mae_gain_high": high,
                "is_shown": beats[-1],
                "is_sure": low > 0,
                "decision": _decision(model, mean, low),
            }
        )
    return Chosen(best, own, beats, metrics)


def _decision(model: str, mean: float, low: float) -> str:
    if model == BASELINE:
        return "No model was better than the last week when it had to be chosen."
    if mean <= 0:
        return f"{model} was better at first and is not later: nothing is forecast."
    sure = "surely" if low > 0 else "by what was seen, not surely,"
    return f"{model} {sure} errs less than the last week, on weeks that did not choose it."


def demand_metrics(demand_weekly: pl.DataFrame) -> list[dict[str, Any]]:
    """Return for each thing which model was chosen, and how it does against the naive one."""
    weeks = weeks_of(demand_weekly)
    chosen = choose(weeks)
    if chosen is None:
        return []
    shares = coverage(weeks, chosen.levels)
    return [
        row | {"coverage": share, "n_intervals": n}
        for row, (share, n) in zip(chosen.metrics, shares, strict=True)
    ]


def coverage(weeks: Weeks, levels: "np.ndarray") -> list[tuple[float | None, int]]:
    """Return how many of the judged weeks lay in the interval that was known at their origin."""
    sizes = scales(weeks, levels)
    found = []
    for row in range(len(weeks.things)):
        inside = []
        for at in weeks.judged:
            width = _width(weeks, levels, sizes, row, at, 1)
            if width is not None:
                off = abs(weeks.values[row, at + 1] - levels[row, at])
                inside.append(off <= width)
        found.append((sum(inside) / len(inside) if inside else None, len(inside)))
    return found


def _width(
    weeks: Weeks, levels: "np.ndarray", sizes: "np.ndarray", row: int, origin: int, horizon: int
) -> float | None:
    """Return half the conformal interval from errors that were known at an origin."""
    import numpy as np

    past = np.arange(MIN_HISTORY - 1, origin - horizon + 1)
    if len(past) < _MIN_ERRORS:
        return None
    errors = np.abs(weeks.values[row, past + horizon] - levels[row, past]) / sizes[row, past]
    rank = math.ceil((len(errors) + 1) * INTERVAL_LEVEL)
    return float(np.sort(errors)[rank - 1] * sizes[row, origin]) if rank <= len(errors) else None


def demand_forecast(demand_weekly: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the coming weeks of the things whose model beats the naive one, with intervals."""
    weeks = weeks_of(demand_weekly)
    chosen = choose(weeks)
    if chosen is None:
        return []
    sizes = scales(weeks, chosen.levels)
    rows = []
    for row, (kind, thing) in enumerate(weeks.things):
        if not chosen.beats[row]:
            continue
        value = float(chosen.levels[row, weeks.last])
        for horizon in range(1, HORIZON + 1):
            width = _width(weeks, chosen.levels, sizes, row, weeks.last, horizon)
            rows.append(
                {
                    "kind": kind,
                    "thing": thing,
                    "model": chosen.models[row],
                    "origin_date": weeks.date(weeks.last),
                    "horizon": horizon,
                    "target_date": weeks.date(weeks.last + horizon),
                    "value": value,
                    "low": None if width is None else max(value - width, 0.0),
                    "high": None if width is None else value + width,
                    "interval_level": None if width is None else INTERVAL_LEVEL,
                }
            )
    return rows


def reorder_points(
    demand_weekly: pl.DataFrame, *, lead_weeks: int, service_level: float
) -> list[dict[str, Any]]:
    """Return for each item whose model beats the naive one the stock at which to order again.

    It is what is expected until the delivery, and on top what past errors of such sums ask for at
    the service level (one-sided conformal). `achieved_share` is how often it would have sufficed at
    the judged origins, with errors known then; its interval takes lead times that overlap for one.
    """
    import numpy as np

    weeks = weeks_of(demand_weekly)
    chosen = choose(weeks)
    if chosen is None:
        return []
    sizes = scales(weeks, chosen.levels)
    sums = np.array(
        [weeks.values[:, at + 1 : at + 1 + lead_weeks].sum(axis=1) for at in range(weeks.last)]
    ).T

    def point(row: int, origin: int) -> float | None:
        past = np.arange(MIN_HISTORY - 1, origin - lead_weeks + 1)
        expected = lead_weeks * chosen.levels[row, past]
        errors = np.sort((sums[row, past] - expected) / sizes[row, past])
        rank = math.ceil((len(errors) + 1) * service_level)
        if not len(errors) or rank > len(errors):
            return None
        stock = lead_weeks * chosen.levels[row, origin] + errors[rank - 1] * sizes[row, origin]
        return max(float(stock), 0.0)

    rows = []
    for row, (kind, thing) in enumerate(weeks.things):
        if kind != "item" or not chosen.beats[row]:
            continue
        known = [at for at in weeks.judged if at + lead_weeks <= weeks.last]
        enough = [stock >= sums[row, at] for at in known if (stock := point(row, at)) is not None]
        trials = len(enough) / lead_weeks
        share = sum(enough) / len(enough) if enough else None
        low, high = wilson(share * trials, trials) if share is not None else (None, None)
        rows.append(
            {
                "thing": thing,
                "model": chosen.models[row],
                "lead_weeks": lead_weeks,
                "service_level": service_level,
                "expected_quantity": float(lead_weeks * chosen.levels[row, weeks.last]),
                "reorder_point": point(row, weeks.last),
                "n_origins": len(enough),
                "achieved_share": share,
                "achieved_share_low": low,
                "achieved_share_high": high,
                "is_kept": None if high is None else high >= service_level,
            }
        )
    return rows
