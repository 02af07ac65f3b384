/* ---
description: >-
  One row per country with sales to known customers. An order counts for the country of its lines,
  of several the first in the alphabet; a return of something that was not sold in the log for the
  country that its customer's orders went to.
key: [country]
requires: [purchase, value, country]
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
columns:
  country: {type: varchar, description: Country as the log gives it.}
  n_customers: {type: bigint, description: Different customers.}
  n_orders: {type: bigint, description: "Different orders, as in order_lines."}
  revenue: {type: "decimal(18,4)", description: Gross money of the purchases of known customers.}
  revenue_share: {type: double, description: Share of the revenue of all countries.}
  returned_value: {type: "decimal(18,4)", description: "Money of these sales that came back, an amount above zero."}
  net_revenue: {type: "decimal(18,4)", description: "Money that stayed: revenue less returned_value."}
  net_revenue_share: {type: double, description: "Share of the net revenue of all countries; nothing counts less than 0."}
checks:
  - expect_column_values_to_be_between: {column: revenue_share, min_value: 0, max_value: 1, severity: warn}
  - expect_column_values_to_be_between: {column: net_revenue_share, min_value: 0, max_value: 1}
--- */
with places as (
    select
        customer_id,
        event_ts,
        cast(order_id as varchar) as order_number,
        min(country) as country,
    from events
    where event_type = getvariable('purchase_event') and customer_id is not null
    group by customer_id, event_ts, cast(order_id as varchar)
),

order_places as (
    select
        order_lines.order_key,
        order_lines.customer_id,
        coalesce(min(places.country), 'unknown') as country,
    from order_lines
    inner join places
        on
            order_lines.customer_id = places.customer_id
            and order_lines.event_ts = places.event_ts
            and case when order_lines.has_order_number then order_lines.order_id end
            is not distinct from places.order_number
    group by order_lines.order_key, order_lines.customer_id
),

customer_places as (
    select
        customer_id,
        min(country) as country,
    from order_places
    group by customer_id
),

sales as (
    select
        order_places.country,
        order_places.customer_id,
        order_places.order_key,
        order_lines.value,
    from order_places
    inner join order_lines
        on
            order_places.order_key = order_lines.order_key
            and order_places.customer_id = order_lines.customer_id
),

came_back as (
    select
        coalesce(order_places.country, customer_places.country, 'unknown') as country,
        order_returns.returned_value,
    from order_returns
    left join order_places
        on
            order_returns.order_key = order_places.order_key
            and order_returns.customer_id = order_places.customer_id
    left join customer_places on order_returns.customer_id = customer_places.customer_id
    where order_returns.customer_id is not null
),

returned as (
    select
        country,
        sum(returned_value) as returned_value,
    from came_back
    group by country
),

sold as (
    select
        country,
        count(distinct customer_id) as n_customers,
        count(distinct order_key) as n_orders,
        cast(coalesce(sum(value), 0) as decimal(18, 4)) as revenue,
    from sales
    group by country
),

countries as (
    select
        sold.country,
        sold.n_customers,
        sold.n_orders,
        sold.revenue,
        cast(coalesce(returned.returned_value, 0) as decimal(18, 4)) as returned_value,
        cast(sold.revenue - coalesce(returned.returned_value, 0) as decimal(18, 4)) as net_revenue,
    from sold
    left join returned on sold.country = returned.country
)

select
    country,
    n_customers,
    n_orders,
    revenue,
    cast(revenue as double) / nullif(cast(sum(revenue) over () as double), 0) as revenue_share,
    returned_value,
    net_revenue,
    coalesce(
        cast(greatest(net_revenue, 0) as double)
        / nullif(cast(sum(greatest(net_revenue, 0)) over () as double), 0),
        0
    ) as net_revenue_share,
from countries
