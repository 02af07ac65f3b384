/* ---
description: >-
  One row per customer who bought, with recency, frequency and, where the log knows money,
  monetary value up to a snapshot that is one day after the last purchase of the log; with
  quintile scores and what follows from them: the named RFM cell and the RF level.
key: [customer_id]
requires: [purchase]
columns:
  customer_id: {type: source, description: Who.}
  recency_days: {type: bigint, description: Whole days from the last purchase to the snapshot.}
  n_orders: {type: bigint, description: "Different orders, the frequency; where the log names no orders, what a customer buys in one instant."}
  n_purchases: {type: bigint, description: Purchase events.}
  monetary: {type: "decimal(18,4)", description: Money of all purchases; null where the log knows none.}
  first_order_at: {type: timestamp, description: "First purchase, business time."}
  last_order_at: {type: timestamp, description: "Last purchase, business time."}
  r_score: {type: bigint, description: "Quintile of recency, 5 is the most recent. Ties share a score."}
  f_score: {type: bigint, description: "Quintile of frequency, 5 is the most frequent. Ties share a score."}
  m_score: {type: bigint, description: "Quintile of monetary value, 5 is the most valuable. Ties share a score; null without money."}
  fm_score: {type: bigint, description: "Mean of the scores of frequency and monetary value, halves rounded up; without money that of frequency. With r_score the place in the grid of rfm_cell."}
  rfm_cell: {type: varchar, description: "Named cell of the grid of r_score (R) and fm_score (FM), as the field has it: champions (R 5, FM 4-5), loyal (R 3-4, FM 4-5), potential_loyalists (R 4-5, FM 2-3), new_customers (R 5, FM 1), promising (R 4, FM 1), need_attention (R 3, FM 3), about_to_sleep (R 3, FM 1-2), cannot_lose (R 1-2, FM 5), at_risk (R 1-2, FM 3-4), hibernating (R 1-2, FM 1-2)."}
  f_band: {type: bigint, description: "Band of purchases as in the Taobao study: 1 below 5, 2 from 5, 3 from 20, 4 from 50, 5 from 100. Counts orders where the log names them, else purchase events."}
  rf_level: {type: varchar, description: "Level of the Taobao study, the first that fits: bronze (band at most 2, R 1-2), silver (band at most 3, R 2-3), gold (band at most 4, R 3-4), else diamond. So whoever bought in the most recent fifth is diamond, however little."}
checks:
  - expect_column_values_to_not_be_null: {column: customer_id}
  - expect_column_values_to_be_between: {column: recency_days, min_value: 1}
  - expect_column_values_to_be_between: {column: n_orders, min_value: 1}
  - expect_column_values_to_be_between: {column: monetary, min_value: 0}
  - expect_column_values_to_be_between: {column: r_score, min_value: 1, max_value: 5}
  - expect_column_values_to_be_between: {column: f_score, min_value: 1, max_value: 5}
  - expect_column_values_to_be_between: {column: m_score, min_value: 1, max_value: 5}
  - expect_column_values_to_not_be_null: {column: rfm_cell}
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
--- */
with purchases as (
    select
        customer_id,
        event_ts,
        event_at,
        order_id is not null as has_order_id,
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
        count(*) as n_purchases,
        count(*) filter (where has_order_id) as n_with_order_id,
        count(value) as n_with_value,
        sum(value) as value,
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
        max(n_with_order_id) over () > 0 as names_orders,
        max(n_with_value) over () > 0 as knows_money,
    from customers
),

ranked as (
    select
        *,
        (max(last_order_clock_us) over () - last_order_clock_us) // 86400000000 + 1
            as recency_days,
        case when knows_money then cast(coalesce(value, 0) as decimal(18, 4)) end as monetary,
        case when names_orders then n_orders else n_purchases end as n_bought,
        count(*) over () as n_customers,
    from clocked
),

scored as (
    select
        *,
        1 + 5 * (rank() over (order by recency_days desc) - 1) // n_customers as r_score,
        1 + 5 * (rank() over (order by n_orders) - 1) // n_customers as f_score,
        case
            when knows_money
                then 1 + 5 * (rank() over (order by monetary) - 1) // n_customers
        end as m_score,
        case
            when n_bought >= 100 then 5
            when n_bought >= 50 then 4
            when n_bought >= 20 then 3
            when n_bought >= 5 then 2
            else 1
        end as f_band,
    from ranked
),

placed as (
    select
        *,
        coalesce((f_score + m_score + 1) // 2, f_score) as fm_score,
    from scored
)

select
    customer_id,
    recency_days,
    n_orders,
    n_purchases,
    monetary,
    first_order_at,
    last_order_at,
    r_score,
    f_score,
    m_score,
    fm_score,
    case
        when r_score <= 2 and fm_score = 5 then 'cannot_lose'
        when r_score <= 2 and fm_score >= 3 then 'at_risk'
        when r_score <= 2 then 'hibernating'
        when r_score = 5 and fm_score >= 4 then 'champions'
        when fm_score >= 4 then 'loyal'
        when r_score = 3 and fm_score = 3 then 'need_attention'
        when r_score = 3 then 'about_to_sleep'
        when fm_score >= 2 then 'potential_loyalists'
        when r_score = 5 then 'new_customers'
        else 'promising'
    end as rfm_cell,
    cast(f_band as bigint) as f_band,
    case
        when f_band <= 2 and r_score between 1 and 2 then 'bronze'
        when f_band <= 3 and r_score between 2 and 3 then 'silver'
        when f_band <= 4 and r_score between 3 and 4 then 'gold'
        else 'diamond'
    end as rf_level,
from placed
