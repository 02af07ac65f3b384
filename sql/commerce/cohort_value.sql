/* ---
description: >-
  One row per month of the first order and month of life since then: what the customers of the
  cohort ordered and what of it stayed, in the month and up to it. A null cohort stands for all
  that have had the month. What happened, counted, and so without an interval: customers' money is
  so uneven that no interval of its mean covers what lies ahead (docs/evidence.md).
key: [cohort_month, month_of_life]
requires: [purchase, value]
parameters:
  last_complete_day: {type: date, description: Last day that the log covers.}
  acquisition_cost: {type: "decimal(18,4)", description: "What winning a customer costs; null where the source does not say."}
  acquisition_margin_share: {type: double, description: "Share of the money that stayed which is earned."}
columns:
  cohort_month: {}
  month_of_life: {type: bigint, description: "Calendar months after that of the first order; 0 is the month of the first order."}
  n_customers: {type: bigint, description: "Customers of the cohort; of all cohorts, of those that have had the month."}
  n_orders: {type: bigint, description: "Their orders of the month, as in order_lines."}
  net_revenue: {type: "decimal(18,4)", description: "Money of these orders that stayed, less what came back in the month of sales before the log."}
  n_orders_so_far: {type: bigint, description: Their orders up to the end of the month.}
  net_revenue_so_far: {type: "decimal(18,4)", description: Money of these that stayed.}
  orders_per_customer: {type: double, description: Orders so far per customer of the cohort.}
  net_revenue_per_customer: {type: double, description: "Money so far that stayed, per customer of the cohort."}
  earned_per_customer: {type: double, description: "What is earned of that less what winning the customer cost; null where the source does not say what it costs."}
  is_paid_back: {type: boolean, description: "Whether that is not below 0; null where the cost is not known."}
  is_mature: {type: boolean, description: "Whether the month is over; always so for all cohorts together."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [cohort_month, month_of_life]}
  - expect_column_values_to_be_between: {column: month_of_life, min_value: 0}
  - expect_column_values_to_be_between: {column: n_customers, min_value: 1}
  - expect_column_values_to_be_between: {column: orders_per_customer, min_value: 1}
owner: team:data
--- */
with acts as (
    select
        customer_id,
        order_date as act_date,
        1 as n_orders,
        coalesce(net_value, 0) as net_value,
    from orders
    where customer_id is not null
    union all
    select
        customer_id,
        sales_date as act_date,
        0 as n_orders,
        -returned_value as net_value,
    from order_returns
    where customer_id is not null and order_key is null
),

customers as (
    select
        customer_id,
        cast(date_trunc('month', min(order_date)) as date) as cohort_month,
    from orders
    where customer_id is not null
    group by customer_id
),

cohorts as (
    select
        cohort_month,
        count(*) as n_customers,
        date_diff('month', cohort_month, getvariable('last_complete_day')) as last_month,
    from customers
    group by cohort_month
),

-- What came back before the first order that the log saw belongs to the first month.
months as (
    select
        customers.cohort_month,
        greatest(date_diff('month', customers.cohort_month, acts.act_date), 0) as month_of_life,
        sum(acts.n_orders) as n_orders,
        sum(acts.net_value) as net_revenue,
    from acts
    inner join customers on acts.customer_id = customers.customer_id
    group by customers.cohort_month, month_of_life
),

followed as (
    select
        cohort_month,
        n_customers,
        unnest(range(greatest(last_month, 0) + 1)) as month_of_life,
    from cohorts
),

of_cohorts as (
    select
        followed.cohort_month,
        followed.month_of_life,
        followed.n_customers,
        coalesce(months.n_orders, 0) as n_orders,
        coalesce(months.net_revenue, 0) as net_revenue,
        last_day(
            cast(followed.cohort_month + to_months(cast(followed.month_of_life as integer)) as date)
        ) <= getvariable('last_complete_day') as is_mature,
    from followed
    left join months
        on followed.cohort_month = months.cohort_month
        and followed.month_of_life = months.month_of_life
),

summed as (
    select
        *,
        sum(n_orders) over so_far as n_orders_so_far,
        sum(net_revenue) over so_far as net_revenue_so_far,
    from of_cohorts
    window
        so_far as (
            partition by cohort_month
            order by month_of_life
            rows between unbounded preceding and current row
        )
),

sums as (
    select
        cohort_month,
        month_of_life,
        n_customers,
        n_orders,
        net_revenue,
        n_orders_so_far,
        net_revenue_so_far,
        is_mature,
    from summed
    union all
    select
        null as cohort_month,
        month_of_life,
        sum(n_customers) as n_customers,
        sum(n_orders) as n_orders,
        sum(net_revenue) as net_revenue,
        sum(n_orders_so_far) as n_orders_so_far,
        sum(net_revenue_so_far) as net_revenue_so_far,
        true as is_mature,
    from summed
    where is_mature
    group by month_of_life
),

earned as (
    select
        *,
        cast(net_revenue_so_far as double) / n_customers as net_revenue_per_customer,
        cast(net_revenue_so_far as double) / n_customers
        * getvariable('acquisition_margin_share')
        - cast(getvariable('acquisition_cost') as double) as earned_per_customer,
    from sums
)

select
    cohort_month,
    month_of_life,
    cast(n_customers as bigint) as n_customers,
    cast(n_orders as bigint) as n_orders,
    cast(net_revenue as decimal(18, 4)) as net_revenue,
    cast(n_orders_so_far as bigint) as n_orders_so_far,
    cast(net_revenue_so_far as decimal(18, 4)) as net_revenue_so_far,
    cast(n_orders_so_far as double) / n_customers as orders_per_customer,
    net_revenue_per_customer,
    earned_per_customer,
    earned_per_customer >= 0 as is_paid_back,
    is_mature,
from earned
