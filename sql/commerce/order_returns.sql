/* ---
description: >-
  One row per moment of a return, customer, item and order that it took something back from: what
  came back, and of which sale. A return goes to the order whose number it names, there to its
  item if that was in it; else to the customer's latest purchases of its item; where it names
  neither, to the customer's latest purchases. Never to a sale after it, nor to more than was paid.
  What finds no sale, as one of before the log, has no order: it counts on the day it came back.
  Where the source says that its values are net already, the table is empty.
key: [customer_id, returned_ts, return_number, item_id, order_key]
parameters:
  return_event: {type: varchar, description: "The event type that takes a purchase back; null where there is none."}
  values_are_net: {type: boolean, description: Whether what came back is taken off the values of sales already.}
columns:
  customer_id: {type: source, description: Who gave it back; null where the log does not know.}
  returned_ts: {type: bigint, description: "When, epoch microseconds (UTC)."}
  returned_at: {type: timestamp, description: "When, business time."}
  returned_date: {type: date, description: "Day of the return, business time."}
  return_number: {type: varchar, description: Order number that the return itself carries.}
  item_id: {type: source, description: What came back; null where the log does not say.}
  order_key: {type: varchar, description: "Order that it is taken off, as in order_lines; null where none is found."}
  order_date: {type: date, description: "Day of that order, business time; null where none is found."}
  sales_date: {type: date, description: "Day whose sales it reduces: that of the order, else that of the return."}
  returned_value: {type: "decimal(18,4)", description: "Money that came back, an amount above zero."}
checks:
  - expect_column_values_to_be_between: {column: returned_value, min_value: 0, strict_min: true}
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: returned_date, column_B: sales_date, or_equal: true}
owner: team:data
--- */
with taken_back as (
    select
        customer_id,
        cast(order_id as varchar) as return_number,
        item_id,
        event_ts,
        event_at,
        event_date,
        cast(sum(abs(value)) as decimal(18, 4)) as amount,
    from events
    where event_type = getvariable('return_event') and not getvariable('values_are_net')
    group by customer_id, cast(order_id as varchar), item_id, event_ts, event_at, event_date
),

-- Taken back in the instant and order of a sale: a discount, which order_lines holds.
discounts as (
    select distinct
        customer_id,
        order_id,
        event_ts,
    from order_lines
    where has_order_number and value < 0
),

given_back as (
    select
        taken_back.customer_id,
        taken_back.return_number,
        taken_back.item_id,
        taken_back.event_ts,
        taken_back.event_at,
        taken_back.event_date,
        taken_back.amount,
    from taken_back
    left join discounts
        on
            taken_back.customer_id is not distinct from discounts.customer_id
            and taken_back.return_number = discounts.order_id
            and taken_back.event_ts = discounts.event_ts
    where taken_back.amount > 0 and discounts.order_id is null
),

sold as (
    select
        customer_id,
        order_key,
        case when has_order_number then order_id end as return_number,
        item_id,
        order_date,
        min(event_ts) as event_ts,
        min(event_at) as event_at,
        cast(sum(value) as decimal(18, 4)) as amount,
    from order_lines
    where customer_id in (select customer_id from given_back)
        or order_id in (select return_number from given_back)
    group by
        customer_id,
        order_key,
        case when has_order_number then order_id end,
        item_id,
        order_date
    having sum(value) > 0
),

movements as (
    select
        customer_id,
        return_number,
        item_id,
        event_ts,
        event_at,
        event_date,
        cast(null as varchar) as order_key,
        cast(null as date) as order_date,
        amount,
        true as is_return,
    from given_back
    union all
    select
        customer_id,
        return_number,
        item_id,
        event_ts,
        event_at,
        order_date as event_date,
        order_key,
        order_date,
        amount,
        false as is_return,
    from sold
),

-- What a return can be held against, from the surest to the widest.
offered as (
    select
        *,
        return_number is not null and bool_or(not is_return) over order_item as has_item_of_order,
        return_number is not null and bool_or(not is_return) over whole_order as has_order,
        customer_id is not null and item_id is not null and bool_or(not is_return) over item
            as has_item,
    from movements
    window
        order_item as (partition by customer_id, return_number, item_id),
        whole_order as (partition by customer_id, return_number),
        item as (partition by customer_id, item_id)
),

asked as (
    select
        *,
        case
            when not is_return then null
            when has_item_of_order then 'item of order'
            when has_order then 'order'
            when has_item then 'item'
            when item_id is null and customer_id is not null then 'customer'
        end as asks,
    from offered
),

-- A sale stands ready for the returns that name it most closely.
linked as (
    select
        *,
        case
            when is_return then asks
            when coalesce(bool_or(asks = 'item of order') over order_item, false)
                then 'item of order'
            when coalesce(bool_or(asks = 'order') over whole_order, false) then 'order'
            when coalesce(bool_or(asks = 'item') over item, false) then 'item'
            else 'customer'
        end as link,
    from asked
    window
        order_item as (partition by customer_id, return_number, item_id),
        whole_order as (partition by customer_id, return_number),
        item as (partition by customer_id, item_id)
),

stacked as (
    select
        *,
        case when link in ('item of order', 'order') then return_number end as link_number,
        case when link in ('item of order', 'item') then item_id end as link_item,
    from linked
    where link is not null
),

placed as (
    select
        *,
        row_number() over (
            partition by link, customer_id, link_number, link_item
            order by event_ts, is_return, order_key, return_number, item_id
        ) as place,
    from stacked
),

summed as (
    select
        *,
        sum(case when is_return then -amount else amount end) over movements_so_far as balance,
    from placed
    window movements_so_far as (
        partition by link, customer_id, link_number, link_item
        order by place
        rows between unbounded preceding and current row
    )
),

-- Sales are a stack of money, the latest on top, off which returns are taken. Its height never
-- falls below nothing: what is taken back beyond it was bought before the log.
heights as (
    select
        *,
        balance - least(0, min(balance) over movements_so_far) as height,
    from summed
    window movements_so_far as (
        partition by link, customer_id, link_number, link_item
        order by place
        rows between unbounded preceding and current row
    )
),

-- Of a sale there remains at each later return what lies below the lowest height since.
meetings as (
    select
        sales.order_key,
        sales.order_date,
        sales.height as top,
        sales.height - sales.amount as bottom,
        sales.place as sale_place,
        takings.link,
        takings.customer_id,
        takings.link_number,
        takings.link_item,
        takings.place,
        min(takings.height) over (
            partition by
                takings.link,
                takings.customer_id,
                takings.link_number,
                takings.link_item,
                sales.place
            order by takings.place
            rows between unbounded preceding and current row
        ) as lowest,
    from heights as sales
    inner join heights as takings
        on
            sales.link = takings.link
            and sales.customer_id is not distinct from takings.customer_id
            and sales.link_number is not distinct from takings.link_number
            and sales.link_item is not distinct from takings.link_item
            and sales.place < takings.place
    where not sales.is_return and takings.is_return
),

met as (
    select
        *,
        least(
            top,
            coalesce(
                lag(lowest) over (
                    partition by link, customer_id, link_number, link_item, sale_place
                    order by place
                ),
                top
            )
        ) - greatest(bottom, least(top, lowest)) as taken,
    from meetings
),

taken as (
    select
        link,
        customer_id,
        link_number,
        link_item,
        place,
        order_key,
        order_date,
        sum(taken) as amount,
    from met
    where taken > 0
    group by link, customer_id, link_number, link_item, place, order_key, order_date
),

found as (
    select
        heights.customer_id,
        heights.event_ts,
        heights.event_at,
        heights.event_date,
        heights.return_number,
        heights.item_id,
        taken.order_key,
        taken.order_date,
        taken.amount,
    from heights
    inner join taken
        on
            heights.link = taken.link
            and heights.customer_id is not distinct from taken.customer_id
            and heights.link_number is not distinct from taken.link_number
            and heights.link_item is not distinct from taken.link_item
            and heights.place = taken.place
),

-- The returns once more, less what was found of each.
parts as (
    select
        customer_id,
        event_ts,
        event_at,
        event_date,
        return_number,
        item_id,
        order_key,
        order_date,
        amount,
    from found
    union all
    select
        customer_id,
        event_ts,
        event_at,
        event_date,
        return_number,
        item_id,
        cast(null as varchar) as order_key,
        cast(null as date) as order_date,
        amount,
    from given_back
    union all
    select
        customer_id,
        event_ts,
        event_at,
        event_date,
        return_number,
        item_id,
        cast(null as varchar) as order_key,
        cast(null as date) as order_date,
        -amount as amount,
    from found
)

select
    customer_id,
    event_ts as returned_ts,
    event_at as returned_at,
    event_date as returned_date,
    return_number,
    item_id,
    order_key,
    order_date,
    coalesce(order_date, event_date) as sales_date,
    cast(sum(amount) as decimal(18, 4)) as returned_value,
from parts
group by
    customer_id, event_ts, event_at, event_date, return_number, item_id, order_key, order_date
having sum(amount) > 0
