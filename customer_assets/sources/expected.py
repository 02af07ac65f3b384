"""What should come of a log's days, and how much of what is not like that is let through."""

from pydantic import Field

from customer_assets.sources.parts import Day, Model


class Expected(Model):
    """By what a day of the log is judged, beside the days before it."""

    since: Day | None = Field(
        default=None,
        description="From this day on the log is another one: days before it are no measure.",
    )
    warn_factor: float = Field(
        default=3, gt=1, description="A day with so many times the usual rows, or fewer, warns."
    )
    error_factor: float = Field(
        default=6, gt=1, description="A day with so many times the usual rows, or fewer, is held."
    )
    warn_spreads: float = Field(
        default=4,
        gt=0,
        description="Of rows: how many spreads of the days before they must be away to warn.",
    )
    error_spreads: float = Field(default=4, gt=0, description="The same, to be held back.")
    rejected_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="A day or file of which this share of rows is rejected is an error.",
    )
    warn_rejected_share: float = Field(
        default=0.05, gt=0, le=1, description="The same, to warn; what is usual warns nobody."
    )
    withdrawn_share: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Where files are gone with more than this share of all rows, they stay until "
        "somebody says yes: by 1 here, or a run with the tag customer_assets/accept: withdrawal.",
    )
    is_daily: bool = Field(
        default=True, description="Whether a day without rows warns where such days have some."
    )
