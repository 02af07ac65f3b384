"""How DuckDB is opened, for whatever it is used: with the limits of the settings, and locked.

No other module opens a connection, save Dagster's resource, whose connections are locked here too.
A statement reaches the folders and files that its connection was opened for, and nothing else: no
other file, no network, no extension, and no setting of the connection, whoever wrote it.
"""

import functools
from collections.abc import Iterable
from pathlib import Path

import duckdb

from customer_assets import settings
from customer_assets.warehouse.quoting import literal


def connect(
    reached: Iterable[Path] = (),
    database: Path | None = None,
    *,
    read_only: bool = False,
    threads: int | None = None,
    tells_progress: bool = False,
) -> duckdb.DuckDBPyConnection:
    """Open a database, by default an empty one in memory, that reaches the given paths alone.

    Raises SettingError where a limit cannot be used, and duckdb.Error where the database cannot.
    """
    limits = settings.duckdb_limits()
    if threads is not None:
        limits["threads"] = threads
    connection = duckdb.connect(str(database or ":memory:"), read_only=read_only, config=limits)
    if tells_progress:
        # How far a statement is may be asked from another thread.
        connection.execute("set enable_progress_bar = true")
    return lock_down(connection, reached)


def lock_down(
    connection: duckdb.DuckDBPyConnection, reached: Iterable[Path]
) -> duckdb.DuckDBPyConnection:
    """Let a connection reach the given folders and files, and the spill folder, for good.

    A path that does not exist yet is a folder; a link is followed if what it leads to is reached.
    """
    files: list[str] = []
    folders = [str(settings.spill_folder())]
    for path in reached:
        (files if path.is_file() else folders).append(str(path.resolve()))
    # In a process that another one started DuckDB draws a bar of its own, into a log too.
    connection.execute("set enable_progress_bar_print = false")
    # DuckDB 1.5.6 ends with an internal error where it turns `row_number() ... = 1` over some
    # files of one day into an aggregate.
    connection.execute("set disabled_optimizers = 'top_n_window_elimination'")
    # A published file never changes: what its footer says need not be read for each statement.
    connection.execute("set parquet_metadata_cache = true")
    # In this order: afterwards nothing can be changed.
    connection.execute(f"set allowed_directories = {literal(folders)}")
    connection.execute(f"set allowed_paths = {literal(files)}")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def of_project() -> list[Path]:
    """Return what the tables of a project are computed from and written to.

    Where links may lead out of the landing folder, any file may be read.
    """
    folders = [settings.home(), settings.landing()]
    return [*folders, Path("/")] if settings.follows_links() else folders


@functools.cache
def scratch() -> duckdb.DuckDBPyConnection:
    """Return an empty database in memory that many statements share, each by a cursor of it.

    A new one for each would cost more than the statement.
    """
    return connect(threads=1)
