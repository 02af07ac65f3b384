/* ---
description: >-
  One row per event, duplicates removed inside its day where the source says so, in the order
  of customer, time and key.
partition_by: event_date
key: [customer_id, event_ts, event_type, item_id, category_id, order_id, item_name, quantity, unit_price, value, occurrence]
attributes: true
succession: true
parameters:
  keep_duplicates: {type: boolean, description: Whether identical rows are events of their own.}
columns:
  customer_id: {type: source, description: Who did it; null where the log does not know.}
  event_ts: {type: bigint, description: "When, epoch microseconds (UTC)."}
  event_at: {type: timestamp, description: "When, business time."}
  event_date: {type: date, description: "Day of the event, business time; the partition."}
  event_type: {type: varchar, description: What happened.}
  item_id: {type: source, description: What it happened to.}
  item_name: {type: varchar, description: Name of the item.}
  category_id: {type: source, description: Category of the item.}
  order_id: {type: source, description: Order that the event belongs to.}
  quantity: {type: "decimal(18,4)", description: Units.}
  unit_price: {type: "decimal(18,4)", description: Price of one unit in the source's currency.}
  value: {type: "decimal(18,4)", description: Money of the event in the source's currency.}
  occurrence: {type: bigint, description: "k for the k-th of identical rows, where they are kept."}
  n_copies: {type: bigint, description: Landed rows that this event stands for.}
  source_file: {type: varchar, description: Landed file that the row came from.}
checks:
  - expect_column_values_to_not_be_null: {column: event_ts}
  - expect_column_values_to_not_be_null: {column: event_type}
--- */
with kept as (
    select
        * exclude (n_copies),
        case when getvariable('keep_duplicates') then 1 else n_copies end as n_copies,
    from raw_events
    where occurrence = 1 or getvariable('keep_duplicates')
)

-- The source's own attributes have names that only its defs.yaml knows.
select *
from kept
