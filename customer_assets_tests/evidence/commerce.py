"""What is said of things sold: how a category's share moved, whose lists are better, who buys."""

import datetime as dt

import numpy as np
import polars as pl

from customer_assets_tests.evidence.statement import Draws, Random, Statement, covers, sql_table
from customer_assets_tests.tables import computed

_CUSTOMERS = 300
_FIRST, _END = dt.date(2024, 1, 1), dt.date(2025, 3, 1)
_GROWTH = 1.3
_MONEY = pl.Decimal(18, 4)
# Of the things that customers dealt with, the lists of one recommender held these shares: of what
# the other held, and of what it did not.
_OTHER_HOLDS, _OF_HELD, _OF_REST = 0.4, 0.6, 0.3
# So many buyers in a month, a quarter of them of the kind that is told. The logarithm of what a
# buyer spends is normal with a deviation of 1, around another mean for each kind.
_BUYERS, _SHARE_OF_KIND, _SPENDS = 600, 0.25, (0.3, 0.0)
_WORTH = tuple(float(np.exp(mean + 0.5)) for mean in _SPENDS)


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


def _buyers(draws: int, random: Random) -> pl.DataFrame:
    """Return an order of each buyer, and whether the buyer is of the kind; a draw is a month."""
    n = draws * _BUYERS
    is_of_kind = random.random(n) < _SHARE_OF_KIND
    month = np.repeat(np.arange(draws), _BUYERS)
    first = pl.date(_FIRST.year, 1, 1)
    return pl.DataFrame(
        {"customer_id": np.arange(n), "is_of_kind": is_of_kind, "month": month}
    ).select(
        "customer_id",
        "is_of_kind",
        first.dt.offset_by(pl.format("{}mo", "month")).alias("order_date"),
        pl.Series(random.lognormal(np.where(is_of_kind, *_SPENDS)))
        .round(2)
        .cast(_MONEY)
        .alias("net_value"),
    )


def _revenue_by(draws: int, random: Random) -> pl.DataFrame:
    buyers = _buyers(draws, random)
    touch = buyers.select(
        "customer_id",
        pl.lit("channel").alias("attribute"),
        pl.when("is_of_kind")
        .then(pl.lit("mail"))
        .otherwise(pl.lit("site"))
        .alias("attribute_value"),
    )
    frames = {"orders": buyers, "first_touch": touch}
    told = computed("revenue_by", frames, {"last_complete_day": "9000-01-01"})
    return told.filter(attribute_value="mail")


def worth_by_first_touch(draws: int, random: Random) -> Draws:
    rows = _revenue_by(draws, random)
    return covers(rows["revenue_per_buyer_low"], rows["revenue_per_buyer_high"], _WORTH[0])


def difference_by_first_touch(draws: int, random: Random) -> Draws:
    rows = _revenue_by(draws, random)
    truth = _WORTH[0] - _WORTH[1]
    return covers(rows["revenue_difference_low"], rows["revenue_difference_high"], truth)


def _newness(draws: int, random: Random) -> pl.DataFrame:
    """Return the months; who is not of the kind has ordered once before all of them."""
    buyers = _buyers(draws, random)
    before = buyers.filter(~pl.col("is_of_kind")).with_columns(
        order_date=pl.lit(_FIRST - dt.timedelta(days=1)), net_value=pl.lit(0).cast(_MONEY)
    )
    calendar = buyers.select(
        pl.lit("month").alias("period"),
        pl.col("order_date").alias("calendar_date"),
        pl.col("order_date").alias("interval_start"),
        pl.lit(True).alias("is_complete"),
    ).unique("calendar_date")
    frames = {"orders": pl.concat([buyers, before]), "calendar": calendar}
    return sql_table("commerce/sales_by_newness", frames, {})


def shares_of_new(draws: int, random: Random) -> Draws:
    rows = _newness(draws, random)
    of_new, of_others = _SHARE_OF_KIND * _WORTH[0], (1 - _SHARE_OF_KIND) * _WORTH[1]
    return covers(rows["new_share_low"], rows["new_share_high"], of_new / (of_new + of_others))


def difference_of_returning(draws: int, random: Random) -> Draws:
    rows = _newness(draws, random)
    truth = _WORTH[1] - _WORTH[0]
    return covers(rows["revenue_difference_low"], rows["revenue_difference_high"], truth)


_MONTHS = (
    f"months of {_BUYERS} buyers, a quarter of them {{}}, who spend a third more; the amounts are "
    "log-normal (sigma 1)"
)
_UNEVEN = (
    "fewer than 100 buyers on a side (none is given); where a handful of buyers have most of the "
    "money"
)
STATEMENTS = [
    Statement(
        "money per buyer by first touch",
        "`revenue_by.revenue_per_buyer`",
        _MONTHS.format("by mail"),
        _UNEVEN,
        worth_by_first_touch,
    ),
    Statement(
        "difference of a buyer by first touch from all others",
        "`revenue_by.revenue_difference`",
        _MONTHS.format("by mail"),
        f"{_UNEVEN}; of many differences one in twenty is chance",
        difference_by_first_touch,
    ),
    Statement(
        "share of the money from new buyers",
        "`sales_by_newness.new_share`",
        _MONTHS.format("new"),
        _UNEVEN,
        shares_of_new,
    ),
    Statement(
        "difference of a returning buyer from a new one",
        "`sales_by_newness.revenue_difference`",
        _MONTHS.format("new"),
        _UNEVEN,
        difference_of_returning,
    ),
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
