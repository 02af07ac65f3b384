/* ---
description: >-
  One row per cut-off and customer who had bought by then: what a lifetime value model may know
  of the customer's purchase days at the cut-off, and what came after it. The cut-offs are the last
  day that is known (that of the last event, of a closed log its last day), and the day two thirds
  of the way there from the first purchase, to try the model on the rest. Money is what stayed: a
  day of which everything had come back by the cut-off is no day with a purchase. What came back
  without a sale in the log was bought before it and takes no part.
key: [cut_off, customer_id]
requires: [purchase, value]
parameters:
  last_day: {type: date, description: "Last day of a closed log, once it is over; null for an open one."}
columns:
  cut_off: {type: varchar, description: "calibration: two thirds of the log; full: all of it."}
  customer_id: {type: source, description: Who.}
  cut_off_date: {type: date, description: Last day that the row knows of.}
  first_purchase_date: {type: date, description: First day with a purchase.}
  frequency: {type: bigint, description: "Days with a purchase after the first such day, the repeat purchases."}
  recency_days: {type: bigint, description: Days from the first day with a purchase to the last.}
  age_days: {type: bigint, description: Days from the first day with a purchase to the cut-off.}
  repeat_value: {type: double, description: "Mean money of a repeat day, of what stayed; null without one. The first day is left out."}
  days_after: {type: bigint, description: Days from the cut-off to the end of the log.}
  purchases_after: {type: bigint, description: Days with a purchase after the cut-off.}
  value_after: {type: "decimal(18,4)", description: Money of the purchases after the cut-off that stayed.}
checks:
  - expect_column_values_to_be_between: {column: frequency, min_value: 0}
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: age_days, column_B: recency_days, or_equal: true}
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: recency_days, column_B: frequency, or_equal: true}
--- */
with sold as (
    select
        customer_id,
        order_date,
        date_diff('day', date '1970-01-01', order_date) as day_index,
        cast(coalesce(sum(value), 0) as decimal(18, 4)) as value,
    from order_lines
    where customer_id is not null
    group by customer_id, order_date
),

came_back as (
    select
        customer_id,
        order_date,
        date_diff('day', date '1970-01-01', returned_date) as day_index,
        returned_value,
    from order_returns
    where customer_id is not null and order_date is not null
),

log_end as (
    select greatest(max(event_date), getvariable('last_day')) as last_date
    from customer_day
),

span as (
    select
        min(sold.day_index) as first_index,
        date_diff('day', date '1970-01-01', log_end.last_date) as last_index,
    from sold
    cross join log_end
    group by log_end.last_date
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

-- What had come back by the cut-off; of the days after it, by the end.
returned as (
    select
        cut_offs.cut_off,
        came_back.customer_id,
        came_back.order_date,
        sum(came_back.returned_value) as returned_value,
    from came_back
    cross join cut_offs
    where
        came_back.day_index <= cut_offs.cut_off_index
        or date_diff('day', date '1970-01-01', came_back.order_date) > cut_offs.cut_off_index
    group by cut_offs.cut_off, came_back.customer_id, came_back.order_date
),

purchase_days as (
    select
        cut_offs.cut_off,
        cut_offs.cut_off_index,
        cut_offs.last_index,
        sold.customer_id,
        sold.order_date,
        sold.day_index,
        cast(sold.value - coalesce(returned.returned_value, 0) as decimal(18, 4)) as value,
    from sold
    cross join cut_offs
    left join returned
        on
            cut_offs.cut_off = returned.cut_off
            and sold.customer_id = returned.customer_id
            and sold.order_date = returned.order_date
    where returned.returned_value is null or sold.value > returned.returned_value
),

customers as (
    select
        cut_off,
        cut_off_index,
        last_index,
        customer_id,
        min(day_index) as first_day,
        max(day_index) filter (where day_index <= cut_off_index) as last_day,
        count(*) filter (where day_index <= cut_off_index) as n_days,
        cast(sum(value) filter (where day_index <= cut_off_index) as decimal(18, 4))
            as value_before,
        count(*) filter (where day_index > cut_off_index) as purchases_after,
        cast(coalesce(sum(value) filter (where day_index > cut_off_index), 0) as decimal(18, 4))
            as value_after,
    from purchase_days
    group by cut_off, cut_off_index, last_index, customer_id
)

select
    customers.cut_off,
    customers.customer_id,
    date '1970-01-01' + cast(customers.cut_off_index as integer) as cut_off_date,
    first_purchase.order_date as first_purchase_date,
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
        customers.cut_off = first_purchase.cut_off
        and customers.customer_id = first_purchase.customer_id
        and customers.first_day = first_purchase.day_index
where customers.n_days > 0
