/* ---
description: >-
  One row per customer: when the customer was first seen, first bought, and last seen. A log that
  starts in the middle of a customer's life shows its own first day, not the customer's.
key: [customer_id]
columns:
  customer_id: {type: source, description: "Who."}
  first_event_ts: {type: bigint, description: "First event in all history, epoch microseconds."}
  first_event_date: {type: date, description: "Day of the first event."}
  first_purchase_at: {type: timestamp, description: "First purchase, business time; null where there is none."}
  first_purchase_date: {type: date, description: "Day of the first purchase; null where there is none."}
  last_event_ts: {type: bigint, description: "Last event, epoch microseconds."}
  last_event_date: {type: date, description: "Day of the last event."}
  last_purchase_date: {type: date, description: "Day of the last purchase; null where there is none."}
  n_active_days: {type: bigint, description: "Days with an event."}
  n_purchase_days: {type: bigint, description: "Days with a purchase."}
  n_events: {type: bigint, description: "Events in all history."}
  n_purchases: {type: bigint, description: "Purchase events in all history."}
checks:
  - expect_column_values_to_be_unique: {column: customer_id}
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: last_event_ts, column_B: first_event_ts, or_equal: true}
owner: team:data
--- */
select
    customer_id,
    min(first_event_ts) as first_event_ts,
    min(event_date) as first_event_date,
    arg_min(first_purchase_at, event_date) filter (where n_purchases > 0) as first_purchase_at,
    min(event_date) filter (where n_purchases > 0) as first_purchase_date,
    max(last_event_ts) as last_event_ts,
    max(event_date) as last_event_date,
    max(event_date) filter (where n_purchases > 0) as last_purchase_date,
    count(*) as n_active_days,
    count(*) filter (where n_purchases > 0) as n_purchase_days,
    cast(sum(n_events) as bigint) as n_events,
    cast(sum(n_purchases) as bigint) as n_purchases,
from customer_day
group by customer_id
