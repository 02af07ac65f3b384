/* ---
description: >-
  One row per moment, kind, recommender, customer and place of a list of at most ten. Of the test
  there are four recommenders, for the customers of recommendation_test; of now only ours, for
  every customer.
  related: the sum over the customer's interests of similarity x 0.95 for each place of recency x
  (1 + ln(events)); a category is also as related to itself as can be, since people come back to
  categories. popular: what most customers dealt with before the moment.
  popular_lately: the same within one prediction horizon before it. last_category: the most
  popular products of the category of the most recent interest; of categories, the most recent
  ones. A product that the customer has bought is never in a list.
key: [moment, kind, recommender, customer_id, place]
requires: [purchase, item]
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
  horizon_us: {type: bigint, description: "Prediction horizon, microseconds."}
columns:
  moment: {type: varchar, description: "now or test, as in customer_interests."}
  kind: {type: varchar, description: "item or category."}
  recommender: {type: varchar, description: "related, popular, popular_lately or last_category."}
  customer_id: {type: source, description: For whom.}
  place: {type: bigint, description: "1 is the first; places of equal score go by identifier."}
  thing: {type: varchar, description: What is recommended.}
  because_of: {type: varchar, description: "The interest that says most for it; null for the simple recommenders."}
  score: {type: bigint, description: "What it is ranked by: millionths of similarity, customers, or recency."}
checks:
  - expect_column_values_to_be_between: {column: place, min_value: 1, max_value: 10}
  - expect_column_values_to_be_in_set: {column: recommender, value_set: [related, popular, popular_lately, last_category]}
  - expect_column_values_to_not_be_null: {column: thing}
owner: team:data
--- */
with moments as (
    select
        moment,
        max(moment_ts) as moment_ts,
    from customer_interests
    group by moment
),

purchases as (
    select
        customer_id,
        item_id,
        min(event_ts) as bought_ts,
    from events
    where
        event_type = getvariable('purchase_event')
        and customer_id is not null
        and item_id is not null
    group by customer_id, item_id
),

bought as (
    select
        moments.moment,
        'item' as kind,
        purchases.customer_id,
        cast(purchases.item_id as varchar) as thing,
    from purchases
    inner join moments on purchases.bought_ts <= moments.moment_ts
),

-- Whom lists are made for; a number in place of three columns, since candidates are many.
recipients as (
    select distinct
        'test' as moment,
        kind,
        customer_id,
    from recommendation_test
    union all
    select distinct
        moment,
        kind,
        customer_id,
    from customer_interests
    where moment = 'now'
),

audience as (
    select
        moment,
        kind,
        customer_id,
        row_number() over (order by moment, kind, customer_id) as list_no,
    from recipients
),

interests as (
    select
        audience.list_no,
        interests.moment,
        interests.kind,
        interests.thing,
        interests.category,
        interests.recency_rank,
        -- In millionths: the last digit of a power or a logarithm is the machine's own.
        cast(
            floor(
                1000000 * pow(0.95, interests.recency_rank - 1) * (1 + ln(interests.n_events)) + 0.5
            ) as bigint
        ) as weight,
    from customer_interests as interests
    inner join audience
        on
            interests.moment = audience.moment
            and interests.kind = audience.kind
            and interests.customer_id = audience.customer_id
),

-- The strongest reason of each candidate travels with its score in one number, of equal ones
-- the most recent: there are no more than 30.
contributions as (
    select
        interests.list_no,
        related.related_thing as thing,
        interests.recency_rank,
        cast(floor(related.similarity * interests.weight / 1000000 + 0.5) as bigint) as score,
    from interests
    inner join related_things as related
        on
            interests.moment = related.moment
            and interests.kind = related.kind
            and interests.thing = related.thing
    union all
    select
        list_no,
        thing,
        recency_rank,
        weight as score,
    from interests
    where kind = 'category'
),

related_candidates as (
    select
        'related' as recommender,
        list_no,
        thing,
        63 - max(score * 64 + 63 - recency_rank) % 64 as reason_rank,
        cast(sum(score) as bigint) as score,
    from contributions
    group by list_no, thing
),

popularity as (
    select
        kind,
        thing,
        category,
        count(*) as n_customers,
        count(*) filter (where last_ts > moment_ts - getvariable('horizon_us')) as n_lately,
    from customer_interests
    where moment = 'test'
    group by kind, thing, category
),

popular as (
    select
        *,
        row_number() over (partition by kind order by n_customers desc, thing) as popular_place,
        row_number() over (partition by kind order by n_lately desc, thing) as lately_place,
        row_number() over (partition by kind, category order by n_customers desc, thing)
            as category_place,
    from popularity
),

-- Far more than ten, since some of them are bought already.
popular_candidates as (
    select
        'popular' as recommender,
        audience.list_no,
        popular.thing,
        cast(null as bigint) as reason_rank,
        popular.n_customers as score,
    from audience
    inner join popular on audience.kind = popular.kind
    where audience.moment = 'test' and popular.popular_place <= 200
),

lately_candidates as (
    select
        'popular_lately' as recommender,
        audience.list_no,
        popular.thing,
        cast(null as bigint) as reason_rank,
        popular.n_lately as score,
    from audience
    inner join popular on audience.kind = popular.kind
    where audience.moment = 'test' and popular.lately_place <= 200 and popular.n_lately > 0
),

last_category_candidates as (
    select
        'last_category' as recommender,
        interests.list_no,
        popular.thing,
        cast(null as bigint) as reason_rank,
        popular.n_customers as score,
    from interests
    inner join popular
        on interests.kind = popular.kind and interests.category = popular.category
    where
        interests.moment = 'test'
        and interests.kind = 'item'
        and interests.recency_rank = 1
        and popular.category_place <= 200
    union all
    select
        'last_category' as recommender,
        list_no,
        thing,
        cast(null as bigint) as reason_rank,
        -recency_rank as score,
    from interests
    where moment = 'test' and kind = 'category'
),

candidates as (
    select * from related_candidates
    union all
    select * from popular_candidates
    union all
    select * from lately_candidates
    union all
    select * from last_category_candidates
),

bought_lists as (
    select
        audience.list_no,
        bought.thing,
    from bought
    inner join audience
        on
            bought.moment = audience.moment
            and bought.kind = audience.kind
            and bought.customer_id = audience.customer_id
),

placed as (
    select
        candidates.recommender,
        candidates.list_no,
        candidates.thing,
        candidates.reason_rank,
        candidates.score,
        row_number() over (
            partition by candidates.list_no, candidates.recommender
            order by candidates.score desc, candidates.thing
        ) as place,
    from candidates
    left join bought_lists
        on
            candidates.list_no = bought_lists.list_no
            and candidates.thing = bought_lists.thing
    where bought_lists.thing is null
)

select
    audience.moment,
    audience.kind,
    placed.recommender,
    audience.customer_id,
    placed.place,
    placed.thing,
    interests.thing as because_of,
    placed.score,
from placed
inner join audience on placed.list_no = audience.list_no
left join interests
    on placed.list_no = interests.list_no and placed.reason_rank = interests.recency_rank
where placed.place <= 10
