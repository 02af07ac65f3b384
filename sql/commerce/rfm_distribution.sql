/* ---
description: >-
  One row per way of scoring customers by recency, frequency and monetary value, and group that
  it makes, with the customers and their money.
key: [scheme, group_name]
columns:
  scheme: {type: varchar, description: "r_score, f_score, m_score, rfm_cell or rf_level."}
  group_name: {type: varchar, description: "The score, or the name of the cell or level."}
  n_customers: {type: bigint, description: Customers in the group.}
  customer_share: {type: double, description: Share of all customers who bought.}
  monetary: {type: "decimal(18,4)", description: Money of their purchases that stayed; null without money.}
  monetary_share: {type: double, description: Share of the money of all customers who bought.}
checks:
  - expect_column_values_to_be_between: {column: n_customers, min_value: 1}
  - unexpected_rows_expectation:
      name: shares_sum_to_one
      description: The shares of each scheme's groups sum to one.
      unexpected_rows_query: >-
        select * from (
            select
                scheme,
                sum(customer_share) as customers,
                sum(monetary_share) as money
            from {batch}
            group by scheme
        ) as sums
        where abs(customers - 1) > 1e-6 or abs(money - 1) > 1e-6
--- */
with scored as (
    select
        'r_score' as scheme,
        cast(r_score as varchar) as group_name,
        monetary,
    from rfm
    union all
    select 'f_score', cast(f_score as varchar), monetary from rfm
    union all
    select 'm_score', cast(m_score as varchar), monetary from rfm where m_score is not null
    union all
    select 'rfm_cell', rfm_cell, monetary from rfm
    union all
    select 'rf_level', rf_level, monetary from rfm
),

grouped as (
    select
        scheme,
        group_name,
        count(*) as n_customers,
        cast(sum(monetary) as decimal(18, 4)) as monetary,
    from scored
    group by scheme, group_name
)

select
    scheme,
    group_name,
    n_customers,
    cast(n_customers as double) / sum(n_customers) over (partition by scheme) as customer_share,
    monetary,
    cast(monetary as double)
    / nullif(cast(sum(monetary) over (partition by scheme) as double), 0) as monetary_share,
from grouped
