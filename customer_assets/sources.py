"""What a source states about itself: the configuration types behind each `defs.yaml`.

Pure data and its validation. No Dagster (the components inherit from these types), no files,
no SQL beyond the conditions that a user writes into a cleaning rule.
"""

import datetime as dt
import re
import zoneinfo
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

# An identifier that is safe unquoted everywhere: DuckDB, Spark, file names, asset keys.
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}

# Source names are DuckDB schemas and asset key prefixes at once.
RESERVED_SOURCE_NAMES = frozenset(
    {"main", "temp", "system", "information_schema", "pg_catalog", "warehouse", "all", "raw"}
)

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


def _identifier(name: str) -> str:
    if not _IDENTIFIER.fullmatch(name):
        raise ValueError(
            f"{name!r} is not a usable name: use lower-case letters, digits and underscores, "
            "starting with a letter"
        )
    return name


def _timezone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(
            f"{name!r} is no time zone; use an IANA name such as 'Europe/London'"
        ) from error
    return name


def parse_duration(text: str) -> int:
    """Return the seconds of a duration such as `30 minutes`, `7 days` or `1 hour`."""
    match = re.fullmatch(r"\s*(\d+)\s*(second|minute|hour|day|week)s?\s*", text)
    if match is None:
        raise ValueError(f"{text!r} is no duration; write for example '30 minutes' or '7 days'")
    return int(match[1]) * _UNITS[match[2]]


def _duration(text: str) -> str:
    parse_duration(text)
    return text


def _day(text: str | dt.date) -> str:
    try:
        return dt.date.fromisoformat(str(text)).isoformat()
    except ValueError as error:
        raise ValueError(f"{text!r} is no day; write it as 2017-11-25") from error


def _names(mapping: dict[str, Any]) -> dict[str, Any]:
    for name in mapping:
        _identifier(name)
    return mapping


Identifier = Annotated[str, AfterValidator(_identifier)]
_Named = AfterValidator(_names)
TimeZone = Annotated[str, AfterValidator(_timezone)]
Duration = Annotated[str, AfterValidator(_duration)]
ColumnType = Literal["varchar", "bigint", "decimal", "double", "boolean", "date"]


class Model(BaseModel):
    """A part of a `defs.yaml`; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Column(Model):
    """One column of the landed files and the type it is read as.

    `decimal` is DECIMAL(18,4). `bigint` takes whole numbers, also written `17850.0`.
    """

    from_: str = Field(alias="from", description="Name of the column in the landed files.")
    type: ColumnType = "varchar"


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


class FileFormat(Model):
    """How the landed files are written; by default told from each file's name and content."""

    type: Literal["auto", "csv", "tsv", "jsonl", "parquet"] = "auto"
    delimiter: str | None = None
    header: bool = True
    names: list[str] | None = Field(
        default=None, description="Column names of files without a header line, in order."
    )
    encodings: list[Literal["utf-8", "latin-1", "utf-16"]] = Field(
        default=["utf-8"], description="Tried in this order; the first that decodes a file holds."
    )


class CleaningRule(Model):
    """A named predicate over the canonical columns and attributes of a row.

    `reject` moves the rows where it is true to rejected_rows; `flag` keeps them with the
    boolean column `is_<name>` set. Both are counted and shown.
    """

    name: Identifier
    condition: str
    action: Literal["reject", "flag"] = "reject"
    description: str = ""
    enabled: bool = True


class Funnel(Model):
    """Ordered steps that a customer takes within a window from the first one.

    A step is an event type, or a list of event types of which any one counts.
    """

    steps: list[str | list[str]] = Field(min_length=1)
    window: Duration
    dialect: str = "ordered"
    actor: Literal["customer", "session"] = "customer"
    breakdown: str | None = None


class Segments(Model):
    """How customers are grouped by recency, frequency and monetary value.

    As many k-means groups as there are names; the names go by a group's mean monetary value,
    highest first.
    """

    names: list[str] = Field(
        default=["champions", "loyal", "potential", "regular", "lost"], min_length=2
    )
    random_state: int = 42


class EventLogSource(Model):
    """A log with one row per thing that a customer did."""

    files: str | list[str] = Field(description="Glob(s) below the source's landing folder.")
    format: FileFormat = FileFormat()
    columns: EventColumns
    attributes: Annotated[dict[str, str | Column], _Named] = Field(
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
        default=None, description="The event type that takes a purchase back; null: there is none."
    )
    view_event: str | None = Field(
        default=None, description="The event type that is a page view; null: there is none."
    )
    timezone: TimeZone
    first_day: Annotated[str | dt.date, AfterValidator(_day)]
    last_day: Annotated[str | dt.date, AfterValidator(_day)] | None = None
    currency: str | None = Field(default=None, description="ISO 4217 code of `value`.")
    duplicates: Literal["remove", "keep"] = "remove"
    key: list[str] = Field(
        default=[], description="Columns that tell one event from another; none: all of them."
    )
    session_timeout: Duration = "30 minutes"
    week_start: Literal["monday", "sunday"] = "monday"
    rules: list[CleaningRule] = []
    funnels: Annotated[dict[str, Funnel], _Named] = {}
    horizon: Duration = Field(
        default="30 days", description="How far ahead features are labelled and models predict."
    )
    segments: Segments = Segments()
    questions: Annotated[dict[str, dict[str, Any]], _Named] = {}
    owner: str = "team:data"

    def capabilities(self) -> frozenset[str]:
        """Return what the log offers, in the words that SQL headers `require`."""
        columns = self.columns
        offered = {
            "purchase": self.purchase_event is not None,
            "view": self.view_event is not None,
            "value": columns.value is not None or columns.unit_price is not None,
            "item": columns.item_id is not None,
            "category": columns.category_id is not None,
            "country": "country" in self.attributes,
            "funnel": bool(self.funnels),
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


def sql_type(column: str | Column) -> str:
    """Return the DuckDB type of a mapped column."""
    if isinstance(column, str):
        return "varchar"
    return "decimal(18,4)" if column.type == "decimal" else column.type
