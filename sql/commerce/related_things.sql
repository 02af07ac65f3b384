/* ---
description: >-
  One row per moment, kind, thing and related thing: the 20 products, or categories, that most
  often go with it in the recent interests of the same customers. The measure is the cosine of the
  two sets of customers (Sarwar et al., Item-based collaborative filtering, 2001), made smaller
  where it rests on few: pairs / (sqrt(customers x customers of the other) + 10). Learned from at
  most 50,000 customers, drawn by a hash of their identifiers; things with fewer than 3 of them,
  and pairs with fewer than 2, are left out.
key: [moment, kind, thing, related_rank]
requires: [purchase, item]
columns:
  moment: {type: varchar, description: "now or test, as in customer_interests."}
  kind: {type: varchar, description: "item or category."}
  thing: {type: varchar, description: "Identifier of the product, or the category."}
  related_thing: {type: varchar, description: What goes with it.}
  n_customers_both: {type: bigint, description: Customers with both.}
  similarity: {type: bigint, description: "The measure in millionths, so that sums of it are exact."}
  related_rank: {type: bigint, description: "1 is the most related, of equal ones the first by identifier."}
checks:
  - expect_column_values_to_be_between: {column: similarity, min_value: 0, max_value: 1000000}
  - expect_column_values_to_be_between: {column: n_customers_both, min_value: 2}
  - expect_column_values_to_be_between: {column: related_rank, min_value: 1, max_value: 20}
owner: team:data
--- */
with customers as (
    select distinct
        moment,
        kind,
        customer_id,
    from customer_interests
),

drawn as (
    select
        moment,
        kind,
        customer_id,
        row_number() over (
            partition by moment, kind
            order by md5(cast(customer_id as varchar)), customer_id
        ) as draw,
        row_number() over (order by moment, kind, customer_id) as list_no,
    from customers
),

learned_from as (
    select
        drawn.list_no,
        interests.moment,
        interests.kind,
        interests.thing,
        count(*) over (partition by interests.moment, interests.kind, interests.thing)
            as n_customers,
    from customer_interests as interests
    inner join drawn
        on
            interests.moment = drawn.moment
            and interests.kind = drawn.kind
            and interests.customer_id = drawn.customer_id
    where drawn.draw <= 50000
),

-- Numbers in place of texts: pairs are many.
numbered as (
    select
        *,
        dense_rank() over (order by moment, kind, thing) as thing_no,
    from learned_from
    where n_customers >= 3
),

things as (
    select distinct
        thing_no,
        moment,
        kind,
        thing,
        n_customers,
    from numbered
),

pairs as (
    select
        a.thing_no as no_a,
        b.thing_no as no_b,
        count(*) as n_both,
    from numbered as a
    inner join numbered as b on a.list_no = b.list_no and a.thing_no < b.thing_no
    group by a.thing_no, b.thing_no
    having count(*) >= 2
),

both_ways as (
    select
        no_a as no_thing,
        no_b as no_related,
        n_both,
    from pairs
    union all
    select
        no_b as no_thing,
        no_a as no_related,
        n_both,
    from pairs
),

measured as (
    select
        things.moment,
        things.kind,
        things.thing,
        related.thing as related_thing,
        both_ways.n_both,
        cast(
            floor(
                1000000 * cast(both_ways.n_both as double)
                / (sqrt(cast(things.n_customers * related.n_customers as double)) + 10) + 0.5
            ) as bigint
        ) as similarity,
    from both_ways
    inner join things on both_ways.no_thing = things.thing_no
    inner join things as related on both_ways.no_related = related.thing_no
),

ranked as (
    select
        *,
        row_number() over (
            partition by moment, kind, thing
            order by similarity desc, n_both desc, related_thing
        ) as related_rank,
    from measured
)

select
    moment,
    kind,
    thing,
    related_thing,
    n_both as n_customers_both,
    similarity,
    related_rank,
from ranked
where related_rank <= 20
