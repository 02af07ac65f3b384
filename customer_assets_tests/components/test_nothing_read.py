"""A source of which no row was read stops there, and its run is no success."""

import re

import dagster as dg
import pytest

from customer_assets import settings
from customer_assets.components.source_definitions import event_log_definitions, job_name
from customer_assets.components.warehouse_resource import WarehouseResource, duckdb_resource
from customer_assets.history import prepare_dagster_home
from customer_assets.pipeline import pipeline_of
from customer_assets.sources import EventLogSource

SOURCE = EventLogSource.model_validate(
    {
        "files": "*.csv",
        "columns": {"customer_id": "who", "event_at": "at"},
        "timezone": "UTC",
        "first_day": "2024-01-05",
        "last_day": "2024-01-05",
    }
)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("who,at\n1,2023-01-05\n", "1 of its 1 rows are rejected"),
        ("who,at\n1,soon\n", "none of its 1 rows can be read: not a time"),
        ("who,at\n", r"a\.csv \(loaded\): 0 of its 0 rows"),
        (None, r"no file in .* fits `files`"),
    ],
)
def test_a_source_without_a_row_stops_and_says_why(monkeypatch, content, why):
    folder = settings.landing() / "shop"
    folder.mkdir(parents=True)
    if content is not None:
        (folder / "a.csv").write_text(content)
    result = _refresh(monkeypatch)
    assert not result.success
    failures = {event.step_key: event for event in result.all_events if event.is_step_failure}
    assert list(failures) == ["shop__ingest"]
    data = failures["shop__ingest"].step_failure_data.user_failure_data
    assert re.search(why, data.description), data.description
    materialized = {e.asset_key.path[-1] for e in result.get_asset_materialization_events()}
    assert materialized - {"calendar"} == {
        "landed_files",
        "raw_events",
        "rejected_rows",
        "arrivals",
        "day_counts",
        "day_findings",
        "held_days",
    }


def _refresh(monkeypatch) -> dg.ExecuteInProcessResult:
    monkeypatch.setenv("DAGSTER_HOME", str(prepare_dagster_home()))
    definitions = dg.Definitions.merge(
        event_log_definitions(pipeline_of("shop", SOURCE)),
        dg.Definitions(
            resources={"warehouse": WarehouseResource(duckdb=duckdb_resource())},
            executor=dg.in_process_executor,
        ),
    )
    day = {f"dagster/asset_partition_range_{end}": "2024-01-05" for end in ("start", "end")}
    with dg.DagsterInstance.get() as instance:
        return definitions.resolve_job_def(job_name("refresh", "shop")).execute_in_process(
            instance=instance, raise_on_error=False, tags=day
        )
