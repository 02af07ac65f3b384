/* ---
description: >-
  One row per session fragment, the part of a session that lies inside one day. It is computed
  from the events of its own day alone; sessions are the connected runs of fragments.
partition_by: event_date
key: [customer_id, first_event_ts]
parameters:
  session_timeout_us: {type: bigint, description: "Longest gap inside a session, microseconds."}
  purchase_event: {type: varchar, description: "Event type that is a purchase; null where there is none."}
  view_event: {type: varchar, description: "Event type that is a page view; null where there is none."}
columns:
  customer_id: {type: source, description: "Who."}
  event_date: {type: date, description: "Day that the fragment lies in, business time."}
  first_event_ts: {type: bigint, description: "First event, epoch microseconds; with customer_id the key."}
  last_event_ts: {type: bigint, description: "Last event, epoch microseconds."}
  first_event_at: {type: timestamp, description: "First event, business time."}
  n_events: {type: bigint, description: "Events in the fragment."}
  n_views: {type: bigint, description: "Page views among them."}
  n_purchases: {type: bigint, description: "Purchase events among them."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [customer_id, first_event_ts]}
  - expect_column_values_to_not_be_null: {column: customer_id}
  - expect_column_values_to_be_between: {column: n_events, min_value: 1}
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: last_event_ts, column_B: first_event_ts, or_equal: true}
owner: team:data
--- */
with customer_events as (
    select
        customer_id,
        event_date,
        event_ts,
        event_at,
        event_type = getvariable('view_event') as is_view,
        event_type = getvariable('purchase_event') as is_purchase,
        -- A slot is as wide as the timeout and floored, also before 1970, so its events belong to
        -- one session whatever their order: only the slots need sorting, a third of the events.
        event_ts - (
            (event_ts % getvariable('session_timeout_us') + getvariable('session_timeout_us'))
            % getvariable('session_timeout_us')
        ) as slot_ts,
    from events
    where customer_id is not null
),

slots as (
    select
        customer_id,
        event_date,
        min(event_ts) as first_event_ts,
        max(event_ts) as last_event_ts,
        -- Business time runs backwards for an hour a year.
        arg_min(event_at, event_ts) as first_event_at,
        count(*) as n_events,
        count(*) filter (where is_view) as n_views,
        count(*) filter (where is_purchase) as n_purchases,
    from customer_events
    group by customer_id, event_date, slot_ts
),

spaced as (
    select
        *,
        coalesce(
            first_event_ts - lag(last_event_ts) over day_of_customer
            > getvariable('session_timeout_us'),
            true
        ) as is_start,
        coalesce(
            lead(first_event_ts) over day_of_customer - last_event_ts
            > getvariable('session_timeout_us'),
            true
        ) as is_end,
    from slots
    window day_of_customer as (partition by customer_id, event_date order by first_event_ts)
),

-- Most slots are fragments by themselves; only the others have to be joined.
parts as (
    select
        *,
        max(case when is_start then first_event_ts end) over (
            partition by customer_id, event_date
            order by first_event_ts
            rows between unbounded preceding and current row
        ) as fragment_ts,
    from spaced
    where not (is_start and is_end)
),

joined as (
    select
        customer_id,
        event_date,
        fragment_ts as first_event_ts,
        max(last_event_ts) as last_event_ts,
        arg_min(first_event_at, first_event_ts) as first_event_at,
        cast(sum(n_events) as bigint) as n_events,
        cast(sum(n_views) as bigint) as n_views,
        cast(sum(n_purchases) as bigint) as n_purchases,
    from parts
    group by customer_id, event_date, fragment_ts
)

select
    customer_id,
    event_date,
    first_event_ts,
    last_event_ts,
    first_event_at,
    n_events,
    n_views,
    n_purchases,
from spaced
where is_start and is_end
union all
select
    customer_id,
    event_date,
    first_event_ts,
    last_event_ts,
    first_event_at,
    n_events,
    n_views,
    n_purchases,
from joined
