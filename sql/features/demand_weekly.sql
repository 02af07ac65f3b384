/* ---
description: >-
  One row per thing and week with sales of it: units of all purchases, of each category, and of each
  item of class A. A log without quantities counts purchase lines.
key: [kind, thing, week_start]
requires: [purchase, value, item]
columns:
  kind: {type: varchar, description: "all, category or item."}
  thing: {type: varchar, description: "The category, or the item's id; all for everything."}
  week_start: {type: date, description: "First day of the week, by the source's week start."}
  quantity: {type: "decimal(18,4)", description: "Units sold, gross."}
  is_complete: {type: boolean, description: Whether all seven days of the week are in the log and complete.}
checks:
  - expect_column_values_to_be_in_set: {column: kind, value_set: [all, category, item]}
  - expect_column_values_to_be_between: {column: quantity, min_value: 0, severity: warn}
--- */
with lines as (
    select
        sales_calendar.week_start,
        sales_calendar.is_week_complete,
        order_lines.item_id,
        items.category,
        coalesce(order_lines.quantity, 1) as quantity,
    from order_lines
    inner join sales_calendar on cast(order_lines.event_at as date) = sales_calendar.sales_date
    left join items on order_lines.item_id = items.item_id
    where order_lines.value > 0
),

things as (
    select
        'all' as kind,
        'all' as thing,
        week_start,
        is_week_complete,
        quantity,
    from lines
    union all
    select
        'category' as kind,
        category as thing,
        week_start,
        is_week_complete,
        quantity,
    from lines
    where category is not null
    union all
    select
        'item' as kind,
        cast(lines.item_id as varchar) as thing,
        lines.week_start,
        lines.is_week_complete,
        lines.quantity,
    from lines
    inner join product_performance on lines.item_id = product_performance.item_id
    where product_performance.abc_class = 'A'
)

select
    kind,
    thing,
    week_start,
    cast(sum(quantity) as decimal(18, 4)) as quantity,
    is_week_complete as is_complete,
from things
group by kind, thing, week_start, is_week_complete
