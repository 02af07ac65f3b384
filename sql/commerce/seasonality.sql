/* ---
description: >-
  One row per weekday and hour of the day with sales, over the whole log. An order counts in the
  hour of its first line, with what of it came back; a return of something that was not sold in the
  log in its own hour.
key: [weekday, hour]
requires: [purchase, value]
columns:
  weekday: {type: bigint, description: "ISO weekday: 1 is Monday, 7 is Sunday."}
  hour: {type: bigint, description: "Hour of the day, business time, 0 to 23."}
  n_lines: {type: bigint, description: Purchase lines.}
  n_orders: {type: bigint, description: "Different orders, as in order_lines."}
  revenue: {type: "decimal(18,4)", description: "Gross money of all purchases, customers unknown to the log included."}
  customer_lines: {type: bigint, description: Purchase lines of known customers.}
  customer_revenue: {type: "decimal(18,4)", description: Gross money of the purchases of known customers.}
  returned_value: {type: "decimal(18,4)", description: "Money of these sales that came back, an amount above zero."}
  net_revenue: {type: "decimal(18,4)", description: "Money that stayed: revenue less returned_value."}
checks:
  - expect_column_values_to_be_between: {column: weekday, min_value: 1, max_value: 7}
  - expect_column_values_to_be_between: {column: hour, min_value: 0, max_value: 23}
--- */
with unsold as (
    select
        returned_date,
        returned_at,
        returned_value,
    from order_returns
    where order_key is null
),

sales as (
    select
        order_date as sales_date,
        ordered_at as sold_at,
        customer_id,
        n_lines,
        1 as n_orders,
        coalesce(value, 0) as value,
        coalesce(returned_value, 0) as returned_value,
    from orders
    union all
    select
        returned_date as sales_date,
        returned_at as sold_at,
        null as customer_id,
        0 as n_lines,
        0 as n_orders,
        0 as value,
        returned_value,
    from unsold
),

hourly as (
    select
        cast(date_diff('day', date '2000-01-03', sales_date) % 7 + 1 as bigint) as weekday,
        cast(extract(hour from sold_at) as bigint) as hour,
        customer_id is not null as is_of_customer,
        n_lines,
        n_orders,
        value,
        returned_value,
    from sales
)

select
    weekday,
    hour,
    cast(sum(n_lines) as bigint) as n_lines,
    cast(sum(n_orders) as bigint) as n_orders,
    cast(sum(value) as decimal(18, 4)) as revenue,
    cast(coalesce(sum(n_lines) filter (where is_of_customer), 0) as bigint) as customer_lines,
    cast(coalesce(sum(value) filter (where is_of_customer), 0) as decimal(18, 4))
        as customer_revenue,
    cast(sum(returned_value) as decimal(18, 4)) as returned_value,
    cast(sum(value) - sum(returned_value) as decimal(18, 4)) as net_revenue,
from hourly
group by weekday, hour
