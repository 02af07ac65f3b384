/* ---
description: >-
  One row per funnel with optional steps and way through it: which optional steps the entries took
  that got to the end, what share of them went this way, and how long it took. Of entry days whose
  windows are over, so that who takes longer is not missing.
key: [funnel, route]
parameters:
  leaves_out_bots: {type: boolean, description: "Whether days of suspected bots are left out of rates."}
columns:
  funnel: {type: varchar, description: "Name of the funnel."}
  route: {type: varchar, description: "The steps that were taken, joined by >."}
  n_optional: {type: bigint, description: "Optional steps among them; 0 for the direct way."}
  n_entries: {type: bigint, description: "Entries that got to the end this way: of a customer one for each day, or session, of entry."}
  n_customers: {type: bigint, description: "Different customers among them."}
  route_share: {type: double, description: "Of all entries that got to the end."}
  route_share_low: {type: double, description: "Lower end of its 95 % interval by customer (Wilson with effective trials)."}
  route_share_high: {type: double, description: "Upper end of that interval."}
  median_seconds: {type: double, description: "Median time from entry to the last step."}
  median_seconds_low: {type: double, description: "Lower end of its 95 % interval by order of the times, with effective trials; the shortest one where they are too few."}
  median_seconds_high: {type: double, description: "Upper end; the longest one where they are too few."}
  is_sure: {type: boolean, description: "Whether 30 customers or more went this way."}
checks:
  - expect_column_values_to_be_between: {column: route_share, min_value: 0, max_value: 1}
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: median_seconds_high, column_B: median_seconds_low, or_equal: true}
--- */
with bot_days as (
    select
        customer_id,
        event_date,
    from customer_day
    where is_suspected_bot and getvariable('leaves_out_bots')
),

with_options as (
    select distinct funnel
    from funnel_steps
    where is_optional
),

mature_days as (
    select distinct
        funnel,
        entry_date,
    from funnel
    where is_mature
),

finished as (
    select
        funnel_entries.funnel,
        funnel_entries.customer_id,
        funnel_entries.skipped_steps,
        (funnel_entries.reached_ts[funnel_entries.n_steps] - funnel_entries.reached_ts[1])
        / 1000000.0 as seconds,
    from funnel_entries
    inner join with_options on funnel_entries.funnel = with_options.funnel
    inner join mature_days
        on funnel_entries.funnel = mature_days.funnel
        and funnel_entries.entry_date = mature_days.entry_date
    left join bot_days
        on funnel_entries.customer_id = bot_days.customer_id
        and funnel_entries.entry_date = bot_days.event_date
    where bot_days.customer_id is null and funnel_entries.level = funnel_entries.n_steps
),

ways as (
    select distinct
        funnel,
        skipped_steps,
    from finished
),

named as (
    select
        ways.funnel,
        ways.skipped_steps,
        string_agg(funnel_steps.step_name, ' > ' order by funnel_steps.step) as route,
        count(*) filter (where funnel_steps.is_optional) as n_optional,
    from ways
    inner join funnel_steps
        on ways.funnel = funnel_steps.funnel
        and not list_contains(ways.skipped_steps, funnel_steps.step)
    group by ways.funnel, ways.skipped_steps
),

-- Each customer counts in each way's share, with what went that way and what did not.
people as (
    select
        funnel,
        customer_id,
        cast(count(*) as double) as n_all,
    from finished
    group by funnel, customer_id
),

people_by_way as (
    select
        funnel,
        skipped_steps,
        customer_id,
        cast(count(*) as double) as n_here,
    from finished
    group by funnel, skipped_steps, customer_id
),

shares as (
    select
        named.funnel,
        named.skipped_steps,
        sum(coalesce(people_by_way.n_here, 0)) / sum(people.n_all) as share,
        effective_trials(coalesce(people_by_way.n_here, 0), people.n_all) as trials,
        count(*) filter (where people_by_way.n_here > 0) as n_customers,
    from named
    inner join people on named.funnel = people.funnel
    left join people_by_way
        on named.funnel = people_by_way.funnel
        and named.skipped_steps = people_by_way.skipped_steps
        and people.customer_id = people_by_way.customer_id
    group by named.funnel, named.skipped_steps
),

-- The entries of one customer are alike in time too: as many count as the customers are worth.
worth as (
    select
        funnel,
        skipped_steps,
        sum(n_here) as n_entries,
        sum(n_here) * sum(n_here) / sum(n_here * n_here) as trials,
    from people_by_way
    group by funnel, skipped_steps
),

placed as (
    select
        finished.funnel,
        finished.skipped_steps,
        finished.seconds,
        (
            row_number() over (
                partition by finished.funnel, finished.skipped_steps order by finished.seconds
            ) - 0.5
        ) / worth.n_entries as place,
        1.959963984540054 * sqrt(0.25 / worth.trials) as half,
    from finished
    inner join worth
        on finished.funnel = worth.funnel and finished.skipped_steps = worth.skipped_steps
),

times as (
    select
        funnel,
        skipped_steps,
        count(*) as n_entries,
        cast(median(seconds) as double) as median_seconds,
        coalesce(max(seconds) filter (where place <= 0.5 - half), min(seconds)) as seconds_low,
        coalesce(min(seconds) filter (where place >= 0.5 + half), max(seconds)) as seconds_high,
    from placed
    group by funnel, skipped_steps
)

select
    named.funnel,
    named.route,
    named.n_optional,
    times.n_entries,
    shares.n_customers,
    shares.share as route_share,
    wilson_low(shares.share, shares.trials) as route_share_low,
    wilson_high(shares.share, shares.trials) as route_share_high,
    times.median_seconds,
    times.seconds_low as median_seconds_low,
    times.seconds_high as median_seconds_high,
    shares.n_customers >= fewest_customers() as is_sure,
from named
inner join shares
    on named.funnel = shares.funnel and named.skipped_steps = shares.skipped_steps
inner join times
    on named.funnel = times.funnel and named.skipped_steps = times.skipped_steps
