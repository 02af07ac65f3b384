"""Where a column of an event comes from, and how it is written: the words of `columns`."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from customer_assets.sources.parts import ColumnType, FileFormat, Model, NamedParts
from customer_assets.sources.time_patterns import TimePattern


def _file_name(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    if groups > 1:
        raise ValueError(f"{pattern!r} has {groups} groups in brackets; one of them is the value")
    return pattern


class Column(Model):
    """One column of the events: where its text comes from, and the type it is read as.

    `decimal` is DECIMAL(18,4). `bigint` takes whole numbers, also written `17850.0`. Amounts
    (quantity, unit_price, value, attributes of type decimal) may have separators of thousands,
    signs or codes of a currency, and brackets or a trailing minus where they are below zero.
    """

    from_: str | list[str] | None = Field(
        default=None,
        alias="from",
        description="Name of the column in the landed files; of several, the first that is not "
        "empty in a row counts.",
    )
    type: ColumnType = Field(default="varchar", description="What its values are read as.")
    constant: str | None = Field(default=None, description="The same text in every row.")
    file_name: Annotated[str, AfterValidator(_file_name)] | None = Field(
        default=None,
        description="A regular expression over the file's path below the landing folder: its "
        "group in brackets, or all that it matches, is the text of every row.",
    )
    optional: bool = Field(
        default=False, description="Whether a file may lack it, and its rows then have null."
    )
    decimal: Literal[".", ","] | None = Field(
        default=None,
        description="Of an amount: the sign before the decimals. Without it, what could be two "
        "amounts, such as 1,234, is rejected.",
    )
    scale: float | None = Field(
        default=None, gt=0, description="Of an amount: what it is multiplied by; 0.01 for cents."
    )

    @model_validator(mode="after")
    def _one_origin(self) -> "Column":
        if sum(each is not None for each in (self.from_, self.constant, self.file_name)) != 1:
            raise ValueError("say one of `from`, `constant` and `file_name`")
        return self

    @property
    def landed(self) -> list[str]:
        """The names in the landed files, in the order in which they are tried."""
        return _listed(self.from_)


class TimeColumn(Model):
    """The column that says when an event happened, and how it is written."""

    from_: str | list[str] = Field(
        alias="from",
        description="Name of the column in the landed files; of several, the first that is not "
        "empty in a row counts.",
    )
    format: TimePattern | list[TimePattern] = Field(
        default="iso",
        description="iso, epoch_seconds, epoch_milliseconds, epoch_microseconds, "
        "spreadsheet_days (serials of Excel and its kin), or a strptime pattern; of several, each "
        "file is read with the one that fits most of its rows.",
    )
    by_row: bool = Field(
        default=False,
        description="Of several formats, each row is read with the first that gives a time within "
        "the days of the source.",
    )

    def formats(self) -> list[str]:
        return [self.format] if isinstance(self.format, str) else self.format

    @property
    def landed(self) -> list[str]:
        return _listed(self.from_)


class FileKind(Model):
    """Files of a source that are written otherwise than the rest: what is said here holds there.

    Under `columns` and `attributes` a name has another origin, or null where these files lack it.
    """

    files: str | list[str] = Field(
        description="Glob(s) over paths below the landing folder; the first kind that fits counts."
    )
    format: FileFormat | None = None
    columns: dict[str, str | Column | TimeColumn | None] = {}
    attributes: Annotated[dict[str, str | Column | None], NamedParts] = {}
    event_names: dict[str, str] | None = Field(
        default=None, description="In place of the source's; null: those."
    )
    default_event_type: str | None = Field(
        default=None, description="In place of the source's; null: that."
    )

    @property
    def patterns(self) -> list[str]:
        return _listed(self.files)


def kind_of(kinds: Sequence[FileKind], file: str) -> FileKind | None:
    """Return the first kind that a file is of, by its path below the landing folder."""
    path = PurePosixPath(file)
    return next((k for k in kinds if any(path.match(each) for each in k.patterns)), None)


def as_column(setting: str | TimeColumn | Column | None) -> Column:
    """Return a column with everything said; of null, one that comes from nowhere."""
    if isinstance(setting, Column):
        return setting
    if isinstance(setting, TimeColumn):
        return Column.model_validate({"from": setting.from_})
    return Column.model_construct(from_=setting if setting is not None else [])


def of_kind(
    stated: str | TimeColumn | Column | None, own: str | TimeColumn | Column | None
) -> TimeColumn | Column:
    """Return a column as a kind of file has it; its type is the one of the whole source."""
    if isinstance(own, TimeColumn):
        return own
    if isinstance(stated, TimeColumn):
        return stated.model_copy(update={"from_": as_column(own).landed})
    return as_column(own).model_copy(update={"type": as_column(stated).type})


def sql_type(column: str | Column) -> str:
    """Return the DuckDB type of a mapped column."""
    kind = as_column(column).type
    return "decimal(18,4)" if kind == "decimal" else kind


def _listed(names: str | Sequence[str] | None) -> list[str]:
    return [] if names is None else [names] if isinstance(names, str) else list(names)
