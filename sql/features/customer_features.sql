/* ---
description: >-
  One row per customer and cut-off, computed from what happened at or before the cut-off only.
  The cut-offs are the last event of the log and one prediction horizon before it.
key: [cut_off_ts, customer_id]
requires: [purchase, value]
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
  return_event: {type: varchar, description: The event type that takes a purchase back.}
  horizon_us: {type: bigint, description: "Prediction horizon, microseconds."}
columns:
  cut_off_ts: {type: bigint, description: "Moment that the row knows nothing beyond, epoch microseconds (UTC)."}
  customer_id: {type: source, description: Who; every customer with a purchase at or before the cut-off.}
  recency_days: {type: double, description: Days from the last purchase to the cut-off.}
  tenure_days: {type: double, description: Days from the first event to the cut-off.}
  n_events: {type: bigint, description: Events of any kind.}
  n_active_days: {type: bigint, description: Days with an event.}
  n_orders: {type: bigint, description: Different orders.}
  n_order_lines: {type: bigint, description: Purchase lines.}
  n_items: {type: bigint, description: Different items bought.}
  n_returns: {type: bigint, description: Events that took a purchase back.}
  monetary: {type: "decimal(18,4)", description: Money of all purchases.}
  mean_order_value: {type: double, description: Money per order.}
  mean_days_between_orders: {type: double, description: Mean gap between order moments; null with one order.}
  recent_orders: {type: bigint, description: Orders within one horizon before the cut-off.}
  recent_value: {type: "decimal(18,4)", description: Money within one horizon before the cut-off.}
  is_buyer_within_horizon: {type: boolean, description: "Label: bought in (cut-off, cut-off + horizon]; null where that is not over."}
checks:
  - expect_column_values_to_not_be_null: {column: customer_id}
  - expect_column_values_to_be_between: {column: recency_days, min_value: 0}
  - expect_column_values_to_be_between: {column: n_orders, min_value: 1}
--- */
with events as (
    select
        customer_id,
        event_ts,
        event_date,
        item_id,
        coalesce(
            cast(order_id as varchar),
            concat(cast(customer_id as varchar), '-', cast(event_ts as varchar))
        ) as order_id,
        value,
        event_type = getvariable('purchase_event') as is_purchase,
        coalesce(event_type = getvariable('return_event'), false) as is_return,
    from events
    where customer_id is not null
),

last_purchase as (
    select max(event_ts) as last_ts
    from events
    where is_purchase
),

cut_offs as (
    select
        last_ts as cut_off_ts,
        false as is_horizon_over,
    from last_purchase
    union all
    select
        last_ts - getvariable('horizon_us') as cut_off_ts,
        true as is_horizon_over,
    from last_purchase
),

known as (
    select
        cut_offs.cut_off_ts,
        cut_offs.is_horizon_over,
        events.customer_id,
        events.event_ts,
        events.event_date,
        events.item_id,
        events.order_id,
        events.value,
        events.is_purchase,
        events.is_return,
        events.is_purchase
            and events.event_ts > cut_offs.cut_off_ts - getvariable('horizon_us') as is_recent,
    from events
    inner join cut_offs on events.event_ts <= cut_offs.cut_off_ts
),

buyers_after as (
    select distinct
        cut_offs.cut_off_ts,
        events.customer_id,
    from events
    inner join cut_offs
        on
            events.event_ts > cut_offs.cut_off_ts
            and events.event_ts <= cut_offs.cut_off_ts + getvariable('horizon_us')
    where events.is_purchase
),

customers as (
    select
        cut_off_ts,
        customer_id,
        is_horizon_over,
        max(event_ts) filter (where is_purchase) as last_order_ts,
        min(event_ts) filter (where is_purchase) as first_order_ts,
        min(event_ts) as first_event_ts,
        count(*) as n_events,
        count(distinct event_date) as n_active_days,
        count(distinct order_id) filter (where is_purchase) as n_orders,
        count(*) filter (where is_purchase) as n_order_lines,
        count(distinct item_id) filter (where is_purchase) as n_items,
        count(*) filter (where is_return) as n_returns,
        cast(coalesce(sum(value) filter (where is_purchase), 0) as decimal(18, 4)) as monetary,
        count(distinct order_id) filter (where is_recent) as recent_orders,
        cast(coalesce(sum(value) filter (where is_recent), 0) as decimal(18, 4)) as recent_value,
    from known
    group by cut_off_ts, customer_id, is_horizon_over
)

select
    customers.cut_off_ts,
    customers.customer_id,
    cast(customers.cut_off_ts - customers.last_order_ts as double) / 86400000000 as recency_days,
    cast(customers.cut_off_ts - customers.first_event_ts as double) / 86400000000 as tenure_days,
    customers.n_events,
    customers.n_active_days,
    customers.n_orders,
    customers.n_order_lines,
    customers.n_items,
    customers.n_returns,
    customers.monetary,
    cast(customers.monetary as double) / customers.n_orders as mean_order_value,
    case
        when customers.n_orders > 1 then
            cast(customers.last_order_ts - customers.first_order_ts as double)
            / 86400000000 / (customers.n_orders - 1)
    end as mean_days_between_orders,
    customers.recent_orders,
    customers.recent_value,
    case when customers.is_horizon_over then buyers_after.customer_id is not null end
        as is_buyer_within_horizon,
from customers
left join buyers_after
    on
        customers.cut_off_ts = buyers_after.cut_off_ts
        and customers.customer_id = buyers_after.customer_id
where customers.n_orders > 0
