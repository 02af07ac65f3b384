/* ---
description: >-
  One row per day (null: no readable day) that says where each landed row went. Rows landed =
  events + duplicates removed + rejected + pending.
key: [event_date]
inputs: {landed_files: {}}
columns:
  event_date: {type: date, description: "Day of the rows, business time; null where a row has none."}
  n_landed: {type: bigint, description: Rows of the landed files.}
  n_events: {type: bigint, description: Rows that became events.}
  n_duplicates: {type: bigint, description: Further copies of an event that were removed.}
  n_rejected: {type: bigint, description: "Rows in rejected_rows, with the reason."}
  n_pending: {type: bigint, description: Rows of a day whose events are not published yet.}
  pending_reason: {type: varchar, description: "Why they wait: what the day is held back for, or that it is not computed yet; null where none wait."}
checks:
  - unexpected_rows_expectation:
      name: landed_rows_accounted_for
      description: Rows landed = events + duplicates removed + rejected + pending, on every day.
      unexpected_rows_query: >-
        select * from {batch}
        where n_landed <> n_events + n_duplicates + n_rejected + n_pending
  - unexpected_rows_expectation:
      name: days_hold_all_landed_rows
      description: The days together hold as many rows as were counted while the files were read.
      unexpected_rows_query: >-
        select * from (select sum(n_landed) as n_by_day from {batch}) as by_day
        cross join (select sum(rows_landed) as n_by_file from landed_files) as by_file
        where coalesce(n_by_day, 0) <> coalesce(n_by_file, 0)
--- */
with landed_by_day as (
    select
        event_date,
        count(*) as n_readable,
        cast(0 as bigint) as n_rejected,
    from raw_events
    group by event_date
    union all
    select
        event_date,
        cast(0 as bigint) as n_readable,
        count(*) as n_rejected,
    from rejected_rows
    group by event_date
),

landed as (
    select
        event_date,
        sum(n_readable) as n_readable,
        sum(n_rejected) as n_rejected,
    from landed_by_day
    group by event_date
),

published as (
    select
        event_date,
        count(*) as n_events,
        sum(n_copies - 1) as n_duplicates,
    from events
    group by event_date
),

held as (
    select
        event_date,
        string_agg(explanation, '; ' order by finding, subject) as reason,
    from day_findings
    where is_held
    group by event_date
)

select
    landed.event_date,
    cast(landed.n_readable + landed.n_rejected as bigint) as n_landed,
    cast(coalesce(published.n_events, 0) as bigint) as n_events,
    cast(coalesce(published.n_duplicates, 0) as bigint) as n_duplicates,
    cast(landed.n_rejected as bigint) as n_rejected,
    cast(case when published.event_date is null then landed.n_readable else 0 end as bigint)
        as n_pending,
    case
        when published.event_date is null and landed.n_readable > 0
            then coalesce('held back: ' || held.reason, 'not computed yet')
    end as pending_reason,
from landed
left join published on landed.event_date = published.event_date
left join held on landed.event_date = held.event_date
