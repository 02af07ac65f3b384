/* ---
description: >-
  One row per activity, period, way to form cohorts, measure and later interval: how many of all
  customers came back, over the cohorts for whom that interval is over. Recurring cohorts are left
  out, since one customer is in several of them.
key: [activity, period, cohort_mode, measure, from_interval]
columns:
  activity: {type: varchar, description: "What counts: event (any) or purchase."}
  period: {type: varchar, description: "Length of an interval: day, week or month."}
  cohort_mode: {type: varchar, description: "first_ever: of the first event in all history; first_matching: of the first event that is the activity."}
  measure: {type: varchar, description: "n_day: active in that interval; unbounded: in it or later; bracket: anywhere in it up to to_interval."}
  from_interval: {type: bigint, description: "Intervals after the cohort's; 0 is everybody."}
  to_interval: {type: bigint, description: "Last interval that counts; null where later ones count too."}
  n_cohort_customers: {type: bigint, description: "Customers of the cohorts that count."}
  n_retained_customers: {type: bigint, description: "Those of them who came back."}
  retained_share: {type: double, description: "Retained per customer of these cohorts."}
  retained_share_low: {type: double, description: "Lower end of its Wilson 95 % interval."}
  retained_share_high: {type: double, description: "Upper end of its Wilson 95 % interval."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [activity, period, cohort_mode, measure, from_interval]}
  - expect_column_values_to_be_between: {column: retained_share, min_value: 0, max_value: 1}
owner: team:data
--- */
with counted as (
    select
        activity,
        period,
        cohort_mode,
        measure,
        from_interval,
        to_interval,
        sum(n_cohort_customers) as n_customers,
        sum(n_retained_customers) as n_retained,
    from retention
    where is_mature and cohort_mode <> 'recurring'
    group by activity, period, cohort_mode, measure, from_interval, to_interval
),

shares as (
    select
        *,
        cast(n_retained as double) / n_customers as share,
    from counted
)

select
    activity,
    period,
    cohort_mode,
    measure,
    from_interval,
    to_interval,
    cast(n_customers as bigint) as n_cohort_customers,
    cast(n_retained as bigint) as n_retained_customers,
    share as retained_share,
    wilson_low(share, cast(n_customers as double)) as retained_share_low,
    wilson_high(share, cast(n_customers as double)) as retained_share_high,
from shares
