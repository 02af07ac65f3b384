"""A table and how its rows come about: what every model is, whatever language it is written in.

`SqlModel` and `PythonModel` are the two languages, `kinds` the ways in which rows are kept. Nobody
else asks which of them a model is.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from customer_assets.warehouse.header import Header, Neighbours
from customer_assets.warehouse.table import Column, Table
from customer_assets.warehouse.versions import Version, table_parts

if TYPE_CHECKING:
    from customer_assets.warehouse.engine import DuckDBEngine, Output, Relation

# Parameters that move with the calendar: they are data, not a definition.
MOVING_PARAMETERS = frozenset({"last_complete_day", "complete_until_ts"})
# Parameters that say where something lies.
_PLACES = frozenset({"model_store"})

Lineage = dict[str, list[tuple[str, str]]]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A table that is computed from others.

    `inputs` are read; `optional_inputs` too by a source that has them. `parameters` are what it
    asks of the source by name. `requires` is what a source must offer, in the words of headers.
    `attributes` and `succession`: columns follow those of the header, see there. `engine` names
    the one that alone computes it, if so. `owner` names the source or the kind of source that alone
    has the model; `compares` the table whose rows before and after a run a ledger of changes
    compares; `has_own_rows`: a ledger whose function is given what other runs wrote.
    """

    language: ClassVar[str]

    path: Path
    table: Table
    inputs: tuple[str, ...]
    optional_inputs: tuple[str, ...] = ()
    neighbours: Mapping[str, Neighbours] = field(default_factory=dict)
    parameters: Mapping[str, Column | None] = field(default_factory=dict)
    requires: frozenset[str] = frozenset()
    attributes: bool = False
    succession: bool = False
    training: bool = False
    engine: str | None = None
    owner: str | None = None
    compares: str | None = None
    has_own_rows: bool = False

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def definitions(self) -> list[str]:
        """Return the names of the parameters whose values decide what the rows are."""
        return sorted(set(self.parameters) - MOVING_PARAMETERS - _PLACES)

    def version(self, parameters: Mapping[str, Any]) -> Version:
        """Return what its rows depend on beside the rows that it reads."""
        return Version({**self.own_parts(parameters), **table_parts(self.table)})

    def own_parts(self, parameters: Mapping[str, Any]) -> dict[str, str]:
        raise NotImplementedError

    def outputs(
        self,
        engine: "DuckDBEngine",
        inputs: Mapping[str, "Relation"],
        parameters: Mapping[str, Any],
        new_file: Callable[[], Path],
        days: Sequence[dt.date] | None = None,
    ) -> dict[str, "Output"]:
        """Compute its rows from published files, one file per day or one in all."""
        raise NotImplementedError

    def lineage(self, schemas: Mapping[str, Mapping[str, str]]) -> Lineage:
        """Return for each column the (table, column) pairs that its value comes from.

        `schemas` are the column types of the inputs, `inputs_read` what was read when it ran.
        """
        raise NotImplementedError

    def reading(self, there: Mapping[str, Table]) -> Self:
        """Return the model that reads those of its optional inputs that are there."""
        found = tuple(name for name in self.optional_inputs if name in there)
        return replace(self, inputs=(*self.inputs, *found)) if found else self


def model_fields(header: Header) -> dict[str, Any]:
    """Return the fields of a model that its header states."""
    return {
        "neighbours": header.inputs,
        "requires": frozenset(header.requires),
        "attributes": header.attributes,
        "succession": header.succession,
        "training": header.training,
        "engine": header.engine,
    }
