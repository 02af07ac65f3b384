/* ---
description: >-
  One row per length of an interval, day of first events and later interval: how many of the
  customers first seen on that day did something in their k-th hour, or k-th 24 hours, after
  their own first event. What has not begun yet is null; what is not over for all is immature.
key: [interval_hours, cohort_date, from_interval]
parameters:
  rolling_hours: {type: "bigint[]", description: "Lengths of an interval in hours, none shorter than the session timeout."}
  retention_intervals: {type: bigint, description: "Intervals after the first that are followed; of hours those of the first day."}
  complete_until_ts: {type: bigint, description: "End of the last day that is over, epoch microseconds."}
  leaves_out_bots: {type: boolean, description: "Whether days of suspected bots are left out of rates."}
columns:
  interval_hours: {type: bigint, description: "Length of an interval: 24 hours, or 1 hour where the session timeout is no longer."}
  cohort_date: {type: date, description: "Day of the customers' first event in all history, business time."}
  from_interval: {type: bigint, description: "k of the interval from k to k + 1 lengths after the customer's own first event; in 0 everybody is."}
  n_cohort_customers: {type: bigint, description: "Customers of the cohort."}
  n_retained_customers: {type: bigint, description: "Those with an event in the interval; null where it has begun for nobody."}
  retained_share: {type: double, description: "Retained per customer of the cohort."}
  retained_share_low: {type: double, description: "Lower end of its Wilson 95 % interval."}
  retained_share_high: {type: double, description: "Upper end of its Wilson 95 % interval."}
  is_mature: {type: boolean, description: "Whether the interval is over for every customer of the cohort."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [interval_hours, cohort_date, from_interval]}
  - expect_column_values_to_be_between: {column: retained_share, min_value: 0, max_value: 1}
owner: team:data
--- */
with bot_days as (
    select
        customer_id,
        event_date,
    from customer_day
    where is_suspected_bot and getvariable('leaves_out_bots')
),

entrants as (
    select
        first_seen.customer_id,
        first_seen.first_event_date as cohort_date,
        first_seen.first_event_ts as entered_ts,
    from first_seen
    left join bot_days
        on first_seen.customer_id = bot_days.customer_id
        and first_seen.first_event_date = bot_days.event_date
    where bot_days.customer_id is null
),

lengths as (
    select unnest(getvariable('rolling_hours')) as interval_hours
),

measured as (
    select
        interval_hours,
        interval_hours * 3600000000 as length_us,
        case when interval_hours = 1 then 23 else getvariable('retention_intervals') end
            as last_interval,
    from lengths
),

-- A fragment has an event in each interval that it touches, since none is shorter than the timeout.
touched as (
    select
        measured.interval_hours,
        measured.last_interval,
        entrants.cohort_date,
        entrants.customer_id,
        cast(
            floor((session_fragments.first_event_ts - entrants.entered_ts) / measured.length_us)
            as bigint
        ) as from_interval,
        cast(
            floor((session_fragments.last_event_ts - entrants.entered_ts) / measured.length_us)
            as bigint
        ) as to_interval,
    from session_fragments
    inner join entrants on session_fragments.customer_id = entrants.customer_id
    inner join measured
        on session_fragments.first_event_ts - entrants.entered_ts
        < measured.length_us * (measured.last_interval + 1)
    left join bot_days
        on session_fragments.customer_id = bot_days.customer_id
        and session_fragments.event_date = bot_days.event_date
    where bot_days.customer_id is null
),

active as (
    select distinct
        interval_hours,
        cohort_date,
        customer_id,
        unnest(generate_series(from_interval, least(to_interval, last_interval))) as from_interval,
    from touched
),

returned as (
    select
        interval_hours,
        cohort_date,
        from_interval,
        count(*) as n_customers,
    from active
    group by interval_hours, cohort_date, from_interval
),

cohorts as (
    select
        cohort_date,
        count(*) as n_customers,
        min(entered_ts) as first_entered_ts,
        max(entered_ts) as last_entered_ts,
    from entrants
    group by cohort_date
),

followed as (
    select
        interval_hours,
        length_us,
        unnest(generate_series(0, last_interval)) as from_interval,
    from measured
),

judged as (
    select
        followed.interval_hours,
        cohorts.cohort_date,
        followed.from_interval,
        cohorts.n_customers as n_cohort_customers,
        case
            when cohorts.first_entered_ts + followed.from_interval * followed.length_us
                < getvariable('complete_until_ts')
                then coalesce(returned.n_customers, 0)
        end as n_retained_customers,
        cohorts.last_entered_ts + (followed.from_interval + 1) * followed.length_us
        <= getvariable('complete_until_ts') as is_mature,
    from cohorts
    cross join followed
    left join returned
        on cohorts.cohort_date = returned.cohort_date
        and followed.interval_hours = returned.interval_hours
        and followed.from_interval = returned.from_interval
),

shares as (
    select
        *,
        cast(n_cohort_customers as double) as trials,
        cast(n_retained_customers as double) / n_cohort_customers as share,
    from judged
)

select
    interval_hours,
    cohort_date,
    cast(from_interval as bigint) as from_interval,
    n_cohort_customers,
    n_retained_customers,
    share as retained_share,
    wilson_low(share, trials) as retained_share_low,
    wilson_high(share, trials) as retained_share_high,
    is_mature,
from shares
