"""What is said of times to come: sales of the next weeks, and what customers will be worth."""

import datetime as dt
import functools
from dataclasses import dataclass

import numpy as np
import polars as pl

from customer_assets.learning import purchase_models
from customer_assets.learning.demand import BASELINE as DEMAND_BASELINE
from customer_assets.learning.forecast_backtest import errors_by_horizon, forecasts, interval
from customer_assets.learning.forecast_models import BASELINE, STEPS, Series
from customer_assets.learning.lifetime_value import totals
from customer_assets.learning.purchase_models import PurchaseHistory
from customer_assets.learning.value_models import fit_models
from customer_assets_tests.evidence.statement import Draws, Random, Statement, covers
from customer_assets_tests.tables import computed

_WEEK = STEPS[1]
_WEEKS = 60
_PRODUCTS = 60
_CUSTOMERS = 300
# Purchases come at a rate that is gamma(r, alpha), money is Gamma-Gamma with p, q, v.
_R, _ALPHA, _P, _Q, _V = 0.8, 40.0, 6.0, 4.0, 15.0
_DAYS = 90
# A fit takes most of the time: so many customers of each data set are looked at.
_DRAWN = 4
_HISTORY = ("frequency", "recency_days", "age_days", "repeat_value")
_TRIAL = pl.DataFrame(
    {"cut_off": ["calibration"], "figure": ["holdout_days"], "value": [365.0], "note": [""]}
)


def next_week(draws: int, random: Random) -> Draws:
    """Sales that doubled in a year, and errors with them."""
    covered = []
    for _ in range(draws):
        trend = 1000 * 2 ** (np.arange(_WEEKS) / 52)
        values = trend * random.lognormal(0, 0.2, _WEEKS)
        slots = np.zeros(_WEEKS + _WEEK.horizon, dtype=int)
        known = Series(dt.date(2024, 1, 1), _WEEK, values[:-1], slots, np.ones(len(slots)))
        actual = {known.date(at): float(value) for at, value in enumerate(values)}
        last = len(known.values) - 1
        origins = range(last - _WEEK.max_origins, last)
        past = [
            row | {"actual": actual[row["target_date"]]}
            for row in forecasts(known, BASELINE, origins)
            if row["horizon"] == 1
        ]
        [row, *_] = forecasts(known, BASELINE, [last])
        errors = errors_by_horizon(past, _WEEK)[1]
        ends = interval(row, _WEEK, [error for _, error in errors])
        covered.append(bool(ends["low"] <= actual[row["target_date"]] <= ends["high"]))
    return np.array(covered)


@dataclass(frozen=True)
class Shops:
    """What is said in as many shops, one after another.

    `products` has the last forecast of a product of each, `leads` its champion's lead over the
    baseline, `errors` by model what was asked for and by how much less than the baseline it erred,
    where models are judged.
    """

    products: pl.DataFrame
    leads: pl.DataFrame
    errors: pl.DataFrame


@functools.cache
def _shops(draws: int) -> Shops:
    """Return what is said in shops of their own, the same for every statement about them.

    A shop's products are asked for in single pieces and in lots, at rates that differ tenfold.
    """
    random = np.random.default_rng(7)
    said = {"demand_lead_weeks": 4, "demand_service_level": 0.95}
    weeks = [dt.date(2024, 1, 1) + dt.timedelta(weeks=n) for n in range(_WEEKS)]
    products, leads, errors = [], [], []
    for _ in range(draws):
        rates = random.lognormal(2.5, 0.8, (_PRODUCTS, 1))
        units = random.negative_binomial(2, 2 / (2 + rates), (_PRODUCTS, _WEEKS))
        weekly = pl.DataFrame(
            {
                "demand_kind": "item",
                "thing": [str(n) for n in range(_PRODUCTS) for _ in range(_WEEKS)],
                "thing_name": "",
                "week_start": weeks * _PRODUCTS,
                "units": units.ravel().astype(float),
            }
        )
        backtest = computed("demand_backtest", {"demand_weekly": weekly}, said)
        metrics = computed(
            "demand_metrics", {"demand_backtest": backtest}, {"demand_service_level": 0.95}
        )
        regular = backtest.filter(demand_class="regular")
        origins = regular["origin_date"].unique().sort()
        last = regular.filter(model="smoothing_20", origin_date=origins[-1]).sort("thing")
        products.append(last[int(random.integers(len(last)))])
        leads.append(metrics.filter("is_champion", demand_class="regular"))
        error = (pl.col("actual_units") - pl.col("value")).abs().sum()
        errors.append(
            regular.filter(pl.col("origin_date") >= origins[len(origins) // 2])
            .group_by("model")
            .agg(error.alias("error"), pl.sum("actual_units"))
        )
    return Shops(pl.concat(products), pl.concat(leads), pl.concat(errors))


def demand_of_a_product(draws: int, _: Random) -> Draws:
    """What the weeks of a delivery ask for, inside the interval."""
    low, high, came = _shops(draws).products.select("low", "high", "actual_units").to_numpy().T
    return covers(low, high, came)


def reorder_point(draws: int, _: Random) -> Draws:
    """What the weeks of a delivery ask for, met by the reorder point."""
    point, came = _shops(draws).products.select("reorder_point", "actual_units").to_numpy().T
    return came <= point


def lead_of_a_model(draws: int, _: Random) -> Draws:
    """A champion's error less the baseline's, beside the same over all shops together."""
    shops = _shops(draws)
    sums = shops.errors.group_by("model").agg(pl.sum("error", "actual_units"))
    wape = dict(sums.select("model", pl.col("error") / pl.col("actual_units")).iter_rows())
    leads = shops.leads.drop_nulls("difference_low")
    truth = [wape[model] - wape[DEMAND_BASELINE] for model in leads["model"]]
    return covers(leads["difference_low"], leads["difference_high"], np.array(truth))


def _buyers(random: Random) -> tuple[pl.DataFrame, "np.ndarray", "np.ndarray"]:
    """Return customers who buy as the model says, and each one's rate and scale of money."""
    age = random.uniform(100, 365, _CUSTOMERS)
    rate = random.gamma(_R, 1 / _ALPHA, _CUSTOMERS)
    frequency = random.poisson(rate * age)
    recency = np.where(frequency, age * random.beta(np.maximum(frequency, 1), 1), 0)
    spends = random.gamma(_Q, 1 / _V, _CUSTOMERS)
    mean = random.gamma(_P * np.maximum(frequency, 1), 1 / spends)
    mean = np.where(frequency, mean / np.maximum(frequency, 1), np.nan)
    known = dict(zip(_HISTORY, (frequency, recency, age, mean), strict=True))
    customers = pl.DataFrame({"customer_id": np.arange(_CUSTOMERS), **known})
    told = pl.col("repeat_value").fill_nan(None)
    return customers.with_columns(told, cut_off=pl.lit("full")), rate, spends


def worth_of_all(draws: int, random: Random) -> Draws:
    """What all of them will bring, beside what they then bring."""
    rows = []
    for _ in range(draws):
        customers, rate, spends = _buyers(random)
        fitted = fit_models(customers)
        assert fitted is not None
        trial = {"holdout_days": 365.0, "passes_value": 1.0}
        told = {figure: (low, high) for figure, _, low, high, _ in totals(fitted, trial)}
        if f"total_value_{_DAYS}_days" not in told:
            continue
        bought = random.poisson(rate * _DAYS)
        money = random.gamma(_P * np.maximum(bought, 1), 1 / spends) * (bought > 0)
        rows.append((*told[f"total_value_{_DAYS}_days"], money.sum()))
    low, high, came = np.array(rows).T
    return covers(low, high, came)


def worth(draws: int, random: Random) -> Draws:
    """What a customer is expected to bring, beside what the planted parameters say."""
    rows = []
    for _ in range(-(-draws // _DRAWN)):
        customers, _, _ = _buyers(random)
        frequency, recency, age, mean = (customers[name].to_numpy() for name in _HISTORY)
        frames = {"customer_value_history": customers, "lifetime_value_fit": _TRIAL}
        told = computed("customer_lifetime_value", frames)
        for at in random.choice(_CUSTOMERS, _DRAWN, replace=False):
            row = told.row(int(at), named=True)
            if row[f"value_{_DAYS}_days_low"] is None:
                continue
            of = PurchaseHistory(*(np.array([x[at]], float) for x in (frequency, recency, age)))
            logs = np.log([_R, _ALPHA]), np.log([_P, _Q, _V])
            purchases = purchase_models.nbd_expected_purchases(logs[0], of, _DAYS)
            value = purchase_models.gamma_gamma_expected_value(logs[1], of.frequency, mean[[at]])
            ends = (float(row[f"value_{_DAYS}_days_{end}"]) for end in ("low", "high"))
            rows.append((*ends, float(purchases[0] * value[0])))
    low, high, truth = np.array(rows).T
    return covers(low, high, truth)


STATEMENTS = [
    Statement(
        "forecast of a week's sales",
        "`sales_forecast`, `forecast_backtest`",
        "sales that double in a year, with errors that grow with them; the seasonal naive forecast",
        "a season that no origin of the backtest saw: on real autumn sales fewer hold "
        "(`forecast_metrics.coverage`)",
        next_week,
        level=0.8,
        lowest=0.78,
        highest=0.84,
    ),
    Statement(
        "demand for a product over four weeks",
        "`demand_forecast`, `demand_backtest`",
        f"{_PRODUCTS} products that are asked for at steady rates, in lots; a product each of as "
        "many shops",
        "a season that no origin of the backtest saw, or growth: on real autumn sales 77 % held "
        "(`demand_metrics.coverage`)",
        demand_of_a_product,
        level=0.8,
        lowest=0.76,
        highest=0.84,
        quick_draws=8,
    ),
    Statement(
        "reorder point of a product",
        "`demand_forecast`, `demand_backtest`",
        f"{_PRODUCTS} products that are asked for at steady rates, in lots; a product each of as "
        "many shops",
        "the same: on real autumn sales 93 % were met (`demand_metrics.service`)",
        reorder_point,
        quick_draws=8,
    ),
    Statement(
        "lead of a demand model over seasonal naive",
        "`demand_metrics.difference`",
        f"{_PRODUCTS} products that are asked for at steady rates, in lots, of as many shops; "
        "against the lead over all shops together",
        "a season or growth that the later half of the backtest saw and the time to come will not; "
        "wider than need be where nothing moves all products at once, as here",
        lead_of_a_model,
        highest=1.0,
        quick_draws=8,
    ),
    Statement(
        "lifetime value of a customer",
        "`customer_lifetime_value`",
        f"{_CUSTOMERS} customers who buy as the model says they do; the money over {_DAYS} days to "
        f"expect of {_DRAWN} drawn ones",
        "what the customer will in fact buy varies far more; where dropout or the mean value are "
        "not identified nothing is told",
        worth,
        quick_draws=20,
    ),
    Statement(
        "lifetime value of all customers together",
        "`lifetime_value_fit`, figures total_value_..._days",
        f"{_CUSTOMERS} customers who buy as the model says; what they bring in {_DAYS} days",
        "a season that moves all customers, customers who are new after the log's end; told only "
        "where the trial on the past is passed",
        worth_of_all,
        quick_draws=4,
    ),
]
