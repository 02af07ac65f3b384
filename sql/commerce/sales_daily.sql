/* ---
description: >-
  One row per day with sales, from the first to the last such day. An order counts on the day of
  its first line; what came back counts where it was sold, and on the day it came back where no
  sale of it is in the log.
key: [sales_date]
requires: [purchase, value]
columns:
  sales_date: {type: date, description: "Day, business time."}
  sales_month: {type: date, description: First day of the month.}
  weekday: {type: bigint, description: "ISO weekday: 1 is Monday, 7 is Sunday."}
  n_lines: {type: bigint, description: Purchase lines.}
  n_orders: {type: bigint, description: "Different orders, as in order_lines."}
  n_customers: {type: bigint, description: Different known customers.}
  quantity: {type: "decimal(18,4)", description: Units sold.}
  revenue: {type: "decimal(18,4)", description: "Gross money of all purchases, customers unknown to the log included."}
  customer_lines: {type: bigint, description: Purchase lines of known customers.}
  customer_orders: {type: bigint, description: Different orders of known customers.}
  customer_revenue: {type: "decimal(18,4)", description: Gross money of the purchases of known customers.}
  returned_value: {type: "decimal(18,4)", description: "Money of the day's sales that came back, on whatever day it did, an amount above zero."}
  net_revenue: {type: "decimal(18,4)", description: "Money that stayed: revenue less returned_value."}
  customer_net_revenue: {type: "decimal(18,4)", description: Money of known customers that stayed.}
checks:
  - expect_column_values_to_be_between: {column: weekday, min_value: 1, max_value: 7}
  - expect_column_values_to_be_between: {column: returned_value, min_value: 0}
  - expect_column_values_to_be_between: {column: revenue, min_value: 0, severity: warn}
--- */
with sales as (
    select
        order_date as sales_date,
        order_key,
        customer_id,
        quantity,
        value,
        cast(0 as decimal(18, 4)) as returned_value,
        true as is_purchase,
    from order_lines
    union all
    select
        sales_date,
        cast(null as varchar) as order_key,
        customer_id,
        cast(null as decimal(18, 4)) as quantity,
        cast(0 as decimal(18, 4)) as value,
        returned_value,
        false as is_purchase,
    from order_returns
),

days as (
    select
        sales_date,
        count(*) filter (where is_purchase) as n_lines,
        count(distinct order_key) as n_orders,
        count(distinct customer_id) filter (where is_purchase) as n_customers,
        cast(coalesce(sum(quantity), 0) as decimal(18, 4)) as quantity,
        cast(coalesce(sum(value), 0) as decimal(18, 4)) as revenue,
        count(*) filter (where is_purchase and customer_id is not null) as customer_lines,
        count(distinct order_key) filter (where customer_id is not null) as customer_orders,
        cast(coalesce(sum(value) filter (where customer_id is not null), 0) as decimal(18, 4))
            as customer_revenue,
        cast(sum(returned_value) as decimal(18, 4)) as returned_value,
        cast(
            coalesce(sum(returned_value) filter (where customer_id is not null), 0)
            as decimal(18, 4)
        ) as customer_returned_value,
    from sales
    group by sales_date
)

select
    sales_date,
    cast(date_trunc('month', sales_date) as date) as sales_month,
    cast(date_diff('day', date '2000-01-03', sales_date) % 7 + 1 as bigint) as weekday,
    n_lines,
    n_orders,
    n_customers,
    quantity,
    revenue,
    customer_lines,
    customer_orders,
    customer_revenue,
    returned_value,
    cast(revenue - returned_value as decimal(18, 4)) as net_revenue,
    cast(customer_revenue - customer_returned_value as decimal(18, 4)) as customer_net_revenue,
from days
