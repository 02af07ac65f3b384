"""One offer for each customer: what to do, with which product, why, and what it is worth.

The action is that of the customer's groups that is done first; the product is what goes with the
customer's own interests where such lists are shown to lead, else what is typical of the segment.
"""

import numpy as np
import polars as pl

from customer_assets.advice.campaign import MEASURED, Audience
from customer_assets.sources import Campaign

_ID = "customer_id"
_GROUP = ["kind", "segment"]
_TENTHS = 10


def chosen_actions(members: pl.DataFrame, segment_actions: pl.DataFrame) -> pl.DataFrame:
    """Return one row per customer: the action of all of their groups that is done first.

    `members` has a row per group and customer. Of actions of equal priority that of the first
    group counts, then the first name. A customer whose groups no action fits has a row without.
    """
    actions = segment_actions.select(
        *_GROUP, "action", "priority", "offer", "channel", "tone", "timing", "reason"
    )
    return (
        members.join(actions, on=_GROUP, how="left")
        .sort(_ID, "priority", "segment_rank", "action", nulls_last=True)
        .unique(_ID, keep="first", maintain_order=True)
        .drop("segment_rank")
    )


def recommended_products(recommendations: pl.DataFrame) -> pl.DataFrame:
    """Return the first recommendation of each customer: products before categories."""
    because = pl.coalesce("because_of_name", "because_of")
    return _first_kind(
        recommendations.filter(place=1)
        .with_columns(
            pl.lit("recommendation").alias("product_from"),
            pl.format("it goes with {}", because).alias("product_reason"),
        )
        .rename({"kind": "product_kind", "thing": "product", "name": "product_name"}),
        _ID,
    )


def typical_products(segment_products: pl.DataFrame) -> pl.DataFrame:
    """Return what is most typical of each segment: products before categories."""
    ours, all_customers = (
        (100 * pl.col(share)).round(1) for share in ("buyer_share", "all_buyer_share")
    )
    bought = pl.format("bought by {} % of the segment, {} % of all", ours, all_customers)
    return _first_kind(
        segment_products.filter(place=1)
        .with_columns(pl.lit("segment").alias("product_from"), bought.alias("product_reason"))
        .rename({"kind": "product_kind"}),
        "segment",
    )


def _first_kind(rows: pl.DataFrame, of: str) -> pl.DataFrame:
    return (
        # Backwards: items before categories.
        rows.sort(of, "product_kind", descending=[False, True])
        .unique(of, keep="first", maintain_order=True)
        .select(of, "product_kind", "product", "product_name", "product_from", "product_reason")
    )


def responses(audience: Audience, campaign: Campaign) -> pl.DataFrame:
    """Return what contacting each scored customer is expected to earn, with its 95 % interval.

    The interval is that of customers alike, the tenth of the same probabilities, on average: what
    a single one does is one or the other. A response: no uplift is claimed.
    """
    promised = np.asarray(audience.response, dtype=float)
    ranks = pl.Series(promised).rank("ordinal", descending=True).to_numpy() - 1
    tenths = ranks * _TENTHS // len(promised)
    low, high = promised.copy(), promised.copy()
    for tenth in range(_TENTHS):
        alike = tenths == tenth
        if (total := float(promised[alike].sum())) > 0:
            least, most = audience.buyers_range(alike, total)
            low[alike] *= least / total
            high[alike] *= most / total
    earned = {
        "response_value": promised,
        "response_low": low,
        "response_high": high.clip(0, 1),
    }
    return pl.DataFrame(
        {_ID: audience.customer_id, "probability": promised}
        | {name: buys * campaign.margin - campaign.contact_cost for name, buys in earned.items()}
    )


def uplifts(campaign_economics: pl.DataFrame) -> pl.DataFrame:
    """Return what contacting a customer of each measured group earns, with its interval."""
    measured = campaign_economics.filter(basis=MEASURED)
    return measured.select(
        pl.col("plan").alias("kind"),
        pl.col("target").alias("segment"),
        *(
            (pl.col(profit).cast(pl.Float64) / pl.col("n_contacts")).alias(name)
            for profit, name in {
                "profit": "uplift_value",
                "profit_low": "uplift_low",
                "profit_high": "uplift_high",
            }.items()
        ),
    )
