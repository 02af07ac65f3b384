/* ---
description: >-
  One row per session, filed under the day on which it starts. A gap greater than the timeout
  starts a new session; an equal gap stays.
partition_by: session_date
key: [customer_id, started_ts]
inputs:
  session_fragments:
    days: [-1, 1]
    # A fragment that touches both midnights may hand its session on to the following day; two
    # hours are to spare for a clock that is changed.
    further_while: >-
      not getvariable('splits_at_midnight')
      and cast(hour(first_event_at) * 60 + minute(first_event_at) as bigint) * 60000000
      <= getvariable('session_timeout_us') + 7200000000
      and cast(hour(first_event_at) * 60 + minute(first_event_at) as bigint) * 60000000
      + last_event_ts - first_event_ts
      >= 86400000000 - getvariable('session_timeout_us') - 7200000000
parameters:
  session_timeout_us: {type: bigint, description: "Longest gap inside a session, microseconds."}
  splits_at_midnight: {type: boolean, description: "Whether a session ends at midnight."}
columns:
  customer_id: {type: source, description: "Who."}
  session_date: {type: date, description: "Day on which the session starts, business time."}
  started_ts: {type: bigint, description: "First event, epoch microseconds; with customer_id the key of the session."}
  ended_ts: {type: bigint, description: "Last event, epoch microseconds."}
  started_at: {type: timestamp, description: "First event, business time."}
  ended_at: {type: timestamp, description: "Last event, business time."}
  duration_seconds: {type: double, description: "Time from the first event to the last; 0 where there is one."}
  n_events: {type: bigint, description: "Events in the session."}
  n_views: {type: bigint, description: "Page views among them."}
  n_purchases: {type: bigint, description: "Purchase events among them."}
  purchase_value: {type: "decimal(18,4)", description: "Money of the purchase events; null where no purchase carries a value."}
  n_fragments: {type: bigint, description: "Days that the session touches."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [customer_id, started_ts]}
  - expect_column_values_to_be_between: {column: n_events, min_value: 1}
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: ended_ts, column_B: started_ts, or_equal: true}
owner: team:data
--- */
with fragments as (
    select
        *,
        -- Whether a fragment of another day may be part of the session: reckoned from the clock
        -- at the start, with two hours to spare for a clock that is changed.
        cast(hour(first_event_at) * 60 + minute(first_event_at) as bigint) * 60000000
            as since_midnight_us,
    from session_fragments
),

placed as (
    select
        *,
        since_midnight_us <= getvariable('session_timeout_us') + 7200000000
        or since_midnight_us + last_event_ts - first_event_ts
        >= 86400000000 - getvariable('session_timeout_us') - 7200000000 as is_near_midnight,
    from fragments
),

spaced as (
    select
        *,
        first_event_ts - max(last_event_ts) over (
            partition by customer_id
            order by first_event_ts
            rows between unbounded preceding and 1 preceding
        ) as gap_us,
    from placed
    where is_near_midnight
),

parts as (
    select
        *,
        max(
            case
                when gap_us is null
                    or gap_us > getvariable('session_timeout_us')
                    or getvariable('splits_at_midnight')
                    then first_event_ts
            end
        ) over (
            partition by customer_id
            order by first_event_ts
            rows between unbounded preceding and current row
        ) as started_ts,
    from spaced
),

joined as (
    select
        customer_id,
        arg_min(event_date, first_event_ts) as session_date,
        started_ts,
        max(last_event_ts) as ended_ts,
        arg_min(first_event_at, first_event_ts) as started_at,
        arg_max(last_event_at, last_event_ts) as ended_at,
        cast(sum(n_events) as bigint) as n_events,
        cast(sum(n_views) as bigint) as n_views,
        cast(sum(n_purchases) as bigint) as n_purchases,
        cast(sum(purchase_value) as decimal(18, 4)) as purchase_value,
        count(*) as n_fragments,
    from parts
    group by customer_id, started_ts
)

select
    customer_id,
    event_date as session_date,
    first_event_ts as started_ts,
    last_event_ts as ended_ts,
    first_event_at as started_at,
    last_event_at as ended_at,
    (last_event_ts - first_event_ts) / 1000000.0 as duration_seconds,
    n_events,
    n_views,
    n_purchases,
    purchase_value,
    cast(1 as bigint) as n_fragments,
from placed
where not is_near_midnight
union all
select
    customer_id,
    session_date,
    started_ts,
    ended_ts,
    started_at,
    ended_at,
    (ended_ts - started_ts) / 1000000.0 as duration_seconds,
    n_events,
    n_views,
    n_purchases,
    purchase_value,
    n_fragments,
from joined
