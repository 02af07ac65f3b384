"""What `dg scaffold defs customer_assets.EventLog my_shop` writes."""

from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import BaseModel


class EventLogScaffoldParams(BaseModel):
    """What may be said on the command line, with `--files '*.csv'` and so on.

    `from_file` names a file of the log: then what it shows is drafted, as `inspect` does.
    """

    from_file: str | None = None
    files: str = "*.csv"
    customer_id: str = "customer_id"
    event_at: str = "event_at"
    event_type: str = "event_type"
    timezone: str = "UTC"
    first_day: str = "2025-01-01"


class EventLogScaffolder(dg.Scaffolder[EventLogScaffoldParams]):
    """Writes a defs.yaml that names the least that an event log must say."""

    @classmethod
    def get_scaffold_params(cls) -> type[EventLogScaffoldParams]:
        return EventLogScaffoldParams

    def scaffold(self, request: dg.ScaffoldRequest[EventLogScaffoldParams]) -> None:
        params = request.params or EventLogScaffoldParams()
        if params.from_file is not None:
            from customer_assets.ingest.inspect import inspect

            drafted = dict(inspect(Path(params.from_file)).settings)
            return dg.scaffold_component(request, drafted)
        attributes: dict[str, Any] = {
            "files": params.files,
            "columns": {
                "customer_id": params.customer_id,
                "event_at": {"from": params.event_at, "format": "iso"},
                "event_type": params.event_type,
            },
            "timezone": params.timezone,
            "first_day": params.first_day,
        }
        dg.scaffold_component(request, attributes)
