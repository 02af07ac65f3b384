"""Everything Dagster knows of this project."""

import functools
import os
import warnings
from typing import Any

import dagster as dg

from customer_assets import settings
from customer_assets.components.alert_sensors import ALERT_SENSORS
from customer_assets.components.liveness import gone_runs_sensor
from customer_assets.components.tidying import tidy_history, weekly_tidying
from customer_assets.components.warehouse_resource import WarehouseResource, duckdb_resource
from customer_assets.garbage import collect_seldom, not_collected
from customer_assets.project import component_tree, importable_project

# Files of these kinds describe sources and tables.
_DESCRIBING = {".py", ".sql", ".yaml"}


@dg.definitions
def defs() -> dg.Definitions:
    # Dagster's processes begin here.
    collect_seldom()
    return _defs_of(_state())


# One `dg launch` asks six times for the same.
@functools.lru_cache(maxsize=1)
def _defs_of(state: tuple[Any, ...]) -> dg.Definitions:
    with not_collected():
        return dg.Definitions.merge(
            dg.load_from_defs_folder(path_within_project=importable_project()),
            _of_runs(),
            dg.Definitions(
                jobs=[tidy_history],
                schedules=[weekly_tidying],
                sensors=[gone_runs_sensor, *ALERT_SENSORS],
            ),
        )


def defs_of_source(name: str) -> dg.Definitions:
    """Return what the jobs of one source need; of the other sources nothing is made."""
    with not_collected(), warnings.catch_warnings():
        # Used knowingly; of whole folders Dagster keeps these to itself too.
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.Definitions.merge(component_tree().build_defs(name), _of_runs())


def _state() -> tuple[Any, ...]:
    """Return what definitions follow from: the settings, and the files that describe them."""
    told = (each for each in os.environ.items() if each[0].startswith("CUSTOMER_ASSETS_"))
    roots = (settings.source_root(), *settings.table_roots())
    files = [path for root in roots for path in root.rglob("*") if path.suffix in _DESCRIBING]
    return (*sorted(told), *sorted((str(path), path.stat().st_mtime_ns) for path in files))


def _of_runs() -> dg.Definitions:
    return dg.Definitions(
        resources={"warehouse": WarehouseResource(duckdb=duckdb_resource())},
        # A step in a process of its own costs seconds, in this process milliseconds.
        executor=dg.in_process_executor,
    )
