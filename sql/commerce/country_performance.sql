/* ---
description: One row per country with sales to known customers.
key: [country]
requires: [purchase, value, country]
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
columns:
  country: {type: varchar, description: Country as the log gives it.}
  n_customers: {type: bigint, description: Different customers.}
  n_orders: {type: bigint, description: Different orders.}
  revenue: {type: "decimal(18,4)", description: Money of the purchases of known customers.}
  revenue_share: {type: double, description: Share of the revenue of all countries.}
checks:
  - expect_column_values_to_be_between: {column: revenue_share, min_value: 0, max_value: 1}
--- */
with purchases as (
    select
        country,
        customer_id,
        order_id,
        value,
    from events
    where event_type = getvariable('purchase_event') and customer_id is not null
),

countries as (
    select
        coalesce(country, 'unknown') as country,
        count(distinct customer_id) as n_customers,
        count(distinct order_id) as n_orders,
        cast(sum(value) as decimal(18, 4)) as revenue,
    from purchases
    group by coalesce(country, 'unknown')
)

select
    country,
    n_customers,
    n_orders,
    revenue,
    cast(revenue as double) / cast(sum(revenue) over () as double) as revenue_share,
from countries
