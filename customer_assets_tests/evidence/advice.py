"""What a campaign is said to earn: totals to come, and the list worth contacting."""

import datetime as dt
from collections.abc import Callable

import numpy as np
import polars as pl

from customer_assets.advice.campaign import Audience, expected_audience, plans
from customer_assets.advice.exposures import draw
from customer_assets.advice.uplift import uplift
from customer_assets.sources import Campaign
from customer_assets_tests.evidence.statement import Draws, Random, Statement, covers

_CUSTOMERS, _PAST = 1_000, 7
_SEASON = 0.15
_CAMPAIGN = Campaign(question="buys", contact_cost=10, margin=40)
_US = 30 * 86_400_000_000


def _cut_off(random: Random) -> tuple["np.ndarray", "np.ndarray"]:
    """Return what a model promises at a cut-off, and what comes in a season of its own."""
    promised = random.beta(2, 6, _CUSTOMERS)
    season = 1 + _SEASON * random.standard_normal()
    return promised, random.random(_CUSTOMERS) < np.clip(promised * season, 0, 1)


def totals(draws: int, random: Random) -> Draws:
    ids = np.arange(_CUSTOMERS)
    rows = []
    for _ in range(draws):
        past = []
        for at in range(_PAST):
            promised, came = _cut_off(random)
            past.append(
                pl.DataFrame({"customer_id": ids, "probability": promised, "label": came})
                .with_columns(cut_off_ts=pl.lit(at * _US, pl.Int64), question=pl.lit("buys"))
                .with_columns(model=pl.lit("forest"), split=pl.lit("backtest"))
            )
        promised, came = _cut_off(random)
        scores = pl.DataFrame({"customer_id": ids, "probability": promised}).with_columns(
            cut_off_ts=pl.lit(_PAST * _US), question=pl.lit("buys"), model=pl.lit("forest")
        )
        audience = expected_audience("buys", scores.lazy(), pl.concat(past).lazy())
        assert audience is not None
        low, high = audience.buyers_range(slice(None), float(promised.sum()))
        rows.append((low, high, int(came.sum())))
    low, high, came_in_all = np.array(rows).T
    return covers(low, high, came_in_all)


def best_n(draws: int, random: Random) -> Draws:
    """The profit that the chosen list makes on average, beside what answers say of it."""
    from scipy.stats import beta

    ids = pl.Series("customer_id", np.arange(_CUSTOMERS))
    limit = _CAMPAIGN.contact_cost / _CAMPAIGN.margin
    # The mean of a beta(2, 6) above a limit: that of beta(3, 6), weighted.
    buys = 2 / 8 * beta.sf(limit, 3, 6) / beta.sf(limit, 2, 6)
    covered = []
    for _ in range(draws):
        promised = random.beta(2, 6, _CUSTOMERS)
        came = (random.random(_CUSTOMERS) < promised).astype(float)
        audience = Audience("observed", 0, ids, came, promised, "forest", "out_of_time")
        best = next(row for row in plans(audience, _CAMPAIGN) if row["is_best"])
        n = best["n_contacts"]
        truth = n * buys * _CAMPAIGN.margin - n * _CAMPAIGN.contact_cost
        covered.append(bool(best["profit_low"] <= truth <= best["profit_high"]))
    return np.array(covered)


_LIST, _HELD_OUT, _LIFT = 1_000, 0.1, 0.05


def _uplift_of(measure: str, lift: float) -> Callable[[int, Random], Draws]:
    """Campaigns of which a fifth buys anyway, more of those written to, for uneven amounts."""
    truth = {"buyers": lift, "net_revenue": 1.5 * lift * np.exp(3.5)}[measure]
    customers = pl.DataFrame({"customer_id": range(_LIST)})

    def simulate(draws: int, random: Random) -> Draws:
        rows = []
        for number in range(draws):
            arms = draw(customers, f"campaign_{number}", _HELD_OUT, dt.datetime.now(dt.UTC))
            buys = random.random(_LIST) < 0.2 + lift * ~arms["is_held_out"].to_numpy()
            n_orders = buys * (1 + random.poisson(0.5, _LIST))
            told = arms.with_columns(
                buyers=pl.Series(buys).cast(pl.Float64),
                orders=pl.Series(n_orders).cast(pl.Float64),
                net_revenue=pl.Series(n_orders * random.lognormal(3, 1, _LIST)),
            )
            rows += [row for row in uplift(told) if row["measure"] == measure]
        low, high = ([row[f"difference_{end}"] for row in rows] for end in ("low", "high"))
        return covers(low, high, truth)

    return simulate


_UPLIFT = (
    f"{_LIST:,} customers, {_HELD_OUT:.0%} of them held out; a fifth buys anyway, the amounts are "
    "log-normal (sigma 1)"
)

STATEMENTS = [
    Statement(
        "total of a campaign to come",
        "`campaign_economics`, basis expected",
        f"{_CUSTOMERS:,} customers whose probabilities are right on average, in seasons that move "
        f"all of them by {_SEASON:.0%}; {_PAST} past cut-offs are known",
        "where the season ahead was in no label (`is_season_known`); with fewer than three past "
        "cut-offs (`n_past_totals` is 0) it is of chance alone; what the contact causes is in none",
        totals,
    ),
    Statement(
        "profit of the best N",
        "`campaign_economics`, basis observed, `is_best`",
        f"{_CUSTOMERS:,} customers; whom to contact is decided by probability, never by answers",
        "other campaigns at another time",
        best_n,
    ),
    Statement(
        "no uplift where there is none",
        "`campaign_uplift`, net_revenue",
        f"{_UPLIFT}; the campaign does nothing",
        "where the list was changed after the draw (`is_ratio_as_planned`)",
        _uplift_of("net_revenue", 0),
        quick_draws=30,
    ),
    Statement(
        "uplift in buyers",
        "`campaign_uplift`, buyers",
        f"{_UPLIFT}; {_LIFT:.0%} more of those who are written to buy",
        "as above; other customers and another time than those of the campaign",
        _uplift_of("buyers", _LIFT),
        quick_draws=30,
    ),
    Statement(
        "uplift in money",
        "`campaign_uplift`, net_revenue",
        f"{_UPLIFT}; {_LIFT:.0%} more of those who are written to buy",
        "as above; where one customer brings more than all others, the interval is too narrow",
        _uplift_of("net_revenue", _LIFT),
        quick_draws=30,
    ),
]
