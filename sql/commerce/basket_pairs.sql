/* ---
description: >-
  One row per pair of products that are bought together more often than chance explains. A basket
  is an order, as in order_lines.
  Products in fewer than 5 baskets, or than one in a thousand, are left out first; so is each pair
  as rare, and each basket of more than 100 such products, a wholesaler's list rather than a
  choice, with 5,000 pairs and more. A pair stays if it is significant at 5 % after Bonferroni's
  correction for all pairs of those products, by Fisher's exact test (one-sided), of whose p-value
  an upper bound is reckoned: a pair that is in is significant, one at the edge may be missing.
key: [item_a, item_b]
requires: [purchase, item]
columns:
  item_a: {type: varchar, description: "One product, of two identifiers the first in order of text."}
  item_b: {type: varchar, description: The other product.}
  name_a: {type: varchar, description: Name of the one.}
  name_b: {type: varchar, description: Name of the other.}
  n_baskets: {type: bigint, description: Baskets with both.}
  n_baskets_a: {type: bigint, description: Baskets with the one.}
  n_baskets_b: {type: bigint, description: Baskets with the other.}
  support: {type: double, description: Share of all baskets that hold both.}
  confidence_a_b: {type: double, description: Share of the baskets with the one that hold the other.}
  confidence_b_a: {type: double, description: Share of the baskets with the other that hold the one.}
  lift: {type: double, description: "How many times as often both are bought together as if by chance."}
  leverage: {type: double, description: Support less what chance would give.}
  p_value_bound: {type: double, description: "Upper bound of the p-value of Fisher's exact test for one pair, by Chvatal's inequality (1979)."}
  pair_rank: {type: bigint, description: "Rank by leverage, 1 is the highest; equal ones share a rank."}
  n_all_baskets: {type: bigint, description: "Baskets that the shares are of, on every row the same."}
  n_large_baskets: {type: bigint, description: "Baskets left out for their size, on every row the same."}
  n_products: {type: bigint, description: "Products frequent enough to be looked at, on every row the same."}
checks:
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: item_b, column_B: item_a}
  - expect_column_values_to_be_between: {column: support, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between: {column: confidence_a_b, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between: {column: confidence_b_a, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between: {column: lift, min_value: 1}
  - expect_column_values_to_be_between: {column: p_value_bound, min_value: 0, max_value: 0.05}
owner: team:data
--- */
with lines as (
    select distinct
        order_lines.order_key as basket_id,
        cast(order_lines.item_id as varchar) as item_id,
    from order_lines
    inner join items on order_lines.item_id = items.item_id
    where
        items.is_product
        -- What is bought by nobody knows whom and without a number is no basket.
        and (order_lines.has_order_number or order_lines.customer_id is not null)
),

all_baskets as (
    select
        count(distinct basket_id) as n_baskets,
        greatest(5, (count(distinct basket_id) + 999) // 1000) as least_baskets,
    from lines
),

frequent as (
    select lines.item_id
    from lines
    cross join all_baskets
    group by lines.item_id, all_baskets.least_baskets
    having count(*) >= all_baskets.least_baskets
),

frequent_lines as (
    select
        lines.basket_id,
        lines.item_id,
        count(*) over (partition by lines.basket_id) as n_items,
    from lines
    inner join frequent on lines.item_id = frequent.item_id
),

kept_lines as (
    select
        basket_id,
        item_id,
    from frequent_lines
    where n_items <= 100
),

left_out as (
    select count(distinct basket_id) as n_large_baskets
    from frequent_lines
    where n_items > 100
),

totals as (
    select
        all_baskets.n_baskets - left_out.n_large_baskets as n_all_baskets,
        all_baskets.least_baskets,
        left_out.n_large_baskets,
        count(*) as n_products,
    from frequent
    cross join all_baskets
    cross join left_out
    group by all_baskets.n_baskets, all_baskets.least_baskets, left_out.n_large_baskets
),

singles as (
    select
        item_id,
        count(*) as n_baskets,
    from kept_lines
    group by item_id
),

pairs as (
    select
        a.item_id as item_a,
        b.item_id as item_b,
        count(*) as n_baskets,
    from kept_lines as a
    inner join kept_lines as b on a.basket_id = b.basket_id and a.item_id < b.item_id
    group by a.item_id, b.item_id
),

counted as (
    select
        pairs.item_a,
        pairs.item_b,
        pairs.n_baskets,
        singles_a.n_baskets as n_baskets_a,
        singles_b.n_baskets as n_baskets_b,
        totals.n_all_baskets,
        totals.n_large_baskets,
        totals.n_products,
        cast(pairs.n_baskets as double) as n_ab,
        cast(least(singles_a.n_baskets, singles_b.n_baskets) as double) as n_rare,
        cast(greatest(singles_a.n_baskets, singles_b.n_baskets) as double)
        / totals.n_all_baskets as p_common,
    from pairs
    inner join singles as singles_a on pairs.item_a = singles_a.item_id
    inner join singles as singles_b on pairs.item_b = singles_b.item_id
    cross join totals
    where pairs.n_baskets >= totals.least_baskets
),

-- Of the baskets with the rarer product, a share n_ab / n_rare holds the other one, p_common by
-- chance. The chance of so many or more is at most exp(-n_rare x Kullback-Leibler divergence of
-- the two shares), also for the hypergeometric distribution of Fisher's test.
bounded as (
    select
        *,
        exp(
            -n_ab * ln(n_ab / n_rare / p_common)
            - case
                when n_ab < n_rare
                    then (n_rare - n_ab) * ln((1 - n_ab / n_rare) / (1 - p_common))
                else 0
            end
        ) as p_value_bound,
    from counted
    where n_ab > n_rare * p_common
)

select
    bounded.item_a,
    bounded.item_b,
    items_a.item_name as name_a,
    items_b.item_name as name_b,
    bounded.n_baskets,
    bounded.n_baskets_a,
    bounded.n_baskets_b,
    bounded.n_ab / bounded.n_all_baskets as support,
    bounded.n_ab / bounded.n_baskets_a as confidence_a_b,
    bounded.n_ab / bounded.n_baskets_b as confidence_b_a,
    bounded.n_ab / (bounded.n_rare * bounded.p_common) as lift,
    (bounded.n_ab - bounded.n_rare * bounded.p_common) / bounded.n_all_baskets as leverage,
    bounded.p_value_bound,
    rank() over (
        order by
            bounded.n_baskets * bounded.n_all_baskets
            - bounded.n_baskets_a * bounded.n_baskets_b desc
    ) as pair_rank,
    bounded.n_all_baskets,
    bounded.n_large_baskets,
    bounded.n_products,
from bounded
inner join items as items_a on bounded.item_a = cast(items_a.item_id as varchar)
inner join items as items_b on bounded.item_b = cast(items_b.item_id as varchar)
where bounded.p_value_bound * (bounded.n_products * (bounded.n_products - 1) / 2) <= 0.05
