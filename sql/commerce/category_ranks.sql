/* ---
description: >-
  One row per category that was viewed or bought, with its rank by page views and by purchases.
key: [category]
requires: [purchase, view, item, category]
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
  view_event: {type: varchar, description: The event type that is a page view.}
columns:
  category: {type: varchar, description: "The category of the event, which for one item may differ from event to event."}
  n_views: {type: bigint, description: Page views.}
  n_purchases: {type: bigint, description: Purchase events.}
  n_buyers: {type: bigint, description: Different known customers who bought.}
  views_rank: {type: bigint, description: "Rank by page views, 1 is the highest; equal ones share a rank."}
  purchases_rank: {type: bigint, description: "Rank by purchases, 1 is the highest; equal ones share a rank."}
  places_lost: {type: bigint, description: "Rank by purchases less rank by views; above 0 it is viewed more than bought."}
  purchases_per_view: {type: double, description: Purchase events per page view; null without views.}
checks:
  - expect_column_values_to_not_be_null: {column: category}
  - expect_column_values_to_be_between: {column: n_views, min_value: 0}
  - expect_column_values_to_be_between: {column: views_rank, min_value: 1}
  - expect_column_values_to_be_between: {column: purchases_rank, min_value: 1}
owner: team:data
--- */
with counts as (
    select
        cast(category_id as varchar) as category,
        count(*) filter (where event_type = getvariable('view_event')) as n_views,
        count(*) filter (where event_type = getvariable('purchase_event')) as n_purchases,
        count(distinct customer_id) filter (where event_type = getvariable('purchase_event'))
            as n_buyers,
    from events
    where
        event_type in (getvariable('view_event'), getvariable('purchase_event'))
        and category_id is not null
    group by cast(category_id as varchar)
),

ranked as (
    select
        *,
        rank() over (order by n_views desc) as views_rank,
        rank() over (order by n_purchases desc) as purchases_rank,
    from counts
)

select
    category,
    n_views,
    n_purchases,
    n_buyers,
    views_rank,
    purchases_rank,
    purchases_rank - views_rank as places_lost,
    cast(n_purchases as double) / nullif(n_views, 0) as purchases_per_view,
from ranked
