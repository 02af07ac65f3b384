/* ---
description: >-
  One row per category with its sales, its trend, its returns, and what they advise. The trend
  compares its share of net revenue in the last days with that in the same days 52 weeks earlier, at
  most a year each: what the whole shop grows by is no trend, nor is a season. Where the log does
  not hold four weeks a year apart, or fewer than 30 customers bought it in them, it cannot be told.
  Intervals are by customer: all that one buys counts once; an unknown one is as many as orders.
  A category is large if it brings at least an even share; growing or falling if its share surely
  moved, and by more than a tenth; weak if a product of it surely brings less than half of what
  products bring on average; its returns are high if they surely are above those of all, by half of
  these, five customers or more gave something back, and they are high without the one who gave
  back most, too.
  Then: drop is weak and not growing; fix is the rest that is weak, falls or has high returns;
  grow is the rest that grows; keep is the rest. Without a trend weak ones and those of high returns
  are to fix, and of the rest nothing is advised.
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
  net_revenue_share_low: {type: double, description: "Low end of its 95 % interval, by customer."}
  net_revenue_share_high: {type: double, description: High end of the interval.}
  return_share: {type: double, description: What was taken back per revenue.}
  return_share_low: {type: double, description: "Low end of its 95 % interval, by customer."}
  return_share_high: {type: double, description: High end of the interval.}
  revenue_per_product: {type: double, description: Net revenue per product bought.}
  trend_days: {type: bigint, description: "Days of each of the two spans that the trend compares; 0: the log does not hold four weeks a year apart."}
  earlier_revenue: {type: "decimal(18,4)", description: Net revenue of the earlier span.}
  recent_revenue: {type: "decimal(18,4)", description: Net revenue of the recent span.}
  trend: {type: double, description: "Change of its share of net revenue: 0.1 is a share that grew by a tenth; null where it cannot be told."}
  trend_low: {type: double, description: "Low end of its 95 % interval, by customer."}
  trend_high: {type: double, description: High end of the interval.}
  size: {type: varchar, description: "large or small."}
  direction: {type: varchar, description: "growing, steady or falling; new where there was none in the earlier span; null where it cannot be told."}
  is_weak: {type: boolean, description: Whether its products surely bring less than half of what products bring on average.}
  n_returners: {type: bigint, description: "Different customers who gave one of them back; of unknown ones each return."}
  has_high_returns: {type: boolean, description: "Whether surely more comes back than usual, of five customers or more and not by one alone."}
  advice: {type: varchar, description: "grow, keep, fix or drop; null for what is in no category, and where it takes a trend that cannot be told."}
checks:
  - expect_column_values_to_not_be_null: {column: category}
  - expect_column_values_to_be_between: {column: returned_value, min_value: 0}
  - expect_column_values_to_be_between: {column: net_revenue_share, min_value: 0, max_value: 1}
  - expect_column_values_to_be_in_set: {column: advice, value_set: [grow, keep, fix, drop]}
  - unexpected_rows_expectation:
      name: intervals_are_around_their_value
      description: Each bound is on its side.
      unexpected_rows_query: >-
        select * from {batch} where not trend between trend_low and trend_high
        or not return_share between return_share_low and return_share_high
owner: team:data
--- */
with known_days as (
    select
        date_diff('day', getvariable('first_day'), getvariable('last_complete_day')) + 1 as n_days
),

spans as (
    select
        -- 52 weeks, so that weekdays fall on each other.
        case when n_days >= 364 + 28 then least(364, n_days - 364) else 0 end as trend_days
    from known_days
),

lines as (
    select
        coalesce(items.category, 'unknown') as category,
        items.item_id,
        order_lines.customer_id,
        coalesce(
            'customer ' || cast(order_lines.customer_id as varchar),
            'order ' || order_lines.order_key
        ) as buyer,
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
        coalesce(
            'customer ' || cast(order_returns.customer_id as varchar),
            'order ' || coalesce(order_returns.order_key, order_returns.return_number),
            'return ' || cast(order_returns.returned_ts as varchar)
        ) as buyer,
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

aged as (
    select
        *,
        date_diff('day', sales_date, getvariable('last_complete_day')) as days_ago,
    from lines
),

spanned as (
    select
        aged.*,
        -- 0 is the recent span, 1 the one a year before it.
        case
            when aged.days_ago < spans.trend_days then 0
            when aged.days_ago >= 364 and aged.days_ago < 364 + spans.trend_days then 1
        end as span,
    from aged
    cross join spans
),

sums as (
    select
        category,
        count(distinct item_id) filter (where is_purchase) as n_products,
        count(distinct order_key) as n_orders,
        count(distinct customer_id) filter (where is_purchase) as n_customers,
        count(distinct buyer) filter (where is_purchase and span is not null) as n_compared,
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

of_buyer as (
    select
        spanned.category,
        spanned.buyer,
        cast(sum(spanned.revenue) as decimal(38, 4)) as bought,
        cast(sum(spanned.returned_value) as decimal(38, 4)) as gave_back,
        cast(sum(spanned.revenue - spanned.returned_value) as decimal(38, 4)) as kept,
        cast(
            coalesce(
                sum(spanned.revenue - spanned.returned_value) filter (where spanned.span = 0), 0
            ) as decimal(38, 4)
        ) as recent,
        cast(
            coalesce(
                sum(spanned.revenue - spanned.returned_value) filter (where spanned.span = 1), 0
            ) as decimal(38, 4)
        ) as earlier,
    from spanned
    inner join sums on spanned.category = sums.category
    group by spanned.category, spanned.buyer
),

of_buyer_in_all as (
    select
        *,
        cast(sum(kept) over (partition by buyer) as decimal(38, 4)) as all_kept,
        cast(sum(recent) over (partition by buyer) as decimal(38, 4)) as all_recent,
        cast(sum(earlier) over (partition by buyer) as decimal(38, 4)) as all_earlier,
        row_number() over (partition by buyer order by category) = 1 as is_first,
    from of_buyer
),

-- Sums of products over buyers, exact, so of wide decimals: all variances follow from them.
products as (
    select
        category,
        max(gave_back) as most_back,
        -- Of those who gave back as much the one who bought least.
        min_by(bought, [-gave_back, bought]) as bought_by_most_back,
        cast(sum(gave_back * gave_back) as double) as back_back,
        cast(sum(gave_back * bought) as double) as back_bought,
        cast(sum(bought * bought) as double) as bought_bought,
        cast(sum(kept * kept) as double) as kept_kept,
        cast(sum(kept * all_kept) as double) as kept_all,
        cast(sum(recent * recent) as double) as recent_recent,
        cast(sum(recent * earlier) as double) as recent_earlier,
        cast(sum(earlier * earlier) as double) as earlier_earlier,
        cast(sum(recent * all_recent) as double) as recent_all_recent,
        cast(sum(recent * all_earlier) as double) as recent_all_earlier,
        cast(sum(earlier * all_recent) as double) as earlier_all_recent,
        cast(sum(earlier * all_earlier) as double) as earlier_all_earlier,
    from of_buyer_in_all
    group by category
),

products_of_all as (
    select
        cast(sum(all_kept * all_kept) as double) as all_kept_kept,
        cast(sum(all_recent * all_recent) as double) as all_recent_recent,
        cast(sum(all_recent * all_earlier) as double) as all_recent_earlier,
        cast(sum(all_earlier * all_earlier) as double) as all_earlier_earlier,
    from of_buyer_in_all
    where is_first
),

summed as (
    select
        *,
        greatest(net_revenue, 0) as kept,
        sum(greatest(net_revenue, 0)) over () as kept_by_all,
        sum(n_products) over () as n_products_of_all,
        count(*) over () as n_categories,
        cast(sum(net_revenue) over () as double) as net_of_all,
        cast(returned_value as double) / nullif(cast(revenue as double), 0) as return_share,
        cast(sum(returned_value) over () as double)
        / nullif(cast(sum(revenue) over () as double), 0) as return_share_of_all,
        cast(case when recent_revenue > 0 then recent_revenue end as double) as recent,
        cast(case when earlier_revenue > 0 then earlier_revenue end as double) as earlier,
        cast(sum(recent_revenue) over () as double) as recent_of_all,
        cast(sum(earlier_revenue) over () as double) as earlier_of_all,
    from sums
),

compared as (
    select
        summed.*,
        cast(summed.returned_value - products.most_back as double)
        / nullif(cast(summed.revenue - products.bought_by_most_back as double), 0)
            as return_share_of_others,
        spans.trend_days,
        spans.trend_days > 0 and summed.n_compared >= fewest_customers() and summed.earlier_of_all > 0
            as is_comparable,
        coalesce(
            cast(summed.kept as double) / nullif(cast(summed.kept_by_all as double), 0), 0
        ) as net_revenue_share,
        summed.recent / nullif(summed.recent_of_all, 0)
        / nullif(summed.earlier / nullif(summed.earlier_of_all, 0), 0) as ratio,
        -- Errors of the linearised ratios (Cochran, Sampling Techniques, 1977, ch. 6).
        sqrt(
            greatest(
                products.back_back - 2 * summed.return_share * products.back_bought
                + summed.return_share * summed.return_share * products.bought_bought,
                0
            )
        ) / nullif(cast(summed.revenue as double), 0) as return_share_error,
        sqrt(
            greatest(
                products.kept_kept
                - 2 * cast(summed.net_revenue as double) / nullif(summed.net_of_all, 0)
                * products.kept_all
                + cast(summed.net_revenue as double) / nullif(summed.net_of_all, 0)
                * cast(summed.net_revenue as double) / nullif(summed.net_of_all, 0)
                * of_all.all_kept_kept,
                0
            )
        ) / nullif(summed.net_of_all, 0) as share_error,
        sqrt(
            greatest(
                products.recent_recent / summed.recent / summed.recent
                + products.earlier_earlier / summed.earlier / summed.earlier
                - 2 * products.recent_earlier / summed.recent / summed.earlier
                + of_all.all_recent_recent / nullif(summed.recent_of_all, 0)
                / nullif(summed.recent_of_all, 0)
                + of_all.all_earlier_earlier / nullif(summed.earlier_of_all, 0)
                / nullif(summed.earlier_of_all, 0)
                - 2 * of_all.all_recent_earlier / nullif(summed.recent_of_all, 0)
                / nullif(summed.earlier_of_all, 0)
                - 2 * products.recent_all_recent / summed.recent / nullif(summed.recent_of_all, 0)
                + 2 * products.recent_all_earlier / summed.recent
                / nullif(summed.earlier_of_all, 0)
                + 2 * products.earlier_all_recent / summed.earlier
                / nullif(summed.recent_of_all, 0)
                - 2 * products.earlier_all_earlier / summed.earlier
                / nullif(summed.earlier_of_all, 0),
                0
            )
        ) as log_ratio_error,
    from summed
    inner join products on summed.category = products.category
    cross join products_of_all as of_all
    cross join spans
),

bounded as (
    select
        *,
        case when is_comparable then ratio - 1 end as trend,
        case when is_comparable then ratio * exp(-1.959963984540054 * log_ratio_error) - 1 end
            as trend_low,
        case when is_comparable then ratio * exp(1.959963984540054 * log_ratio_error) - 1 end
            as trend_high,
        share_low(net_revenue_share, share_error) as net_revenue_share_low,
        share_high(net_revenue_share, share_error) as net_revenue_share_high,
        share_low(return_share, return_share_error) as return_share_low,
        share_high(return_share, return_share_error) as return_share_high,
    from compared
),

judged as (
    select
        *,
        case when kept * n_categories >= kept_by_all then 'large' else 'small' end as size,
        case
            when not is_comparable then null
            when earlier is null then 'new'
            when coalesce(trend, -1) > 0.1 and trend_low > 0 then 'growing'
            when recent is null or (trend < -0.1 and trend_high < 0) then 'falling'
            else 'steady'
        end as direction,
        coalesce(net_revenue_share_high, net_revenue_share) * 2 * n_products_of_all < n_products
            as is_weak,
        coalesce(
            n_returners >= 5
            and return_share > 1.5 * return_share_of_all
            and return_share_low > return_share_of_all
            and return_share_of_others > 1.5 * return_share_of_all,
            false
        ) as has_high_returns,
    from bounded
)

select
    category,
    n_products,
    n_orders,
    n_customers,
    quantity,
    revenue,
    returned_value,
    net_revenue,
    net_revenue_share,
    net_revenue_share_low,
    net_revenue_share_high,
    return_share,
    return_share_low,
    return_share_high,
    cast(net_revenue as double) / n_products as revenue_per_product,
    trend_days,
    earlier_revenue,
    recent_revenue,
    trend,
    trend_low,
    trend_high,
    size,
    direction,
    is_weak,
    n_returners,
    has_high_returns,
    case
        when category in ('unknown', 'other') then null
        when is_weak and direction not in ('growing', 'new') then 'drop'
        when is_weak or direction = 'falling' or has_high_returns then 'fix'
        when direction in ('growing', 'new') then 'grow'
        when direction is not null then 'keep'
    end as advice,
from judged
