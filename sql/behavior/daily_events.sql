/* ---
description: >-
  One row per day and event type: how often it happened and to how many customers. Events
  without a customer count as events.
partition_by: event_date
key: [event_date, event_type]
columns:
  event_date: {type: date, description: "Day, business time."}
  event_type: {type: varchar, description: "What happened."}
  n_events: {type: bigint, description: "Events of this type on the day."}
  n_customers: {type: bigint, description: "Distinct customers with such an event on the day."}
  n_events_without_customer: {type: bigint, description: "Events whose customer the log does not know."}
  value: {type: "decimal(18,4)", description: "Money of these events, as the source signs them; null where none carries a value."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [event_date, event_type]}
  - expect_column_values_to_be_between: {column: n_events, min_value: 1}
owner: team:data
--- */
select
    event_date,
    event_type,
    count(*) as n_events,
    count(distinct customer_id) as n_customers,
    count(*) - count(customer_id) as n_events_without_customer,
    cast(sum(value) as decimal(18, 4)) as value,
from events
group by event_date, event_type
