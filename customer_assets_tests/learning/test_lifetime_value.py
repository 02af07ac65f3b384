"""BG/NBD and Gamma-Gamma against their papers, and what is told where they do not hold."""

import datetime as dt
import importlib.metadata
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.integrate import quad
from scipy.special import betaln, gammaln

from customer_assets.learning import purchase_models
from customer_assets.learning.purchase_models import PurchaseHistory
from customer_assets.learning.value_models import MIN_REPEAT_CUSTOMERS, fit_models
from customer_assets_tests.conftest import read_source, run_source
from customer_assets_tests.tables import computed, python_models

# Fader, Hardie and Lee (2005), table 2, and Fader and Hardie (2013): the CDNOW data, in weeks.
CDNOW_BG_NBD = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
CDNOW_GAMMA_GAMMA = {"p": 6.25, "q": 3.74, "v": 15.44}


@pytest.fixture(scope="module")
def cdnow() -> pl.DataFrame:
    """The CDNOW data as the PyPI package lifetimes ships them; they have no licence to copy."""
    name = "cdnow_customers_summary_with_transactions.csv"
    shared = os.environ.get("CUSTOMER_ASSETS_SHARED")
    places = [Path(shared) / "cdnow" / name] if shared else []
    try:
        files = importlib.metadata.files("lifetimes") or []
        places += [Path(str(file.locate())) for file in files if file.name == name]
    except importlib.metadata.PackageNotFoundError:
        pass
    found = [path for path in places if path.exists()]
    if not found:
        pytest.skip("the CDNOW data are not here: pip install --no-deps lifetimes")
    return pl.read_csv(found[0]).rename({"x": "frequency", "t_x": "recency", "T": "age"})


def history(*customers: tuple[float, float, float]) -> PurchaseHistory:
    return PurchaseHistory(
        *(np.array(column, dtype=float) for column in zip(*customers, strict=True))
    )


def test_cdnow_parameters_are_those_of_the_papers(cdnow) -> None:
    columns = (cdnow[name].to_numpy() for name in ("frequency", "recency", "age"))
    fit = purchase_models.fit_bg_nbd(PurchaseHistory(*columns))
    assert {name: round(value, 3) for name, value in fit.parameters.items()} == CDNOW_BG_NBD
    assert fit.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    repeated = cdnow.filter(pl.col("frequency") > 0)
    money = purchase_models.fit_gamma_gamma(
        repeated["frequency"].to_numpy(), repeated["zbar"].to_numpy()
    )
    # Printed to two decimals, and v as 15.44 where the maximum is at 15.448.
    assert money.parameters == pytest.approx(CDNOW_GAMMA_GAMMA, abs=0.009)


def test_expected_purchases_are_those_of_the_paper() -> None:
    logs = np.log(list(CDNOW_BG_NBD.values()))
    # Customer 1 of CDNOW over the 39 weeks after the calibration period.
    customer = history((2, 30.43, 38.86))
    expected = purchase_models.bg_nbd_expected_purchases(logs, customer, 39)
    assert expected[0] == pytest.approx(1.226, abs=5e-4)


def test_the_likelihood_is_the_integral_over_customers() -> None:
    """Integrate over the dropout probability p, the rate integrated by hand."""
    r, alpha, a, b = CDNOW_BG_NBD.values()
    x, t_x, age = 3.0, 20.0, 38.0

    def at(p: float) -> float:
        rate = np.exp(gammaln(r + x) - gammaln(r)) * alpha**r
        alive = (1 - p) ** x * (alpha + age) ** -(r + x)
        left = p * (1 - p) ** (x - 1) * (alpha + t_x) ** -(r + x)
        return rate * (alive + left) * p ** (a - 1) * (1 - p) ** (b - 1) / np.exp(betaln(a, b))

    logs = np.log([r, alpha, a, b])
    found = purchase_models.bg_nbd_log_likelihood(logs, history((x, t_x, age)))
    assert np.exp(found) == pytest.approx(quad(at, 0, 1)[0], rel=1e-5)


@pytest.mark.parametrize("a", [1e-5, 0.5, 1.0, 1.0 + 1e-9, 30.0])
def test_many_purchases_and_any_dropout_stay_finite(a: float) -> None:
    logs = np.log([0.8, 60.0, a, 2.0])
    customers = history((0, 0, 370), (1, 5, 370), (300, 360, 365), (300, 100, 365))
    expected = purchase_models.bg_nbd_expected_purchases(logs, customers, 365)
    assert np.all(np.isfinite(expected))
    assert np.all(expected >= 0)
    assert expected[2] > expected[3]


def test_without_dropout_bg_nbd_is_nbd() -> None:
    customers = history((0, 0, 300), (5, 200, 300), (40, 290, 300))
    with_dropout = purchase_models.bg_nbd_expected_purchases(
        np.log([0.8, 60.0, 1e-9, 1.0]), customers, 90
    )
    without = purchase_models.nbd_expected_purchases(np.log([0.8, 60.0]), customers, 90)
    assert with_dropout == pytest.approx(without, rel=1e-6)


def simulated(n: int, *, drops_out: bool, value_grows: bool = False) -> pl.DataFrame:
    """Customers of a year by the models' own story, as `customer_value_history` has them."""
    random = np.random.default_rng(5)
    rows = []
    for who in range(n):
        rate = random.gamma(0.8, 1 / 40)
        leaves = random.beta(1.0, 3.0) if drops_out else 0.0
        age, days, at = random.uniform(100, 365), [0.0], 0.0
        while (at := at + random.exponential(1 / rate)) < age:
            days.append(at)
            if random.random() < leaves:
                break
        x = len(days) - 1
        mean = random.gamma(6, 1 / random.gamma(4, 1 / 15)) * (1 + x if value_grows else 1)
        rows.append((who, x, days[-1], age, mean if x else None))
    columns = ["customer_id", "frequency", "recency_days", "age_days", "repeat_value"]
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(cut_off=pl.lit("full"))


def values_of(customers: pl.DataFrame, tried_days: float | None = 365.0) -> pl.DataFrame:
    fit = computed("lifetime_value_fit", {"customer_value_history": customers})
    if tried_days is not None:
        of_trial = {"cut_off": "calibration", "figure": "holdout_days", "value": tried_days}
        fit = pl.concat([fit, pl.DataFrame([of_trial])], how="diagonal")
    frames = {"customer_value_history": customers, "lifetime_value_fit": fit}
    return computed("customer_lifetime_value", frames)


def test_dropout_that_is_there_is_found() -> None:
    customers = simulated(2_000, drops_out=True)
    fitted = fit_models(customers)
    assert fitted.is_dropout_identified
    for name, truth in {"r": 0.8, "alpha": 40.0, "a": 1.0, "b": 3.0}.items():
        low, high = fitted.bg_nbd.interval(name)
        assert low < truth < high
    table = values_of(customers)
    assert table["probability_alive"].is_between(0, 1).all()
    assert set(table["purchase_model"]) == {"bg_nbd"}
    low, middle, high = (table[f"value_30_days{end}"] for end in ("_low", "", "_high"))
    assert ((low < middle) & (middle < high)).all()


def test_no_probability_is_told_where_nobody_leaves() -> None:
    table = values_of(simulated(800, drops_out=False))
    assert table["probability_alive"].is_null().all()
    assert set(table["purchase_model"]) == {"nbd"}
    assert "Dropout is not identified" in table["status"][0]
    assert table["purchases_30_days"].is_not_null().all()


def test_no_value_is_told_where_it_depends_on_frequency() -> None:
    table = values_of(simulated(800, drops_out=True, value_grows=True))
    assert "Value depends on frequency" in table["status"][0]
    assert table["purchase_value"].is_null().all()
    assert table["value_30_days_high"].is_null().all()
    assert table["purchases_30_days"].is_not_null().all()


def test_no_time_is_told_that_was_not_tried() -> None:
    customers = simulated(800, drops_out=True)
    table = values_of(customers, tried_days=120.0)
    assert table["purchases_365_days"].is_null().all()
    assert table["purchases_90_days"].is_not_null().all()
    untried = values_of(customers, tried_days=None)
    assert untried["purchases_30_days"].is_null().all()
    assert "nothing ahead is told" in untried["status"][0]


@pytest.mark.parametrize(("factor", "passes"), [(1.0, 1.0), (1.6, 0.0)])
def test_a_trial_that_misses_allows_no_total(factor: float, passes: float) -> None:
    customers = simulated(800, drops_out=False)
    logs = np.log([0.8, 40.0])
    told = history(*customers.select("frequency", "recency_days", "age_days").iter_rows())
    expected = purchase_models.nbd_expected_purchases(logs, told, 60)
    after = np.random.default_rng(2).poisson(expected * factor)
    tried = customers.with_columns(
        cut_off=pl.lit("calibration"), days_after=60, value_after=0.0,
        purchases_after=pl.Series(after),
    )  # fmt: skip
    both = pl.concat([tried, customers.with_columns(cut_off=pl.lit("full"))], how="diagonal")
    fit = computed("lifetime_value_fit", {"customer_value_history": both})
    row = fit.filter(figure="passes_purchases").row(0, named=True)
    assert row["value"] == passes, row["note"]
    totals = fit.filter(pl.col("figure").str.starts_with("total_purchases"))
    # No longer ahead than was tried, and only where the trial was passed.
    assert totals["figure"].to_list() == ["total_purchases_30_days"] * int(passes)
    frames = {"customer_value_history": both, "lifetime_value_fit": fit}
    of_customers = computed("customer_lifetime_value", frames)["purchases_30_days"].sum()
    for value, low, high in totals.select("value", "low", "high").iter_rows():
        assert value == pytest.approx(of_customers)
        assert 0.7 * value < low < value < high < 1.4 * value


def test_few_customers_have_no_lifetime_value() -> None:
    customers = simulated(800, drops_out=True)
    repeated = customers.filter(pl.col("frequency") > 0).head(MIN_REPEAT_CUSTOMERS - 1)
    for few in (repeated, repeated.clear()):
        table = values_of(few)
        assert table.columns == list(python_models()["customer_lifetime_value"].table.columns)
        assert table.is_empty()
        fit = computed("lifetime_value_fit", {"customer_value_history": few})
        assert fit.is_empty()


def test_purchases_of_one_value_are_no_error() -> None:
    customers = simulated(300, drops_out=True).with_columns(
        repeat_value=pl.when(pl.col("frequency") > 0).then(9.99)
    )
    assert values_of(customers)["purchases_30_days"].is_not_null().all()


def histories(tmp_path, *lines) -> list[tuple]:
    """The purchase histories of a log of nine days: invoice, day and time, quantity, price, who."""
    landing = tmp_path / "landing"
    landing.mkdir()
    text = ["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"]
    for invoice, at, quantity, price, who in lines:
        text.append(f"{invoice},A1,MUG,{quantity},2011-{at}:00,{price},{who},United Kingdom")
    (landing / "log.csv").write_text("\n".join(text) + "\n")
    source = read_source("online_retail").model_copy(update={"last_day": "2011-02-10"})
    run = run_source("online_retail", source, landing, tmp_path / "home")
    run.ingest()
    days = [dt.date(2011, 2, day) for day in range(1, 11)]
    tables = ("events", "customer_day", "order_lines", "order_returns", "customer_value_history")
    run.materialize(*tables, days=days)
    columns = ["customer_id", "frequency", "recency_days", "age_days", "repeat_value"]
    columns += ["days_after", "purchases_after", "value_after"]
    return run.frame("customer_value_history").select("cut_off", *columns).rows()


def test_histories_drop_the_first_day_and_split_by_date(tmp_path) -> None:
    # Two invoices on the first day are one purchase; the log spans nine days, six of calibration.
    assert histories(
        tmp_path,
        (1, "02-01 09:00", 1, 5, 1), (2, "02-01 15:00", 1, 7, 1), (3, "02-03 09:00", 1, 10, 1),
        (4, "02-06 09:00", 1, 20, 1), (5, "02-10 09:00", 1, 40, 1), (6, "02-08 09:00", 1, 3, 2),
    ) == [
        ("calibration", 1, 2, 5, 6, 15.0, 3, 1, 40),
        ("full", 1, 3, 9, 9, pytest.approx(70 / 3), 0, 0, 0),
        ("full", 2, 0, 0, 2, None, 0, 0, 0),
    ]  # fmt: skip


def test_what_came_back_is_no_purchase_once_that_is_known(tmp_path) -> None:
    """Customer 1 gives the second purchase back on the 9th, after the calibration's cut-off on
    the 7th; customer 2 gives everything back at once; the log ends on the 10th, not on a sale."""
    assert histories(
        tmp_path,
        (1, "02-01 09:00", 1, 5, 1), (2, "02-03 09:00", 4, 10, 1), ("C3", "02-09 09:00", -4, 10, 1),
        (4, "02-02 09:00", 100, 99, 2), ("C5", "02-02 09:12", -100, 99, 2),
    ) == [
        ("calibration", 1, 1, 2, 6, 40.0, 3, 0, 0),
        ("full", 1, 0, 0, 9, None, 0, 0, 0),
    ]  # fmt: skip
