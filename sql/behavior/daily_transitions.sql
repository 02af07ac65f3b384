/* ---
description: >-
  One row per day and pair of successive event types inside a session, filed under the day of the
  later event. `(start)` stands before the first event of a session.
partition_by: event_date
key: [event_date, from_event, to_event]
inputs: {events: {days: [-1, 0]}}
parameters:
  session_timeout_us: {type: bigint, description: "Longest gap inside a session, microseconds."}
columns:
  event_date: {type: date, description: "Day of the later event, business time."}
  from_event: {type: varchar, description: "Earlier event type, or (start)."}
  to_event: {type: varchar, description: "Later event type."}
  n_transitions: {type: bigint, description: "How often the one followed the other."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [event_date, from_event, to_event]}
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
    count(*) as n_transitions,
from successive
group by
    event_date,
    case when gap_us <= getvariable('session_timeout_us') then previous_type else '(start)' end,
    event_type
