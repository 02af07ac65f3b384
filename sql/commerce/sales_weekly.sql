/* ---
description: One row per week with sales; the week starts on the day that the source says.
key: [sales_week]
requires: [purchase, value]
parameters:
  week_start: {type: varchar, description: "monday or sunday."}
  first_day: {type: date, description: First day of the log.}
  last_complete_day: {type: date, description: Last day that the log covers.}
columns:
  sales_week: {type: date, description: First day of the week.}
  n_days: {type: bigint, description: Days with sales.}
  n_lines: {type: bigint, description: Purchase lines.}
  revenue: {type: "decimal(18,4)", description: "Gross money of all purchases, customers unknown to the log included."}
  customer_revenue: {type: "decimal(18,4)", description: Gross money of the purchases of known customers.}
  returned_value: {type: "decimal(18,4)", description: "Money of the week's sales that came back, an amount above zero."}
  net_revenue: {type: "decimal(18,4)", description: "Money that stayed: revenue less returned_value."}
  customer_net_revenue: {type: "decimal(18,4)", description: Money of known customers that stayed.}
  is_complete: {type: boolean, description: Whether the log covers the week from its first day to its last.}
checks:
  - expect_column_values_to_be_between: {column: n_days, min_value: 1, max_value: 7}
--- */
with dated as (
    select
        -- Days since a Monday or a Sunday.
        sales_date - cast(
            (
                date_diff('day', date '1899-12-31', sales_date)
                - case when getvariable('week_start') = 'sunday' then 0 else 1 end
            ) % 7 as integer
        ) as sales_week,
        n_lines,
        revenue,
        customer_revenue,
        returned_value,
        net_revenue,
        customer_net_revenue,
    from sales_daily
)

select
    sales_week,
    count(*) as n_days,
    cast(sum(n_lines) as bigint) as n_lines,
    cast(sum(revenue) as decimal(18, 4)) as revenue,
    cast(sum(customer_revenue) as decimal(18, 4)) as customer_revenue,
    cast(sum(returned_value) as decimal(18, 4)) as returned_value,
    cast(sum(net_revenue) as decimal(18, 4)) as net_revenue,
    cast(sum(customer_net_revenue) as decimal(18, 4)) as customer_net_revenue,
    sales_week >= getvariable('first_day') and sales_week + 6 <= getvariable('last_complete_day')
        as is_complete,
from dated
group by sales_week
