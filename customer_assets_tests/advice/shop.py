"""A small shop with segments, scores and answers, for the tests of advice."""

import datetime as dt

import numpy as np
import polars as pl

from customer_assets.sources import Action, Advice, Campaign, Segments
from customer_assets_tests.segments.people import money

SEGMENTS = Segments(names=["best", "rest"], columns=["n_orders", "monetary"], value="monetary")
CAMPAIGN = Campaign(question="buys", contact_cost=10, margin=60, contact_counts=[7])
ACTIONS = [
    Action(
        name="thank", when="segment = 'best' and value_share > 0.5", because=["n_orders"],
        offer="Thanks", channel="letter", tone="warm", priority=1, owner="shop",
    ),
    Action(
        name="ask", when="buys_probability < all_buys_probability", offer="A question",
        channel="e-mail", tone="short", priority=2, owner="shop",
    ),
]  # fmt: skip
TOLD = {
    "advice": Advice(actions=ACTIONS, campaign=CAMPAIGN),
    "segments": SEGMENTS,
    "campaign_label": "bought",
    "campaign_among": None,
}
N = 40


def frames() -> dict[str, pl.DataFrame]:
    """Forty customers; at the cut-off before, the better half bought six times in ten."""
    ids = np.arange(1, N + 1)
    is_best = ids <= N // 2
    orders = np.where(is_best, 9, 1)
    spent = money(np.where(is_best, 900, 30) + ids)
    probability = np.where(is_best, 0.6, 0.05)
    bought = (ids % 5 < 3) & is_best
    rfm = pl.DataFrame(
        {"customer_id": ids, "n_orders": orders, "monetary": spent, "gross_monetary": spent,
         "is_mostly_returned": [False] * N}
    )  # fmt: skip
    features = rfm.with_columns(cut_off_ts=pl.lit(100), bought=pl.Series(bought))
    newest = rfm.with_columns(cut_off_ts=pl.lit(200), bought=pl.lit(None, pl.Boolean))
    predictions = pl.DataFrame(
        {"question": ["buys"] * N, "model": ["forest"] * N, "split": ["cross_validation"] * N,
         "cut_off_ts": [100] * N, "customer_id": ids, "label": bought, "probability": probability}
    )  # fmt: skip
    scores = pl.DataFrame(
        {"question": ["buys"] * N, "customer_id": ids, "cut_off_ts": [200] * N,
         "model": ["forest"] * N, "version": ["v1"] * N, "probability": probability,
         "decile": np.where(is_best, 1, 6), "score_rank": np.where(is_best, 1, N // 2 + 1),
         "reasons": ["[]"] * N}
    )  # fmt: skip
    champions = pl.DataFrame(
        {"question": ["buys"] * 2, "version": ["v1", "v2"], "model": ["forest", "boost"],
         "promoted": [True, False], "decided_at": [dt.datetime(2025, 1, day) for day in (1, 2)]}
    )  # fmt: skip
    return {
        "rfm": rfm,
        "customer_features": pl.concat([features, newest]),
        "customer_segments": pl.DataFrame(
            {
                "customer_id": ids,
                "segment": np.where(is_best, "best", "rest"),
                "segment_rank": np.where(is_best, 1, 2),
            }
        ),
        "model_predictions": predictions,
        "model_scores": scores,
        "champions": champions,
    }
