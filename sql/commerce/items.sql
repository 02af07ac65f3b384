/* ---
description: >-
  One row per item of the log, with the name and the category that it most often has.
key: [item_id]
requires: [item]
parameters:
  purchase_event: {type: varchar, description: "The event type that is a purchase; null where there is none."}
columns:
  item_id: {type: source, description: Which item.}
  item_name: {type: varchar, description: "Its most frequent name, among purchases where it was bought; null where the log has none."}
  n_names: {type: bigint, description: Different names that the log gives it.}
  category: {type: varchar, description: "Its most frequent category; null where the log has none."}
  is_product: {type: boolean, description: "Whether it is a product, not a charge such as postage."}
checks:
  - expect_column_values_to_not_be_null: {column: item_id}
  - expect_column_values_to_not_be_null: {column: is_product}
--- */
with described as (
    select
        item_id,
        item_name,
        cast(category_id as varchar) as category,
        count(*) as n_events,
        count(*) filter (where event_type = getvariable('purchase_event')) as n_purchases,
    from events
    where item_id is not null
    group by item_id, item_name, cast(category_id as varchar)
),

-- Of names that are as frequent the first in the alphabet, so that the order is total.
names as (
    select
        item_id,
        item_name,
        row_number() over (
            partition by item_id
            order by sum(n_purchases) desc, sum(n_events) desc, item_name
        ) as place,
        count(*) over (partition by item_id) as n_names,
    from described
    where item_name is not null
    group by item_id, item_name
),

categories as (
    select
        item_id,
        category,
        row_number() over (
            partition by item_id
            order by sum(n_events) desc, category
        ) as place,
    from described
    where category is not null
    group by item_id, category
),

items as (
    select distinct item_id
    from described
)

select
    items.item_id,
    names.item_name,
    coalesce(names.n_names, 0) as n_names,
    categories.category,
    true as is_product,
from items
left join names on items.item_id = names.item_id and names.place = 1
left join categories on items.item_id = categories.item_id and categories.place = 1
