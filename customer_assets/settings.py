"""Where things lie and how much of the machine may be used, read from the environment.

Every command asks here, so that a variable holds for all of them. No other module reads the
environment. Paths of the project's own folders belong here too; what a single source says
belongs in its `defs.yaml`.
"""

import os
import re
from pathlib import Path

POSTGRES = "CUSTOMER_ASSETS_POSTGRES"

_PACKAGE = Path(__file__).resolve().parent
# The folder above the package: the checkout, of an installed wheel site-packages.
PROJECT_ROOT = _PACKAGE.parent
# Where what ships beside the modules lies: in a wheel it is packed into the package.
IS_WHEEL = (_PACKAGE / "sql").is_dir()
SHIPPED = _PACKAGE if IS_WHEEL else PROJECT_ROOT
SQL_ROOT = SHIPPED / "sql"
TABLES_ROOT = _PACKAGE / "tables"
# What says that a folder is a project of its own; `customer-assets init` writes it.
MARKER = "dg.toml"
_MARKED = 'registry_modules = ["customer_assets"]'


def project() -> Path:
    """Return the folder of one's own sources, tables and data.

    `CUSTOMER_ASSETS_PROJECT`, else the nearest folder from the working directory upwards that
    `customer-assets init` made, else the checkout that the package lies in. Raises SettingError
    where there is none of these.
    """
    if stated := os.environ.get("CUSTOMER_ASSETS_PROJECT"):
        return Path(stated).resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        marker = folder / MARKER
        if marker.is_file() and _MARKED in marker.read_text(encoding="utf-8"):
            return folder
    if not IS_WHEEL:
        return PROJECT_ROOT
    raise SettingError(
        f"{here} is in no project: make one with `customer-assets init shop`, and work in that "
        "folder, or name one by CUSTOMER_ASSETS_PROJECT"
    )


def table_roots() -> tuple[Path, ...]:
    """Return the folders that hold a folder of tables per layer; a later one replaces tables of
    an earlier one: a project's own those that ship."""
    own = project()
    return (SQL_ROOT, TABLES_ROOT, *(() if own == PROJECT_ROOT else (own / "sql", own / "tables")))


def source_root() -> Path:
    """Return the folder that holds a folder with a `defs.yaml` per source."""
    own = project()
    return _PACKAGE / "defs" if own == PROJECT_ROOT else own / "sources"


class SettingError(ValueError):
    """A variable of the environment that cannot be used. The text names it and what it takes."""


def home() -> Path:
    """Return the root of everything generated: `CUSTOMER_ASSETS_HOME`, by default `data/`."""
    return Path(os.environ.get("CUSTOMER_ASSETS_HOME") or project() / "data").resolve()


def landing() -> Path:
    """Return the folder of raw files, one sub-folder per source.

    `CUSTOMER_ASSETS_LANDING`, by default `data/landing/` of the project, also when only
    `CUSTOMER_ASSETS_HOME` was moved: raw files are not generated.
    """
    return Path(os.environ.get("CUSTOMER_ASSETS_LANDING") or default_landing()).resolve()


def default_landing() -> Path:
    return project() / "data" / "landing"


def is_default_landing() -> bool:
    """Say whether samples may be written: only the project's own landing folder takes them."""
    return not os.environ.get("CUSTOMER_ASSETS_LANDING")


def warehouse_folder() -> Path:
    return home() / "warehouse"


def catalog_file() -> Path:
    """Return the DuckDB file that holds one view per published table."""
    return home() / "warehouse.duckdb"


def bound_models_file() -> Path:
    """Return the file that remembers which statements were bound to their inputs before."""
    return home() / "bound_models.json"


def models_folder() -> Path:
    """Return the folder of promoted models."""
    return home() / "models"


def exposures_folder() -> Path:
    """Return the folder that remembers who was held out of which campaign; nothing makes it
    anew, so `clean` leaves it."""
    return home() / "exposures"


def reports_folder() -> Path:
    return home() / "reports"


def dagster_home() -> Path:
    """Return the folder of Dagster's own history, also for a bare `dg` (see `.env`)."""
    return home() / "dagster"


def postgres_url() -> str | None:
    """Return the PostgreSQL database that keeps Dagster's history; None: SQLite files do.

    Raises SettingError.
    """
    url = os.environ.get(POSTGRES) or None
    if url and not url.startswith("postgresql+psycopg2://"):
        # With no driver named, another one would be asked for, which Dagster does not use.
        raise SettingError(f"{POSTGRES}: it is an address such as postgresql+psycopg2:///name")
    return url


def memory_limit() -> str:
    """Return DuckDB's memory limit, for example `4GB`; beyond it DuckDB spills to disk.

    Raises SettingError.
    """
    limit = os.environ.get("CUSTOMER_ASSETS_MEMORY_LIMIT") or "4GB"
    if not _bytes(limit):
        raise SettingError(f"CUSTOMER_ASSETS_MEMORY_LIMIT={limit}: it is an amount such as 4GB")
    return limit.strip()


def disk_reserve() -> int:
    """Return the bytes of disk that a run leaves free, 500 MB by default. Raises SettingError."""
    stated = os.environ.get("CUSTOMER_ASSETS_DISK_RESERVE") or "500MB"
    reserve = _bytes(stated)
    if reserve is None:
        raise SettingError(
            f"CUSTOMER_ASSETS_DISK_RESERVE={stated}: it is an amount such as 500MB, or 0MB"
        )
    return reserve


def threads() -> int:
    """Return how many threads DuckDB may use. Raises SettingError."""
    stated = os.environ.get("CUSTOMER_ASSETS_THREADS") or str(os.cpu_count() or 1)
    if not re.fullmatch(r"\s*[1-9]\d{0,3}\s*", stated):
        raise SettingError(f"CUSTOMER_ASSETS_THREADS={stated}: it is a number from 1 on")
    return int(stated)


def engine() -> str | None:
    """Return the address of the Spark Connect server that computes the heavy tables, as
    `sc://host:15002`; None: DuckDB computes all of them.

    What follows host and port may be secret and is never shown. Raises SettingError.
    """
    address = os.environ.get("CUSTOMER_ASSETS_ENGINE") or "duckdb"
    if address == "duckdb":
        return None
    if not re.match(r"sc://[^/;:]+(:\d+)?(/|$)", address):
        raise SettingError("CUSTOMER_ASSETS_ENGINE: it is duckdb, or begins as sc://host:15002")
    return address


def spark_from() -> int:
    """Return how many rows a table reads from which on Spark computes it. Raises SettingError."""
    if os.environ.get("CUSTOMER_ASSETS_SPARK_FROM") == "0":
        return 0
    return _whole_number("CUSTOMER_ASSETS_SPARK_FROM", 50_000_000)


def spark_seconds() -> int:
    """Return how long Spark may compute one table, or chunk of days. Raises SettingError."""
    return _whole_number("CUSTOMER_ASSETS_SPARK_SECONDS", 3_600)


def _bytes(amount: str) -> int | None:
    """Return the bytes that an amount such as 4GB stands for; None where it is none."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT])(i?)B\s*", amount, re.IGNORECASE)
    if not match:
        return None
    power = "KMGT".index(match[2].upper()) + 1
    return round(float(match[1]) * (1024 if match[3] else 1000) ** power)


def follows_links() -> bool:
    """Say whether a link in a landing folder may lead out of it: CUSTOMER_ASSETS_FOLLOW_LINKS=1."""
    return os.environ.get("CUSTOMER_ASSETS_FOLLOW_LINKS") == "1"


def most_columns() -> int:
    """Return how many columns a landed file may have. Raises SettingError."""
    return _whole_number("CUSTOMER_ASSETS_MOST_COLUMNS", 2_000)


def most_unpacked() -> int:
    """Return how many times its packed size a landed file may be. Raises SettingError."""
    return _whole_number("CUSTOMER_ASSETS_MOST_UNPACKED", 100)


def longest_row() -> int:
    """Return how many bytes a row of a text file may have. Raises SettingError."""
    return _whole_number("CUSTOMER_ASSETS_LONGEST_ROW", 1 << 20)


def most_file_seconds() -> int:
    """Return how long the engine may read one landed file. Raises SettingError."""
    return _whole_number("CUSTOMER_ASSETS_FILE_SECONDS", 3_600)


def _whole_number(name: str, default: int) -> int:
    stated = os.environ.get(name) or str(default)
    if not re.fullmatch(r"\s*[1-9]\d{0,14}\s*", stated):
        raise SettingError(f"{name}={stated}: it is a whole number from 1 on")
    return int(stated)


def alert_url() -> str | None:
    """Return where alerts are sent to: `CUSTOMER_ASSETS_ALERT_URL`; null: nowhere.

    It may hold a secret and is never shown. Raises SettingError.
    """
    url = os.environ.get("CUSTOMER_ASSETS_ALERT_URL") or None
    if url is not None and not re.match(r"https?://[^/]", url):
        raise SettingError("CUSTOMER_ASSETS_ALERT_URL: it begins with http:// or https://")
    return url


def spill_folder() -> Path:
    return Path(os.environ.get("CUSTOMER_ASSETS_SPILL") or home() / "spill").resolve()


def duckdb_limits() -> dict[str, str | bool | int | float | list[str]]:
    """Return what a DuckDB connection may use, as its configuration."""
    return {
        "memory_limit": memory_limit(),
        "threads": threads(),
        "temp_directory": str(spill_folder()),
        # A landed file is split into days in one pass.
        "partitioned_write_max_open_files": 500,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }
