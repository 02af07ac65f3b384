/* ---
description: >-
  One row per figure of the AARRR summary: acquisition, activation, retention, referral, revenue,
  each with its definition. A stage that the log cannot show has a null value, and its definition
  says why.
key: [stage_number, metric]
parameters:
  first_day: {type: date, description: First day of the log.}
  last_complete_day: {type: date, description: Last day that the log covers.}
  purchase_event: {type: varchar, description: "Event type that is a purchase; null where there is none."}
  view_event: {type: varchar, description: "Event type that is a page view; null where there is none."}
columns:
  stage_number: {type: bigint, description: "1 acquisition to 5 revenue."}
  stage: {type: varchar, description: "acquisition, activation, retention, referral or revenue."}
  metric: {type: varchar, description: Name of the figure.}
  value: {type: double, description: The figure; null where the log cannot show it.}
  unit: {type: varchar, description: "customers, customers a day, share, events a customer or money a customer."}
  numerator: {type: double, description: What is divided; null where nothing is.}
  denominator: {type: double, description: What it is divided by.}
  low: {type: double, description: Lower end of the Wilson 95 % interval of a share of customers; null where a customer counts several times.}
  high: {type: double, description: Upper end of that interval.}
  definition: {type: varchar, description: "What the figure is, or why there is none."}
checks:
  - expect_column_values_to_be_in_set: {column: stage, value_set: [acquisition, activation, retention, referral, revenue]}
  - expect_column_values_to_not_be_null: {column: definition}
  - expect_column_values_to_be_between: {column: value, min_value: 0, severity: warn}
  - expect_column_values_to_be_between: {column: high, max_value: 1.000001}
owner: team:data
--- */
with customers as (
    select
        count(*) as n_customers,
        count(*) filter (where first_event_date > getvariable('first_day')) as n_later,
        count(*) filter (where n_purchases > 0) as n_buyers,
    from first_seen
),

first_days as (
    select count(*) filter (where customer_day.n_events > customer_day.n_views) as n_activated
    from first_seen
    inner join customer_day
        on
            first_seen.customer_id = customer_day.customer_id
            and first_seen.first_event_date = customer_day.event_date
),

sold as (
    select sum(value) as value
    from order_lines
    where customer_id is not null
),

came_back as (
    select sum(returned_value) as returned_value
    from order_returns
    where customer_id is not null
),

money as (
    select sold.value - coalesce(came_back.returned_value, 0) as net_value
    from sold
    cross join came_back
),

returns as (
    select
        period,
        sum(n_retained_customers) as n_retained,
        sum(n_cohort_customers) as n_cohort,
    from retention
    where
        activity = 'event'
        and cohort_mode = 'recurring'
        and measure = 'n_day'
        and from_interval = 1
        and is_mature
    group by period
),

periods as (
    select *
    from (values ('day'), ('week'), ('month')) as names (period)
),

referrals as (
    select sum(n_events) as n_events
    from hourly_traffic
    where event_type in ('share', 'invite', 'invitation', 'refer', 'referral')
),

figures as (
    select
        1 as stage_number,
        'acquisition' as stage,
        'customers' as metric,
        'customers' as unit,
        cast(n_customers as double) as numerator,
        cast(null as double) as denominator,
        'Different customers in the log. Who was a customer before its first day is not told '
        || 'apart.' as definition,
    from customers
    union all
    select
        1,
        'acquisition',
        'new_customers_a_day',
        'customers a day',
        cast(n_later as double),
        cast(
            nullif(
                date_diff('day', getvariable('first_day'), getvariable('last_complete_day')), 0
            ) as double
        ),
        'Customers whose first event comes after the first day of the log, per day after it. Some '
        || 'of the early ones are old customers who had not been back yet.',
    from customers
    union all
    select
        2,
        'activation',
        'acted_on_first_day',
        'share',
        case
            when getvariable('view_event') is not null
                then cast(first_days.n_activated as double)
        end,
        cast(customers.n_customers as double),
        case
            when getvariable('view_event') is null
                then 'The log has no page views: a customer is seen only once active.'
            else 'Customers who on the day they were first seen did more than view pages.'
        end,
    from first_days
    cross join customers
    union all
    select
        3,
        'retention',
        'back_the_next_' || periods.period,
        'share',
        cast(returns.n_retained as double),
        cast(nullif(returns.n_cohort, 0) as double),
        case
            when returns.period is null
                then 'No two successive ' || periods.period || 's of the log are over.'
            else
                'Customers active in a ' || periods.period || ' who are active in the next one; '
                || 'all such pairs that are over, together.'
        end,
    from periods
    left join returns on periods.period = returns.period
    union all
    select
        4,
        'referral',
        'referral_events_a_customer',
        'events a customer',
        cast(referrals.n_events as double),
        cast(customers.n_customers as double),
        case
            when referrals.n_events is null
                then
                    'The log has no event by which one customer brings another (share, invite '
                    || 'or refer).'
            else 'Events of the types share, invite, invitation, refer and referral per customer.'
        end,
    from referrals
    cross join customers
    union all
    select
        5,
        'revenue',
        'buyers',
        'share',
        case when getvariable('purchase_event') is not null then cast(n_buyers as double) end,
        cast(n_customers as double),
        case
            when getvariable('purchase_event') is null then 'The log has no purchases.'
            else 'Customers with a purchase.'
        end,
    from customers
    union all
    select
        5,
        'revenue',
        'revenue_a_customer',
        'money a customer',
        cast(money.net_value as double),
        cast(customers.n_customers as double),
        case
            when money.net_value is null then 'The purchases of the log carry no money.'
            else 'Money of purchases that stayed per customer, those who bought nothing included.'
        end,
    from money
    cross join customers
),

valued as (
    select
        *,
        case when unit = 'customers' then numerator else numerator / nullif(denominator, 0) end
            as value,
    from figures
)

select
    cast(stage_number as bigint) as stage_number,
    stage,
    metric,
    value,
    unit,
    numerator,
    denominator,
    case
        when unit = 'share' and stage <> 'retention' then wilson_low(value, denominator)
    end as low,
    case
        when unit = 'share' and stage <> 'retention' then wilson_high(value, denominator)
    end as high,
    definition,
from valued
