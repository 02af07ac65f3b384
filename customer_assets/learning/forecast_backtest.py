"""What each model would have forecast at past origins, and how wide its errors make an interval.

An origin is a moment beyond which nothing is known. Which model is the best by it, and what is
forecast now, belongs to `forecast`; the models themselves are in `forecast_models`.
"""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from customer_assets.learning.forecast_models import FORECASTERS, STEPS, Series, Step, series_of

INTERVAL_LEVEL = 0.8
# Below this many past errors, an 80 % interval would be little more than the largest of them.
_MIN_ERRORS = 10
_MIN_ORIGINS = 12


def forecast_backtest(
    sales_calendar: pl.DataFrame,
    *,
    holidays: Sequence[str],
) -> list[dict[str, Any]]:
    """Return what each model would have forecast at past origins, beside what came.

    Prediction intervals are split conformal, per model and horizon: as wide as the errors of
    earlier origins whose outcome was known at the origin (Lei et al., Distribution-Free
    Predictive Inference for Regression, 2018). So none rests on what it is measured by. Errors of
    weeks are shares of the forecast: over half a year sales grow, and errors with them.
    """
    rows: list[dict[str, Any]] = []
    for step in STEPS:
        series = series_of(sales_calendar, step, holidays)
        last = len(series.values) - 1
        origins = range(max(step.min_history - 1, last - step.max_origins), last)
        if len(origins) < _MIN_ORIGINS:
            continue
        actual = {series.date(at): float(value) for at, value in enumerate(series.values)}
        for model in FORECASTERS:
            judged = [
                row | {"actual": actual[row["target_date"]]}
                for row in forecasts(series, model, origins)
                if row["target_date"] in actual
            ]
            errors = errors_by_horizon(judged, step)
            rows += [
                row
                | interval(
                    row,
                    step,
                    [e for date, e in errors.get(row["horizon"], []) if date <= row["origin_date"]],
                )
                for row in judged
            ]
    return rows


def forecasts(series: Series, model: str, origins: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield a row per origin and horizon; nothing is expected of a period known to be closed."""
    for origin, values in zip(origins, FORECASTERS[model](series, origins), strict=True):
        slots = series.open_slots(origin)
        for horizon, (at, value) in enumerate(zip(series.ahead(origin), values, strict=True), 1):
            is_open = int(series.slots[at]) in slots
            yield {
                "period": series.step.name,
                "model": model,
                "origin_date": series.date(origin),
                "horizon": horizon,
                "target_date": series.date(at),
                "is_open": is_open,
                "value": max(float(value), 0.0) if is_open else 0.0,
            }


def errors_by_horizon(
    rows: Sequence[Mapping[str, Any]], step: Step
) -> dict[int, list[tuple[dt.date, float]]]:
    """Return by horizon the target dates and the errors of open periods, in the step's scale."""
    errors: dict[int, list[tuple[dt.date, float]]] = {}
    for row in rows:
        if row["is_open"] and step.scale(row["value"]) > 0:
            error = abs(row["actual"] - row["value"]) / step.scale(row["value"])
            errors.setdefault(row["horizon"], []).append((row["target_date"], error))
    return errors


def interval(row: Mapping[str, Any], step: Step, errors: Sequence[float]) -> dict[str, Any]:
    """Return the conformal interval: the ceil((n + 1) level)-th smallest error to both sides."""
    if not row["is_open"]:
        return {"low": 0.0, "high": 0.0, "interval_level": INTERVAL_LEVEL}
    rank = math.ceil((len(errors) + 1) * INTERVAL_LEVEL)
    if len(errors) < _MIN_ERRORS or rank > len(errors) or not step.scale(row["value"]) > 0:
        return {"low": None, "high": None, "interval_level": None}
    width = sorted(errors)[rank - 1] * step.scale(row["value"])
    low, high = max(row["value"] - width, 0.0), row["value"] + width
    return {"low": low, "high": high, "interval_level": INTERVAL_LEVEL}
