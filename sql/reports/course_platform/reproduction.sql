/* ---
description: >-
  One row per published figure of the course platform's contest, with the same figure from our
  tables. They can agree only where the real files have landed; a sample shows that they are
  computed.
key: [figure]
columns:
  figure: {type: varchar, description: Name of the figure.}
  published: {type: double, description: What is published of the data set.}
  ours: {type: double, description: What our tables give.}
  agrees: {type: boolean, description: Whether both are equal at the published precision; means something for the real files only.}
  why: {type: varchar, description: What the figure is.}
checks:
  - expect_column_values_to_not_be_null: {column: why}
--- */
with published as (
    -- tolerance: half a unit of the last published digit
    select *
    from (
        values
            ('users', 135000, 1000, 'Users in any of the files; published as about 135,000.'),
            ('buyers', 4626, 0, 'Users in result, each counted once.'),
            ('buyer_share', 0.034, 0.0005, 'Buyers, share of all users; published as about 3.4 %.'),
            ('repeated_results', 13, 0, 'Exact copies of rows of result, removed.')
    ) as figures (figure, published, tolerance, why)
),

users as (
    select
        count(*) as n_users,
        count(*) filter (where label) as n_buyers,
    from customers_joined
),

ours as (
    select
        'users' as figure,
        cast(n_users as double) as ours,
    from users
    union all
    select 'buyers', cast(n_buyers as double) from users
    union all
    select 'buyer_share', cast(n_buyers / nullif(n_users, 0) as double) from users
    union all
    select 'repeated_results', cast(n_duplicates as double)
    from customer_accounting
    where table_name = 'result'
)

select
    published.figure,
    cast(published.published as double) as published,
    ours.ours,
    abs(ours.ours - published.published) <= published.tolerance + 1e-9 as agrees,
    concat(published.why, ' Comparable where the real files have landed; a sample differs.') as why,
from published
left join ours on published.figure = ours.figure
