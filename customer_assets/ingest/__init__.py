"""From landed files to raw tables: every row is loaded or rejected, and none is lost.

`tables` describes the raw tables of an event log; `prepare` reads what is new in its landing
folder and stages it for the caller to check and publish; `locate_rows` finds rows again in the
file that they came from. Knows no Dagster.
"""

from customer_assets.ingest.judging import day_checksums, read_accepted, remember_accepted
from customer_assets.ingest.landing import LandingError
from customer_assets.ingest.load import locate_rows
from customer_assets.ingest.plain import FileRefusedError
from customer_assets.ingest.raw_tables import tables
from customer_assets.ingest.rows_sql import RowsSqlError, read_rows_sql, rows_sql
from customer_assets.ingest.rules import RuleError
from customer_assets.ingest.staging import (
    FileReport,
    Ingest,
    ingest_version,
    prepare,
    staged_findings,
)
from customer_assets.ingest.times import TimeFormatError

__all__ = [
    "FileRefusedError",
    "FileReport",
    "Ingest",
    "LandingError",
    "RowsSqlError",
    "RuleError",
    "TimeFormatError",
    "day_checksums",
    "ingest_version",
    "locate_rows",
    "prepare",
    "read_accepted",
    "read_rows_sql",
    "remember_accepted",
    "rows_sql",
    "staged_findings",
    "tables",
]
