/* ---
description: >-
  One row per point of a Pareto curve: what the best so many per cent of the customers, or of the
  products, bring. From 0 to 100 % in steps of one.
key: [unit, top_percent]
requires: [purchase, value, item]
columns:
  unit: {type: varchar, description: "customer: known customers; product: products that were bought. By the money that stayed, nothing counted less than 0."}
  top_percent: {type: bigint, description: "The best so many per cent, in whole customers or products, rounded up."}
  n_top: {type: bigint, description: How many they are.}
  n_all: {type: bigint, description: "How many there are in all, on every row of the unit the same."}
  net_revenue: {type: "decimal(18,4)", description: "What they bring: money that stayed."}
  net_revenue_share: {type: double, description: "Their share of what all bring; null where that is nothing."}
  gini: {type: double, description: "Gini coefficient, on every row of the unit the same: 0 if all bring the same, near 1 if one brings all."}
checks:
  - expect_column_values_to_be_in_set: {column: unit, value_set: [customer, product]}
  - expect_column_values_to_be_between: {column: net_revenue_share, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between: {column: gini, min_value: 0, max_value: 1}
owner: team:data
--- */
with amounts as (
    select
        'customer' as unit,
        cast(customer_id as varchar) as unit_id,
        greatest(monetary, 0) as amount,
    from rfm
    union all
    select
        'product' as unit,
        cast(item_id as varchar) as unit_id,
        greatest(net_revenue, 0) as amount,
    from product_performance
),

ranked as (
    select
        unit,
        amount,
        row_number() over (partition by unit order by amount desc, unit_id) as place,
        count(*) over (partition by unit) as n_all,
    from amounts
),

sums as (
    select
        unit,
        place,
        n_all,
        amount,
        sum(amount) over (
            partition by unit
            order by place
            rows between unbounded preceding and current row
        ) as amount_so_far,
    from ranked
),

-- Gini = 1 + 1 / n - 2 x sum(place x amount) / (n x sum(amount)), place 1 the largest.
ginis as (
    select
        unit,
        n_all,
        sum(amount) as amount_of_all,
        1 + 1.0 / cast(n_all as double)
        - 2 * cast(sum(place * amount) as double)
        / nullif(n_all * cast(sum(amount) as double), 0) as gini,
    from ranked
    group by unit, n_all
),

points as (
    select
        ginis.unit,
        percents.top_percent,
        (ginis.n_all * percents.top_percent + 99) // 100 as n_top,
        ginis.n_all,
        ginis.amount_of_all,
        -- Rounding may leave less than nothing.
        greatest(ginis.gini, 0) as gini,
    from ginis
    cross join (select unnest(range(101)) as top_percent) as percents
)

select
    points.unit,
    points.top_percent,
    points.n_top,
    points.n_all,
    cast(coalesce(sums.amount_so_far, 0) as decimal(18, 4)) as net_revenue,
    cast(coalesce(sums.amount_so_far, 0) as double)
    / nullif(cast(points.amount_of_all as double), 0) as net_revenue_share,
    points.gini,
from points
left join sums on points.unit = sums.unit and points.n_top = sums.place
