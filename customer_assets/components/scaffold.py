"""What `dg scaffold defs customer_assets.EventLog my_shop` writes."""

from typing import Any

import dagster as dg
from pydantic import BaseModel


class EventLogScaffoldParams(BaseModel):
    """What may be said on the command line, with `--files '*.csv'` and so on."""

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
