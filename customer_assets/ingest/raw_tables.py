"""The raw tables of an event log as their files in `tables/raw/event_log/` describe them.

How the columns of raw_events are computed from a landed file stands in `mapping`, what the
configuration adds to them in `event_columns`.
"""

from collections.abc import Iterable
from pathlib import Path

from customer_assets import settings
from customer_assets.ingest.rules import condition_sql, enabled
from customer_assets.sources import CleaningRule, EventLogSource
from customer_assets.warehouse.engine import Relation, relation_sql
from customer_assets.warehouse.places import read_raw_tables
from customer_assets.warehouse.table import Column, Table

MONEY = "decimal(18,4)"

LOADED = "loaded"
LOOKUP = "lookup"
DUPLICATE = "duplicate"
WAITING = "waiting"
REFUSED = "refused"
PREVIOUS_KEPT = ", previous version kept"
GONE_KEPT = "gone, rows kept"


def raw_event_columns(source: EventLogSource) -> dict[str, Column]:
    """Return the columns of raw_events, in their order.

    Raises:
        ValueError: an attribute or a flag takes the name of another column.
    """
    return described(source)["raw_events"].columns


def stored_event_columns(source: EventLogSource) -> dict[str, Column]:
    """Return the columns of raw_events that its files have: those that the source maps."""
    return described(source)["raw_events"].stored_columns


def raw_events_of(source: EventLogSource, files: Iterable[Path]) -> str:
    """Return a SELECT of the rows of raw_events that some files hold."""
    return relation_sql(Relation(described(source)["raw_events"], list(files)))


def rule_columns(source: EventLogSource) -> dict[str, str]:
    """Return the columns, with their types, that a cleaning rule may name."""
    flags = {f"is_{rule.name}" for rule in enabled(source.rules, "flag")}
    return {
        name: column.type
        for name, column in raw_event_columns(source).items()
        if name not in flags and name != "source_file"
    }


def return_condition(source: EventLogSource) -> str | None:
    """Return as SQL when a purchase takes one back, over the columns of a row; null: never.

    Raises:
        ValueError: `return_when` is no condition over these columns.
    """
    if source.return_when is None:
        return None
    rule = CleaningRule(name="return_when", condition=source.return_when)
    return condition_sql(rule, rule_columns(source))


def tables(source: EventLogSource) -> dict[str, Table]:
    """Return the descriptions of the tables that the ingest fills.

    Raises:
        ValueError: a cleaning rule or `return_when` cannot be used, or two columns take one name.
    """
    for rule in source.rules:
        condition_sql(rule, rule_columns(source))
    return_condition(source)
    return described(source)


def described(source: EventLogSource) -> dict[str, Table]:
    """Return the raw tables as their files describe them, by name, with the source's columns."""
    return read_raw_tables(settings.table_roots(), "event_log", source)
