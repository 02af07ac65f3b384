"""customer_assets: customer behaviour from raw logs to segments and reports, as Dagster assets.

The rooms: `sources` (what a source states), `ingest` (landing files to raw tables),
`warehouse` (tables computed and published), `quality` (checks), `behavior`, `segments`,
`reports` (pure functions), `pipeline` (which tables a source has), `ask` (questions on the
spot), `components` (the Dagster side), `cli` (the commands), `sample` (look-alike data),
`defs/<source>/` (one folder per source).
"""

from typing import Any

__all__ = ["CustomerTable", "EventLog", "open_warehouse"]


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
    if name == "open_warehouse":
        from customer_assets.ask import open_warehouse

        return open_warehouse
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
