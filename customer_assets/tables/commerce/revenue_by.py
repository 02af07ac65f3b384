"""---
description: >-
  One row per month, column that the source breaks down by and its value at the customer's first
  event: who bought, what of it stayed, and what a buyer was worth, against the buyers of all other
  values. Money is uneven among buyers: of fewer than 100 on a side no interval is told, since it
  would be too narrow.
key: [sales_month, attribute, attribute_value]
requires: [breakdowns, purchase, value]
parameters:
  last_complete_day: {type: date, description: Last day that the log covers.}
columns:
  sales_month: {type: date, description: First day of the month of the orders.}
  attribute: {type: varchar, description: Column of the events.}
  attribute_value:
    type: varchar
    description: Its value at the customer's first event; null where it has none.
  n_buyers: {type: bigint, description: Customers who ordered in the month.}
  n_orders: {type: bigint, description: Their orders.}
  net_revenue: {type: "decimal(18,4)", description: Money of these orders that stayed.}
  revenue_share: {type: double, description: Of the month's net revenue of known customers.}
  revenue_per_buyer: {type: double, description: Net revenue per buyer.}
  revenue_per_buyer_low:
    type: double
    description: >-
      Lower end of its 95 % interval, corrected for skewness; null where there are fewer than 100
      buyers.
  revenue_per_buyer_high: {type: double, description: Upper end of that interval.}
  revenue_difference:
    type: double
    description: >-
      revenue_per_buyer less that of the buyers of all other values; null where there are no others.
  revenue_difference_low:
    type: double
    description: >-
      Lower end of its 95 % interval, corrected for skewness; null where there are fewer than 100
      buyers on a side.
  revenue_difference_high:
    type: double
    description: Upper end; a difference where 0 is outside.
  is_sure: {type: boolean, description: Whether there are 100 buyers or more.}
  is_mature: {type: boolean, description: Whether the month is over.}
checks:
  - expect_column_values_to_be_between: {column: n_buyers, min_value: 1}
---
"""

import datetime as dt

import polars as pl

from customer_assets.intervals import FEWEST_BUYERS
from customer_assets.segments.groups import Sums, difference_interval, mean_interval

_MONTH = ["sales_month", "attribute"]
_POWERS = ("power_1", "power_2", "power_3")


def compute(
    orders: pl.LazyFrame, first_touch: pl.LazyFrame, *, last_complete_day: str
) -> pl.DataFrame:
    amount = pl.col("amount") - pl.col("amount").mean().over(_MONTH)
    buyers = (
        orders.filter(pl.col("customer_id").is_not_null())
        .group_by("customer_id", pl.col("order_date").dt.truncate("1mo").alias("sales_month"))
        .agg(pl.len().cast(pl.Int64).alias("n_orders"), pl.col("net_value").sum())
        .join(first_touch.select("customer_id", *_MONTH[1:], "attribute_value"), on="customer_id")
        .collect()
        # Sums of doubles hold still only where their order does.
        .sort("sales_month", "customer_id", "attribute")
        .rechunk()
        .with_columns(pl.col("net_value").cast(pl.Float64).alias("amount"))
        .with_columns((amount**power).alias(f"power_{power}") for power in (1, 2, 3))
    )
    sums = (
        pl.len().cast(pl.Int64).alias("n_buyers"),
        pl.sum("n_orders", "net_value", "amount", *_POWERS),
    )
    rows = buyers.group_by(*_MONTH, "attribute_value", maintain_order=True).agg(*sums)
    rows = rows.join(
        buyers.group_by(_MONTH, maintain_order=True).agg(*sums), on=_MONTH, suffix="_all"
    )
    ours, everybody = (
        Sums(*(rows[f"{name}{of}"].to_numpy() for name in ("n_buyers", *_POWERS)))
        for of in ("", "_all")
    )
    low, high = mean_interval(ours)
    gap, gap_low, gap_high = difference_interval(ours, everybody.without(ours))
    mean = rows["amount"] / rows["n_buyers"]
    middle = rows["amount_all"] / rows["n_buyers_all"]
    is_sure = pl.col("n_buyers") >= FEWEST_BUYERS
    are_others_sure = pl.col("n_buyers_all") - pl.col("n_buyers") >= FEWEST_BUYERS
    ends = {
        "revenue_per_buyer_low": middle + low,
        "revenue_per_buyer_high": middle + high,
        "revenue_difference": pl.Series(gap),
        "revenue_difference_low": pl.Series(gap_low),
        "revenue_difference_high": pl.Series(gap_high),
    }
    rows = rows.with_columns(end.alias(name).fill_nan(None) for name, end in ends.items())
    return rows.select(
        *_MONTH,
        "attribute_value",
        "n_buyers",
        "n_orders",
        pl.col("net_value").cast(pl.Decimal(18, 4)).alias("net_revenue"),
        (pl.col("amount") / pl.col("amount_all")).fill_nan(None).alias("revenue_share"),
        mean.alias("revenue_per_buyer"),
        pl.when(is_sure).then(pl.col("revenue_per_buyer_low", "revenue_per_buyer_high")),
        "revenue_difference",
        pl.when(is_sure & are_others_sure).then(
            pl.col("revenue_difference_low", "revenue_difference_high")
        ),
        is_sure.alias("is_sure"),
        (pl.col("sales_month").dt.month_end() <= dt.date.fromisoformat(last_complete_day)).alias(
            "is_mature"
        ),
    ).sort(*_MONTH, "attribute_value")
