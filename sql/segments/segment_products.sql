/* ---
description: >-
  One row per segment and item or category that is typical of it: bought by a larger share of the
  segment's customers than of all, beyond chance; the five of each kind with the most excess buyers.
  A segment without one has no rows.
key: [segment, kind, place]
requires: [purchase, item]
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
columns:
  segment: {type: varchar, description: Name of the segment.}
  kind: {type: varchar, description: item or category.}
  place: {type: bigint, description: "1 is the one with the most buyers beyond what the share among all customers would give."}
  product: {type: varchar, description: Its id.}
  product_name: {type: varchar, description: Its name in the log; null where it has none.}
  n_buyers: {type: bigint, description: Customers of the segment who bought it.}
  buyer_share: {type: double, description: Share of the segment's customers.}
  buyer_share_low: {type: double, description: Low end of the 95 % interval of the share (Wilson).}
  buyer_share_high: {type: double, description: High end of the interval.}
  all_buyer_share: {type: double, description: Share of all segmented customers who bought it.}
  lift: {type: double, description: "buyer_share / all_buyer_share, above 1."}
checks:
  - expect_column_values_to_be_between: {column: n_buyers, min_value: 5}
  - expect_column_values_to_be_between: {column: lift, min_value: 1, strict_min: true}
--- */
with bought as (
    select
        customer_id,
        'item' as kind,
        cast(item_id as varchar) as product,
        max(item_name) as product_name,
    from events
    where event_type = getvariable('purchase_event') and item_id is not null
    group by customer_id, item_id
    union all
    select
        customer_id,
        'category' as kind,
        cast(category_id as varchar) as product,
        cast(null as varchar) as product_name,
    from events
    where event_type = getvariable('purchase_event') and category_id is not null
    group by customer_id, category_id
),

sizes as (
    select
        segment,
        count(*) as n_customers,
        sum(count(*)) over () as n_all,
    from customer_segments
    group by segment
),

buyers as (
    select
        customer_segments.segment,
        bought.kind,
        bought.product,
        max(bought.product_name) as product_name,
        count(*) as n_buyers,
    from bought
    inner join customer_segments on bought.customer_id = customer_segments.customer_id
    group by customer_segments.segment, bought.kind, bought.product
),

compared as (
    select
        buyers.segment,
        buyers.kind,
        buyers.product,
        max(buyers.product_name) over (partition by buyers.kind, buyers.product) as product_name,
        buyers.n_buyers,
        cast(sizes.n_customers as double) as trials,
        cast(buyers.n_buyers as double) / sizes.n_customers as share,
        cast(sum(buyers.n_buyers) over (partition by buyers.kind, buyers.product) as double)
        / sizes.n_all as all_share,
    from buyers
    inner join sizes on buyers.segment = sizes.segment
),

bounded as (
    select
        *,
        wilson_low(share, trials) as share_low,
        wilson_high(share, trials) as share_high,
    from compared
    -- Fewer buyers than five say nothing about a segment.
    where n_buyers >= 5
),

placed as (
    select
        *,
        row_number() over (
            partition by segment, kind order by trials * (share - all_share) desc, product
        ) as place,
    from bounded
    where share_low > all_share
)

select
    segment,
    kind,
    place,
    product,
    product_name,
    n_buyers,
    share as buyer_share,
    share_low as buyer_share_low,
    share_high as buyer_share_high,
    all_share as all_buyer_share,
    share / all_share as lift,
from placed
where place <= 5
