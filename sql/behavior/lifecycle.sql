/* ---
description: >-
  One row per period and interval: customers that are new, returning, resurrecting and dormant.
  Active = new + returning + resurrecting; active before = returning + dormant.
key: [period, interval_start]
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
with active_intervals as (
    select
        calendar.period,
        customer_day.customer_id,
        calendar.interval_index,
    from customer_day
    inner join calendar on customer_day.event_date = calendar.calendar_date
    group by calendar.period, customer_day.customer_id, calendar.interval_index
),

neighbours as (
    select
        period,
        interval_index,
        lag(interval_index) over customer_intervals as previous_index,
        coalesce(lead(interval_index) over customer_intervals > interval_index + 1, true)
            as is_followed_by_none,
    from active_intervals
    window customer_intervals as (partition by period, customer_id order by interval_index)
),

arrivals as (
    select
        period,
        interval_index,
        count(*) as n_active,
        count(*) filter (where previous_index is null) as n_new,
        count(*) filter (where previous_index = interval_index - 1) as n_returning,
        count(*) filter (where previous_index < interval_index - 1) as n_resurrecting,
        count(*) filter (where is_followed_by_none) as n_leaving,
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
    coalesce(arrivals.n_active, 0) as n_active,
    coalesce(before.n_active, 0) as n_active_before,
    coalesce(arrivals.n_new, 0) as n_new,
    coalesce(arrivals.n_returning, 0) as n_returning,
    coalesce(arrivals.n_resurrecting, 0) as n_resurrecting,
    coalesce(before.n_leaving, 0) as n_dormant,
    intervals.is_complete as is_mature,
from intervals
left join arrivals
    on intervals.period = arrivals.period
    and intervals.interval_index = arrivals.interval_index
left join arrivals as before
    on intervals.period = before.period
    and intervals.interval_index = before.interval_index + 1
