/* ---
description: >-
  One row per day, step and pair of event types that follow each other at that step of a session
  that starts on the day, for the first five steps until the end of the following day. An event
  type that repeats at once is one step.
partition_by: session_date
key: [session_date, step, from_event, to_event]
inputs: {events: {days: [-1, 1]}}
parameters:
  session_timeout_us: {type: bigint, description: "Longest gap inside a session, microseconds."}
  splits_at_midnight: {type: boolean, description: "Whether a session ends at midnight."}
columns:
  session_date: {type: date, description: "Day on which the session starts, business time."}
  step: {type: bigint, description: "Number of the earlier step in its session, from 1."}
  from_event: {type: varchar, description: "Event type of that step."}
  to_event: {type: varchar, description: "Event type of the next step."}
  n_sessions: {type: bigint, description: "Sessions that went this way."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [session_date, step, from_event, to_event]}
  - expect_column_values_to_be_between: {column: n_sessions, min_value: 1}
owner: team:data
--- */
with ends_of_days as (
    select
        customer_id,
        event_date,
        event_ts,
        event_number,
        event_type,
        lag(event_ts) over history as previous_event_ts,
        lag(event_type) over history as previous_event_type,
    from events
    where event_number is not null
        and (event_number = 1 or next_event_type is null)
    window history as (partition by customer_id order by event_ts, event_number)
),

-- Only the first event of a day follows one of another day, the last there.
successive as (
    select
        customer_id,
        event_date,
        event_ts,
        event_number,
        event_type,
        previous_event_type,
        event_ts - previous_event_ts > getvariable('session_timeout_us') as is_start,
    from events
    where event_number > 1
    union all
    select
        customer_id,
        event_date,
        event_ts,
        event_number,
        event_type,
        previous_event_type,
        coalesce(event_ts - previous_event_ts > getvariable('session_timeout_us'), true)
        or getvariable('splits_at_midnight') as is_start,
    from ends_of_days
    where event_number = 1
),

nodes as (
    select
        event_date,
        event_type,
        previous_event_type,
        is_start,
        lag(is_start, 1) over history as is_second,
        lag(is_start, 2) over history as is_third,
        lag(is_start, 3) over history as is_fourth,
        lag(is_start, 4) over history as is_fifth,
        -- Of the starts among these nodes the last one has the latest day.
        max(case when is_start then event_date end) over (
            partition by customer_id
            order by event_ts, event_number
            rows between 4 preceding and current row
        ) as session_date,
    from successive
    where is_start or event_type != previous_event_type
    window history as (partition by customer_id order by event_ts, event_number)
),

steps as (
    select
        session_date,
        cast(
            case when is_second then 1 when is_third then 2 when is_fourth then 3 else 4 end
            as bigint
        ) as step,
        previous_event_type as from_event,
        event_type as to_event,
    from nodes
    where not is_start
        and (is_second or is_third or is_fourth or is_fifth)
        and datediff('day', session_date, event_date) <= 1
)

select
    session_date,
    step,
    from_event,
    to_event,
    count(*) as n_sessions,
from steps
group by session_date, step, from_event, to_event
