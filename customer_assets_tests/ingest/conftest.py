"""Fixtures of the ingest tests."""

from pathlib import Path

import duckdb
import pytest
from ingest_shop import Shop


@pytest.fixture
def shop(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> Shop:
    return Shop(tmp_path / "shop", connection)
