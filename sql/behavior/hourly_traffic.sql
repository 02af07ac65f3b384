/* ---
description: >-
  One row per day, hour and event type. Sums over days give the profile by hour and weekday;
  customers are distinct inside the hour, so over several days take their mean.
partition_by: event_date
key: [event_date, hour, event_type]
columns:
  event_date: {type: date, description: "Day, business time."}
  weekday: {type: bigint, description: "Day of the week, Monday 1 to Sunday 7."}
  hour: {type: bigint, description: "Hour of the day, business time, 0 to 23."}
  event_type: {type: varchar, description: "What happened."}
  n_events: {type: bigint, description: "Events of this type in the hour."}
  n_customers: {type: bigint, description: "Distinct customers with such an event in the hour."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [event_date, hour, event_type]}
  - expect_column_values_to_be_between: {column: hour, min_value: 0, max_value: 23}
  - expect_column_values_to_be_between: {column: weekday, min_value: 1, max_value: 7}
owner: team:data
--- */
with hourly as (
    select
        event_date,
        cast(hour(event_at) as bigint) as hour,
        event_type,
        count(*) as n_events,
        count(distinct customer_id) as n_customers,
    from events
    group by event_date, hour(event_at), event_type
)

select
    event_date,
    -- Weekday functions number the days differently from engine to engine: 2000-01-03 was a Monday.
    cast((datediff('day', date '2000-01-03', event_date) % 7 + 7) % 7 + 1 as bigint) as weekday,
    hour,
    event_type,
    n_events,
    n_customers,
from hourly
