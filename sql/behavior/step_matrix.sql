/* ---
description: >-
  One row per step of a session, the first five, and event type: in how many sessions it comes at
  that step, over the whole log. An event type that repeats at once is one step; `(end)` counts the
  sessions that are over before the step, so a step holds all sessions.
key: [step, event_type]
columns:
  step: {type: bigint}
  event_type: {type: varchar, description: "Event type at the step, or (end)."}
  n_sessions: {type: bigint, description: "Sessions that are there."}
  session_share: {type: double, description: "Of all sessions."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [step, event_type]}
  - expect_column_values_to_be_between: {column: session_share, min_value: 0, max_value: 1}
  - unexpected_rows_expectation:
      name: a_step_holds_all_sessions
      description: Sessions that are over count too.
      unexpected_rows_query: >-
        select step, sum(session_share) as total from {batch} group by step
        having abs(sum(session_share) - 1) > 1e-9
owner: team:data
--- */
with nodes as (
    select
        cast(1 as bigint) as step,
        to_event as event_type,
        sum(n_transitions) as n_sessions,
    from daily_transitions
    where from_event = '(start)'
    group by to_event
    union all
    select
        step + 1 as step,
        to_event as event_type,
        sum(n_sessions) as n_sessions,
    from session_paths
    group by step, to_event
),

begun as (
    select sum(n_sessions) as n_sessions
    from nodes
    where step = 1
),

there as (
    select
        step,
        sum(n_sessions) as n_sessions,
    from nodes
    group by step
),

matrix as (
    select
        step,
        event_type,
        n_sessions,
    from nodes
    union all
    select
        there.step,
        '(end)' as event_type,
        begun.n_sessions - there.n_sessions as n_sessions,
    from there
    cross join begun
    where there.step > 1
)

select
    matrix.step,
    matrix.event_type,
    cast(matrix.n_sessions as bigint) as n_sessions,
    cast(matrix.n_sessions as double) / begun.n_sessions as session_share,
from matrix
cross join begun
