/* ---
description: >-
  One row per thing that is asked for and complete week in which it was: the series that demand is
  forecast from. Things are the 1,000 A products and the 200 categories that brought most, by units
  sold; each hour of the week, by orders; and the whole shop, by units.
key: [demand_kind, thing, week_start]
requires: [purchase, value, item]
columns:
  demand_kind: {type: varchar, description: "item, category, hour or shop."}
  thing: {type: varchar, description: "Item, category, or weekday (1 is Monday) and hour; empty for the shop."}
  thing_name: {type: varchar, description: What it is called.}
  week_start: {type: date, description: "First day of its week, by the source's week start."}
  units: {type: "decimal(18,4)", description: "Units sold, or purchase lines where the log has none; of hours, orders."}
checks:
  - expect_column_values_to_be_in_set: {column: demand_kind, value_set: [item, category, hour, shop]}
  - expect_column_values_to_not_be_null: {column: units}
--- */
with weeks as (
    select
        sales_date,
        week_start,
    from sales_calendar
    where is_week_complete
),

lines as (
    select
        weeks.week_start,
        cast(order_lines.item_id as varchar) as item_id,
        items.category,
        coalesce(order_lines.quantity, 1) as units,
        coalesce(order_lines.value, 0) as value,
    from order_lines
    inner join weeks on order_lines.order_date = weeks.sales_date
    inner join items on order_lines.item_id = items.item_id
    where items.is_product and coalesce(order_lines.quantity, 1) > 0
),

top_items as (
    select
        cast(item_id as varchar) as item_id,
        item_name,
    from product_performance
    where abc_class = 'A' and revenue_rank <= 1000
),

top_categories as (
    select category
    from (
        select
            category,
            rank() over (order by sum(value) desc, category) as place,
        from lines
        where category is not null
        group by category
    ) as ranked
    where place <= 200
),

hours as (
    select
        weeks.week_start,
        cast(date_diff('day', date '2000-01-03', orders.order_date) % 7 + 1 as bigint) as weekday,
        cast(extract(hour from orders.ordered_at) as bigint) as order_hour,
        orders.order_key,
    from orders
    inner join weeks on orders.order_date = weeks.sales_date
),

found as (
    select
        'item' as demand_kind,
        lines.item_id as thing,
        coalesce(top_items.item_name, lines.item_id) as thing_name,
        lines.week_start,
        lines.units,
    from lines
    inner join top_items on lines.item_id = top_items.item_id
    union all
    select
        'category' as demand_kind,
        category as thing,
        category as thing_name,
        week_start,
        units,
    from lines
    inner join top_categories using (category)
    union all
    select
        'shop' as demand_kind,
        '' as thing,
        'all products' as thing_name,
        week_start,
        units,
    from lines
    union all
    select
        'hour' as demand_kind,
        weekday || ' ' || lpad(cast(order_hour as varchar), 2, '0') as thing,
        case weekday
            when 1 then 'Monday'
            when 2 then 'Tuesday'
            when 3 then 'Wednesday'
            when 4 then 'Thursday'
            when 5 then 'Friday'
            when 6 then 'Saturday'
            else 'Sunday'
        end || ' ' || lpad(cast(order_hour as varchar), 2, '0') || ':00' as thing_name,
        week_start,
        1 as units,
    from hours
)

select
    demand_kind,
    thing,
    thing_name,
    week_start,
    cast(sum(units) as decimal(18, 4)) as units,
from found
group by demand_kind, thing, thing_name, week_start
