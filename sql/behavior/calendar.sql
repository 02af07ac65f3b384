/* ---
description: >-
  One row per period and day of the log: the number of the day, week or month that the day lies
  in. Two intervals are k periods apart where their numbers differ by k.
key: [period, calendar_date]
parameters:
  first_day: {type: date, description: "First day of the log."}
  last_complete_day: {type: date, description: "Last day that is over."}
  week_start: {type: varchar, description: "First day of a week: monday or sunday."}
columns:
  period: {type: varchar, description: "day, week or month."}
  calendar_date: {type: date, description: "Day, business time."}
  interval_index: {type: bigint, description: "Number of its interval since 1970."}
  interval_start: {type: date, description: "First day of the interval."}
  is_complete: {type: boolean, description: "Whether the last day of the interval is over."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [period, calendar_date]}
owner: team:data
--- */
with days as (
    -- One day more than the log has: an interval is complete where that day lies in a later one.
    select
        unnest(
            generate_series(
                datediff('day', date '1970-01-01', getvariable('first_day')),
                datediff('day', date '1970-01-01', getvariable('last_complete_day')) + 1
            )
        ) as day_index,
        -- 1970-01-01 was a Thursday.
        case when getvariable('week_start') = 'sunday' then 4 else 3 end as week_shift,
),

dated as (
    select
        date '1970-01-01' + cast(day_index as integer) as calendar_date,
        day_index,
        week_shift,
        cast(floor((day_index + week_shift) / 7) as bigint) as week_index,
    from days
),

numbered as (
    select
        'day' as period,
        calendar_date,
        day_index as interval_index,
        calendar_date as interval_start,
    from dated
    union all
    select
        'week' as period,
        calendar_date,
        week_index as interval_index,
        date '1970-01-01' + cast(week_index * 7 - week_shift as integer) as interval_start,
    from dated
    union all
    select
        'month' as period,
        calendar_date,
        cast((year(calendar_date) - 1970) * 12 + month(calendar_date) - 1 as bigint)
            as interval_index,
        cast(date_trunc('month', calendar_date) as date) as interval_start,
    from dated
),

judged as (
    select
        *,
        interval_index < max(interval_index) over (partition by period) as is_complete,
    from numbered
)

select
    period,
    calendar_date,
    interval_index,
    interval_start,
    is_complete,
from judged
where calendar_date <= getvariable('last_complete_day')
