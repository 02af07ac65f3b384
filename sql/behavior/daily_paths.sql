/* ---
description: >-
  One row per day and path on which customers came to buy an item that day: the event types in
  the order in which the customer first did each of them to the item, from seven days before.
  Items that the customer had bought in those days are left out.
partition_by: purchase_date
key: [purchase_date, path]
inputs: {events: {days: [-7, 0]}}
requires: [item, purchase]
parameters:
  purchase_event: {type: varchar, description: "Event type that is a purchase."}
columns:
  purchase_date: {type: date, description: "Day of the purchase, business time."}
  path: {type: varchar, description: "Event types in the order of their first occurrence, joined by >."}
  n_steps: {type: bigint, description: "Event types of the path."}
  n_item_purchases: {type: bigint, description: "Customers and items that went this way."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [purchase_date, path]}
  - expect_column_values_to_be_between: {column: n_item_purchases, min_value: 1}
owner: team:data
--- */
with purchases as (
    select
        customer_id,
        item_id,
        event_date as purchase_date,
        min(event_ts) as purchased_ts,
    from events
    where event_type = getvariable('purchase_event')
        and customer_id is not null
        and item_id is not null
    group by customer_id, item_id, event_date
),

first_occurrences as (
    select
        purchases.customer_id,
        purchases.item_id,
        purchases.purchase_date,
        purchases.purchased_ts,
        events.event_type,
        min(events.event_ts) as first_ts,
    from events
    inner join purchases
        on events.customer_id = purchases.customer_id
        and events.item_id = purchases.item_id
        and events.event_ts <= purchases.purchased_ts
        and datediff('day', events.event_date, purchases.purchase_date) <= 7
    group by
        purchases.customer_id,
        purchases.item_id,
        purchases.purchase_date,
        purchases.purchased_ts,
        events.event_type
),

item_paths as (
    select
        purchase_date,
        -- What happens at the instant of the purchase comes before it.
        string_agg(
            event_type,
            ' > '
            order by first_ts, event_type = getvariable('purchase_event'), event_type
        ) as path,
        count(*) as n_steps,
    from first_occurrences
    group by customer_id, item_id, purchase_date
    having count(*) filter (
        where event_type = getvariable('purchase_event') and first_ts < purchased_ts
    ) = 0
)

select
    purchase_date,
    path,
    max(n_steps) as n_steps,
    count(*) as n_item_purchases,
from item_paths
group by purchase_date, path
