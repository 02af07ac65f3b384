"""EventLogSource: what a log with one row per event states about itself."""

import datetime as dt
import zoneinfo
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from customer_assets.sources.advice import Advice
from customer_assets.sources.columns import (
    Column,
    FileKind,
    TimeColumn,
    as_column,
    kind_of,
    of_kind,
    sql_type,
)
from customer_assets.sources.demand import Demand
from customer_assets.sources.expected import Expected
from customer_assets.sources.parts import (
    CleaningRule,
    Day,
    Duration,
    FileFormat,
    FilePattern,
    Model,
    NamedParts,
    TimeZone,
    Window,
    parse_duration,
    parse_window,
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


class EventColumns(Model):
    """Where the canonical columns of an event come from; what is left out is null.

    `value` (money of the event) defaults to quantity x unit_price where both are mapped.
    """

    customer_id: str | Column = Field(
        description="Who; a row without a value is in no customer table."
    )
    event_at: str | TimeColumn = Field(description="When, in UTC or in the source's zone.")
    event_type: str | Column | None = Field(
        default=None, description="Column that names what happened; null: every row is one kind."
    )
    item_id: str | Column | None = Field(default=None, description="Which item.")
    item_name: str | Column | None = Field(default=None, description="What the item is called.")
    category_id: str | Column | None = Field(default=None, description="Category of the item.")
    order_id: str | Column | None = Field(
        default=None, description="Number of the order; without one a customer's day is an order."
    )
    quantity: str | Column | None = Field(default=None, description="How many of the item.")
    unit_price: str | Column | None = Field(default=None, description="Money for one of the item.")
    value: str | Column | None = Field(default=None, description="Money of the event.")
    sequence: str | Column | None = Field(
        default=None, description="The log's own running number, which orders events of an instant."
    )


_NUMBERS = ("bigint", "decimal(18,4)", "double")
Scalar = str | int | float | bool


class Range(Model):
    """Values from one to another, both included."""

    at_least: int | float | None = Field(default=None, description="null: however little.")
    at_most: int | float | None = Field(default=None, description="null: however much.")


# `event` names event types, `optional` says whether attempts go on without the step; every other
# key is a column of the events, with what it must be.
Conditions = dict[str, Scalar | list[Scalar] | Range | None]
FunnelStep = str | list[str] | Conditions
_NOT_COLUMNS = ("event", "optional")


class FunnelExclusion(Model):
    """An event that spoils an attempt in which it stands between two steps, counted from 1."""

    event: FunnelStep
    after_step: int = Field(default=1, ge=1, description="It counts from this step on.")
    before_step: int | None = Field(
        default=None, description="And up to this one; null: the last one."
    )


class Funnel(Model):
    """Ordered steps that a customer takes within a window from the first one.

    A step is an event type, a list of event types of which any one counts, or conditions that all
    hold: `{event: view, path: /checkout}`, `{event: buy, value: {at_least: 100}}`, `{path: null}`.
    `{event: favourite, optional: true}` counts who takes the step on the way to the next, and asks
    it of nobody.
    """

    steps: list[FunnelStep] = Field(min_length=1, description="What is done, in this order.")
    window: Window = Field(
        description="A duration, or `5 events`: the last step is one of the 5 events that follow "
        "the entry. `5 events in 7 days` says how long they are waited for: else 30 days, in a "
        "session one."
    )
    dialect: str = Field(
        default="ordered",
        description="How steps count: ordered, strict, unordered, strict_increase, clickhouse.",
    )
    modes: list[str] = Field(
        default=[],
        description="Modes of dialect clickhouse, named as those of windowFunnel. They judge all "
        "that an actor did, so the actor is a session.",
    )
    exclusions: list[FunnelExclusion] = []
    actor: Literal["customer", "session"] = Field(
        default="customer", description="Within whose events all steps have to be."
    )
    hold: str | None = Field(
        default=None,
        description="A column of the events that is the same at each step of an attempt, such as "
        "item_id: who views one item and buys another does not convert.",
    )
    breakdown: str | None = Field(
        default=None, description="Column of the events by whose value at the entry is counted."
    )

    @model_validator(mode="after")
    def _optional_is_yes_or_no(self) -> Self:
        for step in self.steps:
            said = step.get("optional", False) if isinstance(step, dict) else False
            if not isinstance(said, bool):
                raise ValueError(f"optional is true or false, not {said!r}")
        return self

    @property
    def optional_steps(self) -> list[int]:
        """Return the numbers, from 1, of the steps without which attempts go on."""
        return [
            number
            for number, step in enumerate(self.steps, 1)
            if isinstance(step, dict) and step.get("optional")
        ]

    @property
    def window_events(self) -> int | None:
        """How many events the window has; null where it is a duration alone."""
        return parse_window(self.window)[0]

    @property
    def window_seconds(self) -> int:
        """How long an entry is followed at most."""
        duration = parse_window(self.window)[1]
        return parse_duration(duration or ("1 day" if self.actor == "session" else "30 days"))

    @property
    def has_conditions(self) -> bool:
        """Whether more than event types decide who goes on."""
        return bool(self.exclusions) or bool(self.compared())

    def event_types(self) -> list[list[str]]:
        """Return the event types of each step; of one that names none, no type."""
        return [_event_types(step) for step in self.steps]

    def compared(self) -> list[tuple[str, Scalar | list[Scalar] | Range | None]]:
        """Return the columns of events that steps and exclusions compare, each with what."""
        steps = [*self.steps, *(each.event for each in self.exclusions)]
        of_columns = [item for step in steps if isinstance(step, dict) for item in step.items()]
        return [(name, wanted) for name, wanted in of_columns if name not in _NOT_COLUMNS]


def _event_types(step: FunnelStep) -> list[str]:
    named = step.get("event", []) if isinstance(step, dict) else step
    return [str(each) for each in named] if isinstance(named, list) else [str(named)]


def _cannot_compare(number: str | None, wanted: Scalar | list[Scalar] | Range | None) -> str | None:
    """Say why a condition does not fit its column, whose type is given where it is a number."""
    if isinstance(wanted, Range):
        return None if number else "it is no number, so it has no at_least and at_most"
    for value in wanted if isinstance(wanted, list) else [wanted]:
        try:
            float("nan" if value is None else value)
        except ValueError:
            if number:
                return f"it is a number ({number}), and {value!r} is none"
    return None


def step_text(step: FunnelStep) -> str:
    """Return a step in words: its event types, and what else it asks for."""
    parts = [" or ".join(_event_types(step))]
    for name, wanted in step.items() if isinstance(step, dict) else ():
        if isinstance(wanted, Range):
            parts += [f"{name} >= {wanted.at_least}"] if wanted.at_least is not None else []
            parts += [f"{name} <= {wanted.at_most}"] if wanted.at_most is not None else []
        elif name not in _NOT_COLUMNS:
            values = wanted if isinstance(wanted, list) else [wanted]
            shown = " or ".join("none" if each is None else str(each) for each in values)
            parts.append(f"{name} {shown}")
    if isinstance(step, dict) and step.get("optional"):
        parts.append("optional")
    return ", ".join(part for part in parts if part)


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

    files: FilePattern | list[FilePattern] = Field(
        description="Glob(s) below the source's landing folder."
    )
    format: FileFormat = FileFormat()
    columns: EventColumns
    attributes: Annotated[dict[str, str | Column], NamedParts] = Field(
        default={}, description="The source's own columns, kept on every event."
    )
    kinds: list[FileKind] = Field(
        default=[], description="Files that are written otherwise than the rest."
    )
    lookups: Annotated[dict[str, FilePattern], NamedParts] = Field(
        default={},
        description="Views of sql/raw/<source>/rows.sql: by name the one file, below the landing "
        "folder, that it looks things up in. It holds no events.",
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
    breakdowns: list[str] = Field(
        default=[],
        description="Columns of the events, such as channel or country, by whose value at their "
        "first event customers are told apart: retention, lifecycle and revenue are broken down "
        "by them. Each session has its own entry values.",
    )
    passive_events: list[str] = Field(
        default=[],
        description="Event types that are no act of the customer: pings, mails sent, entries of "
        "the back office. They stay in events, open and stretch no session, make no active day.",
    )
    view_event: str | None = Field(
        default=None, description="The event type that is a page view; null: there is none."
    )
    timezone: TimeZone = Field(
        description="Zone of the business, in which days begin: Europe/London."
    )
    first_day: Day = Field(description="First day of the log; rows before it are rejected.")
    last_day: Day | None = Field(
        default=None,
        description="Last day of a closed log; null: it is open, refreshed every night.",
    )
    currency: str | None = Field(default=None, description="ISO 4217 code of `value`.")
    duplicates: Literal["remove", "keep"] = Field(
        default="remove", description="keep: identical rows are events of their own."
    )
    key: list[str] = Field(
        default=[], description="Columns that tell one event from another; none: all of them."
    )
    session_timeout: Annotated[Duration, AfterValidator(_shorter_than_a_day)] = Field(
        default="30 minutes", description="A longer pause begins a new session."
    )
    split_sessions_at_midnight: bool = Field(
        default=False, description="Whether midnight, in the source's zone, ends a session."
    )
    suspected_bots: SuspectedBots | None = None
    week_start: Literal["monday", "sunday"] = Field(
        default="monday", description="Day with which weeks of cohorts and reports begin."
    )
    holidays: list[Day] = Field(
        default=[],
        description="Days known in advance on which nothing is sold; weekdays without trade are "
        "learnt from the log.",
    )
    rules: list[CleaningRule] = []
    expected: Expected = Expected()
    accept: list[Day] = Field(
        default=[], description="Days that are right although they are not like those before them."
    )
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
    demand: Demand = Demand()
    questions: Annotated[dict[str, Question], NamedParts] = {}
    owner: str = Field(default="team:data", description="Who answers for its tables in the UI.")

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
        steps = [types for funnel in self.funnels.values() for types in funnel.event_types()]
        acts = {self.purchase_event, self.view_event}
        acts |= {kind for types in steps for kind in types}
        if wrong := sorted(set(self.passive_events) & {act for act in acts if act}):
            raise ValueError(
                f"passive_events: {', '.join(wrong)}: a purchase, a view and a step of a funnel "
                "are acts of the customer"
            )
        return self

    @model_validator(mode="after")
    def _with_columns_of_kinds(self) -> "EventLogSource":
        """A column that only some kinds of file have is one of the source, and may be absent."""
        for kind in self.kinds:
            if unknown := set(kind.columns) - set(EventColumns.model_fields):
                raise ValueError(f"kinds: columns: no column is named {min(unknown)!r}")
            added = {
                name: as_column(setting).model_copy(update={"optional": True})
                for name, setting in kind.columns.items()
                if setting is not None and getattr(self.columns, name) is None
            }
            self.columns = self.columns.model_copy(update=added)
            for name, attribute in kind.attributes.items():
                if attribute is not None and name not in self.attributes:
                    optional = as_column(attribute).model_copy(update={"optional": True})
                    self.attributes = {**self.attributes, name: optional}
        return self

    @model_validator(mode="after")
    def _funnels_compare_columns(self) -> "EventLogSource":
        there = {*CANONICAL_COLUMNS, *self.attributes}
        if unknown := sorted(set(self.breakdowns) - there):
            raise ValueError(f"breakdowns: the events have no column {unknown[0]!r}")
        for name, funnel in self.funnels.items():
            asked = {column for column, _ in funnel.compared()}
            if unknown := sorted((asked | ({funnel.hold} if funnel.hold else set())) - there):
                columns = f"{', '.join(CANONICAL_COLUMNS)}, {', '.join(self.attributes)}"
                raise ValueError(
                    f"funnels: {name}: the events have no column {unknown[0]!r}; a step names "
                    "event types, or under `event` with columns: {event: view, path: /checkout}. "
                    f"Columns: {columns.rstrip(', ')}"
                )
            for column, wanted in funnel.compared():
                if wrong := _cannot_compare(self._types_of_numbers().get(column), wanted):
                    raise ValueError(f"funnels: {name}: {column}: {wrong}")
        return self

    def _types_of_numbers(self) -> dict[str, str]:
        amounts = dict.fromkeys(("quantity", "unit_price", "value"), "decimal(18,4)")
        types = amounts | self.source_types() | self.attribute_types() | {"event_ts": "bigint"}
        return {name: each for name, each in types.items() if each in _NUMBERS}

    def for_file(self, file: str) -> "EventLogSource":
        """Return what is stated of one file, by its path below the landing folder.

        It has the same columns of the same types; those that the file lacks come from nowhere.
        """
        kind = kind_of(self.kinds, file)
        if kind is None:
            return self
        columns = {n: of_kind(getattr(self.columns, n), own) for n, own in kind.columns.items()}
        attributes = {n: of_kind(self.attributes.get(n), own) for n, own in kind.attributes.items()}
        said = ("format", "event_names", "default_event_type")
        own = {name: getattr(kind, name) for name in said if getattr(kind, name) is not None}
        own["columns"] = self.columns.model_copy(update=columns)
        own["attributes"] = self.attributes | attributes
        return self.model_copy(update=own)

    def capabilities(self) -> frozenset[str]:
        """Return what the log offers, in the words that SQL headers `require`."""
        columns = self.columns
        offered = {
            "purchase": self.purchase_event is not None,
            "view": self.view_event is not None,
            # A price without a number of items is no money of an event.
            "value": columns.value is not None
            or None not in (columns.unit_price, columns.quantity),
            "item": columns.item_id is not None,
            "category": columns.category_id is not None,
            "returns": self.return_event is not None,
            "country": "country" in self.attributes,
            "funnel": bool(self.funnels),
            "breakdowns": bool(self.breakdowns),
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

    @property
    def patterns(self) -> list[str]:
        """Return the globs of what is landed."""
        return [self.files] if isinstance(self.files, str) else self.files

    @property
    def is_open(self) -> bool:
        """Say whether more is to come, so that the source runs by itself."""
        return self.last_day is None

    def day_range(self) -> tuple[dt.date, dt.date | None]:
        """Return the first day and, for a closed log, the last one."""
        last = dt.date.fromisoformat(str(self.last_day)) if self.last_day else None
        return dt.date.fromisoformat(str(self.first_day)), last
