/* ---
description: >-
  One row per product that was bought: what it brings, who buys it, how often it comes back, and
  its ABC class. The classes go by net revenue: A are the products that bring the first 80 %, B
  those that bring the next 15 %, C the rest, and all that brought nothing after returns.
key: [item_id]
requires: [purchase, value, item]
columns:
  item_id: {type: source, description: Which product.}
  item_name: {type: varchar, description: Its most frequent name.}
  category: {type: varchar, description: Its category; null where the log has none.}
  n_orders: {type: bigint, description: "Different orders, as in order_lines, with it."}
  n_customers: {type: bigint, description: Different known customers who bought it.}
  quantity: {type: "decimal(18,4)", description: Units sold; null where the log has none.}
  revenue: {type: "decimal(18,4)", description: "Gross money of all purchases, customers unknown to the log included."}
  returned_value: {type: "decimal(18,4)", description: "Money that came back, an amount above zero."}
  net_revenue: {type: "decimal(18,4)", description: "Money that stayed: revenue less returned_value."}
  return_share: {type: double, description: "What was taken back per revenue; above 1 where purchases older than the log came back."}
  net_revenue_share: {type: double, description: "Share of the net revenue of all products; nothing counts less than 0."}
  cumulative_share: {type: double, description: Share of the product and of all that bring more; equal ones share it.}
  abc_class: {type: varchar, description: "A, B or C."}
  revenue_rank: {type: bigint, description: "Rank by net revenue, 1 is the highest; equal ones share a rank."}
  n_repeat_customers: {type: bigint, description: Known customers who bought it on two or more days.}
  repeat_share: {type: double, description: Share of these among the known customers who bought it.}
  repurchase_days: {type: double, description: "Median days between a customer's successive days of buying it; null where nobody bought it twice."}
  first_sold: {type: date, description: First day with a purchase.}
  last_sold: {type: date, description: Last day with a purchase.}
checks:
  - expect_column_values_to_be_in_set: {column: abc_class, value_set: [A, B, C]}
  - expect_column_values_to_be_between: {column: revenue, min_value: 0, severity: warn}
  - expect_column_values_to_be_between: {column: returned_value, min_value: 0}
  - expect_column_values_to_be_between: {column: net_revenue_share, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between: {column: cumulative_share, min_value: 0, max_value: 1.000001}
  - expect_column_values_to_be_between: {column: return_share, max_value: 0.5, mostly: 0.95, severity: warn}
  - expect_column_values_to_be_between: {column: repurchase_days, min_value: 1}
owner: team:data
--- */
with lines as (
    select
        items.item_id,
        order_lines.customer_id,
        cast(order_lines.event_at as date) as sold_date,
        true as is_purchase,
        order_lines.order_key,
        order_lines.quantity,
        order_lines.value,
    from order_lines
    inner join items on order_lines.item_id = items.item_id
    where items.is_product
    union all
    select
        items.item_id,
        order_returns.customer_id,
        order_returns.returned_date as sold_date,
        false as is_purchase,
        cast(null as varchar) as order_key,
        cast(null as decimal(18, 4)) as quantity,
        order_returns.returned_value as value,
    from order_returns
    inner join items on order_returns.item_id = items.item_id
    where items.is_product
),

sums as (
    select
        item_id,
        count(distinct order_key) filter (where is_purchase) as n_orders,
        count(distinct customer_id) filter (where is_purchase) as n_customers,
        cast(sum(quantity) filter (where is_purchase) as decimal(18,4)) as quantity,
        cast(coalesce(sum(value) filter (where is_purchase), 0) as decimal(18, 4)) as revenue,
        cast(coalesce(sum(value) filter (where not is_purchase), 0) as decimal(18, 4))
            as returned_value,
        count(*) filter (where is_purchase) as n_lines,
        min(sold_date) filter (where is_purchase) as first_sold,
        max(sold_date) filter (where is_purchase) as last_sold,
    from lines
    group by item_id
),

-- What only came back was bought before the log begins.
sold as (
    select
        *,
        cast(revenue - returned_value as decimal(18, 4)) as net_revenue,
        greatest(revenue - returned_value, 0) as kept,
    from sums
    where n_lines > 0
),

shares as (
    select
        *,
        sum(kept) over (
            order by kept desc
            range between unbounded preceding and current row
        ) as kept_so_far,
        sum(kept) over (partition by kept) as kept_by_equals,
        sum(kept) over () as kept_by_all,
        rank() over (order by net_revenue desc) as revenue_rank,
    from sold
),

purchase_days as (
    select distinct
        item_id,
        customer_id,
        sold_date,
    from lines
    where is_purchase and customer_id is not null
),

gaps as (
    select
        item_id,
        customer_id,
        date_diff(
            'day',
            lag(sold_date) over (partition by item_id, customer_id order by sold_date),
            sold_date
        ) as gap_days,
    from purchase_days
),

repeats as (
    select
        item_id,
        count(distinct customer_id) as n_repeat_customers,
        cast(median(gap_days) as double) as repurchase_days,
    from gaps
    where gap_days is not null
    group by item_id
)

select
    shares.item_id,
    items.item_name,
    items.category,
    shares.n_orders,
    shares.n_customers,
    shares.quantity,
    shares.revenue,
    shares.returned_value,
    shares.net_revenue,
    cast(shares.returned_value as double) / nullif(cast(shares.revenue as double), 0)
        as return_share,
    coalesce(cast(shares.kept as double) / nullif(cast(shares.kept_by_all as double), 0), 0)
        as net_revenue_share,
    coalesce(
        cast(shares.kept_so_far as double) / nullif(cast(shares.kept_by_all as double), 0), 0
    ) as cumulative_share,
    case
        when shares.kept = 0 then 'C'
        when (shares.kept_so_far - shares.kept_by_equals) * 100 < shares.kept_by_all * 80 then 'A'
        when (shares.kept_so_far - shares.kept_by_equals) * 100 < shares.kept_by_all * 95 then 'B'
        else 'C'
    end as abc_class,
    shares.revenue_rank,
    coalesce(repeats.n_repeat_customers, 0) as n_repeat_customers,
    cast(coalesce(repeats.n_repeat_customers, 0) as double) / nullif(shares.n_customers, 0)
        as repeat_share,
    repeats.repurchase_days,
    shares.first_sold,
    shares.last_sold,
from shares
inner join items on shares.item_id = items.item_id
left join repeats on shares.item_id = repeats.item_id
