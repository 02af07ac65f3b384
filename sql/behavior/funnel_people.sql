/* ---
description: >-
  One row per funnel, breakdown and step, over all entry days whose windows are over: how many
  entered and reached it, as entries and as different people. Entries count a customer for each day
  (or session) of entry; of people, whoever got there once, on whatever day, counts once. A funnel
  with a breakdown also has rows over all of its values.
key: [funnel, is_all, breakdown, step]
parameters:
  leaves_out_bots: {type: boolean, description: "Whether days of suspected bots are left out of rates."}
columns:
  funnel: {type: varchar, description: "Name of the funnel."}
  is_all: {type: boolean, description: "Whether the row is over all values of the breakdown."}
  breakdown: {type: varchar, description: "The breakdown attribute at entry; null where there is none, and over all values."}
  step: {type: bigint, description: "Number of the step, from 1."}
  n_entries: {type: bigint, description: "Entries: of a customer one for each day, or session, of entry."}
  n_reached: {type: bigint, description: "Entries that reached the step."}
  entry_conversion: {type: double, description: "Reached per entry."}
  entry_conversion_low: {type: double, description: "Lower end of its 95 % interval by customer (Wilson with effective trials): the entries of one are alike."}
  entry_conversion_high: {type: double, description: "Upper end of that interval."}
  n_entered_customers: {type: bigint, description: "Different customers who entered."}
  n_reached_customers: {type: bigint, description: "Those of them who reached the step at least once."}
  customer_conversion: {type: double, description: "Reached per customer who entered."}
  customer_conversion_low: {type: double, description: "Lower end of its Wilson 95 % interval."}
  customer_conversion_high: {type: double, description: "Upper end of its Wilson 95 % interval."}
checks:
  - expect_column_values_to_be_between: {column: customer_conversion, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between: {column: entry_conversion, min_value: 0, max_value: 1}
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

-- What each customer did, by the level reached.
levels as (
    select
        funnel_entries.funnel,
        funnel_entries.breakdown,
        funnel_entries.customer_id,
        funnel_entries.n_steps,
        funnel_entries.level,
        count(*) as n_entries,
    from funnel_entries
    inner join mature_days
        on funnel_entries.funnel = mature_days.funnel
        and funnel_entries.entry_date = mature_days.entry_date
    left join bot_days
        on funnel_entries.customer_id = bot_days.customer_id
        and funnel_entries.entry_date = bot_days.event_date
    where bot_days.customer_id is null
    group by
        funnel_entries.funnel,
        funnel_entries.breakdown,
        funnel_entries.customer_id,
        funnel_entries.n_steps,
        funnel_entries.level
),

broken_down as (
    select distinct funnel
    from levels
    where breakdown is not null
),

steps as (
    select
        funnel,
        breakdown,
        customer_id,
        level,
        n_entries,
        unnest(generate_series(1, n_steps)) as step,
    from levels
),

people as (
    select
        funnel,
        breakdown,
        customer_id,
        step,
        grouping(breakdown) = 1 as is_all,
        cast(sum(n_entries) as double) as n_entries,
        cast(coalesce(sum(n_entries) filter (where level >= step), 0) as double) as n_reached,
    from steps
    group by grouping sets ((funnel, breakdown, customer_id, step), (funnel, customer_id, step))
),

sums as (
    select
        people.funnel,
        people.is_all,
        people.breakdown,
        people.step,
        sum(people.n_entries) as n_entries,
        sum(people.n_reached) as n_reached,
        effective_trials(people.n_reached, people.n_entries) as trials,
        cast(count(*) as double) as n_customers,
        cast(count(*) filter (where people.n_reached > 0) as double) as n_reached_customers,
    from people
    left join broken_down on people.funnel = broken_down.funnel
    where people.is_all or broken_down.funnel is not null
    group by people.funnel, people.is_all, people.breakdown, people.step
),

shares as (
    select
        *,
        n_reached / n_entries as share,
        n_reached_customers / n_customers as customer_share,
    from sums
)

select
    funnel,
    is_all,
    breakdown,
    step,
    cast(n_entries as bigint) as n_entries,
    cast(n_reached as bigint) as n_reached,
    share as entry_conversion,
    wilson_low(share, trials) as entry_conversion_low,
    wilson_high(share, trials) as entry_conversion_high,
    cast(n_customers as bigint) as n_entered_customers,
    cast(n_reached_customers as bigint) as n_reached_customers,
    customer_share as customer_conversion,
    wilson_low(customer_share, n_customers) as customer_conversion_low,
    wilson_high(customer_share, n_customers) as customer_conversion_high,
from shares
