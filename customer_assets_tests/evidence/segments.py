"""Figures of groups of customers: means, shares of the money, and differences from the others."""

import numpy as np
import polars as pl

from customer_assets.sources import Segments
from customer_assets_tests.evidence.statement import Draws, Random, Statement, covers
from customer_assets_tests.tables import computed

_CUSTOMERS = 1_000
_SHARE = 0.2
# Money is skewed: the logarithm of what a customer spends is normal with a deviation of 1.
_MEANS = {"best": 1.0, "others": 0.0}
_TRUE = {name: float(np.exp(mean + 0.5)) for name, mean in _MEANS.items()}
_SEGMENTS = Segments(columns=["monetary"], names=["best", "others"], value="monetary")


def _customers(random: Random) -> dict[str, pl.DataFrame]:
    is_best = random.random(_CUSTOMERS) < _SHARE
    money = random.lognormal(np.where(is_best, _MEANS["best"], _MEANS["others"]))
    customers = pl.DataFrame({"customer_id": np.arange(_CUSTOMERS), "is_best": is_best})
    segment = pl.when("is_best").then(pl.lit("best")).otherwise(pl.lit("others"))
    return {
        "rfm": customers.select("customer_id", pl.Series("monetary", money)),
        "customer_segments": customers.select(
            "customer_id",
            segment.alias("segment"),
            pl.when("is_best").then(1).otherwise(2).alias("segment_rank"),
        ),
    }


def value_shares(draws: int, random: Random) -> Draws:
    best = [
        computed("segment_profile", _customers(random), {"segments": _SEGMENTS}).row(0, named=True)
        for _ in range(draws)
    ]
    worth = {name: _TRUE[name] * part for name, part in (("best", _SHARE), ("others", 1 - _SHARE))}
    truth = worth["best"] / sum(worth.values())
    rows = pl.DataFrame(best)
    return covers(rows["value_share_low"], rows["value_share_high"], truth)


def _measured(draws: int, random: Random) -> pl.DataFrame:
    tables = [computed("segment_measures", _customers(random)) for _ in range(draws)]
    return pl.concat(tables).filter(segment="best")


def means(draws: int, random: Random) -> Draws:
    rows = _measured(draws, random)
    return covers(rows["mean_low"], rows["mean_high"], _TRUE["best"])


def differences(draws: int, random: Random) -> Draws:
    rows = _measured(draws, random)
    truth = _TRUE["best"] - _TRUE["others"]
    return covers(rows["difference_low"], rows["difference_high"], truth)


_WHO = f"{_CUSTOMERS:,} customers, a fifth of them in the segment, whose money is log-normal"
STATEMENTS = [
    Statement(
        "ratio of sums: a segment's share of the money",
        "`segment_profile.value_share`",
        _WHO,
        "where a handful of customers have most of the money; who belongs to a segment is taken "
        "for granted (see `segment_stability`)",
        value_shares,
    ),
    Statement(
        "mean of a segment",
        "`segment_measures.mean`, `segment_profile.mean_value`",
        _WHO,
        "below some 100 customers of skewed money; membership is taken for granted",
        means,
    ),
    Statement(
        "difference of a segment from all others",
        "`segment_measures.difference`",
        _WHO,
        "below some 100 customers of skewed money; of many differences one in twenty is chance",
        differences,
    ),
]
