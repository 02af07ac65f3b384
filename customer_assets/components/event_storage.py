"""Dagster's event log in SQLite, with its connections kept open.

A range run over a year writes thousands of events. Dagster's own storage opens and closes the
database for each one, and waits for the disk each time; see
docs/decisions/0004-event-log-connections-stay-open.md. Schema, files and queries are Dagster's.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import sqlalchemy
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy.engine import Connection, Engine

_OPEN_DATABASES = 16


class OpenSqliteEventLogStorage(SqliteEventLogStorage):
    """SqliteEventLogStorage that keeps one connection per database and does not wait per event.

    In WAL mode with `synchronous = normal` a crash of the process loses nothing; a power cut may
    lose the last events and harms nothing before them.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        return cls(config_value["base_dir"], inst_data)

    def has_table(self, table_name: str) -> bool:
        # Dagster asks it of each event, by a connection of its own.
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        # Who closes a database last takes what waits in its -wal file into it.
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
                pool_size=1,
            )
            self._initdb(engine)
            sqlalchemy.event.listen(engine, "connect", _relax)
            engine.dispose()
            self._engines[shard] = engine
            # A web server reads the databases of many runs; it need not hold them all open.
            for other in list(self._engines)[:-_OPEN_DATABASES]:
                self._engines.pop(other).dispose()
        return self._engines[shard]


def _relax(connection: Any, _record: Any) -> None:
    connection.execute("pragma synchronous = normal")
