/* ---
description: >-
  One row per calendar day from the first to the last day with sales, days without trade
  included: the series that sales are forecast from.
key: [sales_date]
requires: [purchase, value]
columns:
  sales_date: {type: date, description: "Day, business time."}
  week_start: {type: date, description: "First day of its week, by the source's week start."}
  weekday: {type: bigint, description: "ISO weekday: 1 is Monday, 7 is Sunday."}
  revenue: {type: "decimal(18,4)", description: "Money of all purchases, 0 on a day without trade."}
  is_complete: {type: boolean, description: "Whether the log reaches the end of the day. The last day is partial where its events end at an earlier hour than on 95 % of the other days."}
  is_week_complete: {type: boolean, description: Whether all seven days of its week are in the table and complete.}
checks:
  - expect_column_values_to_be_between: {column: revenue, min_value: 0, severity: warn}
  - expect_column_values_to_be_between: {column: weekday, min_value: 1, max_value: 7}
--- */
with sales as (
    select
        min(sales_date) filter (where n_lines > 0) as first_date,
        max(sales_date) filter (where n_lines > 0) as last_date,
    from sales_daily
),

closing_hours as (
    select
        event_date,
        max(hour) as last_hour,
    from hourly_traffic
    where n_events > 0
    group by event_date
),

-- How many of the days before the last one ended at the hour at which it ends, or earlier.
ends as (
    select
        count(*) as n_days,
        count(*) filter (where closing_hours.last_hour <= at_end.last_hour) as n_as_early,
    from closing_hours
    cross join sales
    inner join closing_hours as at_end on at_end.event_date = sales.last_date
    where closing_hours.event_date < sales.last_date
),

days as (
    select
        calendar.calendar_date as sales_date,
        calendar.interval_start as week_start,
        cast(date_diff('day', date '2000-01-03', calendar.calendar_date) % 7 + 1 as bigint)
            as weekday,
        cast(coalesce(sales_daily.revenue, 0) as decimal(18, 4)) as revenue,
        calendar.calendar_date < sales.last_date or ends.n_as_early * 20 >= ends.n_days
            as is_complete,
    from calendar
    cross join sales
    cross join ends
    left join sales_daily on sales_daily.sales_date = calendar.calendar_date
    where
        calendar.period = 'week'
        and calendar.calendar_date >= sales.first_date
        and calendar.calendar_date <= sales.last_date
)

select
    sales_date,
    week_start,
    weekday,
    revenue,
    is_complete,
    sum(case when is_complete then 1 else 0 end) over (partition by week_start) = 7
        as is_week_complete,
from days
