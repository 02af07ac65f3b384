"""The description of a table: the one record behind its asset, its checks and its docs."""

from collections.abc import Collection
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Layer = Literal[
    "raw", "staging", "behavior", "commerce", "features", "models", "segments", "reports"
]


class Column(BaseModel):
    """A column: its DuckDB type, lower case, and what it means to an analyst.

    The type `source` stands for the type that the source gives to the column of that name. `sign`
    says of money or counts that they are never below 0 (+) or never above it (-). `categorical`
    texts are of few values: to put rows in order they are compared as numbers.
    """

    model_config = ConfigDict(extra="forbid")

    type: str
    description: str
    sign: Literal["+", "-"] | None = None
    categorical: bool = False


class Table(BaseModel):
    """A table of one layer.

    `key` names the columns that tell rows apart; rows are stored in its order. A table without
    one may hold equal rows. `partition_by`
    names the DATE column whose days are the partitions. A `ledger` remembers what happened
    when, one immutable file per run; every other table is a function of the landed files.
    `checks` are Great Expectations' own names with their arguments (see `quality`).
    `derived` columns are not stored: they are computed by these SQL expressions when read.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    layer: Layer
    description: str
    columns: dict[str, Column]
    key: list[str]
    partition_by: str | None = None
    ledger: bool = False
    derived: dict[str, str] = {}
    checks: list[dict[str, dict[str, Any]]] = []
    owner: str = "team:data"

    @property
    def stored_columns(self) -> dict[str, Column]:
        return self.deriving(()).columns

    def deriving(self, names: Collection[str]) -> "Table":
        """Return the table with only those of its derived columns."""
        derived = {name: value for name, value in self.derived.items() if name in names}
        columns = {n: c for n, c in self.columns.items() if n not in self.derived or n in derived}
        return self.model_copy(update={"columns": columns, "derived": derived})

    def with_source_types(self, types: dict[str, str]) -> "Table":
        """Return the table with each column type `source` replaced by the source's own."""
        columns = {
            name: column.model_copy(update={"type": types[name]})
            if column.type == "source"
            else column
            for name, column in self.columns.items()
        }
        return self.model_copy(update={"columns": columns})
