"""What the models of `segments` and `advice` are told about a source, by name."""

from typing import Any

from customer_assets.sources import Campaign, CustomerTableSource, EventLogSource, Segments


def parameters(source: EventLogSource | CustomerTableSource) -> dict[str, Any]:
    """Return the parameters: the configuration with its defaults worked out."""
    return {
        "segments": segments_of(source),
        "segment_rules": source.segment_rules,
        "advice": source.advice,
        "campaign": _terms(source.advice.campaign),
        "campaign_label": campaign_label(source),
        "campaign_among": campaign_among(source),
    }


def _terms(campaign: Campaign | None) -> Campaign | None:
    """Return a campaign with nothing but what its profit depends on."""
    if campaign is None:
        return None
    return Campaign(
        question=campaign.question, contact_cost=campaign.contact_cost, margin=campaign.margin
    )


def question_names(source: EventLogSource | CustomerTableSource) -> list[str]:
    """Return the questions that scores may be there for."""
    asked = [rule.question for rule in source.segment_rules if rule.question]
    return sorted({*source.questions, *asked})


def segments_of(source: EventLogSource | CustomerTableSource) -> Segments:
    """Return the stated k-means of a source, its columns and its value column filled in."""
    knows_money = isinstance(source, EventLogSource) and "value" in source.capabilities()
    value = source.segments.value or ("monetary" if knows_money else None)
    columns = source.segments.columns
    if columns is None and isinstance(source, EventLogSource):
        columns = ["recency_days", "n_orders", *(["monetary"] if knows_money else [])]
        value = value or "n_orders"
    return source.segments.model_copy(update={"columns": columns, "value": value})


def campaign_label(source: EventLogSource | CustomerTableSource) -> str:
    """Return the column that says who bought after the cut-off that a campaign is judged at."""
    campaign = source.advice.campaign
    if campaign is not None and campaign.question in source.questions:
        return source.questions[campaign.question].label
    return "is_buyer_within_horizon" if isinstance(source, EventLogSource) else "label"


def campaign_among(source: EventLogSource | CustomerTableSource) -> str | None:
    """Return the boolean column that says whom the campaign's question is about; null: all."""
    campaign = source.advice.campaign
    if campaign is not None and campaign.question in source.questions:
        return source.questions[campaign.question].among
    return None
