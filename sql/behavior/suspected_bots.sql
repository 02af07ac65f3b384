/* ---
description: >-
  One row per customer and day with more events than the source believes of a person. Nothing is
  deleted: the source says whether these days count in rates.
key: [event_date, customer_id]
requires: [bots]
columns:
  customer_id: {type: source, description: "Who."}
  event_date: {type: date, description: "Day, business time."}
  n_events: {type: bigint, description: "Events of the customer on that day."}
  n_views: {type: bigint, description: "Page views among them."}
  n_purchases: {type: bigint, description: "Purchase events among them."}
  active_hours: {type: double, description: "Hours from the first event of the day to the last."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [event_date, customer_id]}
  - expect_column_values_to_be_between: {column: n_events, min_value: 1}
owner: team:data
--- */
select
    customer_id,
    event_date,
    n_events,
    n_views,
    n_purchases,
    (last_event_ts - first_event_ts) / 3600000000.0 as active_hours,
from customer_day
where is_suspected_bot
