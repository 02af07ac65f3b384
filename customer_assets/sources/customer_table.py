"""CustomerTableSource: what files that sum up each customer state about themselves.

Several inputs, wide (one row per customer) or long (several), become one typed row per customer
with a label. How they are joined is one SQL file of the source.
"""

from collections import Counter
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from customer_assets.sources.advice import Advice
from customer_assets.sources.parts import FileFormat, FilePattern, Identifier, Model, NamedParts
from customer_assets.sources.questions import Question
from customer_assets.sources.segments import Rfem, SegmentRule, Segments
from customer_assets.sources.time_patterns import TimePattern

CUSTOMER_ID = "customer_id"
LABEL = "label"
# What a rule with columns calls the column that it looks at.
VALUE = "value"

_TAKEN = {CUSTOMER_ID, LABEL, VALUE, "rule", "source_file", "occurrence", "n_copies"}

ValueType = Literal["varchar", "bigint", "decimal", "double", "boolean", "date", "timestamp"]


def duckdb_type(kind: str) -> str:
    return "decimal(18,4)" if kind == "decimal" else kind


class CustomerId(Model):
    """The column that says which customer a row is about, in every input."""

    from_: str | list[str] = Field(alias="from", description="Its header, or accepted spellings.")
    type: Literal["varchar", "bigint"] = Field(
        default="varchar", description="bigint where all are whole numbers."
    )

    @property
    def spellings(self) -> list[str]:
        return [self.from_] if isinstance(self.from_, str) else self.from_


class InputColumn(Model):
    """A column of a landed file: how its header is spelled and how its values are read.

    A header is looked for as it is written, then without regard to case, blanks and underscores.
    A value that is not of the type becomes null, and is listed in unexpected_values.
    """

    from_: str | list[str] | None = Field(
        default=None, alias="from", description="Accepted headers; null: the column's own name."
    )
    type: ValueType | None = Field(
        default=None, description="Null: that of the attribute of this name, else varchar."
    )
    format: TimePattern | list[TimePattern] = Field(
        default="iso",
        description="Of a date or timestamp: iso or strptime patterns, tried in turn. A stamp that "
        "says its zone is in UTC, any other as it is written.",
    )
    values: list[str] = Field(
        default=[], description="Expected values; any other is kept and listed with its rows."
    )
    repairs: dict[str, str] = Field(
        default={}, description="A misspelt value and what it is read as; listed with its rows."
    )

    @property
    def formats(self) -> list[str]:
        return [self.format] if isinstance(self.format, str) else self.format


class ReadColumn(Model):
    """An input column with everything said: what `InputColumn` leaves to be inferred is known."""

    name: str
    spellings: list[str]
    type: ValueType
    formats: list[str] = ["iso"]
    values: list[str] = []
    repairs: dict[str, str] = {}


class InputTable(Model):
    """One kind of landed file. Every input has the customer's column; it need not be listed."""

    files: FilePattern | list[FilePattern] = Field(
        description="Glob(s) below the source's landing folder."
    )
    format: FileFormat = FileFormat()
    columns: list[Identifier] | Annotated[dict[str, str | list[str] | InputColumn], NamedParts] = (
        Field(description="Name in the tables: header(s) in the files; a list where they agree.")
    )
    key: list[str] = Field(
        default=[CUSTOMER_ID], description="Columns that tell rows apart, the customer's first."
    )

    @property
    def patterns(self) -> list[str]:
        return [self.files] if isinstance(self.files, str) else self.files

    def input_columns(self) -> dict[str, InputColumn]:
        if isinstance(self.columns, list):
            return {name: InputColumn() for name in self.columns}
        return {
            name: said
            if isinstance(said, InputColumn)
            else InputColumn.model_validate({"from": said})
            for name, said in self.columns.items()
        }

    @model_validator(mode="after")
    def _key_is_of_columns(self) -> Self:
        unknown = set(self.key) - {CUSTOMER_ID, *self.input_columns()}
        if unknown or CUSTOMER_ID not in self.key:
            raise ValueError(f"key: it must be {CUSTOMER_ID}, alone or with columns of the input")
        return self


class Attribute(Model):
    """A column of the final customers table."""

    type: ValueType = Field(default="varchar", description="What its values are read as.")
    description: str = Field(description="What it means, for whoever reads the table.")


class Label(Attribute):
    """What is to be predicted."""

    title: str = Field(
        default="With the label",
        description="What a customer is or does who has the label, as figures are called.",
    )


class CustomerRule(Model):
    """A named predicate over the joined row of a customer, as it landed.

    `reject` moves the customers for whom it is true to rejected_customers; `flag` keeps them with
    the boolean column `is_<name>` set; `clear` asks it of each of `columns`, which the condition
    calls `value`, and makes those null for which it is true, with `is_<name>` set. All are counted
    in the table cleaning, also when they are switched off.
    """

    name: Identifier = Field(description="By which it is counted and shown.")
    condition: str = Field(description="SQL over the joined row, true where something is wrong.")
    action: Literal["reject", "flag", "clear"] = Field(
        default="reject",
        description="What is done where it is true: to the customer, or by clear to values.",
    )
    columns: list[str] = Field(default=[], description="The attributes that `clear` looks at.")
    description: str = Field(default="", description="Why, for whoever reads the counts.")
    enabled: bool = Field(default=True, description="false: it is counted, and changes nothing.")

    @model_validator(mode="after")
    def _columns_belong_to_clear(self) -> Self:
        if (self.action == "clear") != bool(self.columns):
            raise ValueError(
                f"rule {self.name}: `columns` belong to the action clear, and it to them"
            )
        return self


class CustomerTableSource(Model):
    """Files that sum up each customer, with a label."""

    customer_id: CustomerId
    tables: Annotated[dict[str, InputTable], NamedParts] = Field(min_length=1)
    attributes: Annotated[dict[str, Attribute], NamedParts] = Field(min_length=1)
    label: Label | None = Field(
        default=None, description="What is to be predicted: boolean or bigint."
    )
    rules: list[CustomerRule] = []
    checks: list[dict[str, dict[str, Any]]] = Field(
        default=[], description="Great Expectations of the table customers."
    )
    label_rates: list[str] = Field(
        default=[],
        description="Attributes by whose values the table label_rates tells how many customers "
        "have the label; the report draws them.",
    )
    rfem: Rfem | None = None
    segments: Segments = Segments()
    segment_rules: list[SegmentRule] = []
    advice: Advice = Advice()
    questions: Annotated[dict[str, Question], NamedParts] = {}
    owner: str = Field(default="team:data", description="Who answers for its tables in the UI.")
    delivered_again: bool = Field(
        default=False,
        description="Whether newer files replace these from time to time, as of a monthly export: "
        "then the source is refreshed and trained by itself.",
    )

    @property
    def is_open(self) -> bool:
        """Say whether more is to come, so that the source runs by itself."""
        return self.delivered_again

    @property
    def timezone(self) -> str:
        """Return the zone of its schedules: it has no times of its own."""
        return "UTC"

    @property
    def patterns(self) -> list[str]:
        """Return the globs of all inputs."""
        return [pattern for table in self.tables.values() for pattern in table.patterns]

    def read_columns(self, table: str) -> dict[str, ReadColumn]:
        """Return every column of an input by its name in the tables, the customer's first."""
        customer = ReadColumn(
            name=CUSTOMER_ID, spellings=self.customer_id.spellings, type=self.customer_id.type
        )
        columns = {CUSTOMER_ID: customer}
        for name, column in self.tables[table].input_columns().items():
            said = column.from_ if column.from_ is not None else name
            attribute = self.attributes.get(name)
            columns[name] = ReadColumn(
                name=name,
                spellings=[said] if isinstance(said, str) else said,
                type=column.type or (attribute.type if attribute else "varchar"),
                formats=column.formats,
                values=column.values,
                repairs=column.repairs,
            )
        return columns

    def joined_types(self) -> dict[str, str]:
        """Return the DuckDB types of the joined row: customer_id, the attributes, label."""
        types: dict[str, str] = {CUSTOMER_ID: self.customer_id.type}
        types |= {name: duckdb_type(each.type) for name, each in self.attributes.items()}
        return types | ({LABEL: duckdb_type(self.label.type)} if self.label else {})

    def source_types(self) -> dict[str, str]:
        """Return the types of the columns whose type each source chooses."""
        types = self.joined_types()
        return {name: types[name] for name in (CUSTOMER_ID, LABEL) if name in types}

    def capabilities(self) -> frozenset[str]:
        """Return what the source offers. What SQL headers `require` needs events."""
        offered = {
            "label_rates": bool(self.label_rates) and self.label is not None,
            "segments": self.segments.columns is not None,
            "segment_rules": bool(self.segment_rules),
            "actions": bool(self.advice.actions),
            "campaign": self.advice.campaign is not None,
            "rfem": self.rfem is not None,
        }
        return frozenset(name for name, is_offered in offered.items() if is_offered)

    @model_validator(mode="after")
    def _names_are_clear(self) -> Self:
        for table in self.tables.values():
            taken = _TAKEN.intersection(table.input_columns())
            if taken:
                raise ValueError(f"columns: {', '.join(sorted(taken))}: the name is taken")
        flags = [f"is_{rule.name}" for rule in self.rules]
        repeated = {name for name, n in Counter([*flags, *self.attributes]).items() if n > 1}
        taken = _TAKEN.intersection(self.attributes)
        if taken or repeated:
            raise ValueError(
                f"attributes or rules: {', '.join(sorted(taken | repeated))}: the name is taken"
            )
        return self

    @model_validator(mode="after")
    def _rules_look_at_attributes(self) -> Self:
        for rule in self.rules:
            unknown = set(rule.columns) - set(self.attributes)
            if unknown:
                raise ValueError(
                    f"rule {rule.name}: columns: {', '.join(sorted(unknown))}: no such attribute"
                )
        return self

    @model_validator(mode="after")
    def _label_rates_are_of_values(self) -> Self:
        for name in self.label_rates:
            stated = self.attributes.get(name)
            if stated is None or stated.type in ("date", "timestamp"):
                raise ValueError(
                    f"label_rates: {name}: it must be an attribute, and neither date nor timestamp"
                )
        return self

    @model_validator(mode="after")
    def _label_can_be_predicted(self) -> Self:
        if self.label is not None and self.label.type not in ("boolean", "bigint"):
            raise ValueError("label: its type must be boolean or bigint")
        return self
