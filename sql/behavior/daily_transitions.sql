/* ---
description: >-
  One row per day, pair of successive event types inside a session and width of the gap between
  them, filed under the day of the later event. `(start)` stands before the first event of a session.
partition_by: event_date
key: [event_date, from_event, to_event, gap_minutes]
inputs: {events: {days: [-1, 0]}}
parameters:
  session_timeout_us: {type: bigint, description: "Longest gap inside a session, microseconds."}
  splits_at_midnight: {type: boolean, description: "Whether a session ends at midnight."}
columns:
  event_date: {type: date, description: "Day of the later event, business time."}
  from_event: {type: varchar, description: "Earlier event type, or (start)."}
  to_event: {type: varchar, description: "Later event type."}
  gap_minutes: {type: bigint, description: "Of 15, 30 and 60 minutes the shortest that the gap does not exceed; null for a longer one, or none."}
  n_transitions: {type: bigint, description: "How often the one followed the other."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [event_date, from_event, to_event, gap_minutes]}
owner: team:data
--- */
with within_days as (
    select
        event_date,
        previous_event_type,
        event_type,
        case
            when event_ts - previous_event_ts <= 900000000 then cast(15 as bigint)
            when event_ts - previous_event_ts <= 1800000000 then 30
            when event_ts - previous_event_ts <= 3600000000 then 60
        end as gap_minutes,
        event_ts - previous_event_ts <= getvariable('session_timeout_us') as is_same_session,
        count(*) as n_transitions,
    from events
    where previous_event_ts is not null
    group by
        event_date,
        previous_event_type,
        event_type,
        case
            when event_ts - previous_event_ts <= 900000000 then cast(15 as bigint)
            when event_ts - previous_event_ts <= 1800000000 then 30
            when event_ts - previous_event_ts <= 3600000000 then 60
        end,
        event_ts - previous_event_ts <= getvariable('session_timeout_us')
),

-- Only the first event of a day follows one of another day, the last there.
ends_of_days as (
    select
        event_date,
        event_type,
        event_number = 1 as is_first,
        event_ts - lag(event_ts) over history as gap_us,
        lag(event_type) over history as previous_event_type,
    from events
    where event_number is not null
        and (event_number = 1 or next_event_type is null)
    window history as (partition by customer_id order by event_ts, event_number)
),

transitions as (
    select
        event_date,
        previous_event_type,
        event_type,
        gap_minutes,
        is_same_session,
        n_transitions,
    from within_days
    union all
    select
        event_date,
        previous_event_type,
        event_type,
        case
            when gap_us <= 900000000 then cast(15 as bigint)
            when gap_us <= 1800000000 then 30
            when gap_us <= 3600000000 then 60
        end as gap_minutes,
        gap_us <= getvariable('session_timeout_us') and not getvariable('splits_at_midnight')
            as is_same_session,
        cast(1 as bigint) as n_transitions,
    from ends_of_days
    where is_first
)

select
    event_date,
    case when is_same_session then previous_event_type else '(start)' end as from_event,
    event_type as to_event,
    gap_minutes,
    cast(sum(n_transitions) as bigint) as n_transitions,
from transitions
group by
    event_date,
    case when is_same_session then previous_event_type else '(start)' end,
    event_type,
    gap_minutes
