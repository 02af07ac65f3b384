/* ---
description: >-
  One row per funnel, breakdown and step: how many different people entered and reached it, over
  all entry days whose windows are over. Entries count a customer for each day of entry; here
  whoever got there once, on whatever day, counts once.
key: [funnel, breakdown, step]
parameters:
  leaves_out_bots: {type: boolean, description: "Whether days of suspected bots are left out of rates."}
columns:
  funnel: {type: varchar, description: "Name of the funnel."}
  breakdown: {type: varchar, description: "The breakdown attribute at entry; null where there is none."}
  step: {type: bigint, description: "Number of the step, from 1."}
  n_entered_customers: {type: bigint, description: "Different customers who entered."}
  n_reached_customers: {type: bigint, description: "Those of them who reached the step at least once."}
  customer_conversion: {type: double, description: "Reached per customer who entered."}
  customer_conversion_low: {type: double, description: "Lower end of its Wilson 95 % interval."}
  customer_conversion_high: {type: double, description: "Upper end of its Wilson 95 % interval."}
checks:
  - expect_column_values_to_be_between: {column: customer_conversion, min_value: 0, max_value: 1}
--- */
with bot_days as (
    select
        customer_id,
        event_date,
    from customer_day
    where is_suspected_bot and getvariable('leaves_out_bots')
),

mature_days as (
    select distinct
        funnel,
        entry_date,
    from funnel
    where is_mature
),

people as (
    select
        funnel_entries.funnel,
        funnel_entries.breakdown,
        funnel_entries.customer_id,
        max(funnel_entries.n_steps) as n_steps,
        max(funnel_entries.level) as level,
    from funnel_entries
    inner join mature_days
        on funnel_entries.funnel = mature_days.funnel
        and funnel_entries.entry_date = mature_days.entry_date
    left join bot_days
        on funnel_entries.customer_id = bot_days.customer_id
        and funnel_entries.entry_date = bot_days.event_date
    where bot_days.customer_id is null
    group by funnel_entries.funnel, funnel_entries.breakdown, funnel_entries.customer_id
),

steps as (
    select
        funnel,
        breakdown,
        level,
        unnest(generate_series(1, n_steps)) as step,
    from people
),

counts as (
    select
        funnel,
        breakdown,
        step,
        count(*) as n_entered,
        count(*) filter (where level >= step) as n_reached,
    from steps
    group by funnel, breakdown, step
),

shares as (
    select
        *,
        cast(n_entered as double) as trials,
        cast(n_reached as double) / n_entered as share,
    from counts
)

select
    funnel,
    breakdown,
    step,
    n_entered as n_entered_customers,
    n_reached as n_reached_customers,
    share as customer_conversion,
    wilson_low(share, trials) as customer_conversion_low,
    wilson_high(share, trials) as customer_conversion_high,
from shares
