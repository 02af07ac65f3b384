/* ---
description: >-
  One row per order, with its money and what of it came back. What an order is says order_lines.
key: [order_id, order_date, customer_id]
requires: [purchase]
columns:
  order_key: {type: varchar, description: "The order, as in order_lines."}
  order_id: {type: varchar, description: "Order number, or customer and day, or instant, where there is none."}
  order_date: {type: date, description: "Day of the order's first line, business time."}
  customer_id: {type: source, description: Who ordered; null where the log does not know.}
  ordered_ts: {type: bigint, description: "First line of the order, epoch microseconds (UTC)."}
  ordered_at: {type: timestamp, description: "First line of the order, business time."}
  n_lines: {type: bigint, description: Purchase lines.}
  n_items: {type: bigint, description: Different items.}
  quantity: {type: "decimal(18,4)", description: Units; null where the log has none.}
  value: {type: "decimal(18,4)", description: "Money of the order in the source's currency, gross."}
  returned_value: {type: "decimal(18,4)", description: "Money of it that came back, an amount above zero; null where the log knows no money."}
  net_value: {type: "decimal(18,4)", description: Money of it that stayed.}
  is_mostly_returned: {type: boolean, description: Whether more than half of its money came back.}
checks:
  - expect_column_values_to_not_be_null: {column: order_id}
  - expect_column_values_to_be_between: {column: n_lines, min_value: 1}
  - unexpected_rows_expectation:
      name: orders_are_worth_something
      severity: warn
      description: >-
        No order is worth less than nothing. Where refunds are written as purchases below zero, say
        so by return_when (such as quantity < 0), or by return_event where a kind of event says it.
      unexpected_rows_query: >-
        select order_id, order_date, customer_id, value from {batch} where value < 0
--- */
with placed as (
    select
        order_key,
        min(order_id) as order_id,
        min(order_date) as order_date,
        arg_min(customer_id, event_ts) filter (where customer_id is not null) as customer_id,
        min(event_ts) as ordered_ts,
        min(event_at) as ordered_at,
        count(*) as n_lines,
        count(distinct item_id) as n_items,
        cast(sum(quantity) as decimal(18, 4)) as quantity,
        cast(sum(value) as decimal(18, 4)) as value,
    from order_lines
    group by order_key
),

came_back as (
    select
        order_key,
        cast(sum(returned_value) as decimal(18, 4)) as returned_value,
    from order_returns
    where order_key is not null
    group by order_key
),

netted as (
    select
        placed.*,
        case
            when placed.value is not null
                then cast(coalesce(came_back.returned_value, 0) as decimal(18, 4))
        end as returned_value,
    from placed
    left join came_back on placed.order_key = came_back.order_key
)

select
    order_key,
    order_id,
    order_date,
    customer_id,
    ordered_ts,
    ordered_at,
    n_lines,
    n_items,
    quantity,
    value,
    returned_value,
    cast(value - returned_value as decimal(18, 4)) as net_value,
    coalesce(returned_value > 0 and 2 * returned_value > value, false) as is_mostly_returned,
from netted
