/* ---
description: >-
  One row per purchase line, with the order that it belongs to: the one place that says what an
  order is. The source's order_key decides. number_and_customer (unless it says otherwise): lines
  of one order number and customer on one day, or on the next one within an hour, so an order may
  run over midnight, and a number that comes back later is another order. number: all its lines.
  number_and_day and number_day_and_customer: numbers start anew each day, or are each customer's
  own. A line without a number belongs to what its customer buys on the day; without a customer
  too, to what is bought in that instant. A line that is taken back in the same order and instant
  as a sale is a discount on it.
key: [order_key, line_number]
parameters:
  purchase_event: {type: varchar, description: "The event type that is a purchase; null where there is none."}
  return_event: {type: varchar, description: "The event type that takes a purchase back; null where there is none."}
  order_key: {type: varchar, description: "number_and_customer, number, number_and_day or number_day_and_customer."}
columns:
  order_key: {type: varchar, description: "The order: unique over the log, made of its number, its customer and its day as far as they tell orders apart."}
  line_number: {type: bigint, description: "Number of the line in its order, by time."}
  order_id: {type: varchar, description: "Order number, or customer and day, or instant, where there is none."}
  order_date: {type: date, description: "Day of the order's first line, business time."}
  customer_id: {type: source, description: Who ordered; null where the log does not know.}
  event_ts: {type: bigint, description: "When, epoch microseconds (UTC)."}
  event_at: {type: timestamp, description: "When, business time."}
  event_type: {type: varchar, description: "What happened: the purchase, or the return that is a discount."}
  item_id: {type: source, description: What was bought; null where the log has no items.}
  quantity: {type: "decimal(18,4)", description: Units; null where the log has none.}
  value: {type: "decimal(18,4)", description: "Money of the line in the source's currency, gross; below zero for a discount."}
  has_order_number: {type: boolean, description: Whether the log numbers the order.}
checks:
  - expect_column_values_to_not_be_null: {column: order_id}
  - unexpected_rows_expectation:
      name: order_numbers_belong_to_one_order
      severity: warn
      description: >-
        No order number belongs to several customers or comes back on another day. Where numbers
        start anew each day, or each customer has its own, say so by order_key.
      unexpected_rows_query: >-
        select
            order_id,
            count(distinct order_key) as n_orders,
            count(distinct customer_id) as n_customers,
            count(distinct order_date) as n_days,
            min(order_date) as first_date,
            max(order_date) as last_date
        from {batch}
        where has_order_number
        group by order_id
        having count(distinct order_key) > 1 or count(distinct customer_id) > 1
owner: team:data
--- */
with sales as (
    select
        customer_id,
        cast(order_id as varchar) as order_number,
        event_ts,
        event_at,
        event_date,
        event_type,
        item_id,
        quantity,
        value,
        event_type = getvariable('purchase_event') as is_purchase,
    from events
    where event_type in (getvariable('purchase_event'), getvariable('return_event'))
),

instants as (
    select
        *,
        bool_or(is_purchase) over (partition by customer_id, order_number, event_ts) as is_sale,
    from sales
),

lines as (
    select
        customer_id,
        order_number is not null as has_order_number,
        coalesce(
            order_number,
            cast(customer_id as varchar) || '-' || cast(event_date as varchar),
            '-' || cast(event_ts as varchar)
        ) as order_id,
        event_ts,
        event_at,
        event_date,
        event_type,
        item_id,
        quantity,
        case when is_purchase then value else -abs(value) end as value,
        case
            when getvariable('order_key') in ('number_and_customer', 'number_day_and_customer')
                then cast(customer_id as varchar)
        end as key_customer,
        case
            when getvariable('order_key') in ('number_and_day', 'number_day_and_customer')
                then event_date
        end as key_date,
    from instants
    where is_purchase or (is_sale and order_number is not null)
),

spaced as (
    select
        *,
        case
            when
                getvariable('order_key') = 'number_and_customer'
                and event_date <> lag(event_date) over so_far
                and event_ts - lag(event_ts) over so_far > 3600000000
                then 1
            else 0
        end as is_later_order,
    from lines
    window so_far as (partition by order_id, key_customer, key_date order by event_ts)
),

runs as (
    select
        *,
        sum(is_later_order) over (
            partition by order_id, key_customer, key_date
            order by event_ts
        ) as run,
    from spaced
),

dated as (
    select
        *,
        min(event_date) over (partition by order_id, key_customer, key_date, run) as order_date,
    from runs
),

keyed as (
    select
        *,
        case
            when getvariable('order_key') = 'number' or not has_order_number then order_id
            when getvariable('order_key') = 'number_and_day'
                then order_id || '/' || cast(order_date as varchar)
            else order_id || '/' || coalesce(key_customer, '') || '/' || cast(order_date as varchar)
        end as order_key,
    from dated
)

select
    order_key,
    row_number() over (
        partition by order_key
        order by event_ts, event_type, item_id, value, quantity, customer_id
    ) as line_number,
    order_id,
    order_date,
    customer_id,
    event_ts,
    event_at,
    event_type,
    item_id,
    quantity,
    value,
    has_order_number,
from keyed
