"""Everything Dagster knows of this project."""

import dagster as dg

from customer_assets.components.alert_sensors import ALERT_SENSORS
from customer_assets.components.liveness import gone_runs_sensor
from customer_assets.components.tidying import tidy_history, weekly_tidying
from customer_assets.components.warehouse_resource import WarehouseResource, duckdb_resource
from customer_assets.project import importable_project


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=importable_project()),
        dg.Definitions(
            resources={"warehouse": WarehouseResource(duckdb=duckdb_resource())},
            # A step in a process of its own costs seconds, in this process milliseconds.
            executor=dg.in_process_executor,
            jobs=[tidy_history],
            schedules=[weekly_tidying],
            sensors=[gone_runs_sensor, *ALERT_SENSORS],
        ),
    )
