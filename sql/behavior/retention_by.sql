/* ---
description: >-
  One row per period, column that the source breaks down by, its value at the customer's first
  event, and later interval: how many came back in the k-th interval after their first one, over
  all customers whose k-th interval is over; against all others by how much.
key: [period, attribute, attribute_value, from_interval]
requires: [breakdowns]
parameters:
  retention_intervals: {type: bigint, description: "Intervals after the first that are followed."}
  min_occurrences: {type: bigint, description: "Events that an interval needs to count as a return."}
  leaves_out_bots: {type: boolean, description: "Whether days of suspected bots are left out of rates."}
columns:
  period: {type: varchar, description: "Length of an interval: day, week or month."}
  attribute: {type: varchar, description: "Column of the events."}
  attribute_value: {type: varchar, description: "Its value at the customer's first event; null where it has none."}
  from_interval: {type: bigint, description: "Intervals after that of the customer's first event; 0 is everybody."}
  n_cohort_customers: {type: bigint, description: "Customers whose interval of that number is over."}
  n_retained_customers: {type: bigint, description: "Those of them who came back in it."}
  retained_share: {type: double, description: "Retained per customer."}
  retained_share_low: {type: double, description: "Lower end of its Wilson 95 % interval."}
  retained_share_high: {type: double, description: "Upper end of its Wilson 95 % interval."}
  share_difference: {type: double, description: "retained_share less that of the customers of all other values; null where there are fewer than 30 customers on a side."}
  share_difference_low: {type: double, description: "Lower end of its 95 % interval (Newcombe)."}
  share_difference_high: {type: double, description: "Upper end; a difference where 0 is outside."}
  is_surely_more: {type: boolean, description: "Whether the difference is above 0 even as one of many: its lower half is widened for all values of all attributes compared at this period and interval."}
checks:
  - expect_column_values_to_be_between: {column: retained_share, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between: {column: n_cohort_customers, min_value: 1}
--- */
with members as (
    select
        first_touch.customer_id,
        first_touch.attribute,
        first_touch.attribute_value,
        calendar.period,
        calendar.interval_index as first_index,
    from first_touch
    inner join calendar on first_touch.first_event_date = calendar.calendar_date
    inner join customer_day
        on first_touch.customer_id = customer_day.customer_id
        and first_touch.first_event_date = customer_day.event_date
    where not (customer_day.is_suspected_bot and getvariable('leaves_out_bots'))
),

last_complete as (
    select
        period,
        max(interval_index) as last_index,
    from calendar
    where is_complete
    group by period
),

actives as (
    select
        calendar.period,
        customer_day.customer_id,
        calendar.interval_index,
    from customer_day
    inner join calendar on customer_day.event_date = calendar.calendar_date
    where not (customer_day.is_suspected_bot and getvariable('leaves_out_bots'))
    group by calendar.period, customer_day.customer_id, calendar.interval_index
    having sum(customer_day.n_events) >= getvariable('min_occurrences')
),

returned as (
    select
        members.period,
        members.attribute,
        members.attribute_value,
        actives.interval_index - members.first_index as from_interval,
        count(*) as n_retained,
    from members
    inner join actives
        on members.period = actives.period and members.customer_id = actives.customer_id
    inner join last_complete
        on members.period = last_complete.period
        and actives.interval_index <= last_complete.last_index
    where actives.interval_index > members.first_index
    group by
        members.period,
        members.attribute,
        members.attribute_value,
        actives.interval_index - members.first_index
),

starts as (
    select
        members.period,
        members.attribute,
        members.attribute_value,
        least(
            last_complete.last_index - members.first_index, getvariable('retention_intervals')
        ) as last_interval,
        count(*) as n_customers,
    from members
    inner join last_complete on members.period = last_complete.period
    where members.first_index <= last_complete.last_index
    group by
        members.period,
        members.attribute,
        members.attribute_value,
        least(
            last_complete.last_index - members.first_index, getvariable('retention_intervals')
        )
),

followed as (
    select
        period,
        attribute,
        attribute_value,
        n_customers,
        unnest(generate_series(0, last_interval)) as from_interval,
    from starts
),

cohorts as (
    select
        period,
        attribute,
        attribute_value,
        from_interval,
        cast(sum(n_customers) as bigint) as n_customers,
    from followed
    group by period, attribute, attribute_value, from_interval
),

counted as (
    select
        cohorts.*,
        case
            when cohorts.from_interval = 0 then cohorts.n_customers
            else coalesce(returned.n_retained, 0)
        end as n_retained,
    from cohorts
    left join returned
        on cohorts.period = returned.period
        and cohorts.attribute = returned.attribute
        and cohorts.attribute_value is not distinct from returned.attribute_value
        and cohorts.from_interval = returned.from_interval
),

with_others as (
    select
        *,
        sum(n_customers) over all_values - n_customers as n_others,
        sum(n_retained) over all_values - n_retained as n_others_retained,
    from counted
    window all_values as (partition by period, attribute, from_interval)
),

shares as (
    select
        *,
        cast(n_retained as double) / n_customers as share,
        cast(n_others_retained as double) / nullif(n_others, 0) as other_share,
        from_interval > 0
            and n_customers >= fewest_customers()
            and n_others >= fewest_customers() as is_compared,
    from with_others
),

compared as (
    select
        *,
        case when is_compared then share - other_share end as difference,
        case
            when is_compared
                then difference_low(
                    share, wilson_low(share, n_customers), other_share,
                    wilson_high(other_share, n_others)
                )
        end as lowest,
        case
            when is_compared
                then difference_high(
                    share, wilson_high(share, n_customers), other_share,
                    wilson_low(other_share, n_others)
                )
        end as highest,
        count(*) filter (where is_compared) over (partition by period, from_interval)
            as n_compared,
    from shares
)

select
    period,
    attribute,
    attribute_value,
    from_interval,
    n_customers as n_cohort_customers,
    n_retained as n_retained_customers,
    share as retained_share,
    wilson_low(share, n_customers) as retained_share_low,
    wilson_high(share, n_customers) as retained_share_high,
    difference as share_difference,
    lowest as share_difference_low,
    highest as share_difference_high,
    difference > widened_for(n_compared) * (difference - lowest) as is_surely_more,
from compared
