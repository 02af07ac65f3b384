"""---
description: >-
  One row per row of the landed files that could be read and broke no rule, duplicates included,
  filed under its event day. Rows of a piece are in no order.
partition_by: event_date
columns:
  customer_id: {type: source, description: Who; null where the log does not say.}
  event_ts: {type: bigint, description: "When, in microseconds since 1970-01-01 UTC."}
  event_at: {type: timestamp, description: "When, in the source's business time."}
  event_date: {type: date, description: Day of event_at; the partition.}
  event_type:
    type: varchar
    description: "What happened, as the source names it."
    categorical: true
  item_id: {type: source, description: Which item.}
  item_name: {type: varchar, description: What the item is called.}
  category_id: {type: source, description: Which category of items.}
  order_id: {type: source, description: Which order.}
  quantity:
    type: "decimal(18,4)"
    description: "Number of items, or how much of one: 0.396 kg."
  unit_price:
    type: "decimal(18,4)"
    description: "Price of one item, in the source's currency."
  value:
    type: "decimal(18,4)"
    description: "Money of the event: as landed, or quantity x unit_price."
  source_file:
    type: varchar
    description: >-
      Landed file that the row was first read from, below the source's landing folder.
    categorical: true
checks:
  - expect_column_values_to_not_be_null: {column: event_ts}
  - expect_column_values_to_not_be_null: {column: event_at}
  - expect_column_values_to_not_be_null: {column: event_date}
  - expect_column_values_to_not_be_null: {column: event_type}
  - expect_column_values_to_not_be_null: {column: source_file}
---
"""

from customer_assets.ingest.event_columns import nulls, with_own_columns
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.table import Table


def describe(table: Table, source: EventLogSource) -> Table:
    first, last = source.day_range()
    days = {"column": "event_date", "min_value": first.isoformat()}
    if last is not None:
        days["max_value"] = last.isoformat()
    columns = with_own_columns(table.columns, source)
    return table.model_copy(
        update={
            "columns": columns,
            "derived": nulls(columns, source),
            "key": [name for name in columns if name != "source_file"],
            "checks": [*table.checks, {"expect_column_values_to_be_between": days}],
        }
    )
