"""Measures a log from the raw file to the last table, and one more day on top of 30."""

import argparse
import datetime as dt
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb

from customer_assets import settings
from customer_assets.components.warehouse_resource import duckdb_resource
from customer_assets.pipeline import event_log_pipeline
from customer_assets.quality import gx_duckdb  # noqa: F401  (its import is no table's cost)
from customer_assets.sample import write_sample
from customer_assets.warehouse.engine import DuckDBEngine
from customer_assets_tests.bench.log import scan_sql, write_log
from customer_assets_tests.conftest import SourceRun, read_source

SCANS = 5


def main() -> None:
    parser = argparse.ArgumentParser(prog="customer_assets_tests.bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="events of the log")
    parser.add_argument("--only", choices=["whole", "day"], help="one of the two parts")
    parser.add_argument("--folder", type=Path, help="where the log is kept between runs")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        logs = asked.folder or Path(temporary)
        if asked.only != "day":
            measure_whole(logs / "nine_days", Path(temporary) / "whole", asked.rows)
        if asked.only != "whole":
            measure_day(logs / "days", Path(temporary) / "day", asked.rows)
