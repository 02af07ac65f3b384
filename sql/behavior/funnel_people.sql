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
  entry_conversion_difference: {type: double, description: "entry_conversion less that of all other values of the breakdown together; null where there are fewer than 30 customers on a side. Two intervals that overlap say nothing of it, its own does."}
  entry_conversion_difference_low: {type: double, description: "Lower end of its 95 % interval by customer: one may be on both sides."}
  entry_conversion_difference_high: {type: double, description: "Upper end; a difference where 0 is outside."}
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
        funnel_entries.level,
        funnel_entries.skipped_steps,
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
        funnel_entries.level,
        funnel_entries.skipped_steps
),

broken_down as (
    select distinct funnel
    from levels
    where breakdown is not null
),

steps as (
    select
        levels.funnel,
        levels.breakdown,
        levels.customer_id,
        levels.n_entries,
        funnel_steps.step,
        levels.level >= funnel_steps.step
            and not list_contains(levels.skipped_steps, funnel_steps.step) as has_reached,
    from levels
    inner join funnel_steps on levels.funnel = funnel_steps.funnel
),

people as (
    select
        funnel,
        breakdown,
        customer_id,
        step,
        grouping(breakdown) = 1 as is_all,
        cast(sum(n_entries) as double) as n_entries,
        cast(coalesce(sum(n_entries) filter (where has_reached), 0) as double) as n_reached,
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
),

-- Sums of products over customers: of their entries with a value, and of all that they have.
products as (
    select
        ours.funnel,
        ours.breakdown,
        ours.step,
        sum(ours.n_reached * ours.n_reached) as yes_yes,
        sum(ours.n_reached * ours.n_entries) as yes_all,
        sum(ours.n_entries * ours.n_entries) as all_all,
        sum(ours.n_reached * theirs.n_reached) as yes_any_yes,
        sum(ours.n_reached * theirs.n_entries) as yes_any_all,
        sum(ours.n_entries * theirs.n_reached) as all_any_yes,
        sum(ours.n_entries * theirs.n_entries) as all_any_all,
        count(*) filter (where ours.n_entries = theirs.n_entries) as n_only_here,
    from people as ours
    inner join people as theirs
        on
            ours.funnel = theirs.funnel
            and ours.customer_id = theirs.customer_id
            and ours.step = theirs.step
    where not ours.is_all and theirs.is_all
    group by ours.funnel, ours.breakdown, ours.step
),

products_of_all as (
    select
        funnel,
        step,
        sum(n_reached * n_reached) as yes_yes,
        sum(n_reached * n_entries) as yes_all,
        sum(n_entries * n_entries) as all_all,
    from people
    where is_all
    group by funnel, step
),

-- The others of a value are all entries but its own.
compared as (
    select
        ours.funnel,
        ours.breakdown,
        ours.step,
        ours.share,
        (theirs.n_reached - ours.n_reached) / nullif(theirs.n_entries - ours.n_entries, 0)
            as other_share,
        ours.n_entries,
        theirs.n_entries - ours.n_entries as n_other_entries,
        least(ours.n_customers, theirs.n_customers - products.n_only_here) as n_fewest,
        products.yes_yes,
        products.yes_all,
        products.all_all,
        -- What a customer has on both sides.
        products.yes_any_yes - products.yes_yes as yes_other_yes,
        products.yes_any_all - products.yes_all as yes_other_all,
        products.all_any_yes - products.yes_all as all_other_yes,
        products.all_any_all - products.all_all as all_other_all,
        of_all.yes_yes - 2 * products.yes_any_yes + products.yes_yes as other_yes_yes,
        of_all.yes_all - products.yes_any_all - products.all_any_yes + products.yes_all
            as other_yes_all,
        of_all.all_all - 2 * products.all_any_all + products.all_all as other_all_all,
    from shares as ours
    inner join shares as theirs
        on ours.funnel = theirs.funnel and ours.step = theirs.step and theirs.is_all
    inner join products
        on
            ours.funnel = products.funnel
            and ours.step = products.step
            and ours.breakdown is not distinct from products.breakdown
    inner join products_of_all as of_all
        on ours.funnel = of_all.funnel and ours.step = of_all.step
    where not ours.is_all
),

-- Errors of the difference of two linearised ratios over the same customers (Cochran, 1977, ch. 6).
differences as (
    select
        funnel,
        breakdown,
        step,
        share - other_share as difference,
        1.959963984540054 * sqrt(
            greatest(
                (yes_yes - 2 * share * yes_all + share * share * all_all) / n_entries / n_entries
                + (
                    other_yes_yes - 2 * other_share * other_yes_all
                    + other_share * other_share * other_all_all
                ) / n_other_entries / n_other_entries
                - 2 * (
                    yes_other_yes - other_share * yes_other_all - share * all_other_yes
                    + share * other_share * all_other_all
                ) / n_entries / n_other_entries,
                0
            )
        ) as half,
    from compared
    where n_fewest >= fewest_customers() and step > 1
)

select
    shares.funnel,
    shares.is_all,
    shares.breakdown,
    shares.step,
    cast(shares.n_entries as bigint) as n_entries,
    cast(shares.n_reached as bigint) as n_reached,
    shares.share as entry_conversion,
    wilson_low(shares.share, shares.trials) as entry_conversion_low,
    wilson_high(shares.share, shares.trials) as entry_conversion_high,
    cast(shares.n_customers as bigint) as n_entered_customers,
    cast(shares.n_reached_customers as bigint) as n_reached_customers,
    shares.customer_share as customer_conversion,
    wilson_low(shares.customer_share, shares.n_customers) as customer_conversion_low,
    wilson_high(shares.customer_share, shares.n_customers) as customer_conversion_high,
    differences.difference as entry_conversion_difference,
    differences.difference - differences.half as entry_conversion_difference_low,
    differences.difference + differences.half as entry_conversion_difference_high,
from shares
left join differences
    on
        shares.funnel = differences.funnel
        and shares.step = differences.step
        and shares.breakdown is not distinct from differences.breakdown
        and not shares.is_all
