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
with spaced as (
    select
        event_date,
        date '1970-01-01' + cast(floor(event_ts / 86400000000) as integer) as utc_date,
        case when event_type = getvariable('purchase_event') then customer_id end as purchaser_id,
        event_type = getvariable('purchase_event') as is_purchase,
        n_copies,
        customer_id is not null as has_customer,
        event_ts - lag(event_ts) over (partition by customer_id order by event_ts) as gap_us,
    from events
),

business_days as (
    select
        event_date,
        count(*) filter (where has_customer and coalesce(gap_us > 900000000, true)) as n_15,
        count(*) filter (where has_customer and coalesce(gap_us > 1800000000, true)) as n_30,
        count(*) filter (where has_customer and coalesce(gap_us > 3600000000, true)) as n_60,
        count(*) as n_events,
        cast(sum(n_copies) as bigint) as n_rows,
        count(*) filter (where is_purchase) as n_purchases,
        count(distinct purchaser_id) as n_purchasers,
    from spaced
    group by event_date
),

utc_days as (
    select
        utc_date,
        count(*) as n_events,
    from spaced
    group by utc_date
)

select event_date, 'sessions' as measure, '15 minutes' as definition, n_15 as n
from business_days
union all
select event_date, 'sessions' as measure, '30 minutes' as definition, n_30 as n
from business_days
union all
select event_date, 'sessions' as measure, '60 minutes' as definition, n_60 as n
from business_days
union all
select event_date, 'events' as measure, 'business day' as definition, n_events as n
from business_days
union all
select utc_date as event_date, 'events' as measure, 'UTC day' as definition, n_events as n
from utc_days
union all
select event_date, 'rows' as measure, 'duplicates removed' as definition, n_events as n
from business_days
union all
select event_date, 'rows' as measure, 'duplicates kept' as definition, n_rows as n
from business_days
union all
select event_date, 'purchases' as measure, 'rows' as definition, n_purchases as n
from business_days
union all
select event_date, 'purchases' as measure, 'distinct customers' as definition, n_purchasers as n
from business_days
