/* ---
description: >-
  One row per funnel, entry day, breakdown and step: how many entrants of that day reached it
  within the window, wherever the window ends. Entrants whose window is open are immature.
key: [funnel, entry_date, breakdown, step]
parameters:
  last_complete_day: {type: date, description: "Last day that is over."}
  short_days: {type: "date[]", description: "Days of fewer than 24 hours: a window over one ends an hour later by the clock."}
  leaves_out_bots: {type: boolean, description: "Whether days of suspected bots are left out of rates."}
columns:
  funnel: {type: varchar, description: "Name of the funnel."}
  entry_date: {type: date, description: "Day of the entry event, business time."}
  breakdown: {type: varchar, description: "The breakdown attribute at entry; null where there is none."}
  step: {type: bigint, description: "Number of the step, from 1."}
  n_entered: {type: bigint, description: "Entrants of the day: customers, or sessions, who took step 1. Over several days a customer counts for each; people are in funnel_people."}
  n_reached: {type: bigint, description: "Entrants who reached the step."}
  n_dropped: {type: bigint, description: "Entrants who reached the step before and not this one. The step before is never an optional one; who passes an optional step by may go on."}
  conversion_from_entry: {type: double, description: "Reached per entrant."}
  effective_entries: {type: double, description: "Independent trials that its interval rests on: entrants; fewer where one customer enters in several sessions."}
  conversion_low: {type: double, description: "Lower end of its 95 % interval by customer (Wilson with effective trials)."}
  conversion_high: {type: double, description: "Upper end of that interval."}
  all_conversion: {type: double, description: "Reached per entrant of the day, all values of the breakdown together."}
  all_conversion_low: {type: double, description: "Lower end of its 95 % interval."}
  all_conversion_high: {type: double, description: "Upper end of that interval."}
  conversion_from_previous: {type: double, description: "Reached per entrant who reached the step before; null where nobody did."}
  share_of_active: {type: double, description: "Customers who reached the step per customer active on the entry day, with the same value of the breakdown where there is one."}
  mean_seconds_from_entry: {type: double, description: "Mean time from entry of those who reached the step."}
  median_seconds_from_entry: {type: double, description: "Median time from entry."}
  mean_seconds_from_previous: {type: double, description: "Mean time from the step before."}
  median_seconds_from_previous: {type: double, description: "Median time from the step before."}
  matures_on: {type: date, description: "Day on which the last window of the entry day ends; null for a window without an end."}
  is_mature: {type: boolean, description: "Whether that day is over."}
checks:
  - expect_column_values_to_be_between: {column: conversion_from_entry, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between: {column: conversion_from_previous, min_value: 0, max_value: 1}
owner: team:data
--- */
with bot_days as (
    select
        customer_id,
        event_date,
    from customer_day
    where is_suspected_bot and getvariable('leaves_out_bots')
),

short_days as (
    select unnest(getvariable('short_days')) as short_day
),

entry_days as (
    select
        funnel,
        entry_date,
        max(entry_date + cast(ceil(window_us / 86400000000) as integer)) as window_end,
    from funnel_entries
    group by funnel, entry_date
),

maturities as (
    select
        entry_days.funnel,
        entry_days.entry_date,
        max(entry_days.window_end + case when short_days.short_day is null then 0 else 1 end)
            as matures_on,
    from entry_days
    left join short_days
        on short_days.short_day > entry_days.entry_date
        and short_days.short_day <= entry_days.window_end
    group by entry_days.funnel, entry_days.entry_date
),

entrants as (
    select
        funnel_entries.funnel,
        funnel_entries.customer_id,
        funnel_entries.session_ts,
        funnel_entries.entry_date,
        funnel_entries.breakdown,
        funnel_entries.level,
        funnel_entries.skipped_steps,
        funnel_entries.reached_ts,
    from funnel_entries
    left join bot_days
        on funnel_entries.customer_id = bot_days.customer_id
        and funnel_entries.entry_date = bot_days.event_date
    where bot_days.customer_id is null
),

levels as (
    select
        funnel,
        entry_date,
        breakdown,
        level,
        skipped_steps,
        count(*) as n_entrants,
        count(*) filter (where session_ts is null) as n_customers,
    from entrants
    group by funnel, entry_date, breakdown, level, skipped_steps
),

steps as (
    select
        levels.funnel,
        levels.entry_date,
        levels.breakdown,
        levels.n_entrants,
        levels.n_customers,
        funnel_steps.step,
        levels.level >= funnel_steps.step
            and not list_contains(levels.skipped_steps, funnel_steps.step) as has_reached,
    from levels
    inner join funnel_steps on levels.funnel = funnel_steps.funnel
),

counts as (
    select
        funnel,
        entry_date,
        breakdown,
        step,
        cast(sum(n_entrants) as bigint) as n_entered,
        cast(coalesce(sum(n_entrants) filter (where has_reached), 0) as bigint) as n_reached,
        coalesce(sum(n_customers) filter (where has_reached), 0) as n_customers,
    from steps
    group by funnel, entry_date, breakdown, step
),

-- A customer enters once a day; the sessions of a customer are several, and alike.
session_steps as (
    select
        entrants.funnel,
        entrants.entry_date,
        entrants.breakdown,
        entrants.customer_id,
        funnel_steps.step,
        entrants.level >= funnel_steps.step
            and not list_contains(entrants.skipped_steps, funnel_steps.step) as has_reached,
    from entrants
    inner join funnel_steps on entrants.funnel = funnel_steps.funnel
    where entrants.session_ts is not null
),

session_people as (
    select
        funnel,
        entry_date,
        breakdown,
        step,
        cast(count(*) as double) as n_entered,
        cast(count(*) filter (where has_reached) as double) as n_reached,
    from session_steps
    group by funnel, entry_date, breakdown, step, customer_id
),

session_customers as (
    select
        funnel,
        entry_date,
        breakdown,
        step,
        count(*) filter (where n_reached > 0) as n_customers,
        effective_trials(n_reached, n_entered) as trials,
    from session_people
    group by funnel, entry_date, breakdown, step
),

timed as (
    select
        entrants.funnel,
        entrants.entry_date,
        entrants.breakdown,
        funnel_steps.step,
        (entrants.reached_ts[funnel_steps.step] - entrants.reached_ts[1]) / 1000000.0
            as seconds_from_entry,
        (
            entrants.reached_ts[funnel_steps.step]
            - entrants.reached_ts[funnel_steps.previous_step]
        ) / 1000000.0 as seconds_from_previous,
    from entrants
    inner join funnel_steps
        on entrants.funnel = funnel_steps.funnel
        and entrants.level >= funnel_steps.step
    where funnel_steps.step > 1
        and not list_contains(entrants.skipped_steps, funnel_steps.step)
),

times as (
    select
        funnel,
        entry_date,
        breakdown,
        step,
        avg(seconds_from_entry) as mean_seconds_from_entry,
        median(seconds_from_entry) as median_seconds_from_entry,
        avg(seconds_from_previous) as mean_seconds_from_previous,
        median(seconds_from_previous) as median_seconds_from_previous,
    from timed
    group by funnel, entry_date, breakdown, step
),

reached as (
    select
        counts.funnel,
        counts.entry_date,
        counts.breakdown,
        counts.step,
        counts.n_entered,
        counts.n_reached,
        counts.n_customers + coalesce(session_customers.n_customers, 0) as n_customers,
        coalesce(session_customers.trials, cast(counts.n_entered as double)) as trials,
        times.mean_seconds_from_entry,
        times.median_seconds_from_entry,
        times.mean_seconds_from_previous,
        times.median_seconds_from_previous,
    from counts
    left join session_customers
        on counts.funnel = session_customers.funnel
        and counts.entry_date is not distinct from session_customers.entry_date
        and counts.breakdown is not distinct from session_customers.breakdown
        and counts.step = session_customers.step
    left join times
        on counts.funnel = times.funnel
        and counts.entry_date is not distinct from times.entry_date
        and counts.breakdown is not distinct from times.breakdown
        and counts.step = times.step
),

compared as (
    select
        reached.*,
        coalesce(before.n_reached, reached.n_entered) as n_before,
        cast(reached.n_reached as double) / reached.n_entered as share,
        cast(sum(reached.n_reached) over of_day as double) / sum(reached.n_entered) over of_day
            as all_share,
        sum(reached.trials) over of_day as all_trials,
    from reached
    inner join funnel_steps
        on reached.funnel = funnel_steps.funnel and reached.step = funnel_steps.step
    left join reached as before
        on reached.funnel = before.funnel
        and reached.entry_date is not distinct from before.entry_date
        and reached.breakdown is not distinct from before.breakdown
        and funnel_steps.previous_step = before.step
    window of_day as (
        partition by reached.funnel, reached.entry_date, reached.step
        order by reached.breakdown
        rows between unbounded preceding and unbounded following
    )
)

select
    compared.funnel,
    compared.entry_date,
    compared.breakdown,
    compared.step,
    compared.n_entered,
    compared.n_reached,
    compared.n_before - compared.n_reached as n_dropped,
    compared.share as conversion_from_entry,
    compared.trials as effective_entries,
    wilson_low(share, trials) as conversion_low,
    wilson_high(share, trials) as conversion_high,
    all_share as all_conversion,
    wilson_low(all_share, all_trials) as all_conversion_low,
    wilson_high(all_share, all_trials) as all_conversion_high,
    cast(n_reached as double) / nullif(n_before, 0) as conversion_from_previous,
    cast(n_customers as double) / funnel_active.n_active as share_of_active,
    mean_seconds_from_entry,
    cast(median_seconds_from_entry as double) as median_seconds_from_entry,
    mean_seconds_from_previous,
    cast(median_seconds_from_previous as double) as median_seconds_from_previous,
    maturities.matures_on,
    coalesce(maturities.matures_on <= getvariable('last_complete_day'), false) as is_mature,
from compared
left join funnel_active
    on compared.funnel = funnel_active.funnel
    and compared.entry_date = funnel_active.event_date
    and compared.breakdown is not distinct from funnel_active.breakdown
left join maturities
    on compared.funnel = maturities.funnel
    and compared.entry_date = maturities.entry_date
