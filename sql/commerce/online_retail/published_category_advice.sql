/* ---
description: >-
  One row per category for which the Online Retail case study gives a direction, with ours beside
  it. The study names four kinds of product, and shows neither which products it counts to them
  nor by what rule it judged.
key: [category]
engine: duckdb
columns:
  category: {type: varchar, description: "Category, by our keywords."}
  published_advice: {type: varchar, description: "grow, keep, or fix or drop: the study's direction."}
  our_advice: {type: varchar, description: Our advice; null where the category has no sales.}
  agrees: {type: boolean, description: Whether both say the same.}
  why: {type: varchar, description: What our advice rests on.}
checks:
  - expect_column_values_to_not_be_null: {column: why}
--- */
with published as (
    select *
    from (
        values
            ('bags', 'grow'),
            ('lights', 'grow'),
            ('kitchen', 'keep'),
            ('jewellery', 'fix or drop')
    ) as directions (category, published_advice)
)

select
    published.category,
    published.published_advice,
    ours.advice as our_advice,
    coalesce(
        ours.advice = published.published_advice
        or (published.published_advice = 'fix or drop' and ours.advice in ('fix', 'drop')),
        false
    ) as agrees,
    case
        when ours.category is null then 'No sales in this category.'
        else
            'It brings ' || cast(round(100 * ours.net_revenue_share, 1) as varchar)
            || ' % of net revenue with ' || cast(ours.n_products as varchar) || ' products'
            || case
                when ours.is_weak then ', each less than half of what products bring on average'
                else ''
            end
            || case
                when ours.trend is null
                    then '; whether its share grows cannot be told, as the log does not hold the '
                        || 'same season twice'
                when ours.trend >= 0
                    then '; its share grew by ' || cast(round(100 * ours.trend, 1) as varchar)
                        || ' % in a year'
                else '; its share fell by ' || cast(round(-100 * ours.trend, 1) as varchar)
                    || ' % in a year'
            end
            || ', and ' || cast(round(100 * coalesce(ours.return_share, 0), 1) as varchar)
            || ' % of its money came back.'
    end as why,
from published
left join category_performance as ours on published.category = ours.category
