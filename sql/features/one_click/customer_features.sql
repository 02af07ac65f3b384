/* ---
description: >-
  One row per customer with what the shop knows of the customer, how the last months differ from
  each other, and the label. Numbers are as they are: scaling, encoding and filling of gaps belong
  to each model and are learned from its training rows.
key: [customer_id]
columns:
  customer_id: {type: source, description: Who.}
  service_type: {type: varchar, description: "Level of the service, стандарт or премиум."}
  allows_messages: {type: boolean, description: Whether the shop may send offers.}
  marketing_6_months: {type: double, description: Marketing messages a month over the last six months.}
  marketing_current_month: {type: bigint, description: Marketing messages in the current month.}
  marketing_change: {type: double, description: "From the six months' mean to the current month: (b - a) / (b + a), -1 to 1; 0 where both are 0."}
  tenure_days: {type: bigint, description: Days since the customer registered.}
  promo_share: {type: double, description: "Share of purchases at a sale, 0 to 0.99."}
  favourite_category: {type: varchar, description: Category bought most.}
  categories_per_visit: {type: double, description: Mean number of categories viewed in a visit.}
  pages_per_visit: {type: double, description: Mean number of pages viewed in a visit.}
  pages_per_category: {type: double, description: Pages per category viewed in a visit; null without a category.}
  unpaid_items_quarter: {type: bigint, description: Items left unpaid in the cart over the last three months.}
  service_errors: {type: bigint, description: Failures of the site that the customer met.}
  revenue_before_previous_month: {type: "decimal(18,4)", description: Revenue two months ago.}
  revenue_previous_month: {type: "decimal(18,4)", description: Revenue in the previous month.}
  revenue_current_month: {type: "decimal(18,4)", description: Revenue in the current month.}
  revenue_change: {type: double, description: "From the previous to the current month: (b - a) / (b + a); 0 where both are 0."}
  revenue_earlier_change: {type: double, description: "From two months ago to the previous month: (b - a) / (b + a); 0 where both are 0."}
  revenue_against_earlier: {type: double, description: "From the mean of the two earlier months to the current one: (b - a) / (b + a); 0 where both are 0."}
  minutes_previous_month: {type: double, description: Minutes on the site in the previous month.}
  minutes_current_month: {type: double, description: Minutes on the site in the current month.}
  minutes_change: {type: double, description: "From the previous to the current month: (b - a) / (b + a); 0 where both are 0."}
  revenue_per_minute: {type: double, description: Revenue per minute on the site in the current month; null without a minute.}
  monthly_profit: {type: "decimal(18,4)", description: Mean profit a month over the last three months.}
  label: {type: source, description: Whether the customer buys less than before; null where it is not known.}
checks:
  - expect_column_values_to_not_be_null: {column: customer_id}
  - expect_column_values_to_be_between: {column: revenue_change, min_value: -1, max_value: 1, severity: warn}
  - expect_column_values_to_be_between: {column: minutes_change, min_value: -1, max_value: 1, severity: warn}
--- */
with months as (
    select
        *,
        cast(marketing_current_month as double) as marketing_current,
        cast(revenue_before_previous_month as double) as revenue_before_previous,
        cast(revenue_previous_month as double) as revenue_previous,
        cast(revenue_current_month as double) as revenue_current,
        (cast(revenue_before_previous_month as double) + cast(revenue_previous_month as double)) / 2
            as revenue_earlier,
    from customers
)

select
    customer_id,
    service_type,
    allows_messages,
    marketing_6_months,
    marketing_current_month,
    case
        when marketing_current + marketing_6_months = 0 then 0
        else (marketing_current - marketing_6_months) / (marketing_current + marketing_6_months)
    end as marketing_change,
    tenure_days,
    promo_share,
    favourite_category,
    categories_per_visit,
    pages_per_visit,
    pages_per_visit / nullif(categories_per_visit, 0) as pages_per_category,
    unpaid_items_quarter,
    service_errors,
    revenue_before_previous_month,
    revenue_previous_month,
    revenue_current_month,
    case
        when revenue_current + revenue_previous = 0 then 0
        else (revenue_current - revenue_previous) / (revenue_current + revenue_previous)
    end as revenue_change,
    case
        when revenue_previous + revenue_before_previous = 0 then 0
        else
            (revenue_previous - revenue_before_previous)
            / (revenue_previous + revenue_before_previous)
    end as revenue_earlier_change,
    case
        when revenue_current + revenue_earlier = 0 then 0
        else (revenue_current - revenue_earlier) / (revenue_current + revenue_earlier)
    end as revenue_against_earlier,
    minutes_previous_month,
    minutes_current_month,
    case
        when minutes_current_month + minutes_previous_month = 0 then 0
        else
            (minutes_current_month - minutes_previous_month)
            / (minutes_current_month + minutes_previous_month)
    end as minutes_change,
    revenue_current / nullif(minutes_current_month, 0) as revenue_per_minute,
    monthly_profit,
    label,
from months
