"""Orders by hour and weekday of the coming days, for who is to work when.

As in `demand`, a model is chosen on earlier origins and judged on later ones against the seasonal
naive, which is the same hour of the same weekday a week ago.
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.learning.demand import BASELINE, INTERVAL_LEVEL, gain

if TYPE_CHECKING:
    import numpy as np

HORIZON = 14
_MAX_ORIGINS = 84
_MIN_HISTORY = 63
# Over how many of the same weekday a model takes the mean.
WEEKS = {BASELINE: 1, "mean_of_4_weeks": 4, "mean_of_8_weeks": 8}


def hours_of(orders: pl.DataFrame, days: Sequence[dt.date]) -> "np.ndarray":
    """Return the orders of each complete day (rows) by hour (columns)."""
    import numpy as np

    counts = np.zeros((len(days), 24))
    at = {day: number for number, day in enumerate(days)}
    for day, hour, n in (
        orders.group_by(pl.col("ordered_at").dt.date().alias("day"), pl.col("ordered_at").dt.hour())
        .len()
        .iter_rows()
    ):
        if day in at:
            counts[at[day], hour] = n
    return counts


def _ahead(hours: "np.ndarray", origin: int, n_weeks: int) -> "np.ndarray":
    """Return what is expected of the days after an origin: means of the same weekday before it."""
    import numpy as np

    rows = []
    for horizon in range(1, HORIZON + 1):
        latest = origin + horizon - 7 * math.ceil(horizon / 7)
        past = [latest - 7 * week for week in range(n_weeks) if latest - 7 * week >= 0]
        rows.append(hours[past].mean(axis=0))
    return np.array(rows)


def rota_metrics(orders: pl.DataFrame, sales_calendar: pl.DataFrame) -> list[dict[str, Any]]:
    """Return how far each model is off by hour, and which one is used; empty for short logs."""
    judged = _judged(orders, sales_calendar)
    return [] if judged is None else judged[0]


def rota_forecast(orders: pl.DataFrame, sales_calendar: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the orders to expect of each hour of the coming days; empty where no model beats
    the naive one.

    Intervals are split conformal by hour; errors are taken by the root of what was expected, as
    counts vary.
    """
    judged = _judged(orders, sales_calendar)
    if judged is None:
        return []
    metrics, days, hours = judged
    champion = next((row["model"] for row in metrics if row["is_champion"]), BASELINE)
    if champion == BASELINE:
        return []
    errors = _errors(hours, champion, range(_MIN_HISTORY, len(days) - 1))
    expected = _ahead(hours, len(days) - 1, WEEKS[champion])
    rows = []
    for ahead, by_hour in enumerate(expected, 1):
        day = days[-1] + dt.timedelta(days=ahead)
        for hour, value in enumerate(by_hour):
            # Hours in which nobody orders need nobody.
            if not value:
                continue
            width = _quantile(errors[hour]) * math.sqrt(value + 1)
            rows.append(
                {
                    "target_date": day,
                    "weekday": day.isoweekday(),
                    "hour": hour,
                    "model": champion,
                    "value": float(value),
                    "low": max(float(value - width), 0.0),
                    "high": float(value + width),
                    "interval_level": INTERVAL_LEVEL,
                }
            )
    return rows


def _quantile(errors: Sequence[float]) -> float:
    rank = math.ceil((len(errors) + 1) * INTERVAL_LEVEL)
    return sorted(errors)[min(rank, len(errors)) - 1]


def _errors(hours: "np.ndarray", model: str, origins: Sequence[int]) -> Mapping[int, list[float]]:
    """Return by hour the errors of all horizons, by the root of what was expected."""
    import numpy as np

    found: dict[int, list[float]] = {hour: [] for hour in range(24)}
    for origin in origins:
        actual = hours[origin + 1 : origin + 1 + HORIZON]
        expected = _ahead(hours, origin, WEEKS[model])[: len(actual)]
        scaled = np.abs(actual - expected) / np.sqrt(expected + 1)
        for hour in range(24):
            found[hour] += scaled[expected[:, hour] > 0, hour].tolist()
    return {hour: errors or [0.0] for hour, errors in found.items()}


def _judged(
    orders: pl.DataFrame, sales_calendar: pl.DataFrame
) -> tuple[list[dict[str, Any]], list[dt.date], "np.ndarray"] | None:
    import numpy as np

    days = sales_calendar.filter("is_complete").sort("sales_date")["sales_date"].to_list()
    hours = hours_of(orders, days)
    last = len(days) - 1
    origins = list(range(max(_MIN_HISTORY, last - HORIZON - _MAX_ORIGINS), last - HORIZON + 1))
    judged = origins[len(origins) // 2 :]
    choosing = [at for at in origins if judged and at + HORIZON <= judged[0]]
    if len(judged) < HORIZON or not choosing:
        return None

    def off(model: str, some: Sequence[int]) -> "np.ndarray":
        return np.array(
            [
                np.abs(hours[at + 1 : at + 1 + HORIZON] - _ahead(hours, at, WEEKS[model])).sum()
                for at in some
            ]
        )

    naive = off(BASELINE, judged)
    best = min(WEEKS, key=lambda model: off(model, choosing).sum())
    mean, *_ = gain(naive, off(best, judged), HORIZON)
    champion = best if mean > 0 else BASELINE
    sold = sum(hours[at + 1 : at + 1 + HORIZON].sum() for at in judged)
    rows = []
    for model in WEEKS:
        mine = off(model, judged)
        mean, low, high = gain(naive, mine, HORIZON)
        rows.append(
            {
                "model": model,
                "n_origins": len(judged),
                "wape": float(mine.sum() / sold) if sold else None,
                "mae_gain": mean / HORIZON,
                "mae_gain_low": low / HORIZON,
                "mae_gain_high": high / HORIZON,
                "coverage": _coverage(hours, model, judged),
                "is_champion": model == champion,
                "is_sure": low > 0,
            }
        )
    return rows, days, hours


def _coverage(hours: "np.ndarray", model: str, judged: Sequence[int]) -> float | None:
    """Return how many hours of the judged days lay in the interval of errors known before them."""
    import numpy as np

    begin = judged[0]
    errors = _errors(hours[: begin + 1], model, range(_MIN_HISTORY // 2, begin))
    widths = np.array([_quantile(errors[hour]) for hour in range(24)])
    inside = []
    for at in judged:
        expected = _ahead(hours, at, WEEKS[model])
        off = np.abs(hours[at + 1 : at + 1 + HORIZON] - expected)
        is_open = expected > 0
        inside += (off <= widths * np.sqrt(expected + 1))[is_open].tolist()
    return float(np.mean(inside)) if inside else None
