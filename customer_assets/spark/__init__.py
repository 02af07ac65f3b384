"""Heavy tables on an existing Apache Spark cluster, through Spark Connect, with the same rows.

Belongs here: which tables go there, what Spark is told, and what it says. Does not belong here:
how tables are described, audited and published (`warehouse`), which knows nothing of Spark. The
client is imported when the first table is sent, and only where a setting names a server.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import duckdb

from customer_assets import settings
from customer_assets.warehouse.engine import DuckDBEngine
from customer_assets.warehouse.model import Model
from customer_assets.warehouse.table import Table


@contextmanager
def engine_on(connection: duckdb.DuckDBPyConnection) -> Iterator[DuckDBEngine]:
    """Give the engine of the settings, which computes on a DuckDB connection and, if a Spark
    server is named, on a session there until the end. Raises SettingError."""
    address = settings.engine()
    if address is None:
        yield DuckDBEngine(connection)
        return
    from customer_assets.spark.engine import HybridEngine
    from customer_assets.spark.session import Cluster

    cluster = Cluster(address, settings.spark_seconds())
    try:
        yield HybridEngine(connection, cluster, settings.spark_from())
    finally:
        cluster.close()


def check_portable(models: Iterable[Model], tables: Mapping[str, Table]) -> None:
    """Raise ModelError for models that Spark would not compute alike, if the settings name one."""
    if settings.engine() is not None:
        from customer_assets.spark import translate

        translate.check_portable(models, tables)
