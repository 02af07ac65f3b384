"""The ways in which a table's rows are kept, and what follows for computing them.

A table is computed whole or day by day; a ledger is written on, with what its function finds or
with how another table's rows changed. Each way says how rows are made and which are outdated.
Nothing else asks how a table is kept.
"""

import datetime as dt
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from customer_assets.warehouse.changes import compare, remember
from customer_assets.warehouse.manifest import WHOLE, StagedPiece
from customer_assets.warehouse.model import Model

if TYPE_CHECKING:
    from customer_assets.warehouse.engine import Output, Relation
    from customer_assets.warehouse.source_warehouse import Published, SourceWarehouse


class Kind(Protocol):
    """How the rows of a model are made and published, and which of them are outdated."""

    def materialize(
        self,
        warehouse: "SourceWarehouse",
        model: Model,
        parameters: Mapping[str, Any],
        days: Sequence[dt.date] | None,
    ) -> Iterator["Published"]: ...

    def outdated(
        self,
        warehouse: "SourceWarehouse",
        model: Model,
        parameters: Mapping[str, Any],
        days: Sequence[dt.date] | None,
    ) -> list[str]: ...


def kind_of(model: Model) -> Kind:
    if model.compares is not None:
        return Changes(model.compares)
    if model.table.ledger:
        return Ledger()
    return Whole() if model.table.partition_by is None else Daily()


class Whole:
    """Computed at once from all rows of its inputs."""

    def materialize(
        self,
        warehouse: "SourceWarehouse",
        model: Model,
        parameters: Mapping[str, Any],
        days: Sequence[dt.date] | None,
    ) -> Iterator["Published"]:
        yield self._chunk(warehouse, model, parameters, None)

    def outdated(
        self,
        warehouse: "SourceWarehouse",
        model: Model,
        parameters: Mapping[str, Any],
        days: Sequence[dt.date] | None,
    ) -> list[str]:
        published = warehouse.manifest(model.name).pieces
        version, folder = model.version(parameters).digest, warehouse.store(model.name).folder
        return [
            key
            for key, inputs in warehouse.inputs_versions(model, parameters, days).items()
            if key not in published
            or (published[key].code_version, published[key].inputs) != (version, inputs)
            or published[key].damage(folder)
        ]

    def _chunk(
        self,
        warehouse: "SourceWarehouse",
        model: Model,
        parameters: Mapping[str, Any],
        days: Sequence[dt.date] | None,
    ) -> "Published":
        started = time.monotonic()
        inputs = warehouse.inputs(model, parameters, days)
        read = self._read(warehouse, model, inputs)
        new_file = warehouse.store(model.name).new_staged_file
        outputs = model.outputs(warehouse.engine, read, parameters, new_file, days)
        version = model.version(parameters)
        inputs_versions = warehouse.inputs_versions(model, parameters, days)
        staged = {
            self._key(warehouse, model, key): staged_piece(
                output, version.digest, inputs_versions[key]
            )
            for key, output in outputs.items()
        }
        rows_read = sum(relation.rows for relation in inputs.values())
        published = warehouse.publish(
            model.name, staged, started=started, rows_read=rows_read, inputs=inputs
        )
        warehouse.remember_version(model.name, version)
        for output in outputs.values():
            if output.columns_read:
                warehouse.remember_columns_read(model.name, version.digest, output.columns_read)
        return published

    def _read(
        self, warehouse: "SourceWarehouse", model: Model, inputs: Mapping[str, "Relation"]
    ) -> Mapping[str, "Relation"]:
        return inputs

    def _key(self, warehouse: "SourceWarehouse", model: Model, key: str) -> str:
        return key


class Daily(Whole):
    """Computed for the days that are asked for, in chunks, each published before the next."""

    def materialize(
        self,
        warehouse: "SourceWarehouse",
        model: Model,
        parameters: Mapping[str, Any],
        days: Sequence[dt.date] | None,
    ) -> Iterator["Published"]:
        if days is None:
            yield self._chunk(warehouse, model, parameters, None)
            return
        for chunk in warehouse.chunks(model, sorted(days)):
            yield self._chunk(warehouse, model, parameters, chunk)


class Ledger(Whole):
    """Written on: each run adds one file with what it found, and is given what others wrote.

    What the newest entry says already is not said again.
    """

    def materialize(
        self,
        warehouse: "SourceWarehouse",
        model: Model,
        parameters: Mapping[str, Any],
        days: Sequence[dt.date] | None,
    ) -> Iterator["Published"]:
        if self.outdated(warehouse, model, parameters, days):
            yield self._chunk(warehouse, model, parameters, None)
        else:
            inputs = warehouse.inputs(model, parameters, None)
            yield warehouse.publish(model.name, {}, inputs=inputs)

    def outdated(
        self,
        warehouse: "SourceWarehouse",
        model: Model,
        parameters: Mapping[str, Any],
        days: Sequence[dt.date] | None,
    ) -> list[str]:
        inputs = warehouse.inputs_versions(model, parameters)[WHOLE]
        version = model.version(parameters).digest
        return [] if warehouse.is_said(model.name, inputs, version) else [WHOLE]

    def _read(
        self, warehouse: "SourceWarehouse", model: Model, inputs: Mapping[str, "Relation"]
    ) -> Mapping[str, "Relation"]:
        if not model.has_own_rows:
            return inputs
        return {**inputs, model.name: warehouse.relation(model.name)}

    def _key(self, warehouse: "SourceWarehouse", model: Model, key: str) -> str:
        return warehouse.next_entry(model.name)


class Changes:
    """A ledger of how the rows of another table differ from those that it last saw."""

    def __init__(self, compared: str) -> None:
        self.compared = compared

    def materialize(
        self,
        warehouse: "SourceWarehouse",
        model: Model,
        parameters: Mapping[str, Any],
        days: Sequence[dt.date] | None,
    ) -> Iterator["Published"]:
        started = time.monotonic()
        store = warehouse.store(model.name)
        comparison = compare(
            store.folder, warehouse.tables[self.compared], warehouse.store(self.compared)
        )
        version = model.version(parameters)
        staged = {}
        # What was written down by a run that died before it remembered is not repeated.
        if comparison.before.files and not warehouse.is_said(model.name, comparison.version):
            outputs = model.outputs(
                warehouse.engine, comparison.views, parameters, store.new_staged_file
            )
            staged = {
                warehouse.next_entry(model.name): staged_piece(
                    output, version.digest, comparison.version
                )
                for output in outputs.values()
            }
        inputs = warehouse.inputs(model, parameters, None) | dict(comparison.views)
        published = warehouse.publish(model.name, staged, started=started, inputs=inputs)
        warehouse.remember_version(model.name, version)
        remember(store.folder, comparison)
        yield published

    def outdated(
        self,
        warehouse: "SourceWarehouse",
        model: Model,
        parameters: Mapping[str, Any],
        days: Sequence[dt.date] | None,
    ) -> list[str]:
        of_table = warehouse.store(self.compared)
        folder = warehouse.store(model.name).folder
        comparison = compare(folder, warehouse.tables[self.compared], of_table)
        return [] if comparison.is_up_to_date else [WHOLE]


def staged_piece(output: "Output", version: str, inputs: str) -> StagedPiece:
    return StagedPiece(output.path, output.rows, version, inputs, output.content_hash)
