/* ---
description: >-
  One row per figure that was counted once in the real files of the One Click data set, with the
  same figure of what landed: whether these are the real files, read without loss. No study prints
  them; a sample differs.
key: [figure]
columns:
  figure: {type: varchar, description: Name of the figure.}
  measured: {type: double, description: What was counted in the real files.}
  ours: {type: double, description: What our tables give.}
  agrees: {type: boolean, description: Whether both are equal; means something for the real files only.}
  why: {type: varchar, description: What the figure is.}
checks:
  - expect_column_values_to_not_be_null: {column: why}
--- */
with measured as (
    -- tolerance: half a unit of the last digit
    select *
    from (
        values
            ('customers_landed', 1300, 0, 'Customers in the landed files.'),
            ('customers_clean', 1296, 0, 'Customers left by the rules inactive and revenue_outlier.'),
            ('customers_inactive', 3, 0, 'Customers without revenue in the two earlier months.'),
            ('largest_revenue', 106862.2, 0.05, 'Largest revenue of a customer in the current month, before cleaning.'),
            ('largest_clean_revenue', 7799.4, 0.05, 'Largest revenue of a customer in the current month, after cleaning.'),
            ('misspelt_service_types', 10, 0, 'Rows with стандартт, read as стандарт.'),
            ('declined_share', 0.383, 0.0005, 'Customers who buy less than before, share of all that landed.')
    ) as figures (figure, measured, tolerance, why)
),

joined as (
    select
        count(*) as n_customers,
        max(revenue_current_month) as largest_revenue,
        avg(case when label then 1 else 0 end) as declined_share,
    from customers_joined
),

clean as (
    select
        count(*) as n_customers,
        max(revenue_current_month) as largest_revenue,
    from customers
),

ours as (
    select
        'customers_landed' as figure,
        cast(n_customers as double) as ours,
    from joined
    union all
    select 'largest_revenue', cast(largest_revenue as double) from joined
    union all
    select 'declined_share', cast(declined_share as double) from joined
    union all
    select 'customers_clean', cast(n_customers as double) from clean
    union all
    select 'largest_clean_revenue', cast(largest_revenue as double) from clean
    union all
    select 'customers_inactive', cast(n_customers as double)
    from cleaning
    where rule = 'inactive'
    union all
    select 'misspelt_service_types', cast(coalesce(sum(n_rows), 0) as double)
    from unexpected_values
    where column_name = 'service_type' and outcome = 'repaired'
)

select
    measured.figure,
    cast(measured.measured as double) as measured,
    ours.ours,
    abs(ours.ours - measured.measured) <= measured.tolerance + 1e-9 as agrees,
    concat(measured.why, ' Comparable where the real files have landed; a sample differs.') as why,
from measured
left join ours on measured.figure = ours.figure
