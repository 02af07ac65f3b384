/* ---
description: >-
  One row per day, pair of successive event types inside a session and width of the gap between
  them, filed under the day of the later event. `(start)` stands before the first event of a session.
partition_by: event_date
key: [event_date, from_event, to_event, gap_minutes]
inputs: {events: {days: [-1, 0]}}
parameters:
  session_timeout_us: {type: bigint, description: "Longest gap inside a session, microseconds."}
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
with successive as (
    select
        event_date,
        event_type,
        event_ts - lag(event_ts) over history as gap_us,
        lag(event_type) over history as previous_type,
    from events
    where customer_id is not null
    -- Events that agree in both are the same to a transition: the rest of the key can be left out.
    window history as (partition by customer_id order by event_ts, event_type)
)

select
    event_date,
    case when gap_us <= getvariable('session_timeout_us') then previous_type else '(start)' end
        as from_event,
    event_type as to_event,
    case
        when gap_us <= 900000000 then cast(15 as bigint)
        when gap_us <= 1800000000 then 30
        when gap_us <= 3600000000 then 60
    end as gap_minutes,
    count(*) as n_transitions,
from successive
group by
    event_date,
    case when gap_us <= getvariable('session_timeout_us') then previous_type else '(start)' end,
    event_type,
    case
        when gap_us <= 900000000 then cast(15 as bigint)
        when gap_us <= 1800000000 then 30
        when gap_us <= 3600000000 then 60
    end
