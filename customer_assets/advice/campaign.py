"""What a campaign would have earned, and would earn: everybody, nobody, the best N, each group.

Observed: customers at the last cut-off whose horizon is over, ranked by scores of a model that had
not seen their answers; who of them bought is known. Expected: today's customers, each bought with
the probability that the champion gives. Neither says what the contact itself causes. Measured:
what it does, where a campaign to a group held a part of it out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.advice.economics import (
    PastTotals,
    Terms,
    best_count,
    expected_range,
    gains,
    seen_range,
)
from customer_assets.segments.kmeans import grouped
from customer_assets.sources import Campaign, Segments

if TYPE_CHECKING:
    from customer_assets.advice.economics import Floats

OBSERVED, EXPECTED, MEASURED = "observed", "expected", "measured"
EVERYBODY, NOBODY, BEST_N, WITHIN_BUDGET = "everybody", "nobody", "best_n", "within_budget"
_SHARES = (0.01, 0.02, 0.05, *(step / 20 for step in range(2, 21)))
_ID = "customer_id"
_OUT_OF_TIME = ("out_of_time", "backtest")
_YEAR_US = 365 * 86_400_000_000
# The more a split is like the campaign itself, the earlier it stands.
_SPLITS = ("out_of_time", "cross_validation", "holdout")


@dataclass(frozen=True)
class Audience:
    """Customers in the order of their ids, with what is known of whether they buy.

    `response` is 0 or 1 where it was observed, else the probability of the champion. `scores`
    ranks them; None where no model has, and then there is no best N.
    """

    basis: str
    cut_off_ts: int
    customer_id: pl.Series
    response: "Floats"
    scores: "Floats | None"
    model: str | None = None
    split: str | None = None
    past: PastTotals | None = None
    is_season_known: bool | None = None

    @property
    def n(self) -> int:
        return len(self.response)

    def buyers_range(self, chosen: Any, n_buyers: float) -> tuple[float, float]:
        """Return the 95 % interval of the buyers among chosen rows."""
        if self.basis == OBSERVED:
            return seen_range(len(self.response[chosen]), n_buyers)
        return expected_range(self.response[chosen], self.past)


def observed_audience(
    question: str,
    label: str,
    among: str | None,
    *,
    customer_features: pl.LazyFrame | None = None,
    customers: pl.LazyFrame | None = None,
    champions: pl.LazyFrame | None = None,
    model_predictions: pl.LazyFrame | None = None,
) -> Audience | None:
    """Return the customers at the last cut-off whose answers are known; None: there are none."""
    labelled = labelled_customers(label, among, customer_features, customers)
    if labelled is None:
        return None
    rows = labelled.select(_ID, "cut_off_ts", "response").collect()
    if rows.is_empty():
        return None
    cut_off = int(rows["cut_off_ts"][0])
    model = champion_model(champions, question)
    split, scores = None, None
    if model is not None and model_predictions is not None:
        predictions = (
            model_predictions.filter(
                (pl.col("question") == question)
                & (pl.col("model") == model)
                & (pl.col("cut_off_ts") == cut_off)
            )
            .select("split", _ID, "probability")
            .collect()
        )
        for split in _SPLITS:
            of_split = predictions.filter(pl.col("split") == split).select(_ID, "probability")
            # A split of some customers only says nothing about a campaign among all of them.
            if set(of_split[_ID]) >= set(rows[_ID]):
                joined = rows.join(of_split, on=_ID, how="left", maintain_order="left")
                scores = joined["probability"].to_numpy()
                break
    has_scores = scores is not None
    return Audience(
        OBSERVED,
        cut_off,
        rows[_ID],
        rows["response"].cast(pl.Float64).to_numpy(),
        scores,
        model if has_scores else None,
        split if has_scores else None,
    )


def expected_audience(
    question: str,
    model_scores: pl.LazyFrame | None,
    model_predictions: pl.LazyFrame | None = None,
    labelled: Sequence[int] = (),
) -> Audience | None:
    """Return today's customers with the champion's probabilities; None where there are none.

    `model_predictions` say how far past totals strayed from what was expected; `labelled` are the
    cut-offs whose answers are known.
    """
    if model_scores is None:
        return None
    rows = (
        model_scores.filter((pl.col("question") == question) & pl.col("probability").is_not_null())
        .select(_ID, "cut_off_ts", "probability", "model")
        .sort(_ID)
        .collect()
    )
    if rows.is_empty():
        return None
    probability = rows["probability"].to_numpy()
    model, cut_off = str(rows["model"][0]), int(rows["cut_off_ts"][0])
    past, is_season_known = None, None
    if model_predictions is not None and cut_off:
        by_cut_off = _past_totals(model_predictions, question, model)
        past = PastTotals(*(by_cut_off[n].to_numpy() for n in ("expected", "actual", "chance")))
        is_season_known = _is_season_known(labelled, cut_off) if labelled else None
    return Audience(
        EXPECTED,
        cut_off,
        rows[_ID],
        probability,
        probability,
        model,
        past=past,
        is_season_known=is_season_known,
    )


def _past_totals(model_predictions: pl.LazyFrame, question: str, model: str) -> pl.DataFrame:
    """Return a row per past cut-off that a model of earlier ones was tried at."""
    p = pl.col("probability")
    return (
        model_predictions.filter(
            (pl.col("question") == question)
            & (pl.col("model") == model)
            & pl.col("split").is_in(_OUT_OF_TIME)
        )
        .sort("cut_off_ts", _ID)
        .group_by("cut_off_ts", maintain_order=True)
        .agg(
            p.sum().alias("expected"),
            pl.col("label").cast(pl.Float64).sum().alias("actual"),
            (p * (1 - p)).sum().alias("chance"),
        )
        .filter(pl.col("expected") > 0)
        .collect()
    )


def _is_season_known(labelled: Sequence[int], now: int) -> bool:
    """Return whether the time ahead, some years back, was in the label of a past cut-off.

    A label covers the horizon after its cut-off, and the newest one that is known is a horizon
    back. At least half of the time ahead must have been there.
    """
    horizon = now - max(labelled)
    years = range(1, 2 + (now - min(labelled)) // _YEAR_US)
    return min(abs(now - n * _YEAR_US - at) for at in labelled for n in years) <= horizon / 2


def labelled_cut_offs(label: str, customer_features: pl.LazyFrame | None) -> list[int]:
    """Return the cut-offs that have answers; none where customers are summed up once."""
    if customer_features is None or "cut_off_ts" not in customer_features.collect_schema():
        return []
    known = customer_features.filter(pl.col(label).is_not_null()).select("cut_off_ts")
    return known.unique().collect()["cut_off_ts"].sort().to_list()


def labelled_customers(
    label: str,
    among: str | None = None,
    customer_features: pl.LazyFrame | None = None,
    customers: pl.LazyFrame | None = None,
) -> pl.LazyFrame | None:
    """Return the customers whose answer is known at the last cut-off that has any, by id.

    With all of their columns, `response` for the answer, and `cut_off_ts`, 0 where customers are
    summed up once. None where no table has the label.
    """
    tables = [table for table in (customer_features, customers) if table is not None]
    features = next((table for table in tables if label in table.collect_schema()), None)
    if features is None:
        return None
    if "cut_off_ts" not in features.collect_schema():
        features = features.with_columns(pl.lit(0, pl.Int64).alias("cut_off_ts"))
    known = features.filter(pl.col(label).is_not_null())
    if among is not None:
        known = known.filter(pl.col(among))
    last = known.filter(pl.col("cut_off_ts") == pl.col("cut_off_ts").max())
    return last.with_columns((pl.col(label).cast(pl.Int64) > 0).alias("response")).sort(_ID)


def champion_model(champions: pl.LazyFrame | None, question: str) -> str | None:
    """Return the model of the newest promotion; None where no model ever passed its gate."""
    if champions is None:
        return None
    promoted = champions.filter(pl.col("promoted") & (pl.col("question") == question))
    models = promoted.sort("decided_at").select("model").collect()["model"]
    return models[-1] if len(models) else None


def plans(
    audience: Audience, campaign: Campaign, members: pl.DataFrame | None = None
) -> list[dict[str, Any]]:
    """Return a row per plan: everybody, nobody, the best N by score, within budget, each group.

    `members` has kind, segment and customer_id of the groups, as they were at the cut-off.
    """
    return list(_plans(audience, campaign, members))


def _plans(
    audience: Audience, campaign: Campaign, members: pl.DataFrame | None
) -> Iterator[dict[str, Any]]:
    import numpy as np

    terms = Terms(campaign.contact_cost, campaign.margin)
    response = audience.response
    row = _Row(audience, terms)
    yield row.of(EVERYBODY, None, audience.n, float(response.sum()), slice(None))
    nobody = row.of(NOBODY, None, 0, 0.0, slice(0, 0))
    if audience.scores is None:
        yield nobody
    else:
        gained = gains(audience.scores, response)
        ranked = np.argsort(-audience.scores, kind="stable")
        best = best_count(audience.scores, terms)
        yield nobody | {"is_best": best == 0}
        counts = {round(audience.n * share) for share in _SHARES} | {best}
        counts |= {count for count in campaign.contact_counts if count <= audience.n}
        for count in sorted(counts - {0}):
            yield (
                row.of(BEST_N, None, count, float(gained[count]), ranked[:count])
                | {
                    "is_best": count == best,
                    "lowest_probability": float(audience.scores[ranked[count - 1]]),
                }
            )
        if campaign.budget is not None:
            paid_for = terms.affordable(campaign.budget)
            count = best if paid_for is None else min(best, paid_for)
            yield row.of(WITHIN_BUDGET, None, count, float(gained[count]), ranked[:count])
    if members is None:
        return
    places = pl.DataFrame({_ID: audience.customer_id}).with_row_index("at")
    there = members.join(places, on=_ID, how="inner").sort("kind", "segment", "at")
    for (kind, name), group in there.group_by("kind", "segment", maintain_order=True):
        chosen = group["at"].to_numpy()
        n_buyers = float(response[chosen].sum())
        yield row.of(str(kind), str(name), len(chosen), n_buyers, chosen)


def measured_plans(
    campaign_uplift: pl.DataFrame, campaign: Campaign, members: pl.DataFrame
) -> list[dict[str, Any]]:
    """Return a row for each group of which a hold-out tells what contacting it causes.

    Of several campaigns of a group the last counts whose horizon is over and whose arms are as
    planned. Its buyers are those that the contact itself would bring of today's members.
    """
    told = campaign_uplift.filter(
        pl.col("is_mature"),
        pl.col("is_ratio_as_planned"),
        pl.col("difference_low").is_not_null(),
        measure="buyers",
    ).sort("exported_ts", "campaign")
    sizes = members.group_by(kind="kind", target="segment").len().sort("kind", "target")
    newest = told.unique(["kind", "target"], keep="last").join(sizes, on=["kind", "target"])
    terms, n_all = Terms(campaign.contact_cost, campaign.margin), members[_ID].n_unique()
    rows = []
    for group in newest.sort("kind", "target").rows(named=True):
        n = group["len"]
        low, brought, high = (
            n * group[column] for column in ("difference_low", "difference", "difference_high")
        )
        rows.append(
            {
                "basis": MEASURED,
                "plan": group["kind"],
                "target": group["target"],
                "n_contacts": n,
                "contact_share": n / n_all,
                "n_buyers": brought,
                "cost": terms.cost(n),
                "gross_margin": brought * terms.margin,
                "profit": terms.profit(n, brought),
                "profit_low": terms.profit(n, low),
                "profit_high": terms.profit(n, high),
                "roi": terms.roi(n, brought),
                "is_best": False,
                "measured_by": group["campaign"],
                "cut_off_ts": group["exported_ts"],
                "contact_cost": terms.contact_cost,
                "margin": terms.margin,
            }
        )
    return rows


@dataclass(frozen=True)
class _Row:
    audience: Audience
    terms: Terms

    @property
    def n_past_totals(self) -> int | None:
        """Return on how many past totals the interval rests; None where it is of what was seen."""
        if self.audience.basis == OBSERVED:
            return None
        past = self.audience.past
        return len(past.expected) if past is not None and past.is_told else 0

    def of(
        self, plan: str, target: str | None, n_contacts: int, n_buyers: float, chosen: Any
    ) -> dict[str, Any]:
        low, high = self.audience.buyers_range(chosen, n_buyers)
        return {
            "basis": self.audience.basis,
            "plan": plan,
            "target": target,
            "n_contacts": n_contacts,
            "contact_share": n_contacts / self.audience.n,
            "n_buyers": n_buyers,
            "hit_rate": n_buyers / n_contacts if n_contacts else None,
            "cost": self.terms.cost(n_contacts),
            "gross_margin": n_buyers * self.terms.margin,
            "profit": self.terms.profit(n_contacts, n_buyers),
            "profit_low": self.terms.profit(n_contacts, low),
            "profit_high": self.terms.profit(n_contacts, high),
            "roi": self.terms.roi(n_contacts, n_buyers),
            "cost_per_buyer": self.terms.cost_per_buyer(n_contacts, n_buyers),
            "is_best": False,
            "lowest_probability": None,
            "n_past_totals": self.n_past_totals,
            "is_season_known": self.audience.is_season_known,
            "model": self.audience.model,
            "split": self.audience.split,
            "cut_off_ts": self.audience.cut_off_ts,
            "contact_cost": self.terms.contact_cost,
            "margin": self.terms.margin,
        }


def members_at_cut_off(
    today: pl.DataFrame,
    segments: Segments,
    label: str,
    customer_features: pl.LazyFrame | None = None,
    customers: pl.LazyFrame | None = None,
) -> pl.DataFrame | None:
    """Return the groups as they would have been formed at the last labelled cut-off.

    Today's segments know who bought since: to judge them by that would be to look ahead. So the
    same k-means is made of the features of the cut-off. A customer table's groups are used as
    they are: its columns are from before the label. None where the features lack a column.
    """
    if customer_features is None or "cut_off_ts" not in customer_features.collect_schema():
        return today
    labelled = labelled_customers(label, None, customer_features, customers)
    if labelled is None or not set(segments.columns or ()) <= set(labelled.collect_schema()):
        return None
    if "n_orders" in labelled.collect_schema():
        labelled = labelled.filter(pl.col("n_orders") > 0)
    members = grouped(labelled.collect(), segments)
    return members.select(pl.lit("segment").alias("kind"), "segment", "segment_rank", _ID)
