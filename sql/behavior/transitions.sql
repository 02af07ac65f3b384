/* ---
description: >-
  One row per pair of successive event types inside a session, over the whole log. `(start)` and
  `(end)` stand around each session, so the total is events plus sessions.
key: [from_event, to_event]
columns:
  from_event: {type: varchar, description: "Earlier event type, or (start)."}
  to_event: {type: varchar, description: "Later event type, or (end)."}
  n_transitions: {type: bigint, description: "How often the one followed the other."}
  share_of_from: {type: double, description: "Of all that left the earlier event type."}
  share_of_to: {type: double, description: "Of all that came to the later event type."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [from_event, to_event]}
  - expect_column_values_to_be_between: {column: n_transitions, min_value: 1}
owner: team:data
--- */
with steps as (
    select
        from_event,
        to_event,
        cast(sum(n_transitions) as bigint) as n_transitions,
    from daily_transitions
    group by from_event, to_event
),

flows as (
    select
        to_event as event_type,
        n_transitions as n_events,
    from steps
    union all
    select
        from_event as event_type,
        -n_transitions as n_events,
    from steps
    where from_event != '(start)'
),

-- What comes to an event type and does not go on ends its session there.
ends as (
    select
        event_type as from_event,
        '(end)' as to_event,
        cast(sum(n_events) as bigint) as n_transitions,
    from flows
    group by event_type
),

transitions as (
    select
        from_event,
        to_event,
        n_transitions,
    from steps
    union all
    select
        from_event,
        to_event,
        n_transitions,
    from ends
    where n_transitions > 0
)

select
    from_event,
    to_event,
    n_transitions,
    cast(n_transitions as double) / sum(n_transitions) over (partition by from_event)
        as share_of_from,
    cast(n_transitions as double) / sum(n_transitions) over (partition by to_event) as share_of_to,
from transitions
