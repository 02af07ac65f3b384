/* ---
description: >-
  One row per period and number of active intervals: how many customers were active in exactly
  that many intervals of the log, or in at least that many.
key: [period, n_active_intervals]
parameters:
  leaves_out_bots: {type: boolean, description: "Whether days of suspected bots are left out of rates."}
columns:
  period: {type: varchar, description: "Length of an interval: day, week or month."}
  n_active_intervals: {type: bigint, description: "Intervals with an event."}
  n_customers: {type: bigint, description: "Customers active in exactly so many."}
  n_customers_at_least: {type: bigint, description: "Customers active in so many or more."}
  customers_share: {type: double, description: "Customers active in exactly so many, per customer."}
  n_intervals: {type: bigint, description: "Intervals that the log covers."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [period, n_active_intervals]}
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: n_intervals, column_B: n_active_intervals, or_equal: true}
owner: team:data
--- */
-- Customers who were active on the same days are alike to every interval.
with histories as (
    select list_sort(list(event_date)) as days
    from customer_day
    where not (is_suspected_bot and getvariable('leaves_out_bots'))
    group by customer_id
),

groups as (
    select
        row_number() over (order by days) as group_number,
        days,
        count(*) as n_customers,
    from histories
    group by days
),

active_days as (
    select
        group_number,
        n_customers,
        unnest(days) as event_date,
    from groups
),

active_intervals as (
    select
        calendar.period,
        active_days.group_number,
        active_days.n_customers,
        count(distinct calendar.interval_index) as n_active_intervals,
    from active_days
    inner join calendar on active_days.event_date = calendar.calendar_date
    group by calendar.period, active_days.group_number, active_days.n_customers
),

periods as (
    select
        period,
        count(distinct interval_index) as n_intervals,
    from calendar
    group by period
),

histogram as (
    select
        period,
        n_active_intervals,
        cast(sum(n_customers) as bigint) as n_customers,
    from active_intervals
    group by period, n_active_intervals
)

select
    histogram.period,
    histogram.n_active_intervals,
    histogram.n_customers,
    cast(
        sum(histogram.n_customers) over (
            partition by histogram.period
            order by histogram.n_active_intervals desc
        ) as bigint
    ) as n_customers_at_least,
    cast(histogram.n_customers as double)
    / sum(histogram.n_customers) over (partition by histogram.period) as customers_share,
    periods.n_intervals,
from histogram
inner join periods on histogram.period = periods.period
