/* ---
description: >-
  One row per customer and day on which the customer did something; a passive event is no doing. It is the base of everything
  that counts customers by day or longer: retention, lifecycle, stickiness, first_seen.
partition_by: event_date
key: [customer_id, event_date]
parameters:
  purchase_event: {type: varchar, description: "Event type that is a purchase; null where there is none."}
  view_event: {type: varchar, description: "Event type that is a page view; null where there is none."}
  bot_events_per_day: {type: bigint, description: "Events of a day beyond which a customer is a suspected bot; null where nobody is."}
columns:
  customer_id: {type: source, description: "Who."}
  event_date: {type: date, description: "Day in the source's business time."}
  n_events: {type: bigint, description: "Events of the customer on that day."}
  n_views: {type: bigint, description: "Page views among them."}
  n_purchases: {type: bigint, description: "Purchase events among them."}
  purchase_value: {type: "decimal(18,4)", description: "Money of the purchase events; null where no purchase carries a value."}
  first_purchase_at: {type: timestamp, description: "First purchase of the day, business time; null where there is none."}
  first_event_ts: {type: bigint, description: "First event, epoch microseconds."}
  last_event_ts: {type: bigint, description: "Last event, epoch microseconds."}
  is_suspected_bot: {type: boolean, description: "Whether there are more events than the source believes of a person."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [customer_id, event_date]}
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
    from events
    where event_number is not null
)

select
    customer_id,
    event_date,
    count(*) as n_events,
    count(*) filter (where is_view) as n_views,
    count(*) filter (where is_purchase) as n_purchases,
    cast(sum(value) filter (where is_purchase) as decimal(18, 4)) as purchase_value,
    -- By the clock a purchase may be earlier that came after an hour was turned back.
    arg_min(event_at, event_ts) filter (where is_purchase) as first_purchase_at,
    min(event_ts) as first_event_ts,
    max(event_ts) as last_event_ts,
    coalesce(count(*) > getvariable('bot_events_per_day'), false) as is_suspected_bot,
from customer_events
group by customer_id, event_date
