"""customer_assets: customer behaviour from raw logs to segments and reports, as Dagster assets.

The rooms: `sources` (what a source states), `ingest` (landing files to raw tables),
`warehouse` (tables computed and published), `quality` (checks), `behavior`, `segments`,
`reports` (pure functions), `pipeline` (which tables a source has), `components` (the Dagster
side), `sample` (look-alike data), `defs/<source>/` (one folder per source).
"""

from typing import Any

__all__ = ["CustomerTable", "EventLog"]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    # Dagster looks here for component types; the pure rooms need not load Dagster for that.
    if name == "EventLog":
        from customer_assets.components.event_log import EventLog

        return EventLog
    if name == "CustomerTable":
        from customer_assets.components.customer_table import CustomerTable

        return CustomerTable
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
