"""Customer lifetime value: purchases and money to expect of each customer, and how far to trust it.

Two tables: `lifetime_value_fit` holds the parameters, the tests of the models' assumptions and how
well a model of the first two thirds of the log foretold the rest; `customer_lifetime_value` what
follows for each customer. What an assumption does not allow is null, and `status` says why. The
models are in `value_models`.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.intervals import Z
from customer_assets.learning import purchase_models
from customer_assets.learning.value_models import FittedModels, fit_models

if TYPE_CHECKING:
    import numpy as np

HORIZONS_DAYS = (30, 90, 365)
# A trial whose total misses by more fails, whoever else is worse.
_MOST_MISSED = 0.25
_OF_CUSTOMER = ("customer_id", "frequency", "recency_days", "age_days")


def lifetime_value_fit(
    customer_value_history: pl.DataFrame,
) -> list[dict[str, Any]]:
    """Return parameters, tests of assumptions, holdout accuracy and totals as named figures.

    The holdout compares a model of the calibration period, customer by customer, with what came
    after it, and with the naive expectation that all go on at their own rate.
    """
    columns = ("cut_off", "figure", "value", "low", "high", "note")
    rows: list[dict[str, Any]] = []
    trial: dict[str, float] = {}
    for cut_off in ("calibration", "full"):
        customers = _customers(customer_value_history, cut_off)
        fitted = fit_models(customers)
        if fitted is None:
            continue
        figures = [*_fit_figures(fitted, customers)]
        if cut_off == "calibration":
            figures += _holdout_figures(fitted, customers)
            trial = {name: value or 0.0 for name, value, *_ in figures}
        else:
            figures += totals(fitted, trial)
        rows += [dict(zip(columns, (cut_off, *figure), strict=True)) for figure in figures]
    return rows


Figure = tuple[str, float | None, float | None, float | None, str]


def _fit_figures(fitted: FittedModels, customers: pl.DataFrame) -> Iterator[Figure]:
    yield "n_customers", float(customers.height), None, None, "Customers who had bought."
    n_repeat = int((fitted.history.frequency > 0).sum())
    yield "n_repeat_customers", float(n_repeat), None, None, "Those who came back on another day."
    for name, fit in (
        ("bg_nbd", fitted.bg_nbd),
        ("nbd", fitted.nbd),
        ("gamma_gamma", fitted.gamma_gamma),
    ):
        is_told = fit.covariance is not None
        if name == "bg_nbd":
            is_told = fitted.is_dropout_identified
        for parameter, value in fit.parameters.items():
            low, high = fit.interval(parameter) or (None, None)
            if is_told:
                yield f"{name}_{parameter}", value, low, high, "Parameter, by maximum likelihood."
            else:
                yield f"{name}_{parameter}", None, None, None, "The log does not tell it."
        yield f"{name}_log_likelihood", fit.log_likelihood, None, None, "At its maximum."
    ratio = fitted.likelihood_ratio
    yield "dropout_likelihood_ratio", ratio, None, None, "Twice the gain of BG/NBD over NBD."
    is_identified = float(fitted.is_dropout_identified)
    yield "is_dropout_identified", is_identified, None, None, fitted.dropout_note()
    note = "Spearman's rank correlation of repeat days and mean value."
    yield "frequency_value_correlation", *fitted.correlation, note
    is_independent = float(fitted.is_value_independent)
    yield "is_value_independent", is_independent, None, None, fitted.value_note()


def _holdout_figures(fitted: FittedModels, customers: pl.DataFrame) -> Iterator[Figure]:
    import numpy as np

    days = int(customers["days_after"][0])
    if days < 1:
        return
    history = fitted.history
    expected = np.exp(fitted.log_purchases(fitted.purchases.logs, days))
    naive = history.frequency / np.maximum(history.age, 1) * days
    actual = customers["purchases_after"].cast(pl.Float64).to_numpy()
    yield "holdout_days", float(days), None, None, "Days after the calibration period."
    yield from _compared("purchases", expected, naive, actual)
    if fitted.has_value:
        value = np.exp(fitted.log_value(fitted.gamma_gamma.logs))
        actual = customers["value_after"].cast(pl.Float64).to_numpy()
        yield from _compared("value", expected * value, naive * fitted.mean_value, actual)


def totals(fitted: FittedModels, trial: Mapping[str, float]) -> Iterator[Figure]:
    """Return what all customers together are expected to bring, as far ahead as it was tried.

    Only what has stood its trial, whose figures are given by name; the interval is of what will
    come, chance included.
    """
    import numpy as np

    if not fitted.tells_purchases:
        return
    for days in HORIZONS_DAYS:
        if days > trial.get("holdout_days", 0):
            continue
        drawn_purchases, drawn_money = fitted.totals(days)
        expected = np.exp(fitted.log_purchases(fitted.purchases.logs, days))
        told = [("purchases", float(expected.sum()), drawn_purchases)]
        if fitted.has_value:
            value = np.exp(fitted.log_value(fitted.gamma_gamma.logs))
            told.append(("value", float((expected * value).sum()), drawn_money))
        for what, total, drawn in told:
            if trial.get(f"passes_{what}"):
                # Money has a long tail: on the scale of logarithms it has none.
                half = Z * float(np.log(np.maximum(drawn, 1e-9)).std())
                ends = total * float(np.exp(-half)), total * float(np.exp(half))
                note = f"{what.title()} of all customers to expect over {days} days."
                yield f"total_{what}_{days}_days", total, *ends, note


def _compared(
    what: str, expected: "np.ndarray", naive: "np.ndarray", actual: "np.ndarray"
) -> Iterator[Figure]:
    import numpy as np

    yield f"holdout_{what}", float(actual.sum()), None, None, f"Actual {what} of all customers."
    for name, forecast in (("expected", expected), ("naive", naive)):
        of_whom = "the model" if name == "expected" else "customers going on at their own rate"
        total, error = float(forecast.sum()), float(np.abs(forecast - actual).mean())
        yield f"holdout_{what}_{name}", total, None, None, f"Total by {of_whom}."
        yield f"holdout_{what}_mae_{name}", error, None, None, f"Mean absolute error of {of_whom}."
    yield f"passes_{what}", *_passes(what, expected, naive, actual)


def _passes(
    what: str, expected: "np.ndarray", naive: "np.ndarray", actual: "np.ndarray"
) -> tuple[float, None, None, str]:
    """Return whether the trial allows a total to be told, and why."""
    import numpy as np

    ours, theirs = (float(np.abs(each - actual).mean()) for each in (expected, naive))
    came = float(actual.sum())
    missed = float(expected.sum()) / came - 1 if came else float("inf")
    passed = ours < theirs and abs(missed) <= _MOST_MISSED
    text = (
        f"In the trial the total of {what} misses by {missed:+.0%} ({_MOST_MISSED:.0%} is allowed) "
        f"and the error of a customer is {ours / theirs - 1 if theirs else 0:+.0%} against all "
        f"going on at their own rate: {'a' if passed else 'no'} total is told."
    )
    return float(passed), None, None, text


def customer_lifetime_value(
    customer_value_history: pl.DataFrame, lifetime_value_fit: pl.DataFrame
) -> pl.DataFrame | list[dict[str, Any]]:
    """Return for each customer what to expect over the horizons, with 95 % intervals.

    The intervals are those of the expectation (delta method, from the covariance of the
    parameters), not of the customer's purchases, which vary around it far more. A horizon longer
    than the trial was is not told. Without enough repeat customers there are no rows.
    """
    import numpy as np

    customers = _customers(customer_value_history, "full")
    fitted = fit_models(customers)
    if fitted is None:
        return []
    fit = fitted.purchases
    trial = lifetime_value_fit.filter(cut_off="calibration")
    tried_days = next(iter(trial.filter(figure="holdout_days")["value"]), 0.0)
    notes = trial.filter(pl.col("figure").str.starts_with("passes_"))["note"].to_list()
    if not tried_days:
        notes = ["No part of the log is left to try the model on: nothing ahead is told."]
    told: dict[str, Any] = {
        "purchase_model": fitted.purchase_model,
        "status": " ".join([fitted.dropout_note(), fitted.value_note(), *notes]),
    }
    if fitted.is_dropout_identified:
        told["probability_alive"] = purchase_models.probability_alive(fit.logs, fitted.history)
    value, value_error = None, None
    if fitted.has_value:
        value = fitted.log_value(fitted.gamma_gamma.logs)
        value_error = fitted.gamma_gamma.standard_error(fitted.log_value)
        told |= _interval("purchase_value", value, value_error)
    for days in HORIZONS_DAYS:
        if days > tried_days or not fitted.tells_purchases:
            continue
        purchases = fitted.log_purchases(fit.logs, days)
        error = fit.standard_error(partial(fitted.log_purchases, horizon=days))
        told |= _interval(f"purchases_{days}_days", purchases, error)
        if value is not None:
            # The two models are fitted apart, so their errors are independent.
            both = None if error is None or value_error is None else np.hypot(error, value_error)
            told |= _interval(f"value_{days}_days", purchases + value, both)
    return customers.select(*_OF_CUSTOMER, *(_series(name, value) for name, value in told.items()))


def _interval(name: str, log: "np.ndarray", error: "np.ndarray | None") -> dict[str, Any]:
    import numpy as np

    if error is None:
        return {name: np.exp(log)}
    return {
        name: np.exp(log),
        f"{name}_low": np.exp(log - Z * error),
        f"{name}_high": np.exp(log + Z * error),
    }


def _series(name: str, values: Any) -> pl.Expr | pl.Series:
    return pl.lit(values).alias(name) if isinstance(values, str) else pl.Series(name, values)


def _customers(history: pl.DataFrame, cut_off: str) -> pl.DataFrame:
    return history.filter(pl.col("cut_off") == cut_off).sort("customer_id")
