/* ---
description: >-
  One row per period and interval: customers that are new, returning, resurrecting and dormant.
  Active = new + returning + resurrecting; active before = returning + dormant.
key: [period, interval_start]
parameters:
  leaves_out_bots: {type: boolean, description: "Whether days of suspected bots are left out of rates."}
columns:
  period: {type: varchar, description: "Length of an interval: day, week or month."}
  interval_start: {type: date, description: "First day of the interval."}
  n_active: {type: bigint, description: "Customers with an event in the interval."}
  n_active_before: {type: bigint, description: "Customers with an event in the interval before."}
  n_new: {type: bigint, description: "Active for the first time in all history."}
  n_returning: {type: bigint, description: "Active now and in the interval before."}
  n_resurrecting: {type: bigint, description: "Active now, not in the interval before, but earlier."}
  n_dormant: {type: bigint, description: "Active in the interval before and not now."}
  is_mature: {type: boolean, description: "Whether the interval is over; until then customers look dormant."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [period, interval_start]}
  - unexpected_rows_expectation:
      unexpected_rows_query: >-
        select * from {batch}
        where n_active != n_new + n_returning + n_resurrecting
        or n_active_before != n_returning + n_dormant
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
        calendar.interval_index,
    from active_days
    inner join calendar on active_days.event_date = calendar.calendar_date
    group by
        calendar.period,
        active_days.group_number,
        active_days.n_customers,
        calendar.interval_index
),

neighbours as (
    select
        period,
        interval_index,
        n_customers,
        lag(interval_index) over group_intervals as previous_index,
        coalesce(lead(interval_index) over group_intervals > interval_index + 1, true)
            as is_followed_by_none,
    from active_intervals
    window group_intervals as (partition by period, group_number order by interval_index)
),

arrivals as (
    select
        period,
        interval_index,
        sum(n_customers) as n_active,
        sum(n_customers) filter (where previous_index is null) as n_new,
        sum(n_customers) filter (where previous_index = interval_index - 1) as n_returning,
        sum(n_customers) filter (where previous_index < interval_index - 1) as n_resurrecting,
        sum(n_customers) filter (where is_followed_by_none) as n_leaving,
    from neighbours
    group by period, interval_index
),

intervals as (
    select
        period,
        interval_index,
        interval_start,
        is_complete,
    from calendar
    group by period, interval_index, interval_start, is_complete
)

select
    intervals.period,
    intervals.interval_start,
    cast(coalesce(arrivals.n_active, 0) as bigint) as n_active,
    cast(coalesce(before.n_active, 0) as bigint) as n_active_before,
    cast(coalesce(arrivals.n_new, 0) as bigint) as n_new,
    cast(coalesce(arrivals.n_returning, 0) as bigint) as n_returning,
    cast(coalesce(arrivals.n_resurrecting, 0) as bigint) as n_resurrecting,
    cast(coalesce(before.n_leaving, 0) as bigint) as n_dormant,
    intervals.is_complete as is_mature,
from intervals
left join arrivals
    on intervals.period = arrivals.period
    and intervals.interval_index = arrivals.interval_index
left join arrivals as before
    on intervals.period = before.period
    and intervals.interval_index = before.interval_index + 1
