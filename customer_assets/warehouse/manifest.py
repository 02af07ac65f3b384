"""Published tables: immutable Parquet files and one manifest per table.

A table is a folder. Its `manifest.json` is the one truth about what is published: per partition
the file, its rows, bytes, content hash, and the versions of code and inputs it was made from.
New files are written under the source's `.staging` folder, checked there, moved to their final
name and named by the manifest, which is replaced by rename. So a killed step leaves nothing in
view, and a failed check leaves the previous version in view.

Does not belong here: locks (`lock`), SQL (`engine`), what readers see (`catalog`).
"""

import datetime as dt
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from customer_assets.warehouse.versions import digest

MANIFEST = "manifest.json"
STAGING = ".staging"
# The partition of a table that has none.
WHOLE = "all"
KEPT_VERSIONS = 5
# A reader that opened the previous catalog may still be reading files that it names.
SWEEP_GRACE_SECONDS = 3600


@dataclass(frozen=True)
class Piece:
    """One published Parquet file: a partition, or a file's share of one.

    `path` is relative to the table's folder. `content_hash` is equal for equal rows. `inputs`
    digests the content hashes of the input partitions it was computed from.
    """

    path: str
    rows: int
    bytes: int
    content_hash: str
    code_version: str
    inputs: str = ""


@dataclass(frozen=True)
class StagedPiece:
    """A Parquet file that waits to be published.

    `content_hash` may be given where the file's content is known by other means than its
    bytes (a piece of a landed file is known by that file's hash).
    """

    path: Path
    rows: int
    code_version: str
    inputs: str = ""
    content_hash: str | None = None


@dataclass(frozen=True)
class Manifest:
    """What is published of one table, at one moment. Partitions are in sorted order."""

    version: int = 0
    published_at: str = ""
    pieces: Mapping[str, Piece] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(piece.rows for piece in self.pieces.values())

    @property
    def bytes(self) -> int:
        return sum(piece.bytes for piece in self.pieces.values())

    @property
    def content_hash(self) -> str:
        """Return the hash of the whole table: equal for equal pieces."""
        return digest(f"{key}={piece.content_hash}" for key, piece in self.pieces.items())

    def days(self) -> dict[str, list[Piece]]:
        """Return the pieces by day, for tables whose partitions start with one."""
        days: dict[str, list[Piece]] = {}
        for key, piece in self.pieces.items():
            days.setdefault(key.split("/")[0], []).append(piece)
        return days


class TableStore:
    """The folder of one table: reads its manifest, stages files, publishes them."""

    def __init__(self, folder: Path, partition_by: str | None = None) -> None:
        self.folder = folder
        self.partition_by = partition_by

    def manifest(self) -> Manifest:
        return read_manifest(self.folder / MANIFEST)

    def files(self, partitions: Iterable[str] | None = None) -> list[Path]:
        """Return the published files, of the given partitions or of all, in partition order."""
        pieces = self.manifest().pieces
        keys = pieces if partitions is None else [key for key in partitions if key in pieces]
        return [self.folder / pieces[key].path for key in keys]

    def new_staged_file(self) -> Path:
        """Return a fresh path outside of the tree that readers look at."""
        staging = self.folder.parent / STAGING
        staging.mkdir(parents=True, exist_ok=True)
        return staging / f"{self.folder.name}-{uuid.uuid4().hex}.parquet"

    def publish(self, staged: Mapping[str, StagedPiece], withdrawn: Iterable[str] = ()) -> Manifest:
        """Replace the given partitions, drop the withdrawn ones, leave all others as they are.

        All of it comes into view at once. The caller holds the source's writer lock.
        """
        before = self.manifest()
        pieces = dict(before.pieces)
        for key in withdrawn:
            pieces.pop(key, None)
        for key, piece in staged.items():
            pieces[key] = self._move_into_place(key, piece)
        after = Manifest(before.version + 1, _now(), dict(sorted(pieces.items())))
        self._replace_manifest(before, after)
        return after

    def _move_into_place(self, key: str, staged: StagedPiece) -> Piece:
        content_hash = staged.content_hash or file_hash(staged.path)
        folder = self.folder
        if self.partition_by is not None:
            folder /= f"{self.partition_by}={key.split('/')[0]}"
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{content_hash}.parquet"
        # Same name means same content; an unlucky reader never sees a file change under it.
        if target.exists():
            staged.path.unlink()
            os.utime(target)
        else:
            staged.path.replace(target)
        return Piece(
            path=target.relative_to(self.folder).as_posix(),
            rows=staged.rows,
            bytes=target.stat().st_size,
            content_hash=content_hash,
            code_version=staged.code_version,
            inputs=staged.inputs,
        )

    def _replace_manifest(self, before: Manifest, after: Manifest) -> None:
        current = self.folder / MANIFEST
        current.parent.mkdir(parents=True, exist_ok=True)
        if before.version:
            history = self.folder / "history"
            history.mkdir(exist_ok=True)
            shutil.copy2(current, history / f"{before.version:06d}.json")
            for old in sorted(history.glob("*.json"))[:-KEPT_VERSIONS]:
                old.unlink()
        write_atomically(current, json.dumps(asdict(after), indent=1))


def read_manifest(path: Path) -> Manifest:
    """Return the manifest at `path`; a table that was never published has an empty one."""
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return Manifest()
    pieces = {key: Piece(**piece) for key, piece in document["pieces"].items()}
    return Manifest(document["version"], document["published_at"], pieces)


def sweep(
    source_folder: Path, in_view: Iterable[Path], grace_seconds: float = SWEEP_GRACE_SECONDS
) -> list[Path]:
    """Delete the files of a source that neither a kept manifest nor the catalog names.

    `in_view` are the files that the catalog names. Files younger than the grace period stay: a
    reader may still hold them. Returns what was deleted. The caller holds the writer lock.
    """
    named = set(in_view)
    for manifest_file in [
        *source_folder.glob(f"*/{MANIFEST}"),
        *source_folder.glob("*/history/*.json"),
    ]:
        folder = source_folder / manifest_file.relative_to(source_folder).parts[0]
        named.update(folder / piece.path for piece in read_manifest(manifest_file).pieces.values())
    deadline = time.time() - grace_seconds
    swept = [
        path
        for path in source_folder.rglob("*.parquet")
        if path not in named and path.stat().st_mtime < deadline
    ]
    for path in swept:
        path.unlink()
    return swept


def file_hash(path: Path) -> str:
    """Return the first 32 hexadecimal digits of the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def write_atomically(path: Path, text: str) -> None:
    """Replace a file's text by rename: a reader sees the old text or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
