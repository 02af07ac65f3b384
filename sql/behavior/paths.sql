/* ---
description: >-
  One row per path that led customers to buy an item, over the whole log, the most frequent
  being the top paths to purchase. Where a log begins in the middle of histories many paths lack
  their beginning, so buying without viewing is common.
key: [path]
requires: [item, purchase]
columns:
  path: {type: varchar, description: "Event types in the order of their first occurrence in seven days, joined by >."}
  n_steps: {type: bigint, description: "Event types of the path."}
  n_item_purchases: {type: bigint, description: "Customers and items that went this way."}
  item_purchase_share: {type: double, description: "Of all that led to a purchase."}
  rank: {type: bigint, description: "1 for the most frequent path."}
checks:
  - expect_column_values_to_be_unique: {column: path}
  - expect_column_values_to_be_between: {column: n_item_purchases, min_value: 1}
owner: team:data
--- */
with totals as (
    select
        path,
        max(n_steps) as n_steps,
        cast(sum(n_item_purchases) as bigint) as n_item_purchases,
    from daily_paths
    group by path
)

select
    path,
    n_steps,
    n_item_purchases,
    cast(n_item_purchases as double) / sum(n_item_purchases) over () as item_purchase_share,
    row_number() over (order by n_item_purchases desc, path) as rank,
from totals
