"""The ways in which a table's rows are kept, and what follows for computing them.

A table is computed whole or day by day; a ledger is written on, with what its function finds or
with how another table's rows changed. Each way says how rows are made and which are outdated.
Nothing else asks how a table is kept.
"""

import datetime as dt
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from customer_assets.warehouse.changes import Comparison, compare, remember
from customer_assets.warehouse.manifest import WHOLE, StagedPiece, TableStore
from customer_assets.warehouse.model import Model
from customer_assets.warehouse.versions import Version

if TYPE_CHECKING:
    from customer_assets.warehouse.engine import Output, Relation
    from customer_assets.warehouse.source_warehouse import Published, SourceWarehouse

Days = Sequence[dt.date] | None


def kind_of(
    warehouse: "SourceWarehouse", model: Model, parameters: Mapping[str, Any]
) -> "Whole | Changes":
    """Return how the rows of a model are made and published, and which of them are outdated."""
    if model.compares is not None:
        kind: type[Whole | Changes] = Changes
    elif model.table.ledger:
        kind = Ledger
    else:
        kind = Whole if model.table.partition_by is None else Daily
    return kind(warehouse, model, parameters)


@dataclass(frozen=True)
class _Kind:
    warehouse: "SourceWarehouse"
    model: Model
    parameters: Mapping[str, Any]

    @property
    def store(self) -> TableStore:
        return self.warehouse.store(self.model.name)

    @cached_property
    def version(self) -> Version:
        return self.model.version(self.parameters)

    def staged(self, output: "Output", inputs: str) -> StagedPiece:
        digest = self.version.digest
        return StagedPiece(output.path, output.rows, digest, inputs, output.content_hash)


class Whole(_Kind):
    """Computed at once from all rows of its inputs."""

    def materialize(self, days: Days) -> Iterator["Published"]:
        yield self._chunk(None)

    def outdated(self, days: Days) -> list[str]:
        published = self.warehouse.manifest(self.model.name).pieces
        return [
            key
            for key, inputs in self._inputs_versions(days).items()
            if key not in published
            or (published[key].code_version, published[key].inputs) != (self.version.digest, inputs)
            or published[key].damage(self.store.folder)
        ]

    def _chunk(self, days: Days) -> "Published":
        started = time.monotonic()
        warehouse, model = self.warehouse, self.model
        inputs = self._inputs(days)
        outputs = model.outputs(
            warehouse.engine, self._read(inputs), self.parameters, self.store.new_staged_file, days
        )
        versions = self._inputs_versions(days)
        staged = {
            self._key(key): self.staged(output, versions[key]) for key, output in outputs.items()
        }
        rows_read = sum(relation.rows for relation in inputs.values())
        published = warehouse.publish(
            model.name, staged, started=started, rows_read=rows_read, inputs=inputs
        )
        warehouse.remember_version(model.name, self.version)
        for output in outputs.values():
            if output.columns_read:
                warehouse.remember_columns_read(
                    model.name, self.version.digest, output.columns_read
                )
        computed_by = next((o.computed_by for o in outputs.values()), {})
        return replace(published, computed_by=computed_by)

    def _inputs(self, days: Days) -> dict[str, "Relation"]:
        return self.warehouse.inputs(self.model, self.parameters, days)

    def _inputs_versions(self, days: Days) -> dict[str, str]:
        return self.warehouse.inputs_versions(self.model, self.parameters, days)

    def _read(self, inputs: Mapping[str, "Relation"]) -> Mapping[str, "Relation"]:
        return inputs

    def _key(self, key: str) -> str:
        return key


class Daily(Whole):
    """Computed for the days that are asked for, in chunks, each published before the next."""

    def materialize(self, days: Days) -> Iterator["Published"]:
        if days is None:
            yield self._chunk(None)
            return
        for chunk in self.warehouse.chunks(self.model, sorted(days)):
            yield self._chunk(chunk)


class Ledger(Whole):
    """Written on: each run adds one file with what it found, and is given what others wrote.

    What the newest entry says already is not said again.
    """

    def materialize(self, days: Days) -> Iterator["Published"]:
        if self.outdated(days):
            yield self._chunk(None)
        else:
            yield self.warehouse.publish(self.model.name, {}, inputs=self._inputs(None))

    def outdated(self, days: Days) -> list[str]:
        inputs = self._inputs_versions(None)[WHOLE]
        is_said = self.warehouse.is_said(self.model.name, inputs, self.version.digest)
        return [] if is_said else [WHOLE]

    def _read(self, inputs: Mapping[str, "Relation"]) -> Mapping[str, "Relation"]:
        if not self.model.has_own_rows:
            return inputs
        return {**inputs, self.model.name: self.warehouse.relation(self.model.name)}

    def _key(self, key: str) -> str:
        return self.warehouse.next_entry(self.model.name)


class Changes(_Kind):
    """A ledger of how the rows of another table differ from those that it last saw."""

    def materialize(self, days: Days) -> Iterator["Published"]:
        started = time.monotonic()
        warehouse, model, comparison = self.warehouse, self.model, self._comparison()
        staged = {}
        # What was written down by a run that died before it remembered is not repeated.
        if comparison.before.files and not warehouse.is_said(model.name, comparison.version):
            outputs = model.outputs(
                warehouse.engine, comparison.views, self.parameters, self.store.new_staged_file
            )
            staged = {
                warehouse.next_entry(model.name): self.staged(output, comparison.version)
                for output in outputs.values()
            }
        inputs = warehouse.inputs(model, self.parameters, None) | dict(comparison.views)
        published = warehouse.publish(model.name, staged, started=started, inputs=inputs)
        warehouse.remember_version(model.name, self.version)
        remember(self.store.folder, comparison)
        yield published

    def outdated(self, days: Days) -> list[str]:
        return [] if self._comparison().is_up_to_date else [WHOLE]

    def _comparison(self) -> Comparison:
        compared = self.model.compares
        assert compared is not None
        of_table = self.warehouse.tables[compared]
        return compare(self.store.folder, of_table, self.warehouse.store(compared))
