/* ---
description: >-
  One row per order and day: the purchase lines that share an order number. Where the log has
  no order numbers, what a customer buys in one second is one order.
partition_by: order_date
key: [order_id, order_date, customer_id]
requires: [purchase]
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
columns:
  order_id: {type: varchar, description: "Order number, or customer and time where there is none."}
  order_date: {type: date, description: "Day of the order, business time; the partition."}
  customer_id: {type: source, description: Who ordered; null where the log does not know.}
  ordered_ts: {type: bigint, description: "First line of the order, epoch microseconds (UTC)."}
  ordered_at: {type: timestamp, description: "First line of the order, business time."}
  n_lines: {type: bigint, description: Purchase lines.}
  n_items: {type: bigint, description: Different items.}
  quantity: {type: "decimal(18,4)", description: Units; null where the log has none.}
  value: {type: "decimal(18,4)", description: Money of the order in the source's currency.}
checks:
  - expect_column_values_to_not_be_null: {column: order_id}
  - expect_column_values_to_be_between: {column: n_lines, min_value: 1}
  - expect_column_values_to_be_between: {column: value, min_value: 0}
--- */
with purchases as (
    select
        coalesce(
            cast(order_id as varchar),
            concat(cast(customer_id as varchar), '-', cast(event_ts as varchar))
        ) as order_id,
        event_date as order_date,
        customer_id,
        event_ts,
        event_at,
        item_id,
        quantity,
        value,
    from events
    where event_type = getvariable('purchase_event')
)

select
    order_id,
    order_date,
    customer_id,
    min(event_ts) as ordered_ts,
    min(event_at) as ordered_at,
    count(*) as n_lines,
    count(distinct item_id) as n_items,
    cast(sum(quantity) as decimal(18,4)) as quantity,
    cast(sum(value) as decimal(18, 4)) as value,
from purchases
group by order_id, order_date, customer_id
