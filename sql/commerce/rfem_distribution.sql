/* ---
description: >-
  One row per score of recency, frequency, engagement and money, and value of it, with the
  customers who have it and their money.
key: [scheme, score]
columns:
  scheme: {type: varchar, description: "recency_score, frequency_score, engagement_score, money_score, rfe_score or rfem_score."}
  score: {type: bigint, description: The value of the score.}
  n_customers: {type: bigint, description: Customers who have it.}
  customer_share: {type: double, description: Share of all customers.}
  money: {type: "decimal(18,4)", description: What they spent; null where the source knows no money.}
checks:
  - expect_column_values_to_be_between: {column: n_customers, min_value: 1}
  - unexpected_rows_expectation:
      name: shares_sum_to_one
      description: The shares of each score's values sum to one.
      unexpected_rows_query: >-
        select * from (
            select scheme, sum(customer_share) as customers from {batch} group by scheme
        ) as sums
        where abs(customers - 1) > 1e-6
--- */
with scored as (
    select
        'recency_score' as scheme,
        recency_score as score,
        money,
    from rfem
    union all
    select 'frequency_score', frequency_score, money from rfem
    union all
    select 'engagement_score', engagement_score, money from rfem
    union all
    select 'money_score', money_score, money from rfem where money_score is not null
    union all
    select 'rfe_score', rfe_score, money from rfem
    union all
    select 'rfem_score', rfem_score, money from rfem where rfem_score is not null
),

grouped as (
    select
        scheme,
        score,
        count(*) as n_customers,
        cast(sum(money) as decimal(18, 4)) as money,
    from scored
    group by scheme, score
)

select
    scheme,
    score,
    n_customers,
    cast(n_customers as double) / sum(n_customers) over (partition by scheme) as customer_share,
    money,
from grouped
