/* ---
description: One row per weekday and hour of the day with sales, over the whole log.
key: [weekday, hour]
requires: [purchase, value]
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
columns:
  weekday: {type: bigint, description: "ISO weekday: 1 is Monday, 7 is Sunday."}
  hour: {type: bigint, description: "Hour of the day, business time, 0 to 23."}
  n_lines: {type: bigint, description: Purchase lines.}
  n_orders: {type: bigint, description: Different orders.}
  revenue: {type: "decimal(18,4)", description: Money of all purchases.}
  customer_lines: {type: bigint, description: Purchase lines of known customers.}
  customer_revenue: {type: "decimal(18,4)", description: Money of the purchases of known customers.}
checks:
  - expect_column_values_to_be_between: {column: weekday, min_value: 1, max_value: 7}
  - expect_column_values_to_be_between: {column: hour, min_value: 0, max_value: 23}
--- */
with purchases as (
    select
        cast(date_diff('day', date '2000-01-03', event_date) % 7 + 1 as bigint) as weekday,
        cast(extract(hour from event_at) as bigint) as hour,
        order_id,
        customer_id,
        value,
    from events
    where event_type = getvariable('purchase_event')
)

select
    weekday,
    hour,
    count(*) as n_lines,
    count(distinct order_id) as n_orders,
    cast(coalesce(sum(value), 0) as decimal(18, 4)) as revenue,
    count(*) filter (where customer_id is not null) as customer_lines,
    cast(coalesce(sum(value) filter (where customer_id is not null), 0) as decimal(18, 4))
        as customer_revenue,
from purchases
group by weekday, hour
