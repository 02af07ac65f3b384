"""---
description: >-
  One row per period kind, model and horizon: how far forecasts were off in the backtest, over
  the days on which the source trades.
key: [period, model, horizon]
requires: [purchase, value]
columns:
  period: {type: varchar, description: 'What is forecast: day or week.'}
  model: {type: varchar, description: 'One of seasonal_naive, exponential_smoothing, lightgbm.'}
  horizon:
    type: bigint
    description: Periods from the last known one to the one forecast; 0 for all together.
  n_origins: {type: bigint, description: Moments forecast from.}
  n_forecasts: {type: bigint, description: Forecasts judged.}
  mae: {type: double, description: 'Mean absolute error, in money.'}
  mape:
    type: double
    description: Mean of the error as a share of the actual revenue, where not 0.
  wape: {type: double, description: Sum of absolute errors as a share of all revenue.}
  r2: {type: double, description: Share of the variance explained; below 0 is possible.}
  r2_all_days: {type: double, description: The same with the days counted that are known closed.}
  coverage: {type: double, description: Share of actual values inside their 80% interval.}
  n_intervals: {type: bigint, description: Intervals that coverage rests on.}
  is_champion:
    type: boolean
    description: >-
      Whether it is the model used for the period: that with the lowest WAPE over all horizons
      if it beats seasonal_naive, else seasonal_naive.
  decision: {type: varchar, description: Why the champion is the champion.}
checks:
  - expect_column_values_to_not_be_null: {column: decision}
  - expect_column_values_to_be_between: {column: coverage, min_value: 0.5, severity: warn}
---
"""

import polars as pl

from customer_assets.learning.forecast import forecast_metrics


def compute(
    forecast_backtest: pl.LazyFrame,
) -> pl.DataFrame:
    return forecast_metrics(forecast_backtest.collect())
