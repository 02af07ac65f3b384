/* ---
description: One row per segment with its size, its value and how its customers buy.
key: [segment]
requires: [purchase, value]
columns:
  segment: {type: varchar, description: Name of the segment.}
  segment_rank: {type: bigint, description: "Rank by mean value of a customer, 1 is the highest."}
  n_customers: {type: bigint, description: Customers in the segment.}
  customer_share: {type: double, description: Share of all segmented customers.}
  revenue: {type: "decimal(18,4)", description: Money of all purchases of the segment.}
  revenue_share: {type: double, description: Share of the money of all segments.}
  mean_recency_days: {type: double, description: Mean days since the last purchase.}
  mean_orders: {type: double, description: Mean orders of a customer.}
  mean_value: {type: double, description: Mean money of a customer.}
  median_value: {type: double, description: Median money of a customer.}
checks:
  - expect_column_values_to_be_between: {column: customer_share, min_value: 0, max_value: 1}
  - unexpected_rows_expectation:
      name: shares_sum_to_one
      description: The shares of all segments sum to one, of customers and of money.
      unexpected_rows_query: >-
        select * from (
            select sum(customer_share) as customers, sum(revenue_share) as money from {batch}
        ) as sums
        where abs(customers - 1) > 1e-6 or abs(money - 1) > 1e-6
--- */
with customers as (
    select
        customer_segments.segment,
        customer_segments.segment_rank,
        rfm.recency_days,
        rfm.n_orders,
        rfm.monetary,
    from customer_segments
    inner join rfm on customer_segments.customer_id = rfm.customer_id
),

segments as (
    select
        segment,
        segment_rank,
        count(*) as n_customers,
        cast(sum(monetary) as decimal(18, 4)) as revenue,
        cast(sum(recency_days) as double) / count(*) as mean_recency_days,
        cast(sum(n_orders) as double) / count(*) as mean_orders,
        cast(sum(monetary) as double) / count(*) as mean_value,
        median(cast(monetary as double)) as median_value,
    from customers
    group by segment, segment_rank
)

select
    segment,
    segment_rank,
    n_customers,
    cast(n_customers as double) / sum(n_customers) over () as customer_share,
    revenue,
    cast(revenue as double) / cast(sum(revenue) over () as double) as revenue_share,
    mean_recency_days,
    mean_orders,
    mean_value,
    median_value,
from segments
