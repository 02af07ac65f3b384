/* ---
description: >-
  One row per customer who bought, with recency, frequency and, where the log knows money,
  monetary value up to a snapshot that is one day after the end of what is known: the last event of
  the log of any kind, of a closed log no earlier than its last day; with quintile scores and what
  follows from them: the named RFM cell and the RF level.
key: [customer_id]
requires: [purchase]
columns:
  customer_id: {type: source, description: Who.}
  recency_days: {type: bigint, description: "Whole days from the last purchase to the snapshot."}
  n_orders: {type: bigint, description: "Different orders, the frequency, as in order_lines; those that came back included."}
  n_purchases: {type: bigint, description: Purchase events.}
  monetary: {type: "decimal(18,4)", description: "Money of the purchases that stayed: gross_monetary less returned_value, below zero where more came back than the log saw bought; null where the log knows none."}
  gross_monetary: {type: "decimal(18,4)", description: Money of all purchases; null where the log knows none.}
  returned_value: {type: "decimal(18,4)", description: "Money that came back, an amount above zero; null where the log knows none."}
  is_mostly_returned: {type: boolean, description: Whether more than half of the money came back.}
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
  - expect_column_values_to_be_between: {column: returned_value, min_value: 0}
  - expect_column_values_to_be_between: {column: r_score, min_value: 1, max_value: 5}
  - expect_column_values_to_be_between: {column: f_score, min_value: 1, max_value: 5}
  - expect_column_values_to_be_between: {column: m_score, min_value: 1, max_value: 5}
  - expect_column_values_to_not_be_null: {column: rfm_cell}
parameters:
  last_day: {type: date, description: "Last day of a closed log, once it is over; null for an open one."}
--- */
with customer_returns as (
    select
        customer_id,
        sum(returned_value) as returned_value,
    from order_returns
    where customer_id is not null
    group by customer_id
),

purchases as (
    select
        customer_id,
        max(event_ts) as last_order_ts,
        count(distinct order_key) as n_orders,
        count(*) as n_purchases,
        count(*) filter (where has_order_number) as n_with_order_number,
        count(value) as n_with_value,
        sum(value) as value,
        min(event_at) as first_order_at,
        max(event_at) as last_order_at,
    from order_lines
    where customer_id is not null
    group by customer_id
),

customers as (
    select
        purchases.*,
        coalesce(customer_returns.returned_value, 0) as returned,
    from purchases
    left join customer_returns on purchases.customer_id = customer_returns.customer_id
),

log_end as (
    select
        max(event_at) as ended_at,
        date_diff('day', date '1970-01-01', getvariable('last_day')) * 86400000000 as last_day_us,
    from events
),

-- Days are counted in business time: the hour that a clock change adds or takes is no part of
-- them. Microseconds of the wall clock, from its date and its time of day.
snapshots as (
    select
        greatest(
            date_diff('day', date '1970-01-01', cast(ended_at as date)) * 86400000000
            + extract(hour from ended_at) * 3600000000
            + extract(minute from ended_at) * 60000000
            -- To the end of its second.
            + cast(floor(extract(second from ended_at)) as bigint) * 1000000 + 999999,
            coalesce(last_day_us, 0)
        ) as end_clock_us,
    from log_end
),

clocked as (
    select
        *,
        date_diff('day', date '1970-01-01', cast(last_order_at as date)) * 86400000000
        + extract(hour from last_order_at) * 3600000000
        + extract(minute from last_order_at) * 60000000
        + cast(floor(extract(second from last_order_at)) as bigint) * 1000000
        + last_order_ts % 1000000 as last_order_clock_us,
        max(n_with_order_number) over () > 0 as names_orders,
        max(n_with_value) over () > 0 as knows_money,
    from customers
),

ranked as (
    select
        clocked.*,
        (snapshots.end_clock_us - clocked.last_order_clock_us) // 86400000000 + 1 as recency_days,
        case when knows_money then cast(coalesce(value, 0) - returned as decimal(18, 4)) end
            as monetary,
        case when knows_money then cast(coalesce(value, 0) as decimal(18, 4)) end
            as gross_monetary,
        case when knows_money then cast(returned as decimal(18, 4)) end as returned_value,
        case when names_orders then n_orders else n_purchases end as n_bought,
        count(*) over () as n_customers,
    from clocked
    cross join snapshots
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
    gross_monetary,
    returned_value,
    coalesce(returned_value > 0 and 2 * returned_value > gross_monetary, false)
        as is_mostly_returned,
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
