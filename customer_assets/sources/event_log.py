"""EventLogSource: what a log with one row per event states about itself."""

import datetime as dt
import zoneinfo
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from customer_assets.sources.advice import Advice
from customer_assets.sources.parts import (
    CleaningRule,
    Column,
    Day,
    Duration,
    FileFormat,
    Model,
    NamedParts,
    TimeZone,
    parse_duration,
    sql_type,
)
from customer_assets.sources.questions import Question
from customer_assets.sources.segments import SegmentRule, Segments

CANONICAL_COLUMNS = (
    "customer_id",
    "event_ts",
    "event_at",
    "event_date",
    "event_type",
    "item_id",
    "item_name",
    "category_id",
    "order_id",
    "quantity",
    "unit_price",
    "value",
    "source_file",
)


class TimeColumn(Model):
    """The column that says when an event happened, and how it is written."""

    from_: str = Field(alias="from", description="Name of the column in the landed files.")
    format: str | list[str] = Field(
        default="iso",
        description="iso, epoch_seconds, epoch_milliseconds, epoch_microseconds, or a strptime "
        "pattern; of several, each file is read with the one that fits most of its rows.",
    )

    def formats(self) -> list[str]:
        return [self.format] if isinstance(self.format, str) else self.format


class EventColumns(Model):
    """Where the canonical columns of an event come from; what is left out is null.

    `value` (money of the event) defaults to quantity x unit_price where both are mapped.
    """

    customer_id: str | Column
    event_at: str | TimeColumn
    event_type: str | None = Field(
        default=None, description="Column that names what happened; null: every row is one kind."
    )
    item_id: str | Column | None = None
    item_name: str | None = None
    category_id: str | Column | None = None
    order_id: str | Column | None = None
    quantity: str | None = None
    unit_price: str | None = None
    value: str | None = None
    sequence: str | None = Field(
        default=None, description="The log's own running number, which orders events of an instant."
    )


class Funnel(Model):
    """Ordered steps that a customer takes within a window from the first one.

    A step is an event type, or a list of event types of which any one counts.
    """

    steps: list[str | list[str]] = Field(min_length=1)
    window: Duration
    dialect: str = "ordered"
    modes: list[str] = Field(
        default=[],
        description="Modes of dialect clickhouse, named as those of windowFunnel. They judge all "
        "that an actor did, so the actor is a session.",
    )
    actor: Literal["customer", "session"] = "customer"
    breakdown: str | None = None


def _shorter_than_a_day(text: str) -> str:
    if parse_duration(text) >= 86_400:
        raise ValueError(
            f"{text!r} is a day or longer: sessions are merged from the parts of successive days"
        )
    return text


class SuspectedBots(Model):
    """When a customer's day is more than a person can do. Such days are listed, never deleted."""

    events_per_day: int = Field(ge=1, description="A day with more events is a suspected bot's.")
    in_rates: bool = Field(default=True, description="Whether these days count in rates.")


class EventLogSource(Model):
    """A log with one row per thing that a customer did."""

    files: str | list[str] = Field(description="Glob(s) below the source's landing folder.")
    format: FileFormat = FileFormat()
    columns: EventColumns
    attributes: Annotated[dict[str, str | Column], NamedParts] = Field(
        default={}, description="The source's own columns, kept on every event."
    )
    event_names: dict[str, str] = Field(
        default={}, description="Event type in the file: event type in the tables."
    )
    default_event_type: str = Field(
        default="event", description="Event type of every row where no column names one."
    )
    purchase_event: str | None = Field(
        default=None, description="The event type that is a purchase; null: there is none."
    )
    return_event: str | None = Field(
        default=None,
        description="The event type that takes a purchase back; null: there is none, or `return` "
        "where `return_when` is given.",
    )
    return_when: str | None = Field(
        default=None,
        description="A condition over the columns of a purchase, such as `quantity < 0`, by which "
        "it takes one back; null: purchases never do.",
    )
    order_key: Literal[
        "number_and_customer", "number", "number_and_day", "number_day_and_customer"
    ] = Field(
        default="number_and_customer",
        description="What makes an order of purchase lines: the number and the customer (lines of "
        "one day, or over midnight within an hour), the number alone, with its day, or with its "
        "day and customer.",
    )
    values: Literal["gross", "net"] = Field(
        default="gross",
        description="net: what came back is taken off the values of the purchases already.",
    )
    passive_events: list[str] = Field(
        default=[],
        description="Event types that are no act of the customer: pings, mails sent, entries of "
        "the back office. They stay in events, open and stretch no session, make no active day.",
    )
    view_event: str | None = Field(
        default=None, description="The event type that is a page view; null: there is none."
    )
    timezone: TimeZone
    first_day: Day
    last_day: Day | None = None
    currency: str | None = Field(default=None, description="ISO 4217 code of `value`.")
    money_scale: int = Field(
        default=1,
        ge=1,
        description="What unit_price and value are multiplied by when they are read, since four "
        "decimals are kept: 1000 makes all money thousandths of the currency.",
    )
    duplicates: Literal["remove", "keep"] = "remove"
    key: list[str] = Field(
        default=[], description="Columns that tell one event from another; none: all of them."
    )
    session_timeout: Annotated[Duration, AfterValidator(_shorter_than_a_day)] = "30 minutes"
    split_sessions_at_midnight: bool = False
    suspected_bots: SuspectedBots | None = None
    week_start: Literal["monday", "sunday"] = "monday"
    holidays: list[Day] = Field(
        default=[],
        description="Days known in advance on which nothing is sold; weekdays without trade are "
        "learnt from the log.",
    )
    rules: list[CleaningRule] = []
    funnels: Annotated[dict[str, Funnel], NamedParts] = {}
    horizon: Duration = Field(
        default="30 days", description="How far ahead features are labelled and models predict."
    )
    cut_offs: int = Field(
        default=8,
        ge=1,
        description="Most moments of the past, one horizon apart, at which features are computed "
        "with their labels: to train and to test out of time.",
    )
    segments: Segments = Segments()
    segment_rules: list[SegmentRule] = []
    advice: Advice = Advice()
    questions: Annotated[dict[str, Question], NamedParts] = {}
    owner: str = "team:data"

    @model_validator(mode="after")
    def _returns_and_acts_are_told_apart(self) -> Self:
        if self.return_when is not None:
            if self.purchase_event is None:
                raise ValueError("return_when: give purchase_event, whose rows it tells apart")
            self.return_event = self.return_event or "return"
        if self.return_event is not None and self.return_event == self.purchase_event:
            raise ValueError(
                "return_event is the purchase_event: tell returns apart by return_when, "
                "such as quantity < 0"
            )
        steps = [step for funnel in self.funnels.values() for step in funnel.steps]
        acts = {self.purchase_event, self.view_event}
        acts |= {kind for step in steps for kind in ([step] if isinstance(step, str) else step)}
        if wrong := sorted(set(self.passive_events) & {act for act in acts if act}):
            raise ValueError(
                f"passive_events: {', '.join(wrong)}: a purchase, a view and a step of a funnel "
                "are acts of the customer"
            )
        return self

    def capabilities(self) -> frozenset[str]:
        """Return what the log offers, in the words that SQL headers `require`."""
        columns = self.columns
        offered = {
            "purchase": self.purchase_event is not None,
            "view": self.view_event is not None,
            "value": columns.value is not None or columns.unit_price is not None,
            "item": columns.item_id is not None,
            "category": columns.category_id is not None,
            "returns": self.return_event is not None,
            "country": "country" in self.attributes,
            "funnel": bool(self.funnels),
            "segments": self.purchase_event is not None or self.segments.columns is not None,
            "segment_rules": bool(self.segment_rules),
            "actions": bool(self.advice.actions),
            "campaign": self.advice.campaign is not None,
            "bots": self.suspected_bots is not None,
        }
        return frozenset(name for name, is_offered in offered.items() if is_offered)

    def source_types(self) -> dict[str, str]:
        """Return the types of the columns whose type each source chooses."""
        ids = ("customer_id", "item_id", "category_id", "order_id")
        mapped = {name: getattr(self.columns, name) for name in ids}
        return {n: c.type if isinstance(c, Column) else "varchar" for n, c in mapped.items()}

    def attribute_types(self) -> dict[str, str]:
        return {n: sql_type(c) for n, c in self.attributes.items()}

    def last_complete_day(self, now: dt.datetime) -> dt.date:
        """Return the last day that is over in the source's zone and in the log's range."""
        yesterday = now.astimezone(zoneinfo.ZoneInfo(self.timezone)).date() - dt.timedelta(days=1)
        _, last = self.day_range()
        return min(last, yesterday) if last else yesterday

    def day_range(self) -> tuple[dt.date, dt.date | None]:
        """Return the first day and, for a closed log, the last one."""
        last = dt.date.fromisoformat(str(self.last_day)) if self.last_day else None
        return dt.date.fromisoformat(str(self.first_day)), last
