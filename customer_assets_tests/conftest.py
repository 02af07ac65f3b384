"""What several test folders share: paths, a connection, a small warehouse."""

import os
from pathlib import Path

import duckdb
import pytest

from customer_assets import settings


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """No test reads or writes the folders of whoever runs it."""
    monkeypatch.setenv("CUSTOMER_ASSETS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CUSTOMER_ASSETS_LANDING", str(tmp_path / "landing"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def real_landing() -> Path:
    """The landing folder with the real Online Retail set, where there is one."""
    folder = Path(os.environ.get("CUSTOMER_ASSETS_REAL") or settings.PROJECT_ROOT.parent / "shared")
    if not (folder / "landing" / "online_retail" / "online_retail.parquet").exists():
        pytest.skip(f"the real Online Retail set is not below {folder.name}/")
    return folder / "landing"
