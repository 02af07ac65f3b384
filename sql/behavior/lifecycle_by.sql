/* ---
description: >-
  One row per period, column that the source breaks down by, its value at the customer's first
  event, and interval: customers that are new, returning, resurrecting and dormant, as in lifecycle,
  and which share of those active before came back, against all others.
key: [period, attribute, attribute_value, interval_start]
requires: [breakdowns]
parameters:
  leaves_out_bots: {type: boolean, description: "Whether days of suspected bots are left out of rates."}
columns:
  period: {type: varchar, description: "Length of an interval: day, week or month."}
  attribute: {type: varchar, description: "Column of the events."}
  attribute_value: {type: varchar, description: "Its value at the customer's first event; null where it has none."}
  interval_start: {type: date, description: "First day of the interval."}
  n_active: {type: bigint, description: "Customers with an event in the interval."}
  n_active_before: {type: bigint, description: "Customers with an event in the interval before."}
  n_new: {type: bigint, description: "Active for the first time in all history."}
  n_returning: {type: bigint, description: "Active now and in the interval before."}
  n_resurrecting: {type: bigint, description: "Active now, not in the interval before, but earlier."}
  n_dormant: {type: bigint, description: "Active in the interval before and not now."}
  returning_share: {type: double, description: "Returning per customer active in the interval before; null where there was none."}
  returning_share_low: {type: double, description: "Lower end of its Wilson 95 % interval."}
  returning_share_high: {type: double, description: "Upper end of its Wilson 95 % interval."}
  share_difference: {type: double, description: "returning_share less that of the customers of all other values; null where fewer than 30 were active before on a side."}
  share_difference_low: {type: double, description: "Lower end of its 95 % interval (Newcombe)."}
  share_difference_high: {type: double, description: "Upper end; a difference where 0 is outside."}
  is_mature: {type: boolean, description: "Whether the interval is over; until then customers look dormant."}
checks:
  - unexpected_rows_expectation:
      unexpected_rows_query: >-
        select * from {batch}
        where n_active != n_new + n_returning + n_resurrecting
        or n_active_before != n_returning + n_dormant
--- */
with active_intervals as (
    select
        calendar.period,
        customer_day.customer_id,
        calendar.interval_index,
    from customer_day
    inner join calendar on customer_day.event_date = calendar.calendar_date
    where not (customer_day.is_suspected_bot and getvariable('leaves_out_bots'))
    group by calendar.period, customer_day.customer_id, calendar.interval_index
),

neighbours as (
    select
        period,
        customer_id,
        interval_index,
        lag(interval_index) over intervals_of_customer as previous_index,
        coalesce(lead(interval_index) over intervals_of_customer > interval_index + 1, true)
            as is_followed_by_none,
    from active_intervals
    window
        intervals_of_customer as (partition by period, customer_id order by interval_index)
),

arrivals as (
    select
        neighbours.period,
        first_touch.attribute,
        first_touch.attribute_value,
        neighbours.interval_index,
        count(*) as n_active,
        count(*) filter (where previous_index is null) as n_new,
        count(*) filter (where previous_index = interval_index - 1) as n_returning,
        count(*) filter (where previous_index < interval_index - 1) as n_resurrecting,
        count(*) filter (where is_followed_by_none) as n_leaving,
    from neighbours
    inner join first_touch on neighbours.customer_id = first_touch.customer_id
    group by
        neighbours.period,
        first_touch.attribute,
        first_touch.attribute_value,
        neighbours.interval_index
),

intervals as (
    select
        period,
        interval_index,
        interval_start,
        is_complete,
    from calendar
    group by period, interval_index, interval_start, is_complete
),

attribute_values as (
    select distinct
        attribute,
        attribute_value,
    from arrivals
),

counted as (
    select
        intervals.period,
        attribute_values.attribute,
        attribute_values.attribute_value,
        intervals.interval_start,
        intervals.is_complete,
        cast(coalesce(arrivals.n_active, 0) as bigint) as n_active,
        cast(coalesce(before.n_active, 0) as bigint) as n_active_before,
        cast(coalesce(arrivals.n_new, 0) as bigint) as n_new,
        cast(coalesce(arrivals.n_returning, 0) as bigint) as n_returning,
        cast(coalesce(arrivals.n_resurrecting, 0) as bigint) as n_resurrecting,
        cast(coalesce(before.n_leaving, 0) as bigint) as n_dormant,
    from intervals
    cross join attribute_values
    left join arrivals
        on intervals.period = arrivals.period
        and intervals.interval_index = arrivals.interval_index
        and attribute_values.attribute = arrivals.attribute
        and attribute_values.attribute_value is not distinct from arrivals.attribute_value
    left join arrivals as before
        on intervals.period = before.period
        and intervals.interval_index = before.interval_index + 1
        and attribute_values.attribute = before.attribute
        and attribute_values.attribute_value is not distinct from before.attribute_value
),

with_others as (
    select
        *,
        sum(n_active_before) over all_values - n_active_before as n_others,
        sum(n_returning) over all_values - n_returning as n_others_returning,
    from counted
    window all_values as (partition by period, attribute, interval_start)
),

shares as (
    select
        *,
        cast(n_returning as double) / nullif(n_active_before, 0) as share,
        cast(n_others_returning as double) / nullif(n_others, 0) as other_share,
        n_active_before >= fewest_customers() and n_others >= fewest_customers() as is_compared,
    from with_others
)

select
    period,
    attribute,
    attribute_value,
    interval_start,
    n_active,
    n_active_before,
    n_new,
    n_returning,
    n_resurrecting,
    n_dormant,
    share as returning_share,
    wilson_low(share, nullif(n_active_before, 0)) as returning_share_low,
    wilson_high(share, nullif(n_active_before, 0)) as returning_share_high,
    case when is_compared then share - other_share end as share_difference,
    case
        when is_compared
            then difference_low(
                share, wilson_low(share, n_active_before), other_share,
                wilson_high(other_share, n_others)
            )
    end as share_difference_low,
    case
        when is_compared
            then difference_high(
                share, wilson_high(share, n_active_before), other_share,
                wilson_low(other_share, n_others)
            )
    end as share_difference_high,
    is_complete as is_mature,
from shares
