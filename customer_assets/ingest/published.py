"""What earlier runs published of a source's landed files, and whether it still holds.

Reads the manifests and landed_files; decides nothing about files that are there now.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from customer_assets.ingest.raw_tables import LOADED, tables
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.manifest import WHOLE, Manifest, TableStore
from customer_assets.warehouse.quoting import literal, quoted


@dataclass(frozen=True)
class LandedRow:
    """A row of landed_files."""

    file: str
    content_hash: str | None = None
    loaded_hash: str | None = None
    bytes: int = 0
    modified_at: dt.datetime | None = None
    changed_at: dt.datetime | None = None
    status: str = LOADED
    reason: str | None = None
    rows_landed: int = 0
    rows_loaded: int = 0
    rows_rejected: int = 0
    first_date: dt.date | None = None
    last_date: dt.date | None = None
    encoding: str | None = None
    delimiter: str | None = None
    time_format: str | None = None
    n_repeated_times: int = 0
    n_missing_times: int = 0
    n_rounded_amounts: int = 0
    kind: str | None = None
    columns: str | None = None
    previous_columns: str | None = None
    is_tried_again: bool = False

    def with_content_of(self, other: "LandedRow") -> "LandedRow":
        """Return this row with what `other` says about the content that is in the tables."""
        return replace(
            other,
            file=self.file,
            content_hash=self.content_hash,
            bytes=self.bytes,
            modified_at=self.modified_at,
            changed_at=self.changed_at,
            status=self.status,
            reason=self.reason,
            is_tried_again=self.is_tried_again,
        )


@dataclass(frozen=True)
class Published:
    """The published state of a source's ingest.

    `arrived` is what the ledger says that there is: rows landed less rows withdrawn, by the key
    of the piece of raw_events.
    """

    version: str | None
    files: Mapping[str, LandedRow]
    events: Manifest
    rejected: Manifest
    counts: Manifest
    arrived: Mapping[str, int]

    def contents(self) -> dict[str, LandedRow]:
        """Return the row that stands for each content in the tables, by its hash."""
        return {row.loaded_hash: row for row in self.files.values() if row.loaded_hash}

    def pieces(self, content: str) -> list[str]:
        """Return the keys of raw_events that hold rows of a content."""
        return [key for key in self.events.pieces if key.endswith(f"/{content}")]

    def holds(self, content: str, version: str) -> bool:
        """Say whether all rows of a content are in the tables, as this version makes them.

        A run that was stopped between two tables is told by their rows.
        """
        row = self.contents().get(content)
        if row is None or self.version != version:
            return False
        events = [self.events.pieces[key] for key in self.pieces(content)]
        rejected = self.rejected.pieces.get(content)
        pieces = [*events, rejected] if rejected else events
        return content in self.counts.pieces and (
            all(piece.code_version == version for piece in pieces)
            and sum(piece.rows for piece in events) == row.rows_loaded
            and (rejected.rows if rejected else 0) == row.rows_rejected
        )


def read_published(
    connection: duckdb.DuckDBPyConnection, source: EventLogSource, warehouse_folder: Path
) -> Published:
    """Return what is published of a source's ingest; nothing, if it never ran."""
    landed = TableStore(warehouse_folder / "landed_files")
    piece = landed.manifest().pieces.get(WHOLE)
    files: dict[str, LandedRow] = {}
    if piece is not None:
        rows = connection.sql(f"from read_parquet({literal(piece.file(landed.folder))})")
        # What an earlier release wrote may lack a column.
        columns = [name for name in tables(source)["landed_files"].columns if name in rows.columns]
        found = rows.select(", ".join(map(quoted, columns))).fetchall()
        files = {row[0]: LandedRow(**dict(zip(columns, row, strict=True))) for row in found}
    return Published(
        piece.code_version if piece else None,
        files,
        TableStore(warehouse_folder / "raw_events").manifest(),
        TableStore(warehouse_folder / "rejected_rows").manifest(),
        TableStore(warehouse_folder / "day_counts").manifest(),
        _arrived(connection, TableStore(warehouse_folder / "arrivals").files()),
    )


def _arrived(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> dict[str, int]:
    if not files:
        return {}
    listed = ", ".join(literal(file) for file in files)
    found = connection.execute(
        "select event_date || '/' || content_hash, "
        "sum(case change when 'landed' then rows else -rows end)::bigint as n_rows "
        f"from read_parquet([{listed}]) group by all having n_rows <> 0"
    ).fetchall()
    return dict(found)
