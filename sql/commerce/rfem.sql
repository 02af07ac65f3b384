/* ---
description: >-
  One row per known customer of the log, buyer or not, with recency, frequency and engagement of
  the activity (RFE) and the money spent (RFEM), each with its quintile score.
key: [customer_id]
parameters:
  last_day: {type: date, description: "Last day of a closed log, once it is over; null for an open one."}
columns:
  customer_id: {type: source, description: Who.}
  recency: {type: double, description: "Whole days from the last active day to the day after the last of the log; of a closed log, its last day."}
  frequency: {type: double, description: Days with an event.}
  engagement: {type: double, description: Events of any kind.}
  money: {type: "decimal(18,4)", description: Money of the purchases that stayed; null where the log knows none.}
  recency_score: {type: bigint, description: "Quintile of recency, 5 is the most recent. Ties share a score."}
  frequency_score: {type: bigint, description: "Quintile of frequency, 5 is the most frequent. Ties share a score."}
  engagement_score: {type: bigint, description: "Quintile of engagement, 5 is the most engaged. Ties share a score."}
  money_score: {type: bigint, description: "Quintile of money, 5 is the most. Ties share a score; null without money."}
  rfe_score: {type: bigint, description: "Sum of the first three scores, 3 to 15."}
  rfem_score: {type: bigint, description: "Sum of all four scores, 4 to 20; null without money."}
checks:
  - expect_column_values_to_be_between: {column: recency, min_value: 1}
  - expect_column_values_to_be_between: {column: frequency, min_value: 1}
  - expect_column_values_to_be_between: {column: rfe_score, min_value: 3, max_value: 15}
  - expect_column_values_to_be_between: {column: rfem_score, min_value: 4, max_value: 20}
--- */
with active as (
    select
        customer_id,
        max(event_date) as last_day,
        count(*) as n_days,
        sum(n_events) as n_events,
    from customer_day
    group by customer_id
),

sold as (
    select
        customer_id,
        count(value) as n_with_value,
        sum(value) as value,
    from order_lines
    where customer_id is not null
    group by customer_id
),

came_back as (
    select
        customer_id,
        sum(returned_value) as returned_value,
    from order_returns
    where customer_id is not null
    group by customer_id
),

customers as (
    select
        active.*,
        sold.n_with_value,
        coalesce(sold.value, 0) - coalesce(came_back.returned_value, 0) as value,
    from active
    left join sold on active.customer_id = sold.customer_id
    left join came_back on active.customer_id = came_back.customer_id
),

measured as (
    select
        customer_id,
        date_diff(
            'day', last_day, greatest(max(last_day) over (), getvariable('last_day'))
        ) + 1 as recency,
        n_days as frequency,
        n_events as engagement,
        case
            when max(n_with_value) over () > 0
                then cast(value as decimal(18, 4))
        end as money,
        count(*) over () as n_customers,
    from customers
),

scored as (
    select
        *,
        1 + 5 * (rank() over (order by recency desc) - 1) // n_customers as recency_score,
        1 + 5 * (rank() over (order by frequency) - 1) // n_customers as frequency_score,
        1 + 5 * (rank() over (order by engagement) - 1) // n_customers as engagement_score,
        case
            when money is not null
                then 1 + 5 * (rank() over (order by money) - 1) // n_customers
        end as money_score,
    from measured
)

select
    customer_id,
    cast(recency as double) as recency,
    cast(frequency as double) as frequency,
    cast(engagement as double) as engagement,
    money,
    recency_score,
    frequency_score,
    engagement_score,
    money_score,
    recency_score + frequency_score + engagement_score as rfe_score,
    recency_score + frequency_score + engagement_score + money_score as rfem_score,
from scored
