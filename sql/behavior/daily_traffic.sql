/* ---
description: >-
  One row per day with traffic: page views, visitors, sessions, bounces, new and returning
  customers.
key: [event_date]
parameters:
  last_complete_day: {type: date, description: "Last day that is over; later days are immature."}
  view_event: {type: varchar, description: "Event type that is a page view; null where there is none."}
  first_day: {type: date, description: "First day of the log."}
  leaves_out_bots: {type: boolean, description: "Whether days of suspected bots are left out of rates."}
columns:
  event_date: {type: date, description: "Day, business time."}
  n_events: {type: bigint, description: "Events of the day, also those without a customer."}
  n_page_views: {type: bigint, description: "Page views (PV), also those without a customer."}
  n_customers: {type: bigint, description: "Distinct customers (UV)."}
  page_views_per_customer: {type: double, description: "Page views of known customers per customer (PV per UV)."}
  n_purchasing_customers: {type: bigint, description: "Customers with a purchase on the day."}
  n_purchases: {type: bigint, description: "Purchase events of known customers."}
  purchase_value: {type: "decimal(18,4)", description: "Money of these purchases; null where none carries a value."}
  n_sessions: {type: bigint, description: "Sessions that start on the day."}
  n_bounces: {type: bigint, description: "Sessions of a single event among them; null for a log without page views, which does not see who only looks."}
  bounce_rate: {type: double, description: "Bounces per session; null without sessions, and for a log without page views."}
  bounce_rate_low: {type: double, description: "Lower end of its 95 % interval by customer (Wilson with effective trials): the sessions of one are alike."}
  bounce_rate_high: {type: double, description: "Upper end of that interval."}
  n_new_customers: {type: bigint, description: "Customers whose first event in all history is on the day."}
  n_returning_customers: {type: bigint, description: "Customers who were seen on an earlier day."}
  n_customers_30_days: {type: bigint, description: "Distinct customers of the day and the 29 days before it (MAU); null where the log is younger."}
  customers_per_30_days: {type: double, description: "Customers of the day per customer of the 30 days (DAU/MAU)."}
  is_mature: {type: boolean, description: "Whether the day is over, and the next one too: its sessions are closed."}
checks:
  - expect_column_values_to_be_unique: {column: event_date}
  - expect_column_values_to_be_between: {column: bounce_rate, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between: {column: n_returning_customers, min_value: 0}
owner: team:data
--- */
with bot_days as (
    select
        customer_id,
        event_date,
    from customer_day
    where is_suspected_bot and getvariable('leaves_out_bots')
),

event_days as (
    select
        event_date,
        cast(sum(n_events) as bigint) as n_events,
        cast(coalesce(sum(n_events) filter (where event_type = getvariable('view_event')), 0) as bigint)
            as n_page_views,
    from hourly_traffic
    group by event_date
),

customer_days as (
    select
        customer_day.event_date,
        count(*) as n_customers,
        count(*) filter (where first_seen.first_event_date = customer_day.event_date)
            as n_new_customers,
        count(*) filter (where customer_day.n_purchases > 0) as n_purchasing_customers,
        cast(sum(customer_day.n_views) as bigint) as n_views,
        cast(sum(customer_day.n_purchases) as bigint) as n_purchases,
        cast(sum(customer_day.purchase_value) as decimal(18, 4)) as purchase_value,
    from customer_day
    inner join first_seen on customer_day.customer_id = first_seen.customer_id
    where not (customer_day.is_suspected_bot and getvariable('leaves_out_bots'))
    group by customer_day.event_date
),

session_people as (
    select
        sessions.session_date,
        cast(count(*) as double) as n_sessions,
        cast(count(*) filter (where sessions.n_events = 1) as double) as n_bounces,
    from sessions
    left join bot_days
        on sessions.customer_id = bot_days.customer_id
        and sessions.session_date = bot_days.event_date
    where bot_days.customer_id is null
    group by sessions.session_date, sessions.customer_id
),

session_days as (
    select
        session_date,
        cast(sum(n_sessions) as bigint) as n_sessions,
        cast(sum(n_bounces) as bigint) as n_bounces,
        effective_trials(n_bounces, n_sessions) as trials,
    from session_people
    group by session_date
),

-- A day of a customer counts for 30 days, or until the customer's next one.
spells as (
    select
        event_date,
        event_date + 30 as over_date,
        lead(event_date) over (partition by customer_id order by event_date) as next_date,
    from customer_day
    where not (is_suspected_bot and getvariable('leaves_out_bots'))
),

changes as (
    select
        event_date as change_date,
        count(*) as n_change,
    from spells
    group by event_date
    union all
    select
        least(over_date, coalesce(next_date, over_date)) as change_date,
        -count(*) as n_change,
    from spells
    group by least(over_date, coalesce(next_date, over_date))
),

daily_changes as (
    select
        change_date,
        sum(n_change) as n_change,
    from changes
    group by change_date
),

months as (
    select
        change_date as event_date,
        cast(
            sum(n_change) over (
                order by change_date
                rows between unbounded preceding and current row
            ) as bigint
        ) as n_customers_30_days,
    from daily_changes
),

days as (
    select
        event_days.event_date,
        event_days.n_events,
        event_days.n_page_views,
        coalesce(customer_days.n_customers, 0) as n_customers,
        coalesce(customer_days.n_views, 0) as n_views,
        coalesce(customer_days.n_purchasing_customers, 0) as n_purchasing_customers,
        coalesce(customer_days.n_purchases, 0) as n_purchases,
        customer_days.purchase_value,
        coalesce(session_days.n_sessions, 0) as n_sessions,
        case
            when getvariable('view_event') is not null then coalesce(session_days.n_bounces, 0)
        end as n_bounces,
        coalesce(customer_days.n_new_customers, 0) as n_new_customers,
        case
            when datediff('day', getvariable('first_day'), event_days.event_date) >= 29
                then months.n_customers_30_days
        end as n_customers_30_days,
        session_days.trials,
        case
            when getvariable('view_event') is not null
                then cast(session_days.n_bounces as double) / nullif(session_days.n_sessions, 0)
        end as bounce_rate,
    from event_days
    left join customer_days on event_days.event_date = customer_days.event_date
    left join session_days on event_days.event_date = session_days.session_date
    left join months on event_days.event_date = months.event_date
)

select
    event_date,
    n_events,
    n_page_views,
    n_customers,
    cast(n_views as double) / nullif(n_customers, 0) as page_views_per_customer,
    n_purchasing_customers,
    n_purchases,
    purchase_value,
    n_sessions,
    n_bounces,
    bounce_rate,
    wilson_low(bounce_rate, trials) as bounce_rate_low,
    wilson_high(bounce_rate, trials) as bounce_rate_high,
    n_new_customers,
    n_customers - n_new_customers as n_returning_customers,
    n_customers_30_days,
    cast(n_customers as double) / nullif(n_customers_30_days, 0) as customers_per_30_days,
    event_date < getvariable('last_complete_day') as is_mature,
from days
