/* ---
description: >-
  One row per session fragment, the part of a session that lies inside one day. It is computed
  from the events of its own day alone, passive ones left out; sessions are the connected runs of fragments.
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
  last_event_at: {type: timestamp, description: "Last event, business time."}
  n_events: {type: bigint, description: "Events in the fragment."}
  n_views: {type: bigint, description: "Page views among them."}
  n_purchases: {type: bigint, description: "Purchase events among them."}
  purchase_value: {type: "decimal(18,4)", description: "Money of the purchase events; null where no purchase carries a value."}
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
        value,
        event_type = getvariable('view_event') as is_view,
        event_type = getvariable('purchase_event') as is_purchase,
        coalesce(event_ts - previous_event_ts > getvariable('session_timeout_us'), true)
            as is_start,
        -- A slot is as wide as the timeout: its events belong to one session, and the event before
        -- its first one, if no longer ago, lies in the slot before. What is added keeps times
        -- before 1970 above zero.
        event_ts - (
            (event_ts + 1000000000000000000) % getvariable('session_timeout_us')
        ) as slot_ts,
    from events
    where event_number is not null
),

slots as (
    select
        customer_id,
        event_date,
        slot_ts,
        min(event_ts) as first_event_ts,
        max(event_ts) as last_event_ts,
        -- Of a slot only the first event can be a start.
        min(event_at) filter (where is_start) as started_at,
        arg_max(event_at, event_ts) as last_event_at,
        count(*) as n_events,
        count(*) filter (where is_view) as n_views,
        count(*) filter (where is_purchase) as n_purchases,
        sum(value) filter (where is_purchase) as purchase_value,
    from customer_events
    group by customer_id, event_date, slot_ts
),

-- Adjacent slots without a start have the same difference to their number.
numbered as (
    select
        *,
        slot_ts - getvariable('session_timeout_us') * row_number() over (
            partition by customer_id, event_date
            order by slot_ts
        ) as run_ts,
    from slots
    where started_at is null
),

continuations as (
    select
        customer_id,
        event_date,
        min(slot_ts) - getvariable('session_timeout_us') as start_slot_ts,
        max(last_event_ts) as last_event_ts,
        arg_max(last_event_at, last_event_ts) as last_event_at,
        cast(sum(n_events) as bigint) as n_events,
        cast(sum(n_views) as bigint) as n_views,
        cast(sum(n_purchases) as bigint) as n_purchases,
        sum(purchase_value) as purchase_value,
    from numbered
    group by customer_id, event_date, run_ts
)

select
    starts.customer_id,
    starts.event_date,
    starts.first_event_ts,
    coalesce(continuations.last_event_ts, starts.last_event_ts) as last_event_ts,
    starts.started_at as first_event_at,
    coalesce(continuations.last_event_at, starts.last_event_at) as last_event_at,
    starts.n_events + coalesce(continuations.n_events, 0) as n_events,
    starts.n_views + coalesce(continuations.n_views, 0) as n_views,
    starts.n_purchases + coalesce(continuations.n_purchases, 0) as n_purchases,
    cast(
        coalesce(
            starts.purchase_value + continuations.purchase_value,
            starts.purchase_value,
            continuations.purchase_value
        ) as decimal(18, 4)
    ) as purchase_value,
from slots as starts
left join continuations
    on starts.customer_id = continuations.customer_id
    and starts.event_date = continuations.event_date
    and starts.slot_ts = continuations.start_slot_ts
where starts.started_at is not null
