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
        and events.event_number is not null
        and datediff('day', events.event_date, purchases.purchase_date) <= 7
    group by
        purchases.customer_id,
        purchases.item_id,
        purchases.purchase_date,
        purchases.purchased_ts,
        events.event_type
),

ordered as (
    select
        customer_id,
        item_id,
        purchase_date,
        event_type,
        event_type = getvariable('purchase_event') and first_ts < purchased_ts
            as is_earlier_purchase,
        -- What happens at the instant of the purchase comes before it.
        row_number() over (
            partition by customer_id, item_id, purchase_date
            order by first_ts, event_type = getvariable('purchase_event'), event_type
        ) as step,
    from first_occurrences
),

-- Counted before their names are joined: there are few paths and many items.
item_paths as (
    select
        purchase_date,
        list_sort(list(lpad(cast(step as varchar), 9, '0') || event_type)) as steps,
    from ordered
    group by customer_id, item_id, purchase_date
    having not bool_or(is_earlier_purchase)
),

counted as (
    select
        purchase_date,
        row_number() over (order by purchase_date, steps) as path_number,
        steps,
        count(*) as n_item_purchases,
    from item_paths
    group by purchase_date, steps
),

numbered_steps as (
    select
        purchase_date,
        path_number,
        n_item_purchases,
        unnest(steps) as step,
    from counted
),

named_paths as (
    select
        purchase_date,
        string_agg(substr(step, 10), ' > ' order by step) as path,
        count(*) as n_steps,
        n_item_purchases,
    from numbered_steps
    group by purchase_date, path_number, n_item_purchases
)

select
    purchase_date,
    path,
    max(n_steps) as n_steps,
    cast(sum(n_item_purchases) as bigint) as n_item_purchases,
from named_paths
group by purchase_date, path
