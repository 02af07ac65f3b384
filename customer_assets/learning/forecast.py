"""Sales forecast per day and per week: which model is the best, and what it says now.

`forecast_backtest` holds what each model would have said at past origins; `forecast_metrics` is how
good that was, with the champion; `sales_forecast` what they say of the coming days and weeks. A log
too short for a backtest gets empty tables. Pictures belong to `reports`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from customer_assets.learning.forecast_backtest import (
    errors_by_horizon,
    forecasts,
    interval,
)
from customer_assets.learning.forecast_models import BASELINE, FORECASTERS, STEPS, series_of


def forecast_metrics(
    forecast_backtest: pl.DataFrame,
) -> pl.DataFrame:
    """Return how good each model was in the backtest, per horizon and over all of them.

    Days on which the source is known to be closed are left out, since every model is right about
    them; only `r2_all_days` counts them.
    """
    backtest = _as_floats(forecast_backtest)
    horizons = pl.concat([backtest, backtest.with_columns(horizon=pl.lit(0, pl.Int64))])
    is_open, actual = pl.col("is_open"), pl.col("actual")
    error = (pl.col("value") - actual).abs()
    is_sold, is_judged = is_open & (actual > 0), is_open & pl.col("low").is_not_null()
    total = actual.filter(is_open).sum()
    metrics = horizons.group_by("period", "model", "horizon").agg(
        pl.col("origin_date").n_unique().alias("n_origins"),
        is_open.sum().alias("n_forecasts"),
        error.filter(is_open).mean().alias("mae"),
        (error / actual).filter(is_sold).mean().alias("mape"),
        pl.when(total > 0).then(error.filter(is_open).sum() / total).alias("wape"),
        _r2(is_open).alias("r2"),
        _r2(pl.lit(True)).alias("r2_all_days"),
        actual.is_between("low", "high").filter(is_judged).mean().alias("coverage"),
        is_judged.sum().alias("n_intervals"),
    )
    champions = [
        (period, *_champion(dict(of_period.select("model", "wape").iter_rows())))
        for (period,), of_period in metrics.filter(pl.col("horizon") == 0).group_by("period")
    ]
    described = pl.DataFrame(
        champions, schema=dict.fromkeys(("period", "champion", "decision"), pl.String), orient="row"
    )
    return metrics.join(described, on="period").select(
        pl.all().exclude("champion"), (pl.col("model") == pl.col("champion")).alias("is_champion")
    )


def _r2(counted: pl.Expr) -> pl.Expr:
    """Return the share of the variance of actual sales that the forecasts explain."""
    actual = pl.col("actual").filter(counted)
    squares = ((pl.col("actual") - pl.col("value")) ** 2).filter(counted).sum()
    spread = ((actual - actual.mean()) ** 2).sum()
    return pl.when(spread > 0).then(1 - squares / spread)


def _champion(wape: Mapping[str, float | None]) -> tuple[str, str]:
    """Return the model with the lowest WAPE over all horizons, and why it is that one.

    Only a model that beats the baseline can win.
    """
    of_baseline = wape[BASELINE]
    if of_baseline is None:
        return BASELINE, "Nothing was sold in the periods of the backtest."
    others = {model: w for model, w in wape.items() if w is not None and model != BASELINE}
    best = min(others, key=lambda model: (others[model], model))
    figures = f"WAPE {others[best]:.1%} against {of_baseline:.1%} of {BASELINE}"
    if others[best] < of_baseline:
        return best, f"{best} beats the baseline: {figures}."
    return BASELINE, f"No model beats the baseline; the best is {best}: {figures}."


def sales_forecast(
    sales_calendar: pl.DataFrame,
    forecast_backtest: pl.DataFrame,
    forecast_metrics: pl.DataFrame,
    *,
    holidays: Sequence[str],
) -> list[dict[str, Any]]:
    """Return what each model says of the periods after the last complete one.

    Intervals are as wide as the model's errors in the backtest, per horizon.
    """
    backtest, metrics = _as_floats(forecast_backtest), forecast_metrics
    champions = dict(metrics.filter("is_champion").select("period", "model").iter_rows())
    rows: list[dict[str, Any]] = []
    for step in STEPS:
        if step.name not in champions:
            continue
        series = series_of(sales_calendar, step, holidays)
        for model in FORECASTERS:
            past = backtest.filter((pl.col("period") == step.name) & (pl.col("model") == model))
            errors = errors_by_horizon(past.rows(named=True), step)
            rows += [
                row
                | interval(row, step, [error for _, error in errors.get(row["horizon"], [])])
                | {"is_champion": model == champions[step.name]}
                for row in forecasts(series, model, [len(series.values) - 1])
            ]
    return rows


def _as_floats(backtest: pl.DataFrame) -> pl.DataFrame:
    return backtest.with_columns(pl.col("value", "low", "high", "actual").cast(pl.Float64))
