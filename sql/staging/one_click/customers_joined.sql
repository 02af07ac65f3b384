/* ---
description: >-
  One row per customer in any of the four files, with the months of the long files side by side;
  as landed, before any cleaning rule. A month that the source does not name is in no column.
key: [customer_id]
attributes: true
columns:
  customer_id: {type: source, description: Who.}
--- */
with market_file as (
    select *
    from typed_market_file
    where occurrence = 1
),

revenue as (
    select
        customer_id,
        max(revenue) filter (where period = 'препредыдущий_месяц') as before_previous_month,
        max(revenue) filter (where period = 'предыдущий_месяц') as previous_month,
        max(revenue) filter (where period = 'текущий_месяц') as current_month,
    from typed_market_money
    where occurrence = 1
    group by customer_id
),

minutes as (
    select
        customer_id,
        max(minutes) filter (where period = 'предыдущий_месяц') as previous_month,
        max(minutes) filter (where period = 'текущий_месяц') as current_month,
    from typed_market_time
    where occurrence = 1
    group by customer_id
),

profit as (
    select *
    from typed_money
    where occurrence = 1
),

known_customers as (
    select customer_id from market_file
    union
    select customer_id from revenue
    union
    select customer_id from minutes
    union
    select customer_id from profit
)

select
    known_customers.customer_id,
    market_file.service_type,
    case market_file.messages when 'да' then true when 'нет' then false end as allows_messages,
    market_file.marketing_6_months,
    market_file.marketing_current_month,
    market_file.tenure_days,
    market_file.promo_share,
    market_file.favourite_category,
    market_file.categories_per_visit,
    market_file.unpaid_items_quarter,
    market_file.service_errors,
    market_file.pages_per_visit,
    revenue.before_previous_month as revenue_before_previous_month,
    revenue.previous_month as revenue_previous_month,
    revenue.current_month as revenue_current_month,
    minutes.previous_month as minutes_previous_month,
    minutes.current_month as minutes_current_month,
    profit.monthly_profit,
    case market_file.activity
        when 'Снизилась' then true
        when 'Прежний уровень' then false
    end as label,
from known_customers
left join market_file on known_customers.customer_id = market_file.customer_id
left join revenue on known_customers.customer_id = revenue.customer_id
left join minutes on known_customers.customer_id = minutes.customer_id
left join profit on known_customers.customer_id = profit.customer_id
