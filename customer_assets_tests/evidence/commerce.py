"""What is said of things sold: how a category's share moved, and whose lists are better."""

import datetime as dt

import numpy as np
import polars as pl

from customer_assets_tests.evidence.statement import Draws, Random, Statement, covers, sql_table

_CUSTOMERS = 300
_FIRST, _END = dt.date(2024, 1, 1), dt.date(2025, 3, 1)
_GROWTH = 1.3
_MONEY = pl.Decimal(18, 4)
# Of the things that customers dealt with, the lists of one recommender held these shares: of what
# the other held, and of what it did not.
_OTHER_HOLDS, _OF_HELD, _OF_REST = 0.4, 0.6, 0.3


def trends(draws: int, random: Random) -> Draws:
    """Two categories of which one sells so much more a year later; money is log-normal."""
    customer = np.arange(_CUSTOMERS)
    items = pl.DataFrame({"item_id": ["x", "y"], "category": ["x", "y"]}).with_columns(
        is_product=True
    )
    no_returns = pl.DataFrame(
        schema={"customer_id": pl.Int64, "item_id": pl.String, "order_key": pl.String,
                "return_number": pl.String, "returned_ts": pl.Int64, "sales_date": pl.Date,
                "returned_value": _MONEY}
    )  # fmt: skip
    told = {"first_day": _FIRST, "last_complete_day": _END}
    ends = []
    for _ in range(draws):
        # Who spends much does so in both years.
        usual = random.normal(0, 0.6, _CUSTOMERS)
        lines = [
            pl.DataFrame({"customer_id": customer}).with_columns(
                item_id=pl.lit(item),
                order_key=pl.format("{}-{}-{}", "customer_id", pl.lit(day), pl.lit(item)),
                order_date=pl.lit(_FIRST + dt.timedelta(days=day)),
                quantity=pl.lit(1).cast(_MONEY),
                value=pl.Series(factor * random.lognormal(usual, 0.6)).round(2).cast(_MONEY),
            )
            for day, item, factor in (
                (5, "x", 10.0), (5, "y", 10.0), (369, "x", 10.0 * _GROWTH), (369, "y", 10.0)
            )
        ]  # fmt: skip
        frames = {"items": items, "order_lines": pl.concat(lines), "order_returns": no_returns}
        row = sql_table("commerce/category_performance", frames, told).row(0, named=True)
        ends.append((row["trend_low"], row["trend_high"]))
    low, high = np.array(ends).T
    return covers(low, high, _GROWTH / (1 + _GROWTH) / 0.5 - 1)


def leads(draws: int, random: Random) -> Draws:
    """A draw is a kind of things; each customer dealt with one, and is shown one by each list."""
    n = draws * _CUSTOMERS
    customers = pl.DataFrame({"customer_id": np.arange(n)}).with_columns(
        kind=pl.format("{}", pl.col("customer_id") // _CUSTOMERS)
    )
    other_holds = random.random(n) < _OTHER_HOLDS
    we_hold = random.random(n) < np.where(other_holds, _OF_HELD, _OF_REST)
    lists = pl.concat(
        customers.with_columns(
            recommender=pl.lit(name),
            place=pl.lit(1),
            thing=pl.Series(np.where(holds, "it", "another")),
            moment=pl.lit("test"),
        )
        for name, holds in (("related", we_hold), ("popular", other_holds))
    )
    dealt_with = customers.with_columns(thing=pl.lit("it"))
    frames = {"recommendation_test": dealt_with, "recommendation_lists": lists}
    rows = sql_table("segments/recommendation_quality", frames, {}).filter(recommender="popular")
    lead, low = rows["hit_rate_lead"], rows["hit_rate_lead_low"]
    held = _OTHER_HOLDS * _OF_HELD + (1 - _OTHER_HOLDS) * _OF_REST
    return covers(low, lead + (lead - low), held - _OTHER_HOLDS)


STATEMENTS = [
    Statement(
        "trend of a category's share of the money",
        "`category_performance.trend`",
        f"{_CUSTOMERS} customers who buy of two categories, now and a year ago, log-normal amounts",
        "categories that fewer than 30 customers bought in the spans (none is given); where a "
        "handful of customers have most of the money",
        trends,
        quick_draws=20,
    ),
    Statement(
        "lead of recommendations over simpler ones",
        "`recommendation_quality.hit_rate_lead`",
        f"{_CUSTOMERS} customers, who are all shown the lists of both",
        "other times than the one tested; both intervals of a lead must be above 0 for lists to "
        "be shown, which happens by chance less often than in one of forty",
        leads,
    ),
]
