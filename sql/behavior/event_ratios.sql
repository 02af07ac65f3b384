/* ---
description: >-
  One row per pair of groups of event types: how many events of the one there are per event of
  the other. Ratios of rows, as case studies print them, and not conversion of people.
key: [numerator_events, denominator_events]
parameters:
  event_groups: {type: "varchar[][]", description: "Event types that are counted together: the steps of the funnels."}
columns:
  numerator_events: {type: varchar, description: "Event types counted above, joined by +."}
  denominator_events: {type: varchar, description: "Event types counted below, joined by +."}
  n_numerator: {type: bigint, description: "Events above."}
  n_denominator: {type: bigint, description: "Events below."}
  ratio: {type: double, description: "Events above per event below."}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [numerator_events, denominator_events]}
owner: team:data
--- */
with event_groups as (
    select distinct
        array_to_string(event_types, '+') as event_group,
        event_types,
    from (
        select unnest(getvariable('event_groups')) as event_types
    ) as listed
),

group_members as (
    select
        event_group,
        unnest(event_types) as event_type,
    from event_groups
),

counts as (
    select
        group_members.event_group,
        cast(sum(hourly_traffic.n_events) as bigint) as n_events,
    from group_members
    inner join hourly_traffic on group_members.event_type = hourly_traffic.event_type
    group by group_members.event_group
)

select
    above.event_group as numerator_events,
    below.event_group as denominator_events,
    above.n_events as n_numerator,
    below.n_events as n_denominator,
    cast(above.n_events as double) / below.n_events as ratio,
from counts as above
inner join counts as below on above.event_group != below.event_group
