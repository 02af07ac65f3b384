/* ---
description: >-
  One row per customer and column that the source breaks down by: its value at the customer's first
  event. It stands beside first_seen, which says when that was, and never changes with what the
  customer does later. A log that starts in the middle of a customer's life shows its own first day.
key: [customer_id, attribute]
requires: [breakdowns]
columns:
  customer_id: {type: source, description: "Who."}
  attribute: {type: varchar, description: "Column of the events."}
  attribute_value: {type: varchar, description: "Its value at the customer's first event; null where it has none."}
  first_event_date: {type: date, description: "Day of the first event."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [customer_id, attribute]}
--- */
select
    session_entries.customer_id,
    session_entries.attribute,
    session_entries.attribute_value,
    first_seen.first_event_date,
from session_entries
inner join first_seen
    on session_entries.customer_id = first_seen.customer_id
    and session_entries.started_ts = first_seen.first_event_ts
