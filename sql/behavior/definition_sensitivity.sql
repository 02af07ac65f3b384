/* ---
description: >-
  One row per day, measure and definition: the same events under several definitions side by
  side, so that a figure from elsewhere can be told from a mistake.
partition_by: event_date
key: [event_date, measure, definition]
inputs: {events: {days: [-1, 1]}}
parameters:
  purchase_event: {type: varchar, description: "Event type that is a purchase; null where there is none."}
columns:
  event_date: {type: date, description: "Day: business time, or UTC where the definition says so."}
  measure: {type: varchar, description: "What is counted: sessions, events, rows or purchases."}
  definition: {type: varchar, description: "sessions: the timeout; events: whose day; rows: duplicates removed or kept; purchases: rows or distinct customers."}
  n: {type: bigint, description: "The count under that definition."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [event_date, measure, definition]}
owner: team:data
--- */
with counted as (
    select
        event_date,
        date '1970-01-01' + cast(floor(event_ts / 86400000000) as integer) as utc_date,
        count(*) as n_events,
        -- Of identical rows that are kept each is an event, the first of them has number 1.
        count(*) filter (where occurrence = 1) as n_different,
        sum(n_copies) as n_rows,
    from events
    group by event_date, date '1970-01-01' + cast(floor(event_ts / 86400000000) as integer)
),

business_days as (
    select
        event_date,
        cast(sum(n_events) as bigint) as n_events,
        cast(sum(n_different) as bigint) as n_different,
        cast(sum(n_rows) as bigint) as n_rows,
    from counted
    group by event_date
),

utc_days as (
    select
        utc_date,
        cast(sum(n_events) as bigint) as n_events,
    from counted
    group by utc_date
),

-- A session starts with each event whose gap is longer than the timeout.
session_days as (
    select
        event_date,
        cast(sum(case when gap_minutes <= 15 then 0 else n_transitions end) as bigint) as n_15,
        cast(sum(case when gap_minutes <= 30 then 0 else n_transitions end) as bigint) as n_30,
        cast(sum(case when gap_minutes <= 60 then 0 else n_transitions end) as bigint) as n_60,
    from daily_transitions
    group by event_date
),

purchase_days as (
    select
        event_date,
        cast(sum(n_events) as bigint) as n_purchases,
    from hourly_traffic
    where event_type = getvariable('purchase_event')
    group by event_date
),

purchaser_days as (
    select
        event_date,
        count(*) filter (where n_purchases > 0) as n_purchasers,
    from customer_day
    group by event_date
),

days as (
    select
        business_days.event_date,
        business_days.n_events,
        business_days.n_different,
        business_days.n_rows,
        coalesce(session_days.n_15, 0) as n_15,
        coalesce(session_days.n_30, 0) as n_30,
        coalesce(session_days.n_60, 0) as n_60,
        coalesce(purchase_days.n_purchases, 0) as n_purchases,
        coalesce(purchaser_days.n_purchasers, 0) as n_purchasers,
    from business_days
    left join session_days on business_days.event_date = session_days.event_date
    left join purchase_days on business_days.event_date = purchase_days.event_date
    left join purchaser_days on business_days.event_date = purchaser_days.event_date
)

select event_date, 'sessions' as measure, '15 minutes' as definition, n_15 as n
from days
union all
select event_date, 'sessions' as measure, '30 minutes' as definition, n_30 as n
from days
union all
select event_date, 'sessions' as measure, '60 minutes' as definition, n_60 as n
from days
union all
select event_date, 'events' as measure, 'business day' as definition, n_events as n
from days
union all
select utc_date as event_date, 'events' as measure, 'UTC day' as definition, n_events as n
from utc_days
union all
select event_date, 'rows' as measure, 'duplicates removed' as definition, n_different as n
from days
union all
select event_date, 'rows' as measure, 'duplicates kept' as definition, n_rows as n
from days
union all
select event_date, 'purchases' as measure, 'rows' as definition, n_purchases as n
from days
union all
select event_date, 'purchases' as measure, 'distinct customers' as definition, n_purchasers as n
from days
