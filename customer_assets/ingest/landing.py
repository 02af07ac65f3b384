"""Which files have landed: what lies in a source's landing folder, and what may be read yet.

Looks at names and file system entries only. What is in the files is the business of `readers`.
"""

import datetime as dt
import os
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from customer_assets import settings
from customer_assets.warehouse.versions import digest

# What browsers and copy tools call a file that they have not finished.
_UNFINISHED = (".part", ".partial", ".tmp", ".crdownload")
# A file that was touched this recently is looked at twice, a moment apart.
_RECENT_SECONDS = 5
_MOMENT_SECONDS = 0.2


class LandingError(Exception):
    """A landing folder of which nothing sensible can be made; the text says what to do."""


@dataclass(frozen=True)
class Entry:
    """A file system entry of the landing folder.

    `file` is its path below the folder, with forward slashes; times are epoch microseconds.
    `fault` says why it can be no landed file, `waiting` why it must not be read yet.
    """

    file: str
    path: Path
    bytes: int = 0
    modified_us: int = 0
    changed_us: int = 0
    fault: str | None = None
    waiting: str | None = None

    @property
    def version(self) -> tuple[object, ...]:
        """What tells one state of the file from another; a rename or a copy counts too."""
        return (self.bytes, self.modified_us, self.changed_us, self.fault)

    def has_changed(self) -> bool:
        """Say whether the file is another one now, or is gone."""
        again = _entry(self.file, self.path)
        return again.version != self.version


def list_files(folder: Path, patterns: Sequence[str], now: dt.datetime) -> list[Entry]:
    """Return what matches the patterns below a landing folder, in the order of its names.

    Names that start with a dot, and what lies below such a folder, are no landed files. A file
    that is still being written, by its name or because it changes while we look, waits.

    Raises:
        LandingError: the folder cannot be read, or a pattern leads out of it.
    """
    entries = entries_of(folder, patterns)
    if any(_is_recent(entry, now) for entry in entries):
        time.sleep(_MOMENT_SECONDS)
        entries = [_seen_twice(entry) if _is_recent(entry, now) else entry for entry in entries]
    return entries


def entries_of(folder: Path, patterns: Sequence[str]) -> list[Entry]:
    """Return what `list_files` does by one look at each file, which may still be written.

    Raises LandingError as that does.
    """
    if not folder.is_dir():
        raise LandingError(
            f"the landing folder {folder} does not exist: create it and put the files there, or "
            "set CUSTOMER_ASSETS_LANDING; until then what was loaded stays"
        )
    _raise_if_unreadable(folder)
    return [_within(folder, _entry(name, folder / name)) for name in _names(folder, patterns)]


def fingerprint(entries: Sequence[Entry], configuration: str) -> str:
    """Digest which files may be read now, as they are, and by what they are read."""
    files = (f"{entry.file} {entry.version}" for entry in entries if not entry.waiting)
    return digest([configuration, *files])


def _raise_if_unreadable(folder: Path) -> None:
    """Files in a folder that cannot be listed are not gone: nothing may be withdrawn for them."""

    def complain(error: OSError) -> None:
        raise LandingError(f"the landing folder {error.filename} cannot be read: {error.strerror}")

    for _ in os.walk(folder, onerror=complain):
        pass


def _is_recent(entry: Entry, now: dt.datetime) -> bool:
    if entry.fault or entry.waiting:
        return False
    return abs(now.timestamp() - entry.modified_us / 1_000_000) < _RECENT_SECONDS


def _names(folder: Path, patterns: Sequence[str]) -> list[str]:
    names: set[str] = set()
    for pattern in patterns:
        parts = PurePosixPath(pattern).parts
        if not parts or ".." in parts or PurePosixPath(pattern).is_absolute():
            raise LandingError(
                f"files: {pattern!r} must be a pattern below the landing folder {folder}"
            )
        names.update(_matches(folder, pattern))
        if not pattern.endswith("**"):
            for suffix in _UNFINISHED:
                names.update(_matches(folder, pattern + suffix))
    return sorted(names)


def _matches(folder: Path, pattern: str) -> Iterator[str]:
    try:
        for path in folder.glob(pattern):
            name = path.relative_to(folder)
            # A folder is taken for a file gone wrong only where it is called like one.
            is_folder = path.is_dir() and not (path.suffix and pattern.endswith(path.suffix))
            if not is_folder and not any(part.startswith(".") for part in name.parts):
                yield name.as_posix()
    except (OSError, ValueError) as error:
        raise LandingError(f"files: {pattern!r} cannot be looked for: {error}") from error


def fault_of_link(folder: Path, path: Path) -> str | None:
    """Return why a file is not read that a link leads to from a landing folder; None if it is."""
    if settings.follows_links() or path.resolve().is_relative_to(folder.resolve()):
        return None
    return (
        "it is a link out of the landing folder, which is not followed; "
        "CUSTOMER_ASSETS_FOLLOW_LINKS=1 follows links"
    )


def _within(folder: Path, entry: Entry) -> Entry:
    fault = fault_of_link(folder, entry.path)
    return replace(entry, fault=fault) if fault else entry


def _entry(file: str, path: Path) -> Entry:
    try:
        status = path.stat()
    except OSError as error:
        return Entry(file, path, fault=f"it cannot be read: {error.strerror}")
    fault = None
    if stat.S_ISDIR(status.st_mode):
        fault = "it is a folder"
    elif not stat.S_ISREG(status.st_mode):
        fault = "it is no regular file"
    elif not os.access(path, os.R_OK):
        fault = "it cannot be read: no permission"
    waiting = f"its name ends in {path.suffix}" if path.suffix.lower() in _UNFINISHED else None
    return Entry(
        file,
        path,
        status.st_size,
        status.st_mtime_ns // 1000,
        status.st_ctime_ns // 1000,
        fault,
        waiting,
    )


def _seen_twice(entry: Entry) -> Entry:
    again = _entry(entry.file, entry.path)
    if again.version == entry.version:
        return again
    return replace(again, waiting="it is still being written")
