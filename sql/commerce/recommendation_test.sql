/* ---
description: >-
  One row per kind, test customer and thing that the customer dealt with after the test's moment,
  which is one prediction horizon before the end of the log: what a recommendation could hit. A
  product bought before is none. At most 10,000 customers, drawn by a hash of their identifiers.
key: [kind, customer_id, thing]
requires: [purchase, item]
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
  view_event: {type: varchar, description: "The event type that is a page view; null where there is none."}
  return_event: {type: varchar, description: "The event type that takes a purchase back; null where there is none."}
columns:
  kind: {type: varchar, description: "item or category."}
  customer_id: {type: source, description: "Who, known before the moment and back after it."}
  thing: {type: varchar, description: "Identifier of the product, or the category."}
checks:
  - expect_column_values_to_be_in_set: {column: kind, value_set: [item, category]}
  - expect_column_values_to_not_be_null: {column: thing}
owner: team:data
--- */
with test_customers as (
    select distinct
        kind,
        customer_id,
        moment_ts,
    from customer_interests
    where moment = 'test'
),

moments as (
    select max(moment_ts) as moment_ts
    from test_customers
),

later as (
    select
        events.customer_id,
        events.item_id,
        items.category,
        coalesce(
            bool_or(
                events.event_type = getvariable('purchase_event')
                and events.event_ts <= moments.moment_ts
            ),
            false
        ) as is_bought_before,
    from events
    inner join items on events.item_id = items.item_id
    cross join moments
    where
        items.is_product
        and (
            events.event_type = getvariable('purchase_event')
            or (
                getvariable('view_event') is not null
                and coalesce(events.event_type <> getvariable('return_event'), true)
                and events.event_number is not null
            )
        )
    group by events.customer_id, events.item_id, items.category, moments.moment_ts
    having max(events.event_ts) > moments.moment_ts
),

things as (
    select
        'item' as kind,
        customer_id,
        cast(item_id as varchar) as thing,
    from later
    where not is_bought_before
    union
    select
        'category' as kind,
        customer_id,
        category as thing,
    from later
    where category is not null
),

known as (
    select
        things.kind,
        things.customer_id,
        things.thing,
        dense_rank() over (
            partition by things.kind
            order by md5(cast(things.customer_id as varchar)), things.customer_id
        ) as customer_no,
    from things
    inner join test_customers
        on
            things.kind = test_customers.kind
            and things.customer_id = test_customers.customer_id
)

select
    kind,
    customer_id,
    thing,
from known
where customer_no <= 10000
