/* ---
description: >-
  One row per customer who bought, with recency, frequency and monetary value up to a snapshot
  that is one day after the last purchase of the log.
key: [customer_id]
requires: [purchase, value]
columns:
  customer_id: {type: source, description: Who.}
  recency_days: {type: bigint, description: Whole days from the last purchase to the snapshot.}
  n_orders: {type: bigint, description: "Different orders, the frequency."}
  monetary: {type: "decimal(18,4)", description: Money of all purchases.}
  first_order_at: {type: timestamp, description: "First purchase, business time."}
  last_order_at: {type: timestamp, description: "Last purchase, business time."}
  r_score: {type: bigint, description: "Quintile of recency, 5 is the most recent. Ties share a score."}
  f_score: {type: bigint, description: "Quintile of frequency, 5 is the most frequent. Ties share a score."}
  m_score: {type: bigint, description: "Quintile of monetary value, 5 is the most valuable. Ties share a score."}
checks:
  - expect_column_values_to_not_be_null: {column: customer_id}
  - expect_column_values_to_be_between: {column: recency_days, min_value: 1}
  - expect_column_values_to_be_between: {column: n_orders, min_value: 1}
  - expect_column_values_to_be_between: {column: monetary, min_value: 0}
  - expect_column_values_to_be_between: {column: r_score, min_value: 1, max_value: 5}
  - expect_column_values_to_be_between: {column: f_score, min_value: 1, max_value: 5}
  - expect_column_values_to_be_between: {column: m_score, min_value: 1, max_value: 5}
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
--- */
with purchases as (
    select
        customer_id,
        event_ts,
        event_at,
        coalesce(
            cast(order_id as varchar),
            concat(cast(customer_id as varchar), '-', cast(event_ts as varchar))
        ) as order_id,
        value,
    from events
    where event_type = getvariable('purchase_event') and customer_id is not null
),

customers as (
    select
        customer_id,
        max(event_ts) as last_order_ts,
        count(distinct order_id) as n_orders,
        cast(coalesce(sum(value), 0) as decimal(18, 4)) as monetary,
        min(event_at) as first_order_at,
        max(event_at) as last_order_at,
    from purchases
    group by customer_id
),

-- Days are counted in business time: the hour that a clock change adds or takes is no part of
-- them. Microseconds of the wall clock, from its date and its time of day.
clocked as (
    select
        *,
        date_diff('day', date '1970-01-01', cast(last_order_at as date)) * 86400000000
        + extract(hour from last_order_at) * 3600000000
        + extract(minute from last_order_at) * 60000000
        + cast(floor(extract(second from last_order_at)) as bigint) * 1000000
        + last_order_ts % 1000000 as last_order_clock_us,
    from customers
),

ranked as (
    select
        *,
        (max(last_order_clock_us) over () - last_order_clock_us) // 86400000000 + 1
            as recency_days,
        count(*) over () as n_customers,
    from clocked
)

select
    customer_id,
    recency_days,
    n_orders,
    monetary,
    first_order_at,
    last_order_at,
    1 + 5 * (rank() over (order by recency_days desc) - 1) // n_customers as r_score,
    1 + 5 * (rank() over (order by n_orders) - 1) // n_customers as f_score,
    1 + 5 * (rank() over (order by monetary) - 1) // n_customers as m_score,
from ranked
