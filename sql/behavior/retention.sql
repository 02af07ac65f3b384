/* ---
description: >-
  One row per activity, period, way to form cohorts, measure, cohort and later interval: how many
  customers of the cohort came back. What has not begun yet is null; what is not over is immature.
key: [activity, period, cohort_mode, measure, cohort_start, from_interval]
parameters:
  min_occurrences: {type: bigint, description: "Events that an interval needs to count as a return."}
  retention_intervals: {type: bigint, description: "Intervals after the cohort's that are followed."}
  leaves_out_bots: {type: boolean, description: "Whether days of suspected bots are left out of rates."}
columns:
  activity: {type: varchar, description: "What counts: event (any) or purchase."}
  period: {type: varchar, description: "Length of an interval: day, week or month."}
  cohort_mode: {type: varchar, description: "recurring: in the cohort of every interval with the activity; first_ever: of the first event in all history; first_matching: of the first event that is the activity."}
  measure: {type: varchar, description: "n_day: active in that interval; unbounded: in it or later; bracket: anywhere in it up to to_interval."}
  cohort_start: {type: date, description: "First day of the cohort's interval."}
  from_interval: {type: bigint, description: "Intervals after the cohort's; 0 is the cohort's size."}
  to_interval: {type: bigint, description: "Last interval that counts; null where later ones count too."}
  n_cohort_customers: {type: bigint, description: "Customers of the cohort."}
  n_retained_customers: {type: bigint, description: "Those who came back; null where the interval has not begun."}
  retained_share: {type: double, description: "Retained per customer of the cohort."}
  retained_share_low: {type: double, description: "Lower end of its Wilson 95 % interval."}
  retained_share_high: {type: double, description: "Upper end of its Wilson 95 % interval."}
  is_mature: {type: boolean, description: "Whether every interval that counts is over."}
  is_newest_complete: {type: boolean, description: "Whether the last interval that counts is the newest complete one."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [activity, period, cohort_mode, measure, cohort_start, from_interval]}
  - expect_column_values_to_be_between: {column: retained_share, min_value: 0, max_value: 1}
owner: team:data
--- */
with activity as (
    select
        'event' as activity,
        customer_day.customer_id,
        customer_day.event_date,
        customer_day.n_events as n_entries,
        customer_day.n_events as n_returns,
        customer_day.event_date = first_seen.first_event_date as is_first_ever,
        customer_day.event_date = first_seen.first_event_date as is_first_matching,
    from customer_day
    inner join first_seen on customer_day.customer_id = first_seen.customer_id
    where not (customer_day.is_suspected_bot and getvariable('leaves_out_bots'))
    union all
    select
        'purchase' as activity,
        customer_day.customer_id,
        customer_day.event_date,
        customer_day.n_purchases as n_entries,
        customer_day.n_purchases as n_returns,
        customer_day.event_date = first_seen.first_event_date as is_first_ever,
        coalesce(customer_day.event_date = first_seen.first_purchase_date, false)
            as is_first_matching,
    from customer_day
    inner join first_seen on customer_day.customer_id = first_seen.customer_id
    where not (customer_day.is_suspected_bot and getvariable('leaves_out_bots'))
        and (
            customer_day.n_purchases > 0
            or customer_day.event_date = first_seen.first_event_date
        )
),

-- Customers who did the same on the same days are alike to every cohort. What a customer did on a
-- day is one number: the day, so many returns, and the three flags.
histories as (
    select
        activity,
        customer_id,
        list_sort(
            list(
                datediff('day', date '0001-01-01', event_date)
                * 8 * (getvariable('min_occurrences') + 1)
                + least(n_returns, getvariable('min_occurrences')) * 8
                + case when n_entries > 0 then 4 else 0 end
                + case when is_first_ever then 2 else 0 end
                + case when is_first_matching then 1 else 0 end
            )
        ) as days,
    from activity
    group by activity, customer_id
),

-- A group is named after one of its customers.
groups as (
    select
        activity,
        min(customer_id) as group_id,
        days,
        count(*) as n_customers,
    from histories
    group by activity, days
),

group_days as (
    select
        activity,
        group_id,
        n_customers,
        unnest(days) as day,
    from groups
),

active_days as (
    select
        activity,
        group_id,
        n_customers,
        date '0001-01-01'
        + cast(floor(day / (8 * (getvariable('min_occurrences') + 1))) as integer) as event_date,
        cast(floor(day / 8) as bigint) % (getvariable('min_occurrences') + 1) as n_returns,
        day % 8 >= 4 as is_entry,
        day % 4 >= 2 as is_first_ever,
        day % 2 = 1 as is_first_matching,
    from group_days
),

active_intervals as (
    select
        active_days.activity,
        calendar.period,
        active_days.group_id,
        active_days.n_customers,
        calendar.interval_index,
        bool_or(active_days.is_entry) as is_entry,
        sum(active_days.n_returns) >= getvariable('min_occurrences') as is_return,
        bool_or(active_days.is_first_ever) as is_first_ever,
        bool_or(active_days.is_first_matching) as is_first_matching,
    from active_days
    inner join calendar on active_days.event_date = calendar.calendar_date
    group by
        active_days.activity,
        calendar.period,
        active_days.group_id,
        active_days.n_customers,
        calendar.interval_index
),

counted_intervals as (
    select
        *,
        count(*) filter (where is_return) over (
            partition by activity, period, group_id
            order by interval_index
        ) as n_returns_until,
        count(*) filter (where is_return) over (
            partition by activity, period, group_id
            order by interval_index
            range between unbounded preceding and getvariable('retention_intervals') following
        ) as n_returns_within,
    from active_intervals
),

entries as (
    select
        activity,
        period,
        group_id,
        n_customers,
        interval_index,
        is_entry,
        is_first_ever,
        is_first_matching,
        n_returns_until,
        n_returns_within,
    from counted_intervals
    where is_entry or is_first_ever or is_first_matching
),

cohort_sizes as (
    select
        activity,
        period,
        interval_index as cohort_index,
        coalesce(sum(n_customers) filter (where is_entry), 0) as n_recurring,
        coalesce(sum(n_customers) filter (where is_first_ever), 0) as n_first_ever,
        coalesce(sum(n_customers) filter (where is_first_matching), 0) as n_first_matching,
    from entries
    group by activity, period, interval_index
),

returns as (
    select
        activity,
        period,
        group_id,
        interval_index,
        n_returns_until as return_number,
        lag(interval_index) over (
            partition by activity, period, group_id
            order by interval_index
        ) as previous_index,
    from counted_intervals
    where is_return
),

-- The returns within the intervals that are followed, and the first one beyond, each by its number.
followed_returns as (
    select
        *,
        unnest(generate_series(n_returns_until + 1, n_returns_within + 1)) as return_number,
    from entries
),

-- How long after its cohort's interval a customer came back, and the time before that: a return
-- is the first one since interval k where the one before it came earlier than k.
waits as (
    select
        entries.activity,
        entries.period,
        entries.interval_index as cohort_index,
        returns.interval_index - entries.interval_index as later,
        greatest(
            coalesce(returns.previous_index, entries.interval_index) - entries.interval_index, 0
        ) as previous_later,
        sum(entries.n_customers) filter (where entries.is_entry) as n_recurring,
        sum(entries.n_customers) filter (where entries.is_first_ever) as n_first_ever,
        sum(entries.n_customers) filter (where entries.is_first_matching) as n_first_matching,
    from followed_returns as entries
    inner join returns
        on entries.activity = returns.activity
        and entries.period = returns.period
        and entries.group_id = returns.group_id
        and entries.return_number = returns.return_number
        and coalesce(returns.previous_index, entries.interval_index)
        < entries.interval_index + getvariable('retention_intervals')
    group by
        entries.activity,
        entries.period,
        entries.interval_index,
        returns.interval_index - entries.interval_index,
        greatest(
            coalesce(returns.previous_index, entries.interval_index) - entries.interval_index, 0
        )
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

periods as (
    select
        period,
        min(interval_index) as first_index,
        max(interval_index) as last_index,
        coalesce(max(interval_index) filter (where is_complete), -1) as last_complete_index,
    from intervals
    group by period
),

followed as (
    select
        periods.period,
        later_intervals.later,
    from periods
    cross join (
        select unnest(generate_series(0, getvariable('retention_intervals'))) as later
    ) as later_intervals
    where later_intervals.later <= periods.last_index - periods.first_index
),

measures as (
    select
        period,
        'n_day' as measure,
        later as from_interval,
        later as to_interval,
    from followed
    union all
    select
        period,
        'unbounded' as measure,
        later as from_interval,
        null as to_interval,
    from followed
    union all
    select
        period,
        'bracket' as measure,
        from_interval,
        to_interval,
    from (
        values
        ('day', 1, 7),
        ('day', 8, 14),
        ('day', 15, 30),
        ('week', 1, 4),
        ('week', 5, 12),
        ('month', 1, 3),
        ('month', 4, 12)
    ) as brackets (period, from_interval, to_interval)
),

retained as (
    select
        waits.activity,
        waits.period,
        waits.cohort_index,
        measures.measure,
        measures.from_interval,
        sum(waits.n_recurring) as n_recurring,
        sum(waits.n_first_ever) as n_first_ever,
        sum(waits.n_first_matching) as n_first_matching,
    from waits
    inner join measures
        on waits.period = measures.period
        and waits.later >= measures.from_interval
        and waits.later <= coalesce(measures.to_interval, waits.later)
        and waits.previous_later < measures.from_interval
    group by
        waits.activity,
        waits.period,
        waits.cohort_index,
        measures.measure,
        measures.from_interval
),

cohort_modes as (
    select cohort_mode
    from (values ('recurring'), ('first_ever'), ('first_matching')) as modes (cohort_mode)
),

cells as (
    select
        cohort_sizes.activity,
        cohort_sizes.period,
        cohort_modes.cohort_mode,
        measures.measure,
        cohort_sizes.cohort_index,
        measures.from_interval,
        measures.to_interval,
        case cohort_modes.cohort_mode
            when 'recurring' then cohort_sizes.n_recurring
            when 'first_ever' then cohort_sizes.n_first_ever
            else cohort_sizes.n_first_matching
        end as n_cohort_customers,
        case cohort_modes.cohort_mode
            when 'recurring' then retained.n_recurring
            when 'first_ever' then retained.n_first_ever
            else retained.n_first_matching
        end as n_returned,
    from cohort_sizes
    inner join measures on cohort_sizes.period = measures.period
    cross join cohort_modes
    left join retained
        on cohort_sizes.activity = retained.activity
        and cohort_sizes.period = retained.period
        and cohort_sizes.cohort_index = retained.cohort_index
        and measures.measure = retained.measure
        and measures.from_interval = retained.from_interval
),

judged as (
    select
        cells.activity,
        cells.period,
        cells.cohort_mode,
        cells.measure,
        intervals.interval_start as cohort_start,
        cells.from_interval,
        cells.to_interval,
        cells.n_cohort_customers,
        case
            when cells.cohort_index + cells.from_interval > periods.last_index then null
            when cells.from_interval = 0 then cells.n_cohort_customers
            else coalesce(cells.n_returned, 0)
        end as n_retained_customers,
        -- Nobody knows who comes back after the log ends, so the unbounded measure counts as
        -- mature where its first interval is.
        cells.cohort_index + coalesce(cells.to_interval, cells.from_interval)
        - periods.last_complete_index as n_intervals_open,
    from cells
    inner join periods on cells.period = periods.period
    inner join intervals
        on cells.period = intervals.period
        and cells.cohort_index = intervals.interval_index
    where cells.n_cohort_customers > 0
),

shares as (
    select
        *,
        cast(n_cohort_customers as double) as trials,
        cast(n_retained_customers as double) / n_cohort_customers as share,
    from judged
)

select
    activity,
    period,
    cohort_mode,
    measure,
    cohort_start,
    cast(from_interval as bigint) as from_interval,
    cast(to_interval as bigint) as to_interval,
    cast(n_cohort_customers as bigint) as n_cohort_customers,
    cast(n_retained_customers as bigint) as n_retained_customers,
    share as retained_share,
    wilson_low(share, trials) as retained_share_low,
    wilson_high(share, trials) as retained_share_high,
    n_intervals_open <= 0 as is_mature,
    n_intervals_open = 0 as is_newest_complete,
from shares
