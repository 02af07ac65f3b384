/* ---
description: >-
  One row per category with its sales, its trend, its returns, and what they advise. The trend
  compares its share of net revenue in the second half of the log with that in the first, at most
  a year each: what the whole shop grows by is no trend; a season is, until the log holds two years.
  A category is large if it brings at least an even share; growing or falling if its share moved
  by more than a tenth; weak if a product of it brings less than half of what products bring on
  average; its returns are high above one and a half times those of all categories.
  Then: drop is weak and not growing; fix is the rest that is weak, falls or has high returns;
  grow is the rest that grows; keep is the rest.
key: [category]
requires: [purchase, value, item]
parameters:
  first_day: {type: date, description: First day of the log.}
  last_complete_day: {type: date, description: Last day that the log covers.}
columns:
  category: {type: varchar, description: "Category; unknown where the log has none for the product."}
  n_products: {type: bigint, description: Different products bought.}
  n_orders: {type: bigint, description: "Different orders, as in order_lines, with one of them."}
  n_customers: {type: bigint, description: Different known customers who bought one of them.}
  quantity: {type: "decimal(18,4)", description: Units sold; null where the log has none.}
  revenue: {type: "decimal(18,4)", description: "Gross money of all purchases, customers unknown to the log included."}
  returned_value: {type: "decimal(18,4)", description: "Money that came back, an amount above zero."}
  net_revenue: {type: "decimal(18,4)", description: "Money that stayed: revenue less returned_value."}
  net_revenue_share: {type: double, description: "Share of the net revenue of all categories; nothing counts less than 0."}
  return_share: {type: double, description: What was taken back per revenue.}
  revenue_per_product: {type: double, description: Net revenue per product bought.}
  trend_days: {type: bigint, description: Days of each of the two spans that the trend compares.}
  earlier_revenue: {type: "decimal(18,4)", description: Net revenue of the earlier span.}
  recent_revenue: {type: "decimal(18,4)", description: Net revenue of the recent span.}
  trend: {type: double, description: "Change of its share of net revenue: 0.1 is a share that grew by a tenth; null where there was none before."}
  size: {type: varchar, description: "large or small."}
  direction: {type: varchar, description: "growing, steady or falling; new where there was none before."}
  is_weak: {type: boolean, description: Whether its products bring less than half of what products bring on average.}
  n_returners: {type: bigint, description: "Different customers who gave one of them back; of unknown ones each return."}
  has_high_returns: {type: boolean, description: "Whether more comes back than usual, and of five customers or more."}
  advice: {type: varchar, description: "grow, keep, fix or drop; null for what is in no category."}
checks:
  - expect_column_values_to_not_be_null: {column: category}
  - expect_column_values_to_be_between: {column: returned_value, min_value: 0}
  - expect_column_values_to_be_between: {column: net_revenue_share, min_value: 0, max_value: 1}
  - expect_column_values_to_be_in_set: {column: advice, value_set: [grow, keep, fix, drop]}
owner: team:data
--- */
with spans as (
    select
        least(
            365,
            greatest(
                (
                    date_diff(
                        'day', getvariable('first_day'), getvariable('last_complete_day')
                    ) + 1
                ) // 2,
                1
            )
        ) as trend_days
),

lines as (
    select
        coalesce(items.category, 'unknown') as category,
        items.item_id,
        order_lines.customer_id,
        true as is_purchase,
        order_lines.order_key,
        order_lines.order_date as sales_date,
        order_lines.quantity,
        order_lines.value as revenue,
        cast(0 as decimal(18, 4)) as returned_value,
    from order_lines
    inner join items on order_lines.item_id = items.item_id
    where items.is_product
    union all
    select
        coalesce(items.category, 'unknown') as category,
        items.item_id,
        order_returns.customer_id,
        false as is_purchase,
        cast(null as varchar) as order_key,
        order_returns.sales_date,
        cast(null as decimal(18, 4)) as quantity,
        cast(0 as decimal(18, 4)) as revenue,
        order_returns.returned_value,
    from order_returns
    inner join items on order_returns.item_id = items.item_id
    where items.is_product
),

spanned as (
    select
        lines.*,
        -- 0 is the recent span, 1 the one before it.
        date_diff('day', lines.sales_date, getvariable('last_complete_day')) // spans.trend_days
            as span,
    from lines
    cross join spans
),

sums as (
    select
        category,
        count(distinct item_id) filter (where is_purchase) as n_products,
        count(distinct order_key) as n_orders,
        count(distinct customer_id) filter (where is_purchase) as n_customers,
        count(distinct customer_id) filter (where not is_purchase)
        + count(*) filter (where not is_purchase and customer_id is null) as n_returners,
        cast(sum(quantity) filter (where is_purchase) as decimal(18, 4)) as quantity,
        cast(coalesce(sum(revenue), 0) as decimal(18, 4)) as revenue,
        cast(coalesce(sum(returned_value), 0) as decimal(18, 4)) as returned_value,
        cast(coalesce(sum(revenue) - sum(returned_value), 0) as decimal(18, 4)) as net_revenue,
        cast(coalesce(sum(revenue - returned_value) filter (where span = 1), 0) as decimal(18, 4))
            as earlier_revenue,
        cast(coalesce(sum(revenue - returned_value) filter (where span = 0), 0) as decimal(18, 4))
            as recent_revenue,
    from spanned
    group by category
    having count(*) filter (where is_purchase) > 0
),

compared as (
    select
        *,
        greatest(net_revenue, 0) as kept,
        sum(greatest(net_revenue, 0)) over () as kept_by_all,
        sum(n_products) over () as n_products_of_all,
        count(*) over () as n_categories,
        cast(returned_value as double) / nullif(cast(revenue as double), 0) as return_share,
        cast(sum(returned_value) over () as double)
        / nullif(cast(sum(revenue) over () as double), 0) as return_share_of_all,
        cast(recent_revenue as double) / nullif(cast(sum(recent_revenue) over () as double), 0)
        / nullif(
            cast(case when earlier_revenue > 0 then earlier_revenue end as double)
            / nullif(cast(sum(earlier_revenue) over () as double), 0),
            0
        ) - 1 as trend,
    from sums
),

judged as (
    select
        *,
        case when kept * n_categories >= kept_by_all then 'large' else 'small' end as size,
        case
            when trend is null then 'new'
            when trend > 0.1 then 'growing'
            when trend < -0.1 then 'falling'
            else 'steady'
        end as direction,
        kept * 2 * n_products_of_all < kept_by_all * n_products as is_weak,
        coalesce(n_returners >= 5 and return_share > 1.5 * return_share_of_all, false)
            as has_high_returns,
    from compared
)

select
    judged.category,
    judged.n_products,
    judged.n_orders,
    judged.n_customers,
    judged.quantity,
    judged.revenue,
    judged.returned_value,
    judged.net_revenue,
    coalesce(cast(judged.kept as double) / nullif(cast(judged.kept_by_all as double), 0), 0)
        as net_revenue_share,
    judged.return_share,
    cast(judged.net_revenue as double) / judged.n_products as revenue_per_product,
    spans.trend_days,
    judged.earlier_revenue,
    judged.recent_revenue,
    judged.trend,
    judged.size,
    judged.direction,
    judged.is_weak,
    judged.n_returners,
    judged.has_high_returns,
    case
        when judged.category in ('unknown', 'other') then null
        when judged.is_weak and judged.direction not in ('growing', 'new') then 'drop'
        when judged.is_weak or judged.direction = 'falling' or judged.has_high_returns then 'fix'
        when judged.direction in ('growing', 'new') then 'grow'
        else 'keep'
    end as advice,
from judged
cross join spans
