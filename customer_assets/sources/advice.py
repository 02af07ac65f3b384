"""What may be done for a source's customers, and what it costs: actions and campaigns.

Configuration and its validation only; what follows from it is worked out in the room `advice`.
"""

from typing import Self

from pydantic import Field, model_validator

from customer_assets.sources.parts import Duration, Identifier, Model


class Action(Model):
    """Something to do for a group of customers, and when it is the right thing.

    `when` is a condition over the row of a group: `segment`, `kind` (segment or rule),
    `n_customers`, `customer_share`, `value_share`, `mean_value`, the mean of any measure of its
    customers by the measure's name, and of all customers as `all_<measure>`. The figures of
    `when` and `because` are told as the reason.
    """

    name: Identifier = Field(description="By which tables and lists name it.")
    when: str = Field(description="Condition on a group: `segment = 'lost' and mean_value > 100`.")
    offer: str = Field(description="What the customer is offered.")
    channel: str = Field(description="How the customer is reached: email, phone, push.")
    tone: str = Field(description="In which words and manner.")
    priority: int = Field(ge=1, description="1 is done first.")
    owner: str = Field(description="Who does it.")
    timing: str = Field(default="", description="When to do it: within a week of the purchase.")
    because: list[str] = Field(default=[], description="Further measures to tell as the reason.")
    origin: str = Field(default="", description="The study that proposes it.")


class PublishedCampaign(Model):
    """A campaign as a study prints it: how many were contacted, and how many of them bought."""

    plan: str = Field(description="What the study calls it.")
    contacts: int = Field(ge=1, description="Customers contacted.")
    buyers: int = Field(ge=0, description="Those of them who bought.")


class Campaign(Model):
    """What contacting a customer costs, and what a buyer brings, in the source's currency."""

    question: Identifier = Field(description="The question whose probability ranks customers.")
    contact_cost: float = Field(ge=0, description="Of contacting one customer.")
    margin: float = Field(ge=0, description="What a buyer brings, before the cost of contacts.")
    budget: float | None = Field(
        default=None, ge=0, description="Most that contacts may cost together; null: no limit."
    )
    contact_counts: list[int] = Field(
        default=[], description="Further numbers of contacts to work out, beside the even grid."
    )
    note: str = Field(default="", description="Where cost and margin come from.")
    published: list[PublishedCampaign] = []


class ContactLimit(Model):
    """How often one customer may be on a list that `export-customers` writes."""

    most: int = Field(ge=1, description="Lists that a customer may be on.")
    within: Duration = Field(default="30 days", description="Time in which lists are counted.")


class Acquisition(Model):
    """What winning a customer costs, and what is earned of a customer's money afterwards."""

    cost: float = Field(ge=0, description="Per customer won, in the source's currency.")
    margin_share: float = Field(
        default=1, gt=0, le=1, description="Share of the money that stayed which is earned."
    )


class Advice(Model):
    """The catalogue of actions and the campaign of a source."""

    actions: list[Action] = []
    campaign: Campaign | None = None
    contact_limit: ContactLimit | None = None
    acquisition: Acquisition | None = Field(
        default=None, description="By which cohort_value tells when customers have paid back."
    )
    consent: str | None = Field(
        default=None,
        description="Boolean column of customers: only where it is true may one be written to.",
    )

    @model_validator(mode="after")
    def _actions_differ(self) -> Self:
        names = [action.name for action in self.actions]
        if len(set(names)) < len(names):
            raise ValueError("actions: two have the same name")
        return self
