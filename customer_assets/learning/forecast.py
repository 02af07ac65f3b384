"""Sales forecast per day and per week: which model is the best, and what it says now.

`forecast_backtest` holds what each model would have said at past origins; `forecast_metrics` is how
good that was, with the champion; `sales_forecast` what they say of the coming days and weeks. A log
too short for a backtest gets empty tables. Pictures belong to `reports`.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.learning.forecast_backtest import (
    HORIZON,
    INTERVAL_LEVEL,
    MODEL,
    PERIOD,
    amount,
    errors_by_horizon,
    forecasts,
    interval,
    schema_of,
)
from customer_assets.learning.forecast_models import BASELINE, FORECASTERS, STEPS, series_of
from customer_assets.warehouse.source_warehouse import PythonModel
from customer_assets.warehouse.table import Column, Table


def forecast_metrics(
    frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]
) -> pl.DataFrame:
    """Return how good each model was in the backtest, per horizon and over all of them.

    Days on which the source is known to be closed are left out, since every model is right about
    them; only `r2_all_days` counts them.
    """
    backtest = _as_floats(frames["forecast_backtest"])
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
    frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]
) -> pl.DataFrame:
    """Return what each model says of the periods after the last complete one.

    Intervals are as wide as the model's errors in the backtest, per horizon.
    """
    backtest, metrics = _as_floats(frames["forecast_backtest"]), frames["forecast_metrics"]
    champions = dict(metrics.filter("is_champion").select("period", "model").iter_rows())
    rows: list[dict[str, Any]] = []
    for step in STEPS:
        if step.name not in champions:
            continue
        series = series_of(frames["sales_calendar"], step, parameters["holidays"])
        for model in FORECASTERS:
            past = backtest.filter((pl.col("period") == step.name) & (pl.col("model") == model))
            errors = errors_by_horizon(past.rows(named=True))
            rows += [
                row
                | interval(row, [error for _, error in errors.get(row["horizon"], [])])
                | {"is_champion": model == champions[step.name]}
                for row in forecasts(series, model, [len(series.values) - 1])
            ]
    return pl.DataFrame(rows, schema=schema_of(SALES_FORECAST))


def _as_floats(backtest: pl.DataFrame) -> pl.DataFrame:
    return backtest.with_columns(pl.col("value", "low", "high", "actual").cast(pl.Float64))


FORECAST_METRICS = PythonModel(
    table=Table(
        name="forecast_metrics",
        layer="models",
        description=(
            "One row per period kind, model and horizon: how far forecasts were off in the "
            "backtest, over the days on which the source trades."
        ),
        columns={
            "period": PERIOD,
            "model": MODEL,
            "horizon": Column(type="bigint", description=f"{HORIZON}; 0 for all together."),
            "n_origins": Column(type="bigint", description="Moments forecast from."),
            "n_forecasts": Column(type="bigint", description="Forecasts judged."),
            "mae": Column(type="double", description="Mean absolute error, in money."),
            "mape": Column(
                type="double",
                description="Mean of the error as a share of the actual revenue, where not 0.",
            ),
            "wape": Column(
                type="double", description="Sum of absolute errors as a share of all revenue."
            ),
            "r2": Column(
                type="double", description="Share of the variance explained; below 0 is possible."
            ),
            "r2_all_days": Column(
                type="double", description="The same with the days counted that are known closed."
            ),
            "coverage": Column(
                type="double",
                description=f"Share of actual values inside their {INTERVAL_LEVEL:.0%} interval.",
            ),
            "n_intervals": Column(type="bigint", description="Intervals that coverage rests on."),
            "is_champion": Column(
                type="boolean",
                description="Whether it is the model used for the period: that with the lowest "
                f"WAPE over all horizons if it beats {BASELINE}, else {BASELINE}.",
            ),
            "decision": Column(type="varchar", description="Why the champion is the champion."),
        },
        key=["period", "model", "horizon"],
        checks=[
            {"expect_column_values_to_not_be_null": {"column": "decision"}},
            {
                "expect_column_values_to_be_between": {
                    "column": "coverage", "min_value": 0.5, "severity": "warn",
                }
            },
        ],
    ),
    inputs=("forecast_backtest",),
    compute=forecast_metrics,
    requires=frozenset({"purchase", "value"}),
)  # fmt: skip

SALES_FORECAST = PythonModel(
    table=Table(
        name="sales_forecast",
        layer="models",
        description=(
            "One row per period kind, coming day or week, and model: the revenue to expect after "
            "the last complete day or week, with its prediction interval."
        ),
        columns={
            "period": PERIOD,
            "target_date": Column(
                type="date", description="The day forecast (for weeks its first day)."
            ),
            "model": MODEL,
            "is_champion": Column(
                type="boolean", description="Whether it is the model that forecast_metrics chose."
            ),
            "origin_date": Column(
                type="date",
                description="Last complete day (for weeks the first day of that week); a partial "
                "one after it is not used.",
            ),
            "horizon": Column(type="bigint", description=f"{HORIZON}."),
            "is_open": Column(
                type="boolean", description="False on a holiday and on a weekday without trade."
            ),
            "value": amount("Forecast of the revenue; 0 where the source is known to be closed."),
            "low": amount(f"Lower end of the {INTERVAL_LEVEL:.0%} prediction interval."),
            "high": amount("Upper end of the prediction interval."),
        },
        key=["period", "target_date", "model"],
        checks=[
            {"expect_column_values_to_be_between": {"column": "value", "min_value": 0}},
            {
                "expect_column_pair_values_a_to_be_greater_than_b": {
                    "column_A": "high",
                    "column_B": "value",
                    "or_equal": True,
                }
            },
        ],
    ),
    inputs=("sales_calendar", "forecast_backtest", "forecast_metrics"),
    compute=sales_forecast,
    parameters=("holidays",),
    requires=frozenset({"purchase", "value"}),
)
