"""The columns of events that only a source's configuration knows, and its key.

`raw_events` is read with the number of each copy of an event; `events` has the source's own
attributes and flags, and rows that differ in an attribute alone are different events.
"""

from collections.abc import Mapping
from dataclasses import replace

from customer_assets.ingest.rules import enabled
from customer_assets.sources import Column as SourceColumn
from customer_assets.sources import EventLogSource, as_column, sql_type
from customer_assets.warehouse.quoting import quoted
from customer_assets.warehouse.sql_model import SqlModel
from customer_assets.warehouse.table import Column, Table

_SEQUENCE = Column(
    type="bigint", description="The log's own running number; orders events of an instant."
)
_OPTIONAL = ("item_id", "item_name", "category_id", "order_id", "quantity", "unit_price")


def with_own_columns(columns: Mapping[str, Column], source: EventLogSource) -> dict[str, Column]:
    """Return the columns of raw_events with those that the source states, and its types of ids.

    Raises ValueError where an attribute or a flag takes the name of another column, or where an
    identifier is of a type that none can have.
    """
    found = {
        name: Column(type=_id_type(source, name), description=said.description)
        if said.type == "source"
        else said
        for name, said in columns.items()
    }
    source_file = found.pop("source_file")
    if source.columns.sequence is not None:
        found["sequence"] = _SEQUENCE
    for name, attribute in source.attributes.items():
        said = _origin(as_column(attribute))
        _add(found, name, Column(type=sql_type(attribute), description=said))
    for rule in enabled(source.rules, "flag"):
        meaning = rule.description or f"True where {rule.condition}."
        _add(found, f"is_{rule.name}", Column(type="boolean", description=meaning))
    _add(found, "source_file", source_file)
    return found


def _id_type(source: EventLogSource, name: str) -> str:
    kind = sql_type(getattr(source.columns, name))
    if kind not in ("varchar", "bigint"):
        raise ValueError(f"{name} is an identifier: its type is varchar or bigint, not {kind}")
    return kind


def _origin(column: SourceColumn) -> str:
    if column.constant is not None:
        return f"Always {column.constant}."
    if column.file_name is not None:
        return "From the name of the landed file."
    return f"Column {' or '.join(column.landed)} of the landed files."


def _add(columns: dict[str, Column], name: str, column: Column) -> None:
    if name in columns:
        raise ValueError(f"the column name {name!r} is taken twice; rename the attribute or rule")
    columns[name] = column


def with_copies(raw_events: Table, source: EventLogSource) -> Table:
    """Return raw_events as models read it: with the number of each copy of an event.

    Raises ValueError where the source's `key` names a column that there is not.
    """
    names = [name for name in raw_events.columns if name != "source_file"]
    unknown = sorted(set(source.key) - set(names))
    if unknown:
        raise ValueError(f"key: {', '.join(unknown)}: no such column; there are {', '.join(names)}")
    # Business time follows from event_ts, and null tells nothing apart: a longer key only costs
    # time.
    stored = [name for name in names if name not in raw_events.derived]
    key = [name for name in stored if name in source.key or (not source.key and name != "event_at")]
    first, *others = [quoted(name) for name in key if name != "event_date"] or ["event_date"]
    rest = [name for name in stored if name not in key] if source.key else []
    # Parted as events are when they are put in order, rows are sorted once for both.
    parted = f"partition by {first}, event_date"
    same = f"{parted} order by {', '.join(others or [first])}"
    order = ", ".join(map(quoted, [*rest, "source_file"]))
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
                **raw_events.derived,
                "occurrence": f"row_number() over ({same}, {order}) - rank() over ({same}) + 1",
                "n_copies": f"count(*) over ({same} range between current row and current row)",
            },
        }
    )


def with_attributes(table: Table, source: EventLogSource, is_shared: bool) -> Table:
    """Return a table of whole events with the source's own columns and their place in its key.

    `is_shared`: the table's file serves every source, so that columns that this one does not map
    are no part of its key, and are not stored: they are null in every row.
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
    derived = {}
    if is_shared:
        derived = nulls(table.with_source_types(source.source_types()).columns, source)
        key = [name for name in key if name not in derived]
    if source.columns.sequence is not None:
        own = {"sequence": _SEQUENCE, **own}
        key.insert(key.index("event_ts") + 1, "sequence")
    columns |= own | flags | {"source_file": source_file}
    return table.model_copy(update={"columns": columns, "key": key, "derived": derived})


def nulls(columns: Mapping[str, Column], source: EventLogSource) -> dict[str, str]:
    """Return, as the SQL that gives them, those columns that are null in every row of a source.

    They are not stored, and of a file nobody asks for them.
    """
    unmapped = _unmapped(source)
    return {name: f"null::{each.type}" for name, each in columns.items() if name in unmapped}


def _unmapped(source: EventLogSource) -> set[str]:
    """Return the canonical columns that are null in every row of a source."""
    mapped = source.columns
    unmapped = {name for name in _OPTIONAL if getattr(mapped, name) is None}
    if mapped.value is None and {"quantity", "unit_price"} & unmapped:
        unmapped.add("value")
    return unmapped


def without_held_days(model: SqlModel) -> SqlModel:
    """Return the model of events without the rows of days that a finding holds back."""
    held = "select event_date from held_days"
    sql = f"select *\nfrom (\n{model.sql}\n) as events_that_came\nwhere event_date not in ({held})"
    return replace(model, sql=sql, inputs=tuple(sorted({*model.inputs, "held_days"})))
