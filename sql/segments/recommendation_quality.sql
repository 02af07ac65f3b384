/* ---
description: >-
  One row per kind and recommender: how well its lists of ten met what customers dealt with after
  the test's moment, one prediction horizon before the end of the log. Nothing was learned from
  what came after it.
  The hit rate is the share of customers with a hit among their ten; NDCG at 10 also rewards hits
  near the top (Jarvelin and Kekalainen, 2002): the sum over hits of 1 / log2(place + 1) per the
  best such sum that the customer's number of things allows.
  Recommendations are shown only where `related` leads over all simple recommenders by both
  measures, with 95 % intervals of the leads, customer by customer, above 0.
key: [kind, recommender]
requires: [purchase, item]
columns:
  kind: {type: varchar, description: "item or category."}
  recommender: {type: varchar, description: "related (ours), popular, popular_lately (within one horizon) or last_category."}
  n_customers: {type: bigint, description: Test customers; one without a list has no hit.}
  n_with_list: {type: bigint, description: Those who got a list.}
  hit_rate: {type: double, description: Share of the customers with a hit.}
  hit_rate_low: {type: double, description: Lower end of its Wilson 95 % interval.}
  hit_rate_high: {type: double, description: Upper end of its Wilson 95 % interval.}
  ndcg: {type: double, description: Mean NDCG at 10.}
  ndcg_low: {type: double, description: Lower end of its 95 % interval.}
  ndcg_high: {type: double, description: Upper end of its 95 % interval.}
  hit_rate_lead: {type: double, description: Hit rate of `related` less that of this one; null for itself.}
  hit_rate_lead_low: {type: double, description: "Lower end of its 95 % interval, from the differences by customer."}
  ndcg_lead: {type: double, description: NDCG of `related` less that of this one; null for itself.}
  ndcg_lead_low: {type: double, description: "Lower end of its 95 % interval, from the differences by customer."}
  is_shown: {type: boolean, description: "Whether recommendations of the kind are shown, on every row of it the same."}
checks:
  - expect_column_values_to_be_between: {column: hit_rate, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between: {column: ndcg, min_value: 0, max_value: 1}
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: n_customers, column_B: n_with_list, or_equal: true}
  - expect_column_values_to_be_in_set: {column: is_shown, value_set: [true], severity: warn}
owner: team:data
--- */
with relevant as (
    select
        kind,
        customer_id,
        count(*) as n_things,
    from recommendation_test
    group by kind, customer_id
),

-- Gains in millionths, so that sums of them are exact.
gains as (
    select
        cast(place as bigint) as place,
        cast(floor(1000000 * ln(2) / ln(place + 1) + 0.5) as bigint) as gain,
    from (select unnest(range(1, 11)) as place) as places
),

best as (
    select
        place as n_things,
        sum(gain) over (order by place rows between unbounded preceding and current row)
            as best_gain,
    from gains
),

recommenders as (
    select *
    from (values ('related'), ('popular'), ('popular_lately'), ('last_category')) as names (recommender)
),

lists as (
    select
        lists.kind,
        lists.recommender,
        lists.customer_id,
        count(test.thing) as n_hits,
        coalesce(sum(case when test.thing is not null then gains.gain end), 0) as gain,
    from recommendation_lists as lists
    inner join gains on lists.place = gains.place
    left join recommendation_test as test
        on
            lists.kind = test.kind
            and lists.customer_id = test.customer_id
            and lists.thing = test.thing
    where lists.moment = 'test'
    group by lists.kind, lists.recommender, lists.customer_id
),

judged as (
    select
        relevant.kind,
        relevant.customer_id,
        recommenders.recommender,
        lists.customer_id is not null as has_list,
        case when coalesce(lists.n_hits, 0) > 0 then 1 else 0 end as hit,
        cast(
            floor(
                1000000 * cast(coalesce(lists.gain, 0) as double) / cast(best.best_gain as double)
                + 0.5
            ) as bigint
        ) as ndcg,
    from relevant
    cross join recommenders
    inner join best on least(relevant.n_things, 10) = best.n_things
    left join lists
        on
            relevant.kind = lists.kind
            and relevant.customer_id = lists.customer_id
            and recommenders.recommender = lists.recommender
),

compared as (
    select
        judged.kind,
        judged.recommender,
        judged.has_list,
        judged.hit,
        judged.ndcg,
        ours.hit - judged.hit as hit_lead,
        ours.ndcg - judged.ndcg as ndcg_lead,
    from judged
    inner join judged as ours
        on
            judged.kind = ours.kind
            and judged.customer_id = ours.customer_id
            and ours.recommender = 'related'
),

sums as (
    select
        kind,
        recommender,
        count(*) as n_customers,
        count(*) filter (where has_list) as n_with_list,
        cast(count(*) as double) as n,
        cast(sum(hit) as double) / count(*) as hit_rate,
        cast(sum(ndcg) as double) / count(*) / 1000000 as ndcg,
        cast(sum(cast(ndcg as decimal(38, 0)) * ndcg) as double) / count(*) / 1000000000000
            as ndcg_square,
        cast(sum(hit_lead) as double) / count(*) as hit_rate_lead,
        cast(sum(hit_lead * hit_lead) as double) / count(*) as hit_rate_lead_square,
        cast(sum(ndcg_lead) as double) / count(*) / 1000000 as ndcg_lead,
        cast(sum(cast(ndcg_lead as decimal(38, 0)) * ndcg_lead) as double)
        / count(*) / 1000000000000 as ndcg_lead_square,
    from compared
    group by kind, recommender
),

spread as (
    select
        *,
        mean_half_width(ndcg, ndcg_square, n) as ndcg_half,
        mean_half_width(hit_rate_lead, hit_rate_lead_square, n)
            as hit_rate_lead_half,
        mean_half_width(ndcg_lead, ndcg_lead_square, n) as ndcg_lead_half,
    from sums
),

leads as (
    select
        *,
        min(
            case
                when recommender = 'related' then null
                when
                    hit_rate_lead - hit_rate_lead_half > 0
                    and ndcg_lead - ndcg_lead_half > 0 then 1
                else 0
            end
        ) over (partition by kind) as is_ahead,
    from spread
)

select
    kind,
    recommender,
    n_customers,
    n_with_list,
    hit_rate,
    wilson_low(hit_rate, n) as hit_rate_low,
    wilson_high(hit_rate, n) as hit_rate_high,
    ndcg,
    greatest(ndcg - ndcg_half, 0) as ndcg_low,
    least(ndcg + ndcg_half, 1) as ndcg_high,
    case when recommender <> 'related' then hit_rate_lead end as hit_rate_lead,
    case when recommender <> 'related' then hit_rate_lead - hit_rate_lead_half end
        as hit_rate_lead_low,
    case when recommender <> 'related' then ndcg_lead end as ndcg_lead,
    case when recommender <> 'related' then ndcg_lead - ndcg_lead_half end as ndcg_lead_low,
    is_ahead = 1 as is_shown,
from leads
