/* ---
description: One row per month with sales.
key: [sales_month]
requires: [purchase, value]
columns:
  sales_month: {type: date, description: First day of the month.}
  n_days: {type: bigint, description: Days with sales.}
  n_lines: {type: bigint, description: Purchase lines.}
  revenue: {type: "decimal(18,4)", description: "Gross money of all purchases, customers unknown to the log included."}
  customer_revenue: {type: "decimal(18,4)", description: Gross money of the purchases of known customers.}
  returned_value: {type: "decimal(18,4)", description: "Money of the month's sales that came back, an amount above zero."}
  net_revenue: {type: "decimal(18,4)", description: "Money that stayed: revenue less returned_value."}
  customer_net_revenue: {type: "decimal(18,4)", description: Money of known customers that stayed.}
  is_complete: {type: boolean, description: Whether the log covers the month to its last day.}
checks:
  - expect_column_values_to_be_between: {column: n_days, min_value: 1, max_value: 31}
parameters:
  last_complete_day: {type: date, description: Last day that the log covers.}
--- */
select
    sales_month,
    count(*) as n_days,
    cast(sum(n_lines) as bigint) as n_lines,
    cast(sum(revenue) as decimal(18, 4)) as revenue,
    cast(sum(customer_revenue) as decimal(18, 4)) as customer_revenue,
    cast(sum(returned_value) as decimal(18, 4)) as returned_value,
    cast(sum(net_revenue) as decimal(18, 4)) as net_revenue,
    cast(sum(customer_net_revenue) as decimal(18, 4)) as customer_net_revenue,
    last_day(sales_month) <= getvariable('last_complete_day') as is_complete,
from sales_daily
group by sales_month
