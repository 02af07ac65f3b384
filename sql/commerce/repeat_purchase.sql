/* ---
description: >-
  One row per month of the first order and time since then: how many customers of the cohort
  ordered again on a later day within it. A null month stands for all customers together. A cohort is null while
  one of its customers has not had the time yet; all together are those who have had it.
key: [cohort_month, within_days]
requires: [purchase]
parameters:
  last_complete_day: {type: date, description: Last day that the log covers.}
columns:
  cohort_month: {}
  within_days: {type: bigint, description: "Days after that of the first order, inclusive; null is the whole log, however long each customer was seen."}
  n_customers: {type: bigint, description: Customers of the cohort.}
  n_observed: {type: bigint, description: Those who have had the time; all of them where it is the whole log.}
  n_repeat_customers: {type: bigint, description: Those of them who ordered again in it; null where it is not observable.}
  repeat_share: {type: double, description: Share of those who ordered again on a later day.}
  repeat_share_low: {type: double, description: Lower end of its Wilson 95 % interval.}
  repeat_share_high: {type: double, description: Upper end of its Wilson 95 % interval.}
  median_days_to_second: {type: double, description: "Median days from the first to the second day with an order, of those who ordered again in it: always too short for all, see survival."}
checks:
  - expect_column_values_to_be_between: {column: repeat_share, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between: {column: n_customers, min_value: 1}
  - expect_column_values_to_be_between: {column: median_days_to_second, min_value: 0}
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: n_customers, column_B: n_observed, or_equal: true}
owner: team:data
--- */
with order_days as (
    select distinct
        customer_id,
        order_date,
    from orders
    where customer_id is not null
),

-- Orders of one day are one visit: the second order is that of the second day.
numbered as (
    select
        customer_id,
        order_date,
        row_number() over (partition by customer_id order by order_date) as n,
    from order_days
),

customers as (
    select
        customer_id,
        min(order_date) filter (where n = 1) as first_date,
        min(order_date) filter (where n = 2) as second_date,
    from numbered
    where n <= 2
    group by customer_id
),

spans as (
    select *
    from (values (1), (3), (7), (14), (30), (60), (90), (180), (365), (null))
        as lengths (within_days)
),

followed as (
    select
        cast(date_trunc('month', customers.first_date) as date) as cohort_month,
        cast(spans.within_days as bigint) as within_days,
        spans.within_days is null
        or date_diff('day', customers.first_date, getvariable('last_complete_day'))
        >= spans.within_days as is_observed,
        date_diff('day', customers.first_date, customers.second_date) as days_to_second,
        customers.second_date is not null
        and (
            spans.within_days is null
            or date_diff('day', customers.first_date, customers.second_date) <= spans.within_days
        ) as is_repeat,
    from customers
    cross join spans
),

sums as (
    select
        cohort_month,
        within_days,
        grouping(cohort_month) = 1 as is_all,
        count(*) as n_customers,
        count(*) filter (where is_observed) as n_observed,
        count(*) filter (where is_observed and is_repeat) as n_repeat,
        cast(median(days_to_second) filter (where is_observed and is_repeat) as double)
            as median_days,
    from followed
    group by grouping sets ((cohort_month, within_days), (within_days))
),

known as (
    select
        *,
        n_observed > 0 and (is_all or n_observed = n_customers) as is_known,
        cast(n_observed as double) as trials,
        cast(n_repeat as double) / nullif(n_observed, 0) as share,
    from sums
)

select
    cohort_month,
    within_days,
    n_customers,
    n_observed,
    case when is_known then n_repeat end as n_repeat_customers,
    case when is_known then share end as repeat_share,
    case
        when is_known then wilson_low(share, trials)
    end as repeat_share_low,
    case
        when is_known then wilson_high(share, trials)
    end as repeat_share_high,
    case when is_known then median_days end as median_days_to_second,
from known
