"""The four raw tables of a source: their columns, types, keys, checks and descriptions.

What the columns of raw_events are called and typed for one source stands here, once; how they are
computed from a file stands in `mapping`.
"""

from typing import Any

from customer_assets.ingest.rules import condition_sql, enabled
from customer_assets.sources import (
    CANONICAL_COLUMNS,
    CleaningRule,
    EventLogSource,
    as_column,
    sql_type,
)
from customer_assets.sources import Column as SourceColumn
from customer_assets.warehouse.table import Column, Table

MONEY = "decimal(18,4)"

LOADED = "loaded"
LOOKUP = "lookup"
DUPLICATE = "duplicate"
WAITING = "waiting"
REFUSED = "refused"
PREVIOUS_KEPT = ", previous version kept"
STATUSES = [
    LOADED,
    LOOKUP,
    DUPLICATE,
    WAITING,
    WAITING + PREVIOUS_KEPT,
    REFUSED,
    REFUSED + PREVIOUS_KEPT,
]

_CANONICAL_TYPES = {
    "event_ts": ("bigint", "When, in microseconds since 1970-01-01 UTC."),
    "event_at": ("timestamp", "When, in the source's business time."),
    "event_date": ("date", "Day of event_at; the partition."),
    "event_type": ("varchar", "What happened, as the source names it."),
    "item_name": ("varchar", "What the item is called."),
    "quantity": (MONEY, "Number of items, or how much of one: 0.396 kg."),
    "unit_price": (MONEY, "Price of one item, in the source's currency."),
    "value": (MONEY, "Money of the event: as landed, or quantity x unit_price."),
}
_IDS = {
    "customer_id": "Who; null where the log does not say.",
    "item_id": "Which item.",
    "category_id": "Which category of items.",
    "order_id": "Which order.",
}


def raw_event_columns(source: EventLogSource) -> dict[str, Column]:
    """Return the columns of raw_events, in their order.

    Raises:
        ValueError: an attribute or a flag takes the name of another column.
    """
    columns: dict[str, Column] = {}
    for name in CANONICAL_COLUMNS[:-1]:
        if name in _IDS:
            columns[name] = Column(type=_id_type(source, name), description=_IDS[name])
        else:
            kind, description = _CANONICAL_TYPES[name]
            columns[name] = Column(type=kind, description=description)
    if source.columns.sequence is not None:
        columns["sequence"] = Column(
            type="bigint", description="The log's own running number; orders events of an instant."
        )
    for name, attribute in source.attributes.items():
        _add(columns, name, sql_type(attribute), _origin(as_column(attribute)))
    for rule in enabled(source.rules, "flag"):
        meaning = rule.description or f"True where {rule.condition}."
        _add(columns, f"is_{rule.name}", "boolean", meaning)
    _add(
        columns,
        "source_file",
        "varchar",
        "Landed file that the row was first read from, below the source's landing folder.",
    )
    return columns


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
    """Return the descriptions of landed_files, raw_events, rejected_rows and arrivals.

    Raises:
        ValueError: a cleaning rule or `return_when` cannot be used, or two columns take one name.
    """
    for rule in source.rules:
        condition_sql(rule, rule_columns(source))
    return_condition(source)
    described = [_landed_files(), _raw_events(source), _rejected_rows(), _arrivals()]
    return {table.name: table.model_copy(update={"owner": source.owner}) for table in described}


def _id_type(source: EventLogSource, name: str) -> str:
    column = getattr(source.columns, name)
    kind = sql_type(column)
    if kind not in ("varchar", "bigint"):
        raise ValueError(f"{name} is an identifier: its type is varchar or bigint, not {kind}")
    return kind


def _origin(column: SourceColumn) -> str:
    if column.constant is not None:
        return f"Always {column.constant}."
    if column.file_name is not None:
        return "From the name of the landed file."
    return f"Column {' or '.join(column.landed)} of the landed files."


def _add(columns: dict[str, Column], name: str, kind: str, description: str) -> None:
    if name in columns:
        raise ValueError(f"the column name {name!r} is taken twice; rename the attribute or rule")
    columns[name] = Column(type=kind, description=description)


def _not_null(column: str) -> dict[str, dict[str, Any]]:
    return {"expect_column_values_to_not_be_null": {"column": column}}


def _raw_events(source: EventLogSource) -> Table:
    first, last = source.day_range()
    days: dict[str, Any] = {"column": "event_date", "min_value": first.isoformat()}
    if last is not None:
        days["max_value"] = last.isoformat()
    required = ["event_ts", "event_at", "event_date", "event_type", "source_file"]
    return Table(
        name="raw_events",
        layer="raw",
        description="One row per row of the landed files that could be read and broke no rule, "
        "duplicates included, filed under its event day. Rows of a piece are in no order.",
        columns=raw_event_columns(source),
        key=[name for name in raw_event_columns(source) if name != "source_file"],
        partition_by="event_date",
        checks=[
            *(_not_null(column) for column in required),
            {"expect_column_values_to_be_between": days},
        ],
    )


def _rejected_rows() -> Table:
    return Table(
        name="rejected_rows",
        layer="raw",
        description="One row per landed row that is in no events: it cannot be read, or it breaks "
        "a rule. Where several reasons hold, the first one found stands.",
        columns={
            "file": Column(type="varchar", description="Landed file."),
            "row": Column(
                type="bigint",
                description="Where the row starts, counted from 1: the line of a text file, its "
                "header line included, or the row of a Parquet file.",
            ),
            "part": Column(
                type="bigint",
                description="k for the k-th rejected row of the place; above 1 only where rows.sql "
                "of the source makes several rows of one.",
            ),
            "column_name": Column(
                type="varchar",
                description="Column of the landed file that is at fault; null: the whole row.",
            ),
            "reason": Column(type="varchar", description="Why the row is rejected."),
            "event_date": Column(
                type="date", description="Event day, null where the row has no readable one."
            ),
            "raw_text": Column(
                type="varchar",
                description="The row as it stands in the file, a Parquet row as JSON; cut after "
                "10,000 characters, with a note of how many more there are.",
            ),
        },
        key=["file", "row", "part"],
        checks=[
            _not_null("file"),
            _not_null("row"),
            _not_null("reason"),
            _not_null("raw_text"),
            {"expect_compound_columns_to_be_unique": {"column_list": ["file", "row", "part"]}},
        ],
    )


def _landed_files() -> Table:
    described = {
        "file": ("varchar", "Path below the source's landing folder."),
        "content_hash": ("varchar", "Digest of the file's bytes; null where it was not read."),
        "loaded_hash": (
            "varchar",
            "Digest of the content that this file has in raw_events: its own, or that of its "
            "previous version where that one was kept; null: none.",
        ),
        "bytes": ("bigint", "Size on disk."),
        "modified_at": ("timestamp", "When the file landed: its last modification, UTC."),
        "changed_at": (
            "timestamp",
            "When the system last changed the file's entry, UTC; while it stands, the content "
            "need not be hashed again.",
        ),
        "status": (
            "varchar",
            "loaded; lookup (rows.sql looks things up in it); duplicate (its content counts under "
            "another name); waiting (still being written); refused. The last two say so where the "
            "previous version was kept.",
        ),
        "reason": ("varchar", "Why the file is not loaded, or what was noticed in it."),
        "rows_landed": ("bigint", "Rows of the content that counts: rows_loaded + rows_rejected."),
        "rows_loaded": ("bigint", "Rows in raw_events."),
        "rows_rejected": ("bigint", "Rows in rejected_rows."),
        "first_date": ("date", "First event day in raw_events."),
        "last_date": ("date", "Last event day in raw_events."),
        "encoding": ("varchar", "How the text is encoded; null for Parquet."),
        "delimiter": ("varchar", "What stands between the fields of a CSV file."),
        "time_format": ("varchar", "Format by which the time column was read."),
        "n_repeated_times": (
            "bigint",
            "Rows whose local time occurs twice, read as the first occurrence.",
        ),
        "n_missing_times": (
            "bigint",
            "Rows whose local time does not exist, moved forward by the gap.",
        ),
        "n_rounded_amounts": (
            "bigint",
            "Rows of raw_events with an amount of more than four decimals, which is rounded.",
        ),
    }
    columns = {
        name: Column(type=kind, description=meaning) for name, (kind, meaning) in described.items()
    }
    return Table(
        name="landed_files",
        layer="raw",
        description="One row per file that lies in the landing folder, whatever became of it.",
        columns=columns,
        key=["file"],
        checks=[
            _not_null("file"),
            {"expect_column_values_to_be_unique": {"column": "file"}},
            {"expect_column_values_to_be_in_set": {"column": "status", "value_set": STATUSES}},
            {
                "unexpected_rows_expectation": {
                    "unexpected_rows_query": "select * from {batch} "
                    "where rows_landed <> rows_loaded + rows_rejected"
                }
            },
        ],
    )


def _arrivals() -> Table:
    described = {
        "event_date": ("date", "Event day whose rows came or went."),
        "file": ("varchar", "Landed file that brought or took them."),
        "content_hash": ("varchar", "Digest of that file's bytes."),
        "change": ("varchar", "landed or withdrawn."),
        "rows": ("bigint", "Rows of that day."),
        "landed_at": (
            "timestamp",
            "When the change came, UTC: the file's last modification, or for a withdrawal when "
            "it was noticed.",
        ),
        "recorded_at": ("timestamp", "When the run took it in, UTC."),
        "run_id": ("varchar", "Run that took it in."),
    }
    columns = {
        name: Column(type=kind, description=meaning) for name, (kind, meaning) in described.items()
    }
    return Table(
        name="arrivals",
        layer="raw",
        description="One row per event day, file content and change: when rows of a day came or "
        "went. A ledger, from which late arrivals are told.",
        columns=columns,
        key=["recorded_at", "run_id", "event_date", "content_hash", "change"],
        ledger=True,
        checks=[
            _not_null("event_date"),
            {
                "expect_column_values_to_be_in_set": {
                    "column": "change",
                    "value_set": ["landed", "withdrawn"],
                }
            },
        ],
    )
