"""Published tables: immutable Parquet files and one manifest per table.

A table is a folder. Its `manifest.json` is the one truth about what is published: per partition
the file, its rows, bytes, content hash, and the versions of code and inputs it was made from.
New files are written under the source's `.staging` folder, checked there, moved to their final
name and named by the manifest, which is replaced by rename. So a killed step leaves nothing in
view, and a failed check leaves the previous version in view. Tables that are published as one are
named together in the source's `publishing.json` first: its rename is the moment from which all of
them count.

Damage counts as never computed: a manifest that cannot be read is replaced by the newest good one
of its history, which holds the present version too; see `recover` for files.

Does not belong here: locks (`lock`), SQL (`engine`), what readers see (`catalog`).
"""

import contextlib
import datetime as dt
import functools
import hashlib
import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from customer_assets.warehouse.versions import digest

logger = logging.getLogger("customer_assets")

MANIFEST = "manifest.json"
HISTORY = "history"
PUBLISHING = "publishing.json"
STAGING = ".staging"
# A folder of files below it that wait to be sealed into one.
PARTS = ".parts"
# The partition of a table that has none.
WHOLE = "all"
# How many manifests before the present one are kept.
KEPT_VERSIONS = 5
# A reader that opened the previous catalog may still be reading files that it names.
SWEEP_GRACE_SECONDS = 3600


class DamagedFileError(ValueError):
    """A file of the warehouse that cannot be read. The text names it and what is wrong with it."""


@dataclass(frozen=True)
class Piece:
    """One published Parquet file: a partition, or a file's share of one.

    `path` is relative to the table's folder. `content_hash` is equal for equal rows. `inputs`
    digests the content hashes of the input partitions it was computed from. `bytes`, `file_hash`
    and `modified_ns` (epoch nanoseconds) say what the file itself was when it was published.
    """

    path: str
    rows: int
    bytes: int
    content_hash: str
    code_version: str
    inputs: str = ""
    file_hash: str = ""
    modified_ns: int = 0

    def file(self, folder: Path) -> Path:
        """Return the file below a table's folder."""
        return _file(folder, self.path)

    def damage(self, folder: Path, deep: bool = False) -> str:
        """Say what is wrong with the file below a table's folder; nothing, if it is sound.

        A file whose time is the published one is taken for sound by its size, unless `deep`.
        """
        path = self.file(folder)
        try:
            status = path.stat()
            if status.st_size != self.bytes:
                return f"{status.st_size:,} bytes instead of {self.bytes:,}"
            untouched = not self.file_hash or status.st_mtime_ns == self.modified_ns
            if untouched and not (deep and self.file_hash):
                return ""
            found = _hash_of_version(path, status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError as error:
            return str(error.strerror or error)
        return "" if found == self.file_hash else "its bytes are other than those published"


# A plan over a year asks for the same files again and again.
@functools.lru_cache(maxsize=100_000)
def _file(folder: Path, path: str) -> Path:
    return folder / path


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

    @functools.cached_property
    def content_hash(self) -> str:
        """Return the hash of the whole table: equal for equal pieces."""
        return digest(f"{key}={piece.content_hash}" for key, piece in self.pieces.items())

    def document(self) -> dict[str, Any]:
        """Return the manifest as what JSON holds: see `as_manifest`."""
        pieces = {key: vars(piece) for key, piece in self.pieces.items()}
        return {"version": self.version, "published_at": self.published_at, "pieces": pieces}

    def days(self) -> Mapping[str, list[Piece]]:
        """Return the pieces by day, for tables whose partitions start with one."""
        return self._days

    @functools.cached_property
    def _days(self) -> dict[str, list[Piece]]:
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
        """Return what is published: the newest manifest that can be read."""
        being_published = _being_published(self.folder.parent)
        if self.folder.name in being_published:
            return as_manifest(being_published[self.folder.name])
        for path in manifest_files(self.folder):
            try:
                return read_manifest(path)
            except DamagedFileError as error:
                _warn_once(f"{error}; the newest good one of {self.folder / HISTORY} stands for it")
        return Manifest()

    def files(self, partitions: Iterable[str] | None = None) -> list[Path]:
        """Return the published files, of the given partitions or of all, in partition order."""
        pieces = self.manifest().pieces
        keys = pieces if partitions is None else [key for key in partitions if key in pieces]
        return [pieces[key].file(self.folder) for key in keys]

    def new_staged_file(self) -> Path:
        """Return a fresh path outside of the tree that readers look at."""
        return new_staged_file(self.folder.parent / STAGING, self.folder.name)

    def publish(self, staged: Mapping[str, StagedPiece], withdrawn: Iterable[str] = ()) -> Manifest:
        """Replace the given partitions, drop the withdrawn ones, leave all others as they are.

        All of it comes into view at once; what is equal to what is published writes nothing. The
        caller holds the source's writer lock.
        """
        return publish_as_one([Change(self, staged, withdrawn)])[0]

    def put_right(self) -> list[str]:
        """Write the newest good manifest in the place of damaged ones; return what they were."""
        damaged = {}
        for path in manifest_files(self.folder):
            try:
                read_manifest(path)
            except DamagedFileError as error:
                damaged[path] = str(error)
        if damaged:
            manifest = self.manifest()
            for path in damaged:
                path.unlink()
            if manifest.version:
                self._replace_manifest(manifest)
        return list(damaged.values())

    def _changed(self, staged: Mapping[str, StagedPiece], withdrawn: Iterable[str]) -> Manifest:
        """Return the manifest after a change; its files are in place, it names them not yet."""
        before = self.manifest()
        known = {piece.path: piece for piece in before.pieces.values()}
        pieces = dict(before.pieces)
        for key in withdrawn:
            pieces.pop(key, None)
        for key, piece in staged.items():
            pieces[key] = self._move_into_place(key, piece, known)
        if before.version and pieces == dict(before.pieces):
            return before
        return Manifest(before.version + 1, _now(), dict(sorted(pieces.items())))

    def place(self, key: str, content_hash: str) -> Path:
        """Return where a partition's rows of this content lie once they are published."""
        folder = self.folder
        if self.partition_by is not None:
            folder /= f"{self.partition_by}={key.split('/')[0]}"
        return folder / f"{content_hash}.parquet"

    def _move_into_place(self, key: str, staged: StagedPiece, known: Mapping[str, Piece]) -> Piece:
        content_hash = staged.content_hash or file_hash(staged.path)
        target = self.place(key, content_hash)
        folder = target.parent
        is_new = not folder.is_dir()
        folder.mkdir(parents=True, exist_ok=True)
        path = target.relative_to(self.folder).as_posix()
        if path in known and not known[path].damage(self.folder):
            # Same name means same rows: readers keep the file that they may be reading.
            staged.path.unlink()
            as_file = known[path]
        else:
            sync(staged.path)
            staged.path.replace(target)
            sync(folder)
            if is_new:
                sync(folder.parent)
            status = target.stat()
            as_file = Piece(
                path=path,
                rows=staged.rows,
                bytes=status.st_size,
                content_hash=content_hash,
                code_version=staged.code_version,
                file_hash=file_hash(target),
                modified_ns=status.st_mtime_ns,
            )
        return replace(
            as_file, rows=staged.rows, code_version=staged.code_version, inputs=staged.inputs
        )

    def _replace_manifest(self, manifest: Manifest) -> None:
        history = self.folder / HISTORY
        history.mkdir(parents=True, exist_ok=True)
        text = json.dumps(manifest.document())
        write_atomically(history / f"{manifest.version:06d}.json", text)
        write_atomically(self.folder / MANIFEST, text)
        for old in sorted(history.glob("*.json"))[: -KEPT_VERSIONS - 1]:
            old.unlink()


@dataclass(frozen=True)
class Change:
    """What shall be published of a table: new pieces, and partitions that go."""

    store: TableStore
    staged: Mapping[str, StagedPiece]
    withdrawn: Iterable[str] = ()


def publish_as_one(changes: Sequence[Change]) -> list[Manifest]:
    """Publish tables of one source: after a crash all of them count, or none does.

    Returns their manifests. The caller holds the source's writer lock.
    """
    manifests = [change.store._changed(change.staged, change.withdrawn) for change in changes]
    moved = [
        (change.store, manifest)
        for change, manifest in zip(changes, manifests, strict=True)
        if manifest != change.store.manifest()
    ]
    if len(moved) > 1:
        journal = moved[0][0].folder.parent / PUBLISHING
        document = {store.folder.name: manifest.document() for store, manifest in moved}
        write_atomically(journal, json.dumps(document))
        finish_publishing(journal.parent)
    else:
        for store, manifest in moved:
            store._replace_manifest(manifest)
    return manifests


def finish_publishing(source_folder: Path) -> None:
    """Write the manifests that a run had decided on when it was killed.

    The caller holds the source's writer lock.
    """
    for name, document in _being_published(source_folder).items():
        TableStore(source_folder / name)._replace_manifest(as_manifest(document))
    (source_folder / PUBLISHING).unlink(missing_ok=True)


def recover(stores: Iterable[TableStore]) -> list[str]:
    """Put manifests right and take damaged files out of them: these count as never computed.

    Returns each by its name, with what is wrong. The caller holds the source's writer lock.
    """
    found = []
    for store in stores:
        found += store.put_right()
        pieces = store.manifest().pieces
        damaged = {key: why for key, piece in pieces.items() if (why := piece.damage(store.folder))}
        found += [f"{pieces[key].file(store.folder)}: {why}" for key, why in damaged.items()]
        if damaged:
            store.publish({}, damaged)
    return found


def manifest_files(folder: Path) -> Iterator[Path]:
    """Yield a table's manifest, then those of its history, the newest first."""
    yield folder / MANIFEST
    yield from sorted((folder / HISTORY).glob("*.json"), reverse=True)


def read_manifest(path: Path) -> Manifest:
    """Return the manifest at `path`; where there is none, that of a table never published.

    Raises DamagedFileError.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return Manifest()
    except OSError as error:
        raise DamagedFileError(f"{path} cannot be read: {error}") from None
    return _manifest_of_version(path, status.st_mtime_ns, status.st_size, status.st_ino)


# A file is replaced by rename: a plan over a year asks for the same version hundreds of times.
@functools.lru_cache(maxsize=512)
def _manifest_of_version(path: Path, *_version: int) -> Manifest:
    document = read_json(path)
    if document is None:
        return Manifest()
    try:
        return as_manifest(document)
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedFileError(f"{path} is no manifest: {error!r}") from None


def read_json(path: Path) -> Any:
    """Return what a JSON file holds; None where there is no file.

    Raises DamagedFileError, also for a file that holds nothing.
    """
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DamagedFileError(f"{path} cannot be read: {error}") from None
    if document is None:
        raise DamagedFileError(f"{path} cannot be read: it says null")
    return document


def as_manifest(document: Mapping[str, Any]) -> Manifest:
    """Return the manifest that a JSON document stands for."""
    pieces = {key: Piece(**piece) for key, piece in document["pieces"].items()}
    return Manifest(int(document["version"]), str(document["published_at"]), pieces)


def _being_published(source_folder: Path) -> dict[str, Any]:
    try:
        document = read_json(source_folder / PUBLISHING)
    except DamagedFileError as error:
        _warn_once(f"{error}; the manifests stand as they are")
        return {}
    return dict(document or {})


@functools.cache
def _warn_once(text: str) -> None:
    logger.warning(text)


def sweep(
    source_folder: Path, in_view: Iterable[Path], grace_seconds: float = SWEEP_GRACE_SECONDS
) -> list[Path]:
    """Delete the files of a source that neither a kept manifest nor the catalog names.

    `in_view` are the files that the catalog names. Files younger than the grace period stay: a
    reader may still hold them. Returns what was deleted. The caller holds the writer lock.
    """
    named = set(in_view)
    for folder in {path.parent for path in source_folder.glob(f"*/{MANIFEST}")} | {
        path.parent for path in source_folder.glob(f"*/{HISTORY}")
    }:
        for manifest_file in manifest_files(folder):
            with contextlib.suppress(DamagedFileError):
                pieces = read_manifest(manifest_file).pieces.values()
                named.update(piece.file(folder) for piece in pieces)
    deadline = time.time() - grace_seconds
    swept = [
        path
        for path in source_folder.rglob("*.parquet")
        if path not in named and path.stat().st_mtime < deadline
    ]
    for path in swept:
        path.unlink()
    for parts in (source_folder / STAGING).glob(f"*{PARTS}"):
        if parts.stat().st_mtime < deadline:
            shutil.rmtree(parts, ignore_errors=True)
    return swept


def file_hash(path: Path) -> str:
    """Return the first 32 hexadecimal digits of the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


@functools.lru_cache(maxsize=100_000)
def _hash_of_version(path: Path, *_version: int) -> str:
    return file_hash(path)


def new_staged_file(staging: Path, table: str) -> Path:
    """Return a fresh path for a file of a table that waits to be published."""
    staging.mkdir(parents=True, exist_ok=True)
    return staging / f"{table}-{uuid.uuid4().hex}.parquet"


def sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: Path, text: str) -> None:
    """Replace a file's text by rename: a reader sees the old text or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync(path.parent)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
