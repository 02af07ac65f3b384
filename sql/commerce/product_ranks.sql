/* ---
description: >-
  One row per product that is among the first 1,000 by page views or by purchases, with its rank
  by each.
key: [item_id]
requires: [purchase, view, item]
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
  view_event: {type: varchar, description: The event type that is a page view.}
columns:
  item_id: {type: source, description: Which product.}
  item_name: {type: varchar, description: Its most frequent name; null where the log has none.}
  category: {type: varchar, description: Its category; null where the log has none.}
  n_views: {type: bigint, description: Page views.}
  n_purchases: {type: bigint, description: Purchase events.}
  views_rank: {type: bigint, description: "Rank by page views, 1 is the highest; equal ones share a rank."}
  purchases_rank: {type: bigint, description: "Rank by purchases, 1 is the highest; equal ones share a rank."}
  places_lost: {type: bigint, description: "Rank by purchases less rank by views; above 0 it is viewed more than bought."}
  purchases_per_view: {type: double, description: Purchase events per page view; null without views.}
checks:
  - expect_column_values_to_be_between: {column: n_views, min_value: 0}
  - expect_column_values_to_be_between: {column: views_rank, min_value: 1}
  - expect_column_values_to_be_between: {column: purchases_rank, min_value: 1}
owner: team:data
--- */
with counts as (
    select
        item_id,
        count(*) filter (where event_type = getvariable('view_event')) as n_views,
        count(*) filter (where event_type = getvariable('purchase_event')) as n_purchases,
    from events
    where
        event_type in (getvariable('view_event'), getvariable('purchase_event'))
        and item_id is not null
    group by item_id
),

ranked as (
    select
        item_id,
        n_views,
        n_purchases,
        rank() over (order by n_views desc) as views_rank,
        rank() over (order by n_purchases desc) as purchases_rank,
        -- Equal counts are many at the far end: by identifier, so that the table has an end.
        row_number() over (order by n_views desc, item_id) as views_place,
        row_number() over (order by n_purchases desc, item_id) as purchases_place,
    from counts
)

select
    ranked.item_id,
    items.item_name,
    items.category,
    ranked.n_views,
    ranked.n_purchases,
    ranked.views_rank,
    ranked.purchases_rank,
    ranked.purchases_rank - ranked.views_rank as places_lost,
    cast(ranked.n_purchases as double) / nullif(ranked.n_views, 0) as purchases_per_view,
from ranked
inner join items on ranked.item_id = items.item_id
where
    items.is_product
    and (
        (ranked.views_place <= 1000 and ranked.n_views > 0)
        or (ranked.purchases_place <= 1000 and ranked.n_purchases > 0)
    )
