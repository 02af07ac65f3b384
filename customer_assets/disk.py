"""Room on the disk: looked at before a run writes, by what it will write, with a reserve kept.

The reserve is for Dagster's history, spilled data and whoever else writes there. A run that finds
too little room stops before it wrote anything; one that meets a full disk all the same leaves what
is published as it was.
"""

import datetime as dt
import errno
import shutil
from collections.abc import Collection

from customer_assets import settings
from customer_assets.ingest.landing import LandingError, entries_of
from customer_assets.pipeline import AnyPipeline
from customer_assets.warehouse.source_warehouse import SourceWarehouse

_FULL = (errno.ENOSPC, errno.EDQUOT)
# As DuckDB, Polars and SQLite say it.
_FULL_IN_WORDS = ("No space left on device", "disk is full")
_WAY_OUT = (
    "Free some space, or set CUSTOMER_ASSETS_HOME to a folder on another disk, and run again."
)


class NoRoomError(OSError):
    """There is too little room for what is to be written. The text says how much and what to do."""


def demand_room(n_bytes: int = 0) -> None:
    """Raise NoRoomError where the home's disk cannot take so many bytes and keep the reserve."""
    there = next(path for path in (settings.home(), *settings.home().parents) if path.exists())
    free, reserve = shutil.disk_usage(there).free, settings.disk_reserve()
    if free < n_bytes + reserve:
        of_run = f"about {_megabytes(n_bytes)} for what is to be written, and " if n_bytes else ""
        raise NoRoomError(
            f"only {_megabytes(free)} of disk are free below {settings.home()}; needed are {of_run}"
            f"{_megabytes(reserve)} that are kept free (CUSTOMER_ASSETS_DISK_RESERVE). {_WAY_OUT}"
        )


def bytes_to_write(
    pipeline: AnyPipeline, warehouse: SourceWarehouse, days: Collection[dt.date] = ()
) -> int:
    """Return how much a run over some days will write, as far as that can be told before.

    What is replaced is taken to be as large as before, a new day as an average one, and new raw
    rows as large as their files. What is replaced stays on the disk while readers see it.
    """
    n_bytes = _new_landed_bytes(pipeline, warehouse)
    for name, table in pipeline.tables.items():
        manifest = warehouse.manifest(name)
        if table.partition_by is None:
            n_bytes += manifest.bytes
        elif known := manifest.days():
            usual = manifest.bytes // len(known)
            n_bytes += sum(
                sum(piece.bytes for piece in known[key]) if key in known else usual
                for key in map(str, days)
            )
    return n_bytes


def words_on(error: BaseException) -> str | None:
    """Return what to tell who meets a full disk; None where the error is another one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, NoRoomError):
            return str(cause)
        is_said = any(words in str(cause) for words in _FULL_IN_WORDS)
        if is_said or (isinstance(cause, OSError) and cause.errno in _FULL):
            free = _megabytes(shutil.disk_usage(settings.home()).free)
            return (
                f"the disk of {settings.home()} is full ({free} free). Nothing published was "
                f"harmed. {_WAY_OUT}"
            )
        cause = cause.__cause__ or cause.__context__
    return None


def _new_landed_bytes(pipeline: AnyPipeline, warehouse: SourceWarehouse) -> int:
    """Return the bytes of the landed files that came or changed since the last ingest."""
    published_at = warehouse.manifest("landed_files").published_at
    since = dt.datetime.fromisoformat(published_at).timestamp() if published_at else 0.0
    try:
        entries = entries_of(settings.landing() / pipeline.name, pipeline.source.patterns)
    except LandingError:
        return 0
    newest = ((max(e.modified_us, e.changed_us) / 1e6, e.bytes) for e in entries)
    return sum(n_bytes for moment, n_bytes in newest if moment > since)


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1_000_000:,.0f} MB"
