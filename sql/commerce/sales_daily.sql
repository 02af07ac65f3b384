/* ---
description: One row per day with sales, from the first to the last such day.
key: [sales_date]
requires: [purchase, value]
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
  return_event: {type: varchar, description: The event type that takes a purchase back.}
columns:
  sales_date: {type: date, description: "Day, business time."}
  sales_month: {type: date, description: First day of the month.}
  weekday: {type: bigint, description: "ISO weekday: 1 is Monday, 7 is Sunday."}
  n_lines: {type: bigint, description: Purchase lines.}
  n_orders: {type: bigint, description: Different orders.}
  n_customers: {type: bigint, description: Different known customers.}
  quantity: {type: "decimal(18,4)", description: Units sold.}
  revenue: {type: "decimal(18,4)", description: "Money of all purchases, customers unknown to the log included."}
  customer_lines: {type: bigint, description: Purchase lines of known customers.}
  customer_orders: {type: bigint, description: Different orders of known customers.}
  customer_revenue: {type: "decimal(18,4)", description: Money of the purchases of known customers.}
  returned_value: {type: "decimal(18,4)", description: "Money of what was taken back on the day, below zero."}
checks:
  - expect_column_values_to_be_between: {column: weekday, min_value: 1, max_value: 7}
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: revenue, column_B: customer_revenue, or_equal: true}
  - expect_column_values_to_be_between: {column: returned_value, max_value: 0}
--- */
with sales as (
    select
        event_date,
        customer_id,
        coalesce(
            cast(order_id as varchar),
            concat(cast(customer_id as varchar), '-', cast(event_ts as varchar))
        ) as order_id,
        event_type = getvariable('purchase_event') as is_purchase,
        event_type = getvariable('purchase_event') and customer_id is not null as is_of_customer,
        quantity,
        -- A log may write what was taken back with either sign.
        case when event_type = getvariable('purchase_event') then value else -abs(value) end
            as value,
    from events
    where event_type in (getvariable('purchase_event'), getvariable('return_event'))
)

select
    event_date as sales_date,
    cast(date_trunc('month', event_date) as date) as sales_month,
    cast(date_diff('day', date '2000-01-03', event_date) % 7 + 1 as bigint) as weekday,
    count(*) filter (where is_purchase) as n_lines,
    count(distinct order_id) filter (where is_purchase) as n_orders,
    count(distinct customer_id) filter (where is_purchase) as n_customers,
    cast(coalesce(sum(quantity) filter (where is_purchase), 0) as decimal(18,4)) as quantity,
    cast(coalesce(sum(value) filter (where is_purchase), 0) as decimal(18, 4)) as revenue,
    count(*) filter (where is_of_customer) as customer_lines,
    count(distinct order_id) filter (where is_of_customer) as customer_orders,
    cast(coalesce(sum(value) filter (where is_of_customer), 0) as decimal(18, 4))
        as customer_revenue,
    cast(coalesce(sum(value) filter (where not is_purchase), 0) as decimal(18, 4))
        as returned_value,
from sales
group by event_date
