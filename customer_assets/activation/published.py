"""The published tables of a source as its readers see them: a snapshot of what belongs together."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from customer_assets.warehouse.catalog import snapshot_relations
from customer_assets.warehouse.connection import connect
from customer_assets.warehouse.engine import relation_sql
from customer_assets.warehouse.versions import digest


class NothingPublishedError(LookupError):
    """A source without the tables that a command needs. The text says which."""


@dataclass(frozen=True)
class Published:
    """Tables by name, and the version of each: a hash of the content of its files."""

    frames: dict[str, pl.DataFrame]
    versions: dict[str, str]

    def needs(self, *names: str) -> None:
        """Raise NothingPublishedError where one of the tables is not there."""
        missing = [name for name in names if name not in self.frames]
        if missing:
            raise NothingPublishedError(
                f"{', '.join(missing)} is not published: `customer-assets refresh` makes it, "
                "`customer-assets train` what models say"
            )


def published(source_folder: Path, names: Iterable[str]) -> Published:
    """Read those of the named tables that the last snapshot of a source has."""
    wanted = set(names)
    frames, versions = {}, {}
    with connect([source_folder]) as connection:
        for relation in snapshot_relations(source_folder):
            name = relation.table.name
            if name in wanted:
                frames[name] = connection.execute(relation_sql(relation)).pl()
                # Files are named by their content.
                versions[name] = digest(sorted(file.name for file in relation.files))[:12]
    return Published(frames, versions)
