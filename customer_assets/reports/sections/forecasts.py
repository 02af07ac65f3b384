"""Sections on what is to come: sales per day and week, and what each customer will be worth.

Each says how far to trust it: what the same models would have said in the past, and what came.
Who the customers are today belongs to `customers`, past sales to `sales`.
"""

from collections.abc import Callable
from functools import partial

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.charts.bars import Bar, ranked_bars
from customer_assets.reports.charts.behavior import LinePanel, lines_in_time
from customer_assets.reports.content import (
    CUSTOMERS,
    NOW,
    SURENESS,
    Block,
    Paragraph,
    Picture,
    ReportInput,
    section,
)
from customer_assets.reports.tables import Columns, interval, table_view

_PERIODS = {"day": "days", "week": "weeks"}
# How much of the past stands before the forecast in a picture.
_PAST = {"day": 42, "week": 26}
_MODELS = {
    "seasonal_naive": "Seasonal naive",
    "exponential_smoothing": "Exponential smoothing",
    "lightgbm": "LightGBM",
}
_TOP_CUSTOMERS = 50


@section(
    "sales-forecast",
    "Sales forecast",
    NOW,
    60,
    needs=("sales_forecast", "forecast_backtest"),
)
def sales_forecast(report: ReportInput) -> list[Block]:
    """Return the forecast with its intervals, after the day-ahead forecasts of the past."""
    forecast = report.frames["sales_forecast"].filter("is_champion").sort("period", "target_date")
    # Of a log that never sold anything no day is open.
    periods = [p for p in _PERIODS if p in set(forecast.filter("is_open")["period"])]
    if not periods:
        return []
    blocks: list[Block] = [_expected(report, forecast, periods[0])]
    for period in periods:
        blocks.append(_forecast_picture(report, period))
    money = partial(wording.money, currency=report.event_log.currency)
    columns: Columns = {
        "period": ("Period", wording.title),
        "target_date": ("Day, or first of the week", wording.day),
        "value": ("Forecast", partial(money, digits=0)),
        "between": ("In 8 of 10 cases", wording.shown),
    }
    return [
        *blocks,
        table_view(
            report,
            "sales_forecast",
            "Sales to expect",
            columns,
            forecast.with_columns(
                pl.Series(
                    "between",
                    [
                        interval(low, high, partial(money, digits=0))
                        for low, high in forecast.select("low", "high").iter_rows()
                    ],
                    pl.String,
                )
            ),
        ),
    ]


@section(
    "forecast-trial",
    "How far forecasts were off",
    SURENESS,
    12,
    needs=("sales_forecast", "forecast_metrics"),
)
def forecast_trial(report: ReportInput) -> list[Block]:
    """Return which model is used for each period, and how far off each was in the past."""
    forecast = report.frames["sales_forecast"]
    metrics = report.frames["forecast_metrics"].filter(pl.col("horizon") == 0)
    periods = [period for period in _PERIODS if period in set(forecast["period"])]
    money = partial(wording.money, currency=report.event_log.currency)
    of_errors: Columns = {
        "period": ("Period", wording.title),
        "model": ("Model", _model),
        "is_champion": ("Used", _yes_or_no),
        "mae": ("Mean error", partial(money, digits=0)),
        "wape": ("WAPE", wording.share),
        "mape": ("MAPE", wording.share),
        "r2": ("R²", partial(wording.decimal, digits=2)),
        "coverage": ("In the interval", wording.share),
        "n_forecasts": ("Forecasts", wording.count),
        "n_origins": ("Origins", wording.count),
    }
    return [
        Paragraph(" ".join(_how_good(metrics, period) for period in periods), is_lead=True),
        *_errors_picture(metrics, periods),
        table_view(
            report,
            "forecast_metrics",
            "How far forecasts were off, all horizons together",
            of_errors,
            metrics.sort("period", "wape"),
        ),
    ]


def _expected(report: ReportInput, forecast: pl.DataFrame, period: str) -> Paragraph:
    rows = forecast.filter(pl.col("period") == period)
    money = partial(wording.money, currency=report.event_log.currency, digits=0)
    first = rows.filter("is_open").head(1).row(0, named=True) if rows["is_open"].any() else None
    text = (
        f"{money(sum(rows['value']))} of gross sales are expected in the {rows.height} "
        f"{_PERIODS[period]} after {wording.day(rows['origin_date'][0])}, the last complete one"
    )
    if first and first["low"] is not None:
        text += (
            f". On {wording.day(first['target_date'])} {money(first['value'])}, in 8 of 10 cases "
            f"between {money(first['low'])} and {money(first['high'])}"
        )
    return Paragraph(f"{text}.", is_lead=True)


def _forecast_picture(report: ReportInput, period: str) -> Picture:
    is_of_period = (pl.col("period") == period) & pl.col("is_open")
    ahead = report.frames["sales_forecast"].filter(is_of_period & pl.col("is_champion"))
    past = (
        report.frames["forecast_backtest"]
        .filter(is_of_period & (pl.col("horizon") == 1) & (pl.col("model") == ahead["model"][0]))
        .sort("target_date")
        .tail(_PAST[period])
    )
    both = pl.concat([past, ahead.sort("target_date")], how="diagonal")
    amounts = both.select(pl.col("actual", "value", "low", "high").cast(pl.Float64))
    panel = LinePanel(
        f"Sales per {period}",
        [(amounts["actual"].to_list(), "accent"), (amounts["value"].to_list(), "second")],
        band=(amounts["low"].to_list(), amounts["high"].to_list()),
    )
    wide, narrow = lines_in_time(
        f"forecast-{period}", both["target_date"].to_list(), [panel], past.height
    )
    compact = partial(wording.compact, currency=report.event_log.currency)
    words = "; ".join(
        f"{wording.short_day(row['target_date'])}: {compact(row['value'])}"
        for row in ahead.sort("target_date").iter_rows(named=True)
    )
    return Picture(
        f"forecast-{period}",
        alt=f"Lines of sales and their forecast per {period}. To come: {words}.",
        caption=f"What {_model(ahead['model'][0])} said of each {period} one {period} before, "
        "what was sold, and what it says now."
        + (" Days without trade by weekday or holiday are left out." if period == "day" else ""),
        wide=wide,
        narrow=narrow,
        colours=[
            ("accent", "Sold"),
            ("second", "Forecast"),
            ("soft", "80% interval"),
            ("hatched", "To come"),
        ],
    )


def _how_good(metrics: pl.DataFrame, period: str) -> str:
    """Say which model is used and how far off it was."""
    of_period = metrics.filter(pl.col("period") == period)
    champion = of_period.filter("is_champion").row(0, named=True)
    text = f"Per {period}: {wording.shown(champion['decision'], 200)}"
    for model, name in _MODELS.items():
        text = text.replace(model, name)
    if champion["coverage"] is not None:
        text += (
            f" {wording.share(champion['coverage'])} of {wording.count(champion['n_intervals'])} "
            "later sales lay in its 80% intervals"
            f"{', which are too narrow' if champion['coverage'] < 0.7 else ''}."
        )
    return text


def _errors_picture(metrics: pl.DataFrame, periods: list[str]) -> list[Picture]:
    """Draw the errors; of days on which nothing was sold there is no share to be off by."""
    bars = [
        Bar(
            f"{_model(row['model'])}, {period}",
            [(row["wape"], "accent" if row["is_champion"] else "soft")],
            wording.share(row["wape"]),
            tip=f"{_model(row['model'])}, {period}: {wording.share(row['wape'])}",
        )
        for period in periods
        for row in metrics.filter((pl.col("period") == period) & pl.col("wape").is_not_null())
        .sort("wape", "model")
        .iter_rows(named=True)
    ]
    if not bars:
        return []
    wide, narrow = ranked_bars("forecast-errors", bars, label_widths=(210, 190))
    return [
        Picture(
            "forecast-errors",
            alt="Bars of the error of each model. " + "; ".join(bar.tip for bar in bars) + ".",
            caption=(
                "Sum of the errors in the backtest as a share of all sales (WAPE): less is better."
            ),
            wide=wide,
            narrow=narrow,
            colours=[("accent", "Model that is used"), ("soft", "Other model")],
        )
    ]


@section(
    "lifetime-value",
    "Customer lifetime value",
    CUSTOMERS,
    60,
    needs=(
        "customer_lifetime_value",
        "lifetime_value_fit",
        "lifetime_value_deciles",
    ),
    scans=("customer_lifetime_value",),
)
def lifetime_value(report: ReportInput) -> list[Block]:
    """Return what customers are expected to buy, whether the assumptions hold, and a trial."""
    customers = report.scan("customer_lifetime_value")
    n_known = customers.select(pl.all().count()).collect().row(0, named=True)
    # The furthest that is told, of money where that is known.
    told = report.frames["lifetime_value_deciles"].sort("days_ahead", "measure", "decile")
    what, days = told.select("measure", "days_ahead").row(-1)
    deciles = told.filter(measure=what, days_ahead=days)
    measure = f"{what}_{days}_days"
    first = (
        customers.with_columns(pl.col(measure).cast(pl.Float64))
        .sort(measure, "customer_id", descending=[True, False], nulls_last=True)
        .head(_TOP_CUSTOMERS)
        .collect()
    )
    written = partial(wording.money, currency=report.event_log.currency, digits=0)
    blocks: list[Block] = [
        _deciles_in_words(report, deciles, what, days),
        _deciles_picture(report, deciles, what, days),
    ]
    two = partial(wording.decimal, digits=2)
    columns: Columns = {
        "customer_id": ("Customer", wording.shown),
        "frequency": ("Repeat days", wording.count),
        "recency_days": ("Last purchase, days after the first", wording.count),
        "age_days": ("Known for, days", wording.count),
        "probability_alive": ("Still a customer", wording.share),
        f"purchases_{days}_days": ("Purchases", two),
        f"value_{days}_days": ("Value", written),
    }
    known = {name: spec for name, spec in columns.items() if n_known.get(name)}
    return [
        *blocks,
        table_view(
            report,
            "customer_lifetime_value",
            f"Customers with the most to expect in {days} days",
            known,
            first,
        ),
    ]


def _deciles_in_words(
    report: ReportInput, deciles: pl.DataFrame, what: str, days: int
) -> Paragraph:
    fit = report.frames["lifetime_value_fit"].filter(figure=f"total_{what}_{days}_days")
    if fit.is_empty():
        return Paragraph(
            f"Customers are ranked by the {what} to expect of them in the next {days} days. No "
            "total is told: the model has not stood its trial on the past (How sure are we).",
            is_lead=True,
        )
    written: Callable[[float], str] = wording.count
    if what == "value":
        written = partial(wording.money, currency=report.event_log.currency, digits=0)
    total, low, high = fit.select("value", "low", "high").row(0)
    unit = "" if what == "value" else " days with a purchase"
    best = deciles.filter(decile=1)["share"].to_list()
    of_best = f", and the best tenth of them {wording.share(best[0])} of it" if any(best) else ""
    return Paragraph(
        f"Customers so far are expected to bring {written(total)}{unit} in the next {days} days "
        f"({written(low)} to {written(high)} in 95 of 100 cases){of_best}.",
        is_lead=True,
    )


def _deciles_picture(report: ReportInput, deciles: pl.DataFrame, what: str, days: int) -> Picture:
    is_money = what == "value"
    bars = []
    for decile, mean in deciles.select("decile", "mean").iter_rows():
        text = (
            wording.compact(mean, report.event_log.currency)
            if is_money
            else wording.decimal(mean, 2)
        )
        name = f"{decile}. tenth"
        bars.append(Bar(name, [(mean, "accent")], text, tip=f"{name}: {text}"))
    wide, narrow = ranked_bars("lifetime-value", bars, label_widths=(80, 80))
    of_what = "money" if is_money else "days with a purchase"
    return Picture(
        "lifetime-value",
        alt=f"Bars of {of_what} to expect. " + "; ".join(bar.tip for bar in bars) + ".",
        caption=f"Mean {of_what} to expect of a customer in the next {days} days, by tenths of the "
        "customers, those with the most first. Returns are not taken off.",
        wide=wide,
        narrow=narrow,
    )


@section(
    "lifetime-trial",
    "The trial of lifetime values",
    SURENESS,
    13,
    needs=("lifetime_value_fit",),
    uses=("customer_lifetime_value",),
    scans=("customer_lifetime_value",),
)
def lifetime_trial(report: ReportInput) -> list[Block]:
    """Return how well a model of the first two thirds of the log foretold the rest."""
    figures = report.frames["lifetime_value_fit"]
    of_fit: Columns = {
        "cut_off": ("Part of the log", wording.title),
        "figure": ("Figure", wording.title),
        "value": ("Value", wording.figure),
        "note": ("What it is", partial(wording.shown, limit=300)),
    }
    blocks = _trial(figures)
    if report.has_rows("customer_lifetime_value"):
        status = report.scan("customer_lifetime_value").select("status").head(1).collect().item()
        blocks.append(Paragraph(wording.shown(status, 900)))
    return [
        *blocks,
        table_view(
            report,
            "lifetime_value_fit",
            "The models and their trial",
            of_fit,
            figures.rename({"low": "value_low", "high": "value_high"}),
        ),
    ]


def _trial(figures: pl.DataFrame) -> list[Block]:
    """Return how well a model of the first two thirds of the log foretold the rest."""
    value = dict(
        figures.filter(pl.col("cut_off") == "calibration").select("figure", "value").iter_rows()
    )
    if "holdout_days" not in value:
        return []
    of_model, of_naive = (value[f"holdout_purchases_mae_{who}"] for who in ("expected", "naive"))
    better = "a smaller" if of_model < of_naive else "no smaller an"
    two = partial(wording.decimal, digits=2)
    text = (
        "Tried on the past: from the first two thirds of the log the model expects "
        f"{wording.count(value['holdout_purchases_expected'])} purchases in the "
        f"{wording.count(value['holdout_days'])} days after; "
        f"{wording.count(value['holdout_purchases'])} came. Per customer it makes {better} error "
        f"than saying that all go on at their own rate ({two(of_model)} against {two(of_naive)})."
    )
    bars = [
        Bar(label, [(value[name], role)], wording.count(value[name]), tip=f"{label}: {count}")
        for label, name, role in (
            ("What came", "holdout_purchases", "accent"),
            ("The model", "holdout_purchases_expected", "second"),
            ("Own rate", "holdout_purchases_naive", "soft"),
        )
        for count in [wording.count(value[name])]
    ]
    wide, narrow = ranked_bars("lifetime-trial", bars, label_widths=(90, 90))
    picture = Picture(
        "lifetime-trial",
        alt="Bars of purchases in the trial. " + "; ".join(bar.tip for bar in bars) + ".",
        caption="Days with a purchase in the last third of the log: what came, what the model of "
        "the time before expected, and what customers would make who go on at their own rate.",
        wide=wide,
        narrow=narrow,
    )
    return [Paragraph(text, is_lead=True), picture]


def _model(name: str) -> str:
    return _MODELS.get(name, wording.title(name))


def _yes_or_no(is_so: bool) -> str:
    return "yes" if is_so else "no"
