"""The command `advise`: what to do, for whom, and what it would earn at other costs and budgets."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from customer_assets import settings
from customer_assets.activation.published import published
from customer_assets.advice.campaign import (
    BEST_N,
    EVERYBODY,
    NOBODY,
    OBSERVED,
    WITHIN_BUDGET,
    expected_audience,
    plans,
)
from customer_assets.advice.economics import Terms
from customer_assets.project import read_pipeline
from customer_assets.segments.groups import groups
from customer_assets.sources import Campaign, EventLogSource

_TABLES = (
    "customer_segments",
    "rule_segments",
    "segment_actions",
    "campaign_economics",
    "model_scores",
    "model_predictions",
)
_WIDTH = 24


def advise(
    source: str,
    contact_cost: float | None = None,
    margin: float | None = None,
    budget: float | None = None,
    question: str | None = None,
) -> Iterator[str]:
    """Return the advice for a source as lines of text.

    What is not given comes from the source's campaign. Raises UnknownSourceError,
    NothingPublishedError, and ValueError where neither says what a contact costs or a buyer brings.
    """
    pipeline = read_pipeline(source)
    tables = published(settings.warehouse_folder() / source, _TABLES)
    tables.needs("customer_segments")
    stated = pipeline.source.advice.campaign
    given = {"contact_cost": contact_cost, "margin": margin, "budget": budget, "question": question}
    said = stated.model_dump() if stated is not None else {}
    said |= {name: value for name, value in given.items() if value is not None}
    missing = {"contact_cost", "margin", "question"} - set(said)
    if missing and said:
        raise ValueError(
            f"{source} states no campaign: give --cost, --margin and --question to suppose one"
        )
    campaign = Campaign.model_validate(said) if said else None
    currency = pipeline.source.currency if isinstance(pipeline.source, EventLogSource) else None
    return advice_lines(tables.frames, campaign, currency or "")


def advice_lines(
    frames: Mapping[str, pl.DataFrame], campaign: Campaign | None, currency: str = ""
) -> Iterator[str]:
    """Yield the advice as lines of text: the plans compared, the one to choose, the actions."""
    if campaign is None:
        yield "The source states no campaign, so nothing is said of costs and profits."
    else:
        yield from _campaign_lines(frames, campaign, f" {currency}" if currency else "")
    yield from _actions(frames)


def _campaign_lines(
    frames: Mapping[str, pl.DataFrame], campaign: Campaign, money: str
) -> Iterator[str]:
    yield (
        f"A contact costs {campaign.contact_cost:,.2f}{money}, a buyer brings "
        f"{campaign.margin:,.2f}{money}"
        + ("" if campaign.budget is None else f"; budget {campaign.budget:,.2f}{money}")
        + "."
    )
    tables = {name: frame.lazy() for name, frame in frames.items()}
    audience = expected_audience(
        campaign.question, tables.get("model_scores"), tables.get("model_predictions")
    )
    if audience is not None:
        members = groups(tables["customer_segments"], tables.get("rule_segments"))
        rows = plans(audience, campaign, members)
        yield f"Today's {audience.n:,} customers, by the probabilities of {audience.model}:"
    else:
        rows = _seen_before(frames, campaign)
        if not rows:
            yield f"No model has scored {campaign.question}, and no campaign was observed."
            return
        yield f"No model has scored {campaign.question}. As customers did at the last cut-off:"
    yield from _table(rows)
    yield _advised(rows, campaign, money)
    yield "These are expected responses. What the contact itself causes needs a control group."


def _seen_before(frames: Mapping[str, pl.DataFrame], campaign: Campaign) -> list[dict[str, Any]]:
    """Return the observed plans at the supposed cost and margin; a budget cuts none of them."""
    if "campaign_economics" not in frames:
        return []
    seen = frames["campaign_economics"].filter(pl.col("basis") == OBSERVED)
    terms = Terms(campaign.contact_cost, campaign.margin)
    rows = [
        row
        | {
            "cost": terms.cost(row["n_contacts"]),
            "profit": terms.profit(row["n_contacts"], row["n_buyers"]),
            "roi": terms.roi(row["n_contacts"], row["n_buyers"]),
            "profit_low": None,
            "is_best": False,
        }
        for row in seen.to_dicts()
        if row["plan"] != WITHIN_BUDGET
    ]
    ranked = [row for row in rows if row["plan"] == BEST_N]
    # The longest of the lists whose last customer still pays.
    paying = [
        row for row in ranked if row["lowest_probability"] * campaign.margin > campaign.contact_cost
    ]
    last = max(paying, key=lambda row: row["n_contacts"], default=None)
    for row in rows:
        row["is_best"] = row is last or (bool(ranked) and not paying and row["plan"] == NOBODY)
    return rows


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    heads = f"{'contacts':>9} {'buyers':>9} {'cost':>13} {'profit':>13} {'ROI':>8}"
    yield f"  {'plan':{_WIDTH}} {heads}"
    for row in rows:
        if row["plan"] == BEST_N and not row["is_best"]:
            continue
        name = row["plan"] if row["target"] is None else f"{row['plan']} {row['target']}"
        roi = "-" if row["roi"] is None else f"{100 * row['roi']:.1f}%"
        yield (
            f"  {name.replace('_', ' ')[:_WIDTH]:{_WIDTH}} {row['n_contacts']:>9,} "
            f"{row['n_buyers']:>9,.1f} {row['cost']:>13,.2f} {row['profit']:>13,.2f} {roi:>8}"
        )


def _advised(rows: list[dict[str, Any]], campaign: Campaign, money: str) -> str:
    """Return the sentence that says which plan to choose: the most profit that can be paid for."""
    by_plan = {row["plan"]: row for row in rows if row["target"] is None}
    ranked = [row for row in rows if row["is_best"]]
    chosen = by_plan.get(WITHIN_BUDGET) or (ranked[0] if ranked else None)
    if chosen is None:
        simple = [by_plan[EVERYBODY], by_plan[NOBODY]]
        if campaign.budget is not None:
            simple = [row for row in simple if row["cost"] <= campaign.budget]
        chosen = max(simple, key=lambda row: row["profit"])
    if not chosen["n_contacts"]:
        return "Contact nobody: no list earns more than it costs."
    who = f"the {chosen['n_contacts']:,} most likely to buy"
    if chosen["plan"] == EVERYBODY:
        who = f"everybody, {chosen['n_contacts']:,}"
    between = ""
    if chosen.get("profit_low") is not None:
        between = f" (95 % interval {chosen['profit_low']:,.2f} to {chosen['profit_high']:,.2f})"
    return (
        f"Contact {who}: cost {chosen['cost']:,.2f}{money}, expected buyers "
        f"{chosen['n_buyers']:,.1f}, expected profit {chosen['profit']:,.2f}{money}{between}."
    )


def _actions(frames: Mapping[str, pl.DataFrame]) -> Iterator[str]:
    if "segment_actions" not in frames:
        return
    chosen = (
        frames["segment_actions"].drop_nulls("action").sort("segment_rank", "priority", "action")
    )
    for (name,), of_group in chosen.group_by("segment", maintain_order=True):
        yield f"{str(name).replace('_', ' ')}, {of_group['n_customers'][0]:,} customers:"
        for row in of_group.to_dicts():
            yield f"  {row['priority']}. {row['offer']} [{row['channel']}, {row['owner']}]"
            yield f"     because {row['reason']}"
