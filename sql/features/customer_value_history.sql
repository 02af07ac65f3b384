/* ---
description: >-
  One row per cut-off and customer who had bought by then: what a lifetime value model may know
  of the customer's purchase days at the cut-off, and what came after it. The cut-offs are the
  last day with a purchase, and the day two thirds of the way there, to try the model on the rest.
key: [cut_off, customer_id]
requires: [purchase, value]
columns:
  cut_off: {type: varchar, description: "calibration: two thirds of the log; full: all of it."}
  customer_id: {type: source, description: Who.}
  cut_off_date: {type: date, description: Last day that the row knows of.}
  first_purchase_date: {type: date, description: First day with a purchase.}
  frequency: {type: bigint, description: "Days with a purchase after the first such day, the repeat purchases."}
  recency_days: {type: bigint, description: Days from the first day with a purchase to the last.}
  age_days: {type: bigint, description: Days from the first day with a purchase to the cut-off.}
  repeat_value: {type: double, description: "Mean money of a repeat day; null without one. The first day is left out."}
  days_after: {type: bigint, description: Days from the cut-off to the end of the log.}
  purchases_after: {type: bigint, description: Days with a purchase after the cut-off.}
  value_after: {type: "decimal(18,4)", description: Money of the purchases after the cut-off.}
checks:
  - expect_column_values_to_be_between: {column: frequency, min_value: 0}
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: age_days, column_B: recency_days, or_equal: true}
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: recency_days, column_B: frequency, or_equal: true}
--- */
with purchase_days as (
    select
        customer_id,
        event_date,
        date_diff('day', date '1970-01-01', event_date) as day_index,
        cast(coalesce(purchase_value, 0) as decimal(18, 4)) as value,
    from customer_day
    where n_purchases > 0
),

span as (
    select
        min(day_index) as first_index,
        max(day_index) as last_index,
    from purchase_days
),

cut_offs as (
    select
        'full' as cut_off,
        last_index as cut_off_index,
        last_index,
    from span
    union all
    select
        'calibration' as cut_off,
        first_index + (last_index - first_index) * 2 // 3 as cut_off_index,
        last_index,
    from span
),

customers as (
    select
        cut_offs.cut_off,
        cut_offs.cut_off_index,
        cut_offs.last_index,
        purchase_days.customer_id,
        min(purchase_days.day_index) as first_day,
        max(purchase_days.day_index) filter (
            where purchase_days.day_index <= cut_offs.cut_off_index
        ) as last_day,
        count(*) filter (where purchase_days.day_index <= cut_offs.cut_off_index) as n_days,
        cast(sum(purchase_days.value) filter (
            where purchase_days.day_index <= cut_offs.cut_off_index
        ) as decimal(18, 4)) as value_before,
        count(*) filter (where purchase_days.day_index > cut_offs.cut_off_index)
            as purchases_after,
        cast(coalesce(sum(purchase_days.value) filter (
            where purchase_days.day_index > cut_offs.cut_off_index
        ), 0) as decimal(18, 4)) as value_after,
    from purchase_days
    cross join cut_offs
    group by
        cut_offs.cut_off,
        cut_offs.cut_off_index,
        cut_offs.last_index,
        purchase_days.customer_id
)

select
    customers.cut_off,
    customers.customer_id,
    date '1970-01-01' + cast(customers.cut_off_index as integer) as cut_off_date,
    first_purchase.event_date as first_purchase_date,
    customers.n_days - 1 as frequency,
    customers.last_day - customers.first_day as recency_days,
    customers.cut_off_index - customers.first_day as age_days,
    case
        when customers.n_days > 1 then
            cast(customers.value_before - first_purchase.value as double)
            / (customers.n_days - 1)
    end as repeat_value,
    customers.last_index - customers.cut_off_index as days_after,
    customers.purchases_after,
    customers.value_after,
from customers
inner join purchase_days as first_purchase
    on
        customers.customer_id = first_purchase.customer_id
        and customers.first_day = first_purchase.day_index
where customers.n_days > 0
