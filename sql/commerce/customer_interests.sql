/* ---
description: >-
  One row per moment, kind, customer and thing that the customer dealt with before it: the 30 most
  recent products, and the 30 most recent categories. What recommendations are made from. The
  moments are the last event of the log (now) and one prediction horizon before it (test): what is
  recommended for the test knows nothing later. Where the log has page views, all events count but
  those that take a purchase back; else purchases. A kind of which the log has fewer than 50 is
  left out: ten of them would be no choice.
key: [moment, kind, customer_id, recency_rank]
requires: [purchase, item]
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
  view_event: {type: varchar, description: "The event type that is a page view; null where there is none."}
  return_event: {type: varchar, description: "The event type that takes a purchase back; null where there is none."}
  horizon_us: {type: bigint, description: "Prediction horizon, microseconds."}
columns:
  moment: {type: varchar, description: "now or test."}
  moment_ts: {type: bigint, description: "When that is, epoch microseconds (UTC)."}
  kind: {type: varchar, description: "item or category."}
  customer_id: {type: source, description: Who.}
  thing: {type: varchar, description: "Identifier of the product, or the category."}
  category: {type: varchar, description: Its category; null where it has none.}
  n_events: {type: bigint, description: Events of the customer with it up to the moment.}
  last_ts: {type: bigint, description: "The last of them, epoch microseconds (UTC)."}
  recency_rank: {type: bigint, description: 1 is the most recent.}
checks:
  - expect_column_values_to_be_in_set: {column: moment, value_set: [now, test]}
  - expect_column_values_to_be_in_set: {column: kind, value_set: [item, category]}
  - expect_column_values_to_be_between: {column: recency_rank, min_value: 1, max_value: 30}
  - expect_column_values_to_not_be_null: {column: thing}
owner: team:data
--- */
with products as (
    select
        item_id,
        category,
    from items
    where is_product
),

things as (
    select
        customer_id,
        item_id,
        event_ts,
    from events
    where
        customer_id is not null
        and item_id in (select item_id from products)
        and (
            event_type = getvariable('purchase_event')
            or (
                getvariable('view_event') is not null
                and coalesce(event_type <> getvariable('return_event'), true)
                and event_number is not null
            )
        )
),

ends as (
    select
        max(event_ts) as now_ts,
        max(event_ts) - getvariable('horizon_us') as test_ts,
    from things
),

-- Grouped before the identifiers become text, and once for both moments: there are many fewer
-- groups than events.
counted as (
    select
        things.customer_id,
        things.item_id,
        ends.now_ts,
        ends.test_ts,
        count(*) as n_events,
        max(things.event_ts) as last_ts,
        count(*) filter (where things.event_ts <= ends.test_ts) as n_events_then,
        max(things.event_ts) filter (where things.event_ts <= ends.test_ts) as last_ts_then,
    from things
    cross join ends
    group by things.customer_id, things.item_id, ends.now_ts, ends.test_ts
),

of_items as (
    select
        'now' as moment,
        counted.now_ts as moment_ts,
        counted.customer_id,
        counted.item_id,
        products.category,
        counted.n_events,
        counted.last_ts,
    from counted
    inner join products on counted.item_id = products.item_id
    union all
    select
        'test' as moment,
        counted.test_ts as moment_ts,
        counted.customer_id,
        counted.item_id,
        products.category,
        counted.n_events_then as n_events,
        counted.last_ts_then as last_ts,
    from counted
    inner join products on counted.item_id = products.item_id
    where counted.n_events_then > 0
),

interests as (
    select
        moment,
        moment_ts,
        'item' as kind,
        customer_id,
        cast(item_id as varchar) as thing,
        category,
        n_events,
        last_ts,
    from of_items
    union all
    select
        moment,
        moment_ts,
        'category' as kind,
        customer_id,
        category as thing,
        category,
        cast(sum(n_events) as bigint) as n_events,
        max(last_ts) as last_ts,
    from of_items
    where category is not null
    group by moment, moment_ts, customer_id, category
),

kinds as (
    select 'item' as kind
    from products
    having count(*) >= 50
    union all
    select 'category' as kind
    from products
    having count(distinct category) >= 50
),

ranked as (
    select
        *,
        row_number() over (
            partition by moment, kind, customer_id
            order by last_ts desc, n_events desc, thing
        ) as recency_rank,
    from interests
    where kind in (select kind from kinds)
)

select
    moment,
    moment_ts,
    kind,
    customer_id,
    thing,
    category,
    n_events,
    last_ts,
    recency_rank,
from ranked
where recency_rank <= 30
