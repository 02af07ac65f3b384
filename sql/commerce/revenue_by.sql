/* ---
description: >-
  One row per month, column that the source breaks down by and its value at the customer's first
  event: who bought, what of it stayed, and what a buyer was worth, against the buyers of all other
  values. Money is uneven among buyers, so an interval of few says little: is_sure says where it
  rests on enough of them.
key: [sales_month, attribute, attribute_value]
requires: [breakdowns, purchase, value]
parameters:
  last_complete_day: {type: date, description: "Last day that the log covers."}
columns:
  sales_month: {type: date, description: "First day of the month of the orders."}
  attribute: {type: varchar, description: "Column of the events."}
  attribute_value: {type: varchar, description: "Its value at the customer's first event; null where it has none."}
  n_buyers: {type: bigint, description: "Customers who ordered in the month."}
  n_orders: {type: bigint, description: "Their orders."}
  net_revenue: {type: "decimal(18,4)", description: "Money of these orders that stayed."}
  revenue_share: {type: double, description: "Of the month's net revenue of known customers."}
  revenue_per_buyer: {type: double, description: "Net revenue per buyer."}
  revenue_per_buyer_low: {type: double, description: "Lower end of its 95 % interval; null where there are fewer than 30 buyers."}
  revenue_per_buyer_high: {type: double, description: "Upper end of that interval."}
  revenue_difference: {type: double, description: "revenue_per_buyer less that of the buyers of all other values; null where there are fewer than 30 on a side."}
  revenue_difference_low: {type: double, description: "Lower end of its 95 % interval (Welch)."}
  revenue_difference_high: {type: double, description: "Upper end; a difference where 0 is outside."}
  is_sure: {type: boolean, description: "Whether there are 30 buyers or more."}
  is_mature: {type: boolean, description: "Whether the month is over."}
checks:
  - expect_column_values_to_be_between: {column: n_buyers, min_value: 1}
--- */
with bought as (
    select
        customer_id,
        cast(date_trunc('month', order_date) as date) as sales_month,
        count(*) as n_orders,
        sum(coalesce(net_value, 0)) as net_revenue,
    from orders
    where customer_id is not null
    group by customer_id, cast(date_trunc('month', order_date) as date)
),

-- Decimals are squared as hundredths of a unit, so that sums do not depend on their order.
sums as (
    select
        bought.sales_month,
        first_touch.attribute,
        first_touch.attribute_value,
        count(*) as n_buyers,
        sum(bought.n_orders) as n_orders,
        sum(bought.net_revenue) as net_revenue,
        cast(
            sum(cast(round(bought.net_revenue * 100) as hugeint)
                * cast(round(bought.net_revenue * 100) as hugeint)) as double
        ) / 10000 as total_of_squares,
    from bought
    inner join first_touch on bought.customer_id = first_touch.customer_id
    group by bought.sales_month, first_touch.attribute, first_touch.attribute_value
),

with_others as (
    select
        *,
        sum(net_revenue) over all_values as all_revenue,
        sum(n_buyers) over all_values - n_buyers as n_others,
        sum(net_revenue) over all_values - net_revenue as others_revenue,
        sum(total_of_squares) over all_values - total_of_squares as others_squares,
    from sums
    window all_values as (partition by sales_month, attribute)
),

estimated as (
    select
        *,
        cast(net_revenue as double) / n_buyers as mean,
        cast(others_revenue as double) / nullif(n_others, 0) as other_mean,
        1.959963984540054
        * deviation_of_sums(cast(net_revenue as double), total_of_squares, nullif(n_buyers, 1))
        / sqrt(n_buyers) as half,
        1.959963984540054
        * deviation_of_sums(cast(others_revenue as double), others_squares, nullif(n_others, 1))
        / sqrt(nullif(n_others, 0)) as other_half,
        n_buyers >= fewest_customers() as is_sure,
        n_others >= fewest_customers() as are_others_sure,
    from with_others
)

select
    sales_month,
    attribute,
    attribute_value,
    n_buyers,
    cast(n_orders as bigint) as n_orders,
    cast(net_revenue as decimal(18, 4)) as net_revenue,
    cast(net_revenue as double) / nullif(cast(all_revenue as double), 0) as revenue_share,
    mean as revenue_per_buyer,
    case when is_sure then mean - half end as revenue_per_buyer_low,
    case when is_sure then mean + half end as revenue_per_buyer_high,
    case when is_sure and are_others_sure then mean - other_mean end as revenue_difference,
    case
        when is_sure and are_others_sure
            then mean - other_mean - sqrt(half * half + other_half * other_half)
    end as revenue_difference_low,
    case
        when is_sure and are_others_sure
            then mean - other_mean + sqrt(half * half + other_half * other_half)
    end as revenue_difference_high,
    is_sure,
    last_day(sales_month) <= getvariable('last_complete_day') as is_mature,
from estimated
