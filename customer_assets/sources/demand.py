"""What a source says of its stock: how long a delivery takes, and how seldom it may run out."""

from pydantic import Field

from customer_assets.sources.parts import Model


class Demand(Model):
    """For what demand is forecast."""

    lead_weeks: int = Field(
        default=4,
        ge=1,
        le=13,
        description="Weeks from an order to the delivery: so far ahead demand is forecast.",
    )
    service_level: float = Field(
        default=0.95,
        ge=0.5,
        lt=1,
        description="Share of the times that what is asked for until the delivery can be met.",
    )
    season_month: int | None = Field(
        default=None, ge=1, le=12, description="The month of the season; null: there is none."
    )
    season_lead_days: int | None = Field(
        default=None, ge=0, description="How many days before it the season is said to begin."
    )
