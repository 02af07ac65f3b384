/* ---
description: >-
  One row per customer, kind and place: at most ten products, and ten categories, that go with what
  the customer dealt with last, and the reason. Empty for a kind whose lists did not beat the
  simple ones out of time: see recommendation_quality. No uplift is claimed: who gets an offer may
  have come without it.
key: [customer_id, kind, place]
requires: [purchase, item]
columns:
  customer_id: {type: source, description: For whom.}
  kind: {type: varchar, description: "item or category."}
  place: {type: bigint, description: 1 is the first.}
  thing: {type: varchar, description: "Identifier of the product, or the category."}
  name: {type: varchar, description: "Name of the product; of a category, itself; null where the log has no names."}
  because_of: {type: varchar, description: "The product, or category, among the customer's recent ones that says most for it."}
  because_of_name: {type: varchar, description: Its name.}
  score: {type: bigint, description: "What places go by: similarity in millionths, weighted and summed over the customer's recent interests."}
checks:
  - expect_column_values_to_be_between: {column: place, min_value: 1, max_value: 10}
  - expect_column_values_to_not_be_null: {column: because_of}
  - expect_column_values_to_be_between: {column: score, min_value: 0}
  - expect_table_row_count_to_be_between: {min_value: 1, severity: warn}
owner: team:data
--- */
with shown as (
    select distinct kind
    from recommendation_quality
    where is_shown
),

names as (
    select
        cast(item_id as varchar) as thing,
        item_name as name,
    from items
)

select
    lists.customer_id,
    lists.kind,
    lists.place,
    lists.thing,
    case when lists.kind = 'item' then things.name else lists.thing end as name,
    lists.because_of,
    case when lists.kind = 'item' then reasons.name else lists.because_of end as because_of_name,
    lists.score,
from recommendation_lists as lists
inner join shown on lists.kind = shown.kind
left join names as things on lists.thing = things.thing
left join names as reasons on lists.because_of = reasons.thing
where lists.moment = 'now' and lists.recommender = 'related'
