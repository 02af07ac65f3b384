"""The parts that both kinds of source are stated with: names, times, columns, files, rules."""

import datetime as dt
import re
import zoneinfo
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

# An identifier that is safe unquoted everywhere: DuckDB, Spark, file names, asset keys.
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
_RESERVED = {
    "main",
    "temp",
    "system",
    "information_schema",
    "pg_catalog",
    "warehouse",
    "all",
    "raw",
    # Folders of tables that belong to a kind of source.
    "event_log",
    "customer_table",
}
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


def identifier(name: str) -> str:
    """Return a name that is safe everywhere: unquoted in SQL, in file names. Raises ValueError."""
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


def parse_window(text: str) -> tuple[int | None, str | None]:
    """Return the events of a window and the duration it lasts at most: `5 events in 7 days`.

    Of `7 days` there are no events, of `5 events` no duration. Raises ValueError where it is
    neither, or nothing at all.
    """
    match = re.fullmatch(r"\s*(\d+) events?(?: in (.*))?\s*", text)
    if match is None:
        try:
            return None, _duration(text)
        except ValueError as error:
            raise ValueError(f"{error}; or in events: '5 events', '5 events in 7 days'") from error
    if not int(match[1]):
        raise ValueError(f"{text!r} has no room for a second step: write '1 event' or more")
    return int(match[1]), _duration(match[2]) if match[2] else None


def _duration(text: str) -> str:
    if not parse_duration(text):
        raise ValueError(f"{text!r} is no time at all: it must be longer than nothing")
    return text


def _window(text: str) -> str:
    parse_window(text)
    return text


def _day(text: str | dt.date) -> str:
    try:
        return dt.date.fromisoformat(str(text)).isoformat()
    except ValueError as error:
        raise ValueError(f"{text!r} is no day; write it as 2017-11-25") from error


def source_name(folder: str) -> str:
    """Return the name of the source whose `defs.yaml` lies in a folder.

    Raises ValueError where it cannot be a DuckDB schema and an asset key prefix at once.
    """
    if folder in _RESERVED:
        raise ValueError(f"{folder!r} is a reserved name; rename the folder")
    return identifier(folder)


def _names(mapping: dict[str, Any]) -> dict[str, Any]:
    for name in mapping:
        identifier(name)
    return mapping


def _below_landing(pattern: str) -> str:
    path = PurePosixPath(pattern)
    if not path.parts or ".." in path.parts or path.is_absolute() or "\\" in pattern:
        raise ValueError(
            f"{pattern!r} must be a pattern below the landing folder of the source, without `..`"
        )
    return pattern


Identifier = Annotated[str, AfterValidator(identifier)]
NamedParts = AfterValidator(_names)
FilePattern = Annotated[str, AfterValidator(_below_landing)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
Duration = Annotated[str, AfterValidator(_duration)]
Window = Annotated[str, AfterValidator(_window)]
Day = Annotated[str | dt.date, AfterValidator(_day)]
ColumnType = Literal["varchar", "bigint", "decimal", "double", "boolean", "date"]


class Model(BaseModel):
    """A part of a `defs.yaml`; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class FileFormat(Model):
    """How the landed files are written; by default told from each file's name and content."""

    type: Literal["auto", "csv", "tsv", "jsonl", "lines", "xlsx", "parquet"] = Field(
        default="auto",
        description="jsonl: JSON objects, one a line, or one array of them; lines: each line as it "
        "stands, in a column `line`.",
    )
    delimiter: str | None = Field(
        default=None, description="The sign between fields; null: told from the content."
    )
    sheet: str | None = Field(
        default=None, description="Which sheet of a spreadsheet; needed where several are filled."
    )
    escape: Literal["\\"] | None = Field(
        default=None,
        description="The sign before a quote inside of a quoted field, where it is not doubled.",
    )
    merge_blanks: bool = Field(
        default=False, description="Whether fields are parted by runs of blanks."
    )
    header: bool = Field(default=True, description="Whether the first line names the columns.")
    names: list[str] | None = Field(
        default=None, description="Column names, in order, of files without a header line."
    )
    encodings: list[Literal["utf-8", "latin-1", "utf-16", "cp1251", "gb18030"]] = Field(
        default=["utf-8"], description="Tried in this order; the first that decodes a file holds."
    )


class CleaningRule(Model):
    """A named predicate over the canonical columns and attributes of a row.

    `reject` moves the rows where it is true to rejected_rows; `flag` keeps them with the
    boolean column `is_<name>` set. Both are counted and shown.
    """

    name: Identifier = Field(description="By which it is counted and shown.")
    condition: str = Field(description="SQL over the row, true where something is wrong.")
    action: Literal["reject", "flag"] = Field(
        default="reject", description="Whether the row is put away, or kept and marked."
    )
    description: str = Field(default="", description="Why, for whoever reads the counts.")
    enabled: bool = Field(default=True, description="false: it is counted, and changes nothing.")
