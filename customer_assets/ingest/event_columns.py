"""The columns of events that only a source's configuration knows, and its key.

`raw_events` is read with the number of each copy of an event; `events` has the source's own
attributes and flags, and rows that differ in an attribute alone are different events.
"""

from customer_assets.ingest.raw_tables import tables
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.quoting import quoted
from customer_assets.warehouse.table import Column, Table

_OPTIONAL = ("item_id", "item_name", "category_id", "order_id", "quantity", "unit_price")


def tables_as_read(source: EventLogSource) -> dict[str, Table]:
    """Return the raw tables as models read them: raw_events with the number of each copy.

    Raises ValueError where the source's `key` names a column that there is not.
    """
    found = tables(source)
    return {**found, "raw_events": _with_copies(found["raw_events"], source)}


def _with_copies(raw_events: Table, source: EventLogSource) -> Table:
    names = [name for name in raw_events.columns if name != "source_file"]
    unknown = sorted(set(source.key) - set(names))
    if unknown:
        raise ValueError(f"key: {', '.join(unknown)}: no such column; there are {', '.join(names)}")
    # Business time follows from event_ts; a longer key only costs time.
    idle = {*_unmapped(source), "event_at"}
    key = source.key or [name for name in names if name not in idle]
    same = ", ".join(quoted(name) for name in dict.fromkeys(["event_date", *key]))
    rest = [name for name in names if name not in key] if source.key else []
    order = ", ".join(quoted(name) for name in [*rest, "source_file"])
    described = {
        "occurrence": "k for the k-th row of its day with the same key.",
        "n_copies": "Rows of the day with the same key.",
    }
    columns = {n: Column(type="bigint", description=text) for n, text in described.items()}
    return raw_events.model_copy(
        update={
            "key": [],
            "columns": {**raw_events.columns, **columns},
            "derived": {
                "occurrence": f"row_number() over (partition by {same} order by {order})",
                "n_copies": f"count(*) over (partition by {same})",
            },
        }
    )


def with_attributes(table: Table, source: EventLogSource, is_shared: bool) -> Table:
    """Return a table of whole events with the source's own columns and their place in its key.

    `is_shared`: the table's file serves every source, so that columns that this one does not map
    are no part of its key.
    """
    columns = dict(table.columns)
    source_file = columns.pop("source_file")
    flags = {
        f"is_{rule.name}": Column(type="boolean", description=rule.description or rule.condition)
        for rule in source.rules
        if rule.action == "flag" and rule.enabled
    }
    own = {
        name: Column(type=kind, description=f"The source's own attribute {name}.")
        for name, kind in source.attribute_types().items()
    }
    # Rows that differ in an attribute alone are different events.
    key = [name for name in table.key if name != "occurrence"] + [*own, "occurrence"]
    if is_shared:
        key = [name for name in key if name not in _unmapped(source)]
    if source.columns.sequence is not None:
        own = {"sequence": tables(source)["raw_events"].columns["sequence"], **own}
        key.insert(key.index("event_ts") + 1, "sequence")
    columns |= own | flags | {"source_file": source_file}
    return table.model_copy(update={"columns": columns, "key": key})


def _unmapped(source: EventLogSource) -> set[str]:
    """Return the canonical columns that are null in every row of a source."""
    mapped = source.columns
    unmapped = {name for name in _OPTIONAL if getattr(mapped, name) is None}
    if mapped.value is None and {"quantity", "unit_price"} & unmapped:
        unmapped.add("value")
    return unmapped
