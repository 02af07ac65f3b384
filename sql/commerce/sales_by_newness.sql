/* ---
description: >-
  One row per period and interval with sales: what came from customers who bought for the first time
  in it, what from those who had bought before, and by how much the two kinds differ. A log that
  starts in the middle of histories takes everybody for new at first.
key: [period, interval_start]
requires: [purchase, value]
columns:
  period: {type: varchar, description: "Length of an interval: day, week or month."}
  interval_start: {type: date, description: "First day of the interval."}
  n_new_buyers: {type: bigint, description: "Customers whose first order lies in the interval."}
  n_returning_buyers: {type: bigint, description: "Customers who ordered in it and had ordered before it."}
  n_new_orders: {type: bigint, description: "Orders of the former in the interval."}
  n_returning_orders: {type: bigint, description: "Orders of the latter."}
  new_revenue: {type: "decimal(18,4)", description: "Money of the former's orders that stayed."}
  returning_revenue: {type: "decimal(18,4)", description: "Money of the latter's."}
  new_share: {type: double, description: "Of both kinds' money the share of new customers; null where there is none."}
  new_share_low: {type: double, description: "Lower end of its 95 % interval by customer (linearised ratio, on the scale of log odds); null where there are fewer than 100 buyers of a kind."}
  new_share_high: {type: double, description: "Upper end of that interval."}
  new_revenue_per_buyer: {type: double, description: "Money per new buyer."}
  returning_revenue_per_buyer: {type: double, description: "Money per returning buyer."}
  revenue_difference: {type: double, description: "Money per returning buyer less that per new one; null where there are fewer than 100 buyers of a kind."}
  revenue_difference_low: {type: double, description: "Lower end of its 95 % interval (Welch)."}
  revenue_difference_high: {type: double, description: "Upper end; a difference where 0 is outside."}
  is_mature: {type: boolean, description: "Whether the interval is over."}
checks:
  - unexpected_rows_expectation:
      description: Every interval with a row has a buyer.
      unexpected_rows_query: >-
        select * from {batch} where n_new_buyers + n_returning_buyers < 1
--- */
with first_orders as (
    select
        customer_id,
        min(order_date) as first_order_date,
    from orders
    where customer_id is not null
    group by customer_id
),

bought as (
    select
        calendar.period,
        calendar.interval_start,
        calendar.is_complete,
        orders.customer_id,
        first_orders.first_order_date >= calendar.interval_start as is_new,
        count(*) as n_orders,
        sum(coalesce(orders.net_value, 0)) as net_revenue,
    from orders
    inner join first_orders on orders.customer_id = first_orders.customer_id
    inner join calendar on orders.order_date = calendar.calendar_date
    group by
        calendar.period,
        calendar.interval_start,
        calendar.is_complete,
        orders.customer_id,
        first_orders.first_order_date >= calendar.interval_start
),

-- Squares of hundredths of a unit, so that sums do not depend on their order.
priced as (
    select
        *,
        cast(round(net_revenue * 100) as hugeint) * cast(round(net_revenue * 100) as hugeint)
            as square,
    from bought
),

sums as (
    select
        period,
        interval_start,
        is_complete,
        count(*) filter (where is_new) as n_new,
        count(*) filter (where not is_new) as n_returning,
        coalesce(sum(n_orders) filter (where is_new), 0) as n_new_orders,
        coalesce(sum(n_orders) filter (where not is_new), 0) as n_returning_orders,
        coalesce(sum(net_revenue) filter (where is_new), 0) as new_revenue,
        coalesce(sum(net_revenue) filter (where not is_new), 0) as returning_revenue,
        cast(coalesce(sum(square) filter (where is_new), 0) as double) / 10000 as new_squares,
        cast(coalesce(sum(square) filter (where not is_new), 0) as double) / 10000
            as returning_squares,
    from priced
    group by period, interval_start, is_complete
),

estimated as (
    select
        *,
        cast(new_revenue as double) / nullif(cast(new_revenue + returning_revenue as double), 0)
            as share,
        cast(new_revenue as double) / nullif(n_new, 0) as new_mean,
        cast(returning_revenue as double) / nullif(n_returning, 0) as returning_mean,
        deviation_of_sums(cast(new_revenue as double), new_squares, nullif(n_new, 1))
        / sqrt(nullif(n_new, 0)) as new_error,
        deviation_of_sums(
            cast(returning_revenue as double), returning_squares, nullif(n_returning, 1)
        ) / sqrt(nullif(n_returning, 0)) as returning_error,
        n_new >= fewest_buyers() and n_returning >= fewest_buyers() as is_sure,
    from sums
),

-- A new buyer's residual is (1 - share) of the money, a returning one's -share of it.
with_errors as (
    select
        *,
        sqrt(
            (1 - share) * (1 - share) * new_squares + share * share * returning_squares
        ) / nullif(cast(new_revenue + returning_revenue as double), 0) as share_error,
        1.959963984540054 * sqrt(new_error * new_error + returning_error * returning_error)
            as half,
    from estimated
)

select
    period,
    interval_start,
    n_new as n_new_buyers,
    n_returning as n_returning_buyers,
    cast(n_new_orders as bigint) as n_new_orders,
    cast(n_returning_orders as bigint) as n_returning_orders,
    cast(new_revenue as decimal(18, 4)) as new_revenue,
    cast(returning_revenue as decimal(18, 4)) as returning_revenue,
    share as new_share,
    case when is_sure and share > 0 and share < 1 then share_low(share, share_error) end
        as new_share_low,
    case when is_sure and share > 0 and share < 1 then share_high(share, share_error) end
        as new_share_high,
    new_mean as new_revenue_per_buyer,
    returning_mean as returning_revenue_per_buyer,
    case when is_sure then returning_mean - new_mean end as revenue_difference,
    case when is_sure then returning_mean - new_mean - half end as revenue_difference_low,
    case when is_sure then returning_mean - new_mean + half end as revenue_difference_high,
    is_complete as is_mature,
from with_errors
