"""Ledgers of changes: what a table's partitions were when a ledger last looked at them."""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from customer_assets.warehouse.engine import Relation
from customer_assets.warehouse.manifest import (
    DamagedFileError,
    TableStore,
    read_json,
    write_atomically,
)
from customer_assets.warehouse.table import Table
from customer_assets.warehouse.versions import digest

logger = logging.getLogger("customer_assets")

_SEEN = "compared.json"


@dataclass(frozen=True)
class Comparison:
    """The partitions that changed since the ledger last looked, as they were and as they are.

    A partition that is new is no change. `version` is equal for the same comparison.
    """

    table: Table
    before: Relation
    after: Relation
    version: str
    seen: Mapping[str, str]
    present: Mapping[str, str]

    @property
    def is_up_to_date(self) -> bool:
        return self.seen == self.present

    @property
    def views(self) -> dict[str, Relation]:
        """Return the inputs of the ledger's SQL by name."""
        return {
            f"{self.table.name}_before": self.before,
            f"{self.table.name}_after": self.after,
        }


def compare(ledger_folder: Path, table: Table, store: TableStore) -> Comparison:
    """Compare what is published of a table with what its ledger has seen."""
    state = ledger_folder / _SEEN
    seen = _seen(state).get(table.name, {})
    present = {key: piece.path for key, piece in store.manifest().pieces.items()}
    changed = sorted(key for key, path in seen.items() if present.get(key) != path)
    before = [store.folder / seen[key] for key in changed]
    after = [store.folder / present[key] for key in changed if key in present]
    version = digest([*map(str, before), "to", *map(str, after)])
    return Comparison(
        table, Relation(table, before), Relation(table, after), version, seen, present
    )


def remember(ledger_folder: Path, comparison: Comparison) -> None:
    """Let the next comparison start from here."""
    seen = {comparison.table.name: dict(comparison.present)}
    write_atomically(ledger_folder / _SEEN, json.dumps(seen))


def _seen(state: Path) -> dict[str, dict[str, str]]:
    """Return what a ledger saw; nothing, as at its first look, where that cannot be read."""
    try:
        return dict(read_json(state) or {})
    except (DamagedFileError, TypeError, ValueError) as error:
        logger.warning("%s: the next change is compared with what is published now", error)
        return {}


def seen_files(source_folder: Path) -> Iterator[Path]:
    """Yield the files that the next comparisons will read: they must not be swept."""
    for state in source_folder.glob(f"*/{_SEEN}"):
        for table, files in _seen(state).items():
            for file in files.values():
                yield source_folder / table / file
