"""---
description: >-
  One row per headline figure of a table of customers: how many there are, how many of them have
  the label, and the same of each group beside all other customers. There are no periods; what
  stands for the change is the difference to the others. The one place for the head of the report,
  the index and headline_history.
key: [name, period]
columns:
  name: {type: varchar}
  label: {type: varchar}
  unit: {type: varchar}
  place: {type: bigint, description: Where it stands in the report; 1 comes first.}
  period: {type: date}
  last_date: {type: date}
  is_complete: {type: boolean, description: Whether the period is over and none of its rows wait.}
  value: {type: "decimal(24,6)"}
  low: {type: "decimal(24,6)"}
  high: {type: "decimal(24,6)"}
  change: {type: "decimal(24,6)"}
  change_low: {type: "decimal(24,6)"}
  change_high: {type: "decimal(24,6)"}
  change_share: {type: double}
  note: {type: varchar}
  table_name: {type: varchar, description: Table that it is read from.}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [name, period]}
  - expect_column_values_to_not_be_null: {column: value}
  - expect_column_values_to_be_in_set: {column: unit, value_set: [count, money, share, ratio]}
  - expect_column_pair_values_a_to_be_greater_than_b:
      {column_A: high, column_B: low, or_equal: true}
  - expect_column_pair_values_a_to_be_greater_than_b:
      {column_A: change_high, column_B: change_low, or_equal: true}
---
"""

from customer_assets.sources import CustomerTableSource
from customer_assets.warehouse.quoting import literal

_FIGURES = """
with known as (
    select
        count(*) as n_customers,
        {n_labelled} as n_labelled,
        {n_positive} as n_positive,
    from customers
),

shares as (
    select
        n_labelled,
        cast(n_positive as double) / nullif(n_labelled, 0) as share,
    from known
),

figures as (
    select
        'customers' as name,
        'Customers' as label,
        'count' as unit,
        cast(1 as bigint) as place,
        'customers' as table_name,
        cast(n_customers as double) as value,
        cast(null as double) as low,
        cast(null as double) as high,
        cast(null as double) as all_others,
        cast(null as double) as change_low,
        cast(null as double) as change_high,
    from known
    union all
    select
        'label_share' as name,
        {title} as label,
        'share' as unit,
        cast(2 as bigint) as place,
        'customers' as table_name,
        share as value,
        wilson_low(share, n_labelled) as low,
        wilson_high(share, n_labelled) as high,
        cast(null as double) as all_others,
        cast(null as double) as change_low,
        cast(null as double) as change_high,
    from shares{groups}
)

select
    name,
    label,
    unit,
    place,
    cast(null as date) as period,
    cast(null as date) as last_date,
    true as is_complete,
    cast(value as decimal(24, 6)) as value,
    cast(low as decimal(24, 6)) as low,
    cast(high as decimal(24, 6)) as high,
    cast(value - all_others as decimal(24, 6)) as change,
    cast(change_low as decimal(24, 6)) as change_low,
    cast(change_high as decimal(24, 6)) as change_high,
    (value - all_others) / nullif(all_others, 0) as change_share,
    cast(null as varchar) as note,
    table_name,
from figures
where value is not null"""

# The groups that differ most come first.
_GROUPS = """
    union all
    select
        'label_share_' || segment as name,
        {title} || ', ' || replace(segment, '_', ' ') as label,
        'share' as unit,
        2 + row_number() over (order by abs(difference) desc, segment_rank) as place,
        'segment_measures' as table_name,
        mean as value,
        mean_low as low,
        mean_high as high,
        mean - difference as all_others,
        difference_low as change_low,
        difference_high as change_high,
    from segment_measures
    where kind = 'segment' and measure = 'label'"""


def sql(source: CustomerTableSource) -> str:
    has_label = source.label is not None
    is_grouped = has_label and "segments" in source.capabilities()
    title = literal(source.label.title if source.label else "")
    return _FIGURES.format(
        title=title,
        n_labelled="count(label)" if has_label else "0",
        n_positive="count(*) filter (where cast(label as bigint) > 0)" if has_label else "0",
        groups=_GROUPS.format(title=title) if is_grouped else "",
    )
