/* ---
description: >-
  One row per month with sessions, and one with a null month for all of them: bounces per session
  of the days whose sessions are closed. No rows for a log without page views, which does not see
  who only looks.
key: [month]
parameters:
  last_complete_day: {type: date, description: "Last day that is over; sessions of the days before it are closed."}
  view_event: {type: varchar, description: "Event type that is a page view; null where there is none."}
  leaves_out_bots: {type: boolean, description: "Whether days of suspected bots are left out of rates."}
columns:
  month: {type: date, description: "First day of the month in which sessions start, business time; null is all months."}
  n_customers: {type: bigint, description: "Customers who had a session."}
  n_sessions: {type: bigint, description: "Sessions."}
  n_bounces: {type: bigint, description: "Sessions of a single event among them."}
  bounce_rate: {type: double, description: "Bounces per session."}
  bounce_rate_low: {type: double, description: "Lower end of its 95 % interval by customer (Wilson with effective trials): the sessions of one are alike."}
  bounce_rate_high: {type: double, description: "Upper end of that interval."}
checks:
  - expect_column_values_to_be_unique: {column: month}
  - expect_column_values_to_be_between: {column: bounce_rate, min_value: 0, max_value: 1}
owner: team:data
--- */
with bot_days as (
    select
        customer_id,
        event_date,
    from customer_day
    where is_suspected_bot and getvariable('leaves_out_bots')
),

closed as (
    select
        sessions.customer_id,
        cast(date_trunc('month', sessions.session_date) as date) as month,
        sessions.n_events,
    from sessions
    left join bot_days
        on sessions.customer_id = bot_days.customer_id
        and sessions.session_date = bot_days.event_date
    where
        bot_days.customer_id is null
        and sessions.session_date < getvariable('last_complete_day')
        and getvariable('view_event') is not null
),

people as (
    select
        month,
        customer_id,
        cast(count(*) as double) as n_sessions,
        cast(count(*) filter (where n_events = 1) as double) as n_bounces,
    from closed
    group by grouping sets ((month, customer_id), (customer_id))
),

sums as (
    select
        month,
        count(*) as n_customers,
        sum(n_sessions) as n_sessions,
        sum(n_bounces) as n_bounces,
        effective_trials(n_bounces, n_sessions) as trials,
    from people
    group by month
),

shares as (
    select
        *,
        n_bounces / n_sessions as share,
    from sums
)

select
    month,
    n_customers,
    cast(n_sessions as bigint) as n_sessions,
    cast(n_bounces as bigint) as n_bounces,
    share as bounce_rate,
    wilson_low(share, trials) as bounce_rate_low,
    wilson_high(share, trials) as bounce_rate_high,
from shares
