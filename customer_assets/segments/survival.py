"""How long customers take to order again, those counted who have not yet.

Those who came back early say nothing of those who may still come: among those who did, the median
is always too short. Source: Kaplan and Meier, Nonparametric Estimation from Incomplete Observations
(1958).
"""

import datetime as dt

import polars as pl

from customer_assets.intervals import Z


def second_orders(orders: pl.LazyFrame, last_day: dt.date) -> pl.DataFrame:
    """Return first_date, days and has_ordered_again of each customer seen for a day or longer.

    `days` are those to the second day with an order, else to `last_day`. Several orders of one day
    are one visit.
    """
    return (
        orders.filter(pl.col("customer_id").is_not_null())
        .select("customer_id", "order_date")
        .unique()
        .group_by("customer_id")
        .agg(
            pl.col("order_date").min().alias("first_date"),
            pl.col("order_date").sort().get(1, null_on_oob=True).alias("second_date"),
        )
        .select(
            "customer_id",
            "first_date",
            (pl.coalesce("second_date", pl.lit(last_day)) - pl.col("first_date"))
            .dt.total_days()
            .alias("days"),
            pl.col("second_date").is_not_null().alias("has_ordered_again"),
        )
        .filter(pl.col("days") > 0)
        .sort("customer_id")
        .collect()
    )


def survival_curve(customers: pl.DataFrame) -> pl.DataFrame:
    """Return a row per day on which one of the customers ordered again, with a 95 % interval."""
    n = customers.height
    at_risk = n - pl.col("n_gone").cum_sum().shift(1, fill_value=0)
    left = 1 - pl.col("n_ordered") / pl.col("n_at_risk")
    # Greenwood's sum; of the last customer of all nothing is left, and no interval.
    greenwood = pl.col("n_ordered") / (
        pl.col("n_at_risk") * (pl.col("n_at_risk") - pl.col("n_ordered"))
    )
    survival = pl.col("survival")
    width = Z * pl.col("variance").sqrt() / survival.log().abs()
    is_inside = survival.is_between(0, 1, closed="none")
    found = (
        customers.group_by("days")
        .agg(
            pl.len().cast(pl.Int64).alias("n_gone"),
            pl.col("has_ordered_again").sum().cast(pl.Int64).alias("n_ordered"),
        )
        .sort("days")
        .with_columns(at_risk.cast(pl.Int64).alias("n_at_risk"))
        .with_columns(left.cum_prod().alias("survival"), greenwood.cum_sum().alias("variance"))
        .filter(pl.col("n_ordered") > 0)
    )
    half = found.filter(survival <= 0.5)["days"].min()
    return found.select(
        pl.lit(n, pl.Int64).alias("n_customers"),
        "days",
        "n_at_risk",
        "n_ordered",
        "survival",
        pl.when(is_inside).then(survival ** width.exp()).alias("survival_low"),
        pl.when(is_inside).then(survival ** (-width).exp()).alias("survival_high"),
        pl.lit(half, pl.Int64).alias("median_days"),
    )
