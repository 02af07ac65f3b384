"""How a source's customers are grouped: k-means, rules, and the measures of RFEM.

Configuration and its validation only. How groups are computed belongs to the room `segments`;
what is done for them is stated in `advice`.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from customer_assets.sources.parts import Identifier, Model


class Naming(Model):
    """By which means a name finds its k-means group: the one with the most standardised mean.

    Of several columns the standardised means are added up.
    """

    highest: list[str] = Field(default=[], description="Columns of which it has the most.")
    lowest: list[str] = Field(default=[], description="Columns of which it has the least.")

    @model_validator(mode="after")
    def _looks_at_something(self) -> Self:
        if not self.highest + self.lowest:
            raise ValueError("naming: give columns in `highest` or `lowest`")
        return self


class Segments(Model):
    """How customers are grouped by k-means: by which columns, into how many groups, and names.

    As many groups as there are names. A name finds its group by its entry in `naming`, one name
    after the other; the names without one go by a group's mean value, highest first.
    """

    names: list[str] = Field(
        default=["champions", "loyal", "potential", "regular", "lost"],
        min_length=2,
        description="What the groups are called, in the order in which names are given.",
    )
    naming: dict[str, Naming] = {}
    columns: list[str] | None = Field(
        default=None,
        min_length=1,
        description="Columns of rfm, rfem or customers; null: recency, frequency and, where the "
        "log knows money, monetary value. A customer table must name them.",
    )
    value: str | None = Field(
        default=None,
        description="The column that says what a customer is worth; null: money, else orders.",
    )
    transform: Literal["log1p", "none"] = Field(
        default="log1p",
        description="What is done to the columns before they are standardised; log1p tames long "
        "tails.",
    )
    random_state: int = Field(default=42, description="The same number gives the same groups.")
    n_init: int = Field(default=10, ge=1, description="Random starts of each k-means.")

    @model_validator(mode="after")
    def _naming_is_of_names(self) -> Self:
        unknown = sorted(set(self.naming) - set(self.names))
        if unknown or len(set(self.names)) < len(self.names):
            raise ValueError(f"naming: {', '.join(unknown) or 'names'}: not among different names")
        return self


class SegmentRule(Model):
    """A group of customers by a condition over what is known of them.

    The condition may name the columns of rfm, rfem, customers and customer_features (at the
    newest cut-off), with median(x), quantile(x, 0.9) and percent_rank(x) over all customers who
    have the value. `percent_rank(x) >= 0.8` holds for a fifth at most: of ties all or none are in,
    where `x >= quantile(x, 0.8)` takes in every tie at the edge. With a `question`, also the
    model's `probability`, `decile` and `score_rank`.
    """

    name: Identifier = Field(description="What the group is called in tables and lists.")
    condition: str = Field(description="On what is known of a customer: `n_orders = 1`.")
    question: Identifier | None = Field(
        default=None, description="The question whose scores the condition may name."
    )
    description: str = Field(default="", description="Who they are, for whoever reads of them.")


class Rfem(Model):
    """What of a customer table's columns is recency, frequency, engagement and money.

    Each is an expression over the columns of `customers` that gives a number. Recency is better
    where it is lower; null counts as the largest there is. The others count null as 0.
    """

    recency: str = Field(description="How long ago: days since the last purchase.")
    frequency: str = Field(description="How often: purchases, visits.")
    engagement: str = Field(description="How much they take part: pages, lessons, minutes.")
    money: str | None = Field(default=None, description="What they spent; null: not known.")
