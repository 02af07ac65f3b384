/* ---
description: >-
  One row per funnel, breakdown, step and stretch of time since entry: how many entries get to the
  step in it, and by its end. Stretches grow about threefold. An entry whose window is still open
  counts for as long as it was followed (Kaplan and Meier), so the last days weigh as they should.
  A funnel with a breakdown also has rows over all of its values. Optional steps have none.
key: [funnel, is_all, breakdown, step, to_seconds]
parameters:
  complete_until_ts: {type: bigint, description: "End of the last day that is over, epoch microseconds."}
  leaves_out_bots: {type: boolean, description: "Whether days of suspected bots are left out of rates."}
columns:
  funnel: {type: varchar, description: "Name of the funnel."}
  is_all: {type: boolean, description: "Whether the row is over all values of the breakdown."}
  breakdown: {type: varchar, description: "The breakdown attribute at entry; null where there is none, and over all values."}
  step: {type: bigint, description: "Number of the step, from 2."}
  from_seconds: {type: bigint, description: "Time since entry after which the stretch begins; the first one begins at the entry."}
  to_seconds: {type: bigint, description: "Time since entry with which it ends; the last ends with the window."}
  n_entries: {type: bigint, description: "All entries."}
  n_at_risk: {type: bigint, description: "Entries that were still followed at its beginning and had not reached the step."}
  n_reached: {type: bigint, description: "Those that reached it in the stretch."}
  n_open: {type: bigint, description: "Those of which no more is known, since the log ends in the stretch before their window does."}
  stretch_share: {type: double, description: "Of all entries those that reach the step in the stretch."}
  reached_share: {type: double, description: "Of all entries those that reach it by the end of the stretch, by Kaplan and Meier."}
  reached_share_low: {type: double, description: "Lower end of its 95 % interval: Wilson with as many trials as have the same variance (Greenwood), fewer where customers enter several times."}
  reached_share_high: {type: double, description: "Upper end of that interval."}
  is_mature: {type: boolean, description: "Whether 30 entries or more were followed to the end of the stretch, or had reached the step."}
checks:
  - expect_column_values_to_be_between: {column: reached_share, min_value: 0, max_value: 1}
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: to_seconds, column_B: from_seconds}
--- */
with bot_days as (
    select
        customer_id,
        event_date,
    from customer_day
    where is_suspected_bot and getvariable('leaves_out_bots')
),

-- How long each entry took to a step, or was followed in vain.
followed as (
    select
        funnel_entries.funnel,
        funnel_entries.breakdown,
        funnel_entries.customer_id,
        funnel_steps.step,
        funnel_entries.window_us,
        funnel_entries.level >= funnel_steps.step as has_reached,
        case
            when funnel_entries.level >= funnel_steps.step
                then funnel_entries.reached_ts[funnel_steps.step] - funnel_entries.reached_ts[1]
            else least(
                funnel_entries.window_us,
                getvariable('complete_until_ts') - funnel_entries.reached_ts[1]
            )
        end as span_us,
    from funnel_entries
    inner join funnel_steps on funnel_entries.funnel = funnel_steps.funnel
    left join bot_days
        on funnel_entries.customer_id = bot_days.customer_id
        and funnel_entries.entry_date = bot_days.event_date
    where bot_days.customer_id is null
        and funnel_steps.step > 1
        and not funnel_steps.is_optional
),

broken_down as (
    select distinct funnel
    from followed
    where breakdown is not null
),

-- What the entries of one customer are worth: they are alike.
people as (
    select
        funnel,
        grouping(breakdown) = 1 as is_all,
        breakdown,
        step,
        cast(count(*) as double) as n_entries,
        cast(count(*) filter (where has_reached) as double) as n_reached,
    from followed
    group by grouping sets ((funnel, breakdown, step, customer_id), (funnel, step, customer_id))
),

alike as (
    select
        funnel,
        is_all,
        breakdown,
        step,
        cast(sum(n_entries) as bigint) as n_entries,
        effective_trials(n_reached, n_entries) / sum(n_entries) as trials_per_entry,
    from people
    group by funnel, is_all, breakdown, step
),

spans as (
    select
        funnel,
        grouping(breakdown) = 1 as is_all,
        breakdown,
        step,
        span_us,
        max(window_us) as window_us,
        count(*) filter (where has_reached) as n_reached,
        count(*) filter (where not has_reached and span_us < window_us) as n_open,
        count(*) as n_leaving,
    from followed
    group by grouping sets ((funnel, breakdown, step, span_us), (funnel, step, span_us))
),

risks as (
    select
        *,
        sum(n_leaving) over (
            partition by funnel, is_all, breakdown, step
            order by span_us
            rows between current row and unbounded following
        ) as n_at_risk,
    from spans
),

-- The product of Kaplan and Meier and the sum of Greenwood; nobody is left where all have reached.
curves as (
    select
        *,
        -- Rounded, so that a stretch in which nobody gets there adds nothing.
        round(
            product(1 - cast(n_reached as double) / n_at_risk) over (
                partition by funnel, is_all, breakdown, step order by span_us
            ),
            12
        ) as not_reached,
        sum(
            coalesce(
                cast(n_reached as double) / n_at_risk / nullif(n_at_risk - n_reached, 0), 0
            )
        ) over (partition by funnel, is_all, breakdown, step order by span_us) as greenwood,
    from risks
),

edges as (
    select unnest(
        [
            10, 30, 60, 180, 600, 1800, 3600, 10800, 36000, 86400, 259200, 604800, 2592000,
            7776000, 31536000
        ]
    ) as edge
),

windows as (
    select
        funnel,
        is_all,
        breakdown,
        step,
        cast(ceil(max(window_us) / 1000000.0) as bigint) as window_seconds,
    from spans
    group by funnel, is_all, breakdown, step
),

ends as (
    select
        windows.funnel,
        windows.is_all,
        windows.breakdown,
        windows.step,
        cast(edges.edge as bigint) as to_seconds,
    from windows
    inner join edges on windows.window_seconds > edges.edge
    union all
    select
        funnel,
        is_all,
        breakdown,
        step,
        greatest(window_seconds, 1) as to_seconds,
    from windows
),

stretches as (
    select
        *,
        coalesce(
            lag(to_seconds) over (
                partition by funnel, is_all, breakdown, step order by to_seconds
            ),
            0
        ) as from_seconds,
    from ends
),

stretched as (
    select
        stretches.funnel,
        stretches.is_all,
        stretches.breakdown,
        stretches.step,
        stretches.from_seconds,
        stretches.to_seconds,
        cast(coalesce(sum(curves.n_reached), 0) as bigint) as n_reached,
        cast(coalesce(sum(curves.n_open), 0) as bigint) as n_open,
        arg_max(curves.not_reached, curves.span_us) as not_reached,
        arg_max(curves.greenwood, curves.span_us) as greenwood,
    from stretches
    left join curves
        on stretches.funnel = curves.funnel
        and stretches.is_all = curves.is_all
        and stretches.breakdown is not distinct from curves.breakdown
        and stretches.step = curves.step
        and curves.span_us <= stretches.to_seconds * 1000000
        and (
            curves.span_us > stretches.from_seconds * 1000000
            or stretches.from_seconds = 0
        )
    group by
        stretches.funnel,
        stretches.is_all,
        stretches.breakdown,
        stretches.step,
        stretches.from_seconds,
        stretches.to_seconds
),

-- A stretch in which nothing happened ends as it began.
filled as (
    select
        funnel,
        is_all,
        breakdown,
        step,
        from_seconds,
        to_seconds,
        n_reached,
        n_open,
        sum(n_reached) over so_far as n_reached_so_far,
        sum(n_open) over so_far as n_open_so_far,
        1 - coalesce(last_value(not_reached ignore nulls) over so_far, 1) as share,
        coalesce(last_value(greenwood ignore nulls) over so_far, 0) as greenwood,
    from stretched
    window so_far as (
        partition by funnel, is_all, breakdown, step
        order by to_seconds
        rows between unbounded preceding and current row
    )
),

estimated as (
    select
        filled.*,
        alike.n_entries,
        -- As many independent trials have the variance of the estimate.
        alike.trials_per_entry * coalesce(
            filled.share / nullif((1 - filled.share) * filled.greenwood, 0),
            alike.n_entries
        ) as trials,
    from filled
    inner join alike
        on filled.funnel = alike.funnel
        and filled.is_all = alike.is_all
        and filled.breakdown is not distinct from alike.breakdown
        and filled.step = alike.step
)

select
    estimated.funnel,
    estimated.is_all,
    estimated.breakdown,
    estimated.step,
    estimated.from_seconds,
    estimated.to_seconds,
    estimated.n_entries,
    cast(
        estimated.n_entries - estimated.n_reached_so_far - estimated.n_open_so_far
        + estimated.n_reached + estimated.n_open as bigint
    ) as n_at_risk,
    estimated.n_reached,
    estimated.n_open,
    estimated.share - coalesce(
        lag(estimated.share) over (
            partition by estimated.funnel, estimated.is_all, estimated.breakdown, estimated.step
            order by estimated.to_seconds
        ),
        0
    ) as stretch_share,
    estimated.share as reached_share,
    greatest(wilson_low(estimated.share, estimated.trials), 0) as reached_share_low,
    least(wilson_high(estimated.share, estimated.trials), 1) as reached_share_high,
    estimated.n_entries - estimated.n_open_so_far >= fewest_customers() as is_mature,
from estimated
left join broken_down on estimated.funnel = broken_down.funnel
where estimated.is_all or broken_down.funnel is not null
