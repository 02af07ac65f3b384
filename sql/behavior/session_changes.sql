/* ---
description: >-
  One row per session that a run ended, changed or began: its key before and after and why, as
  late or withdrawn events extend, join, cut or end sessions.
key: [customer_id, change, started_ts_before, started_ts_after]
ledger: true
columns:
  customer_id: {type: source, description: "Who."}
  change: {type: varchar, description: "begun, ended, extended, shortened, joined, cut or recounted."}
  session_date: {type: date, description: "Day on which the session starts, or did."}
  started_ts_before: {type: bigint, description: "Start of the session before, epoch microseconds; null where none was there."}
  started_ts_after: {type: bigint, description: "Start of the session after; null where it is gone."}
  ended_ts_before: {type: bigint, description: "End of the session before."}
  ended_ts_after: {type: bigint, description: "End of the session after."}
  n_events_before: {type: bigint, description: "Events of the session before."}
  n_events_after: {type: bigint, description: "Events of the session after."}
checks:
  - expect_column_values_to_be_in_set: {column: change, value_set: [begun, ended, extended, shortened, joined, cut, recounted]}
owner: team:data
--- */
with unequal_before as (
    select customer_id, session_date, started_ts, ended_ts, n_events from sessions_before
    except
    select customer_id, session_date, started_ts, ended_ts, n_events from sessions_after
),

unequal_after as (
    select customer_id, session_date, started_ts, ended_ts, n_events from sessions_after
    except
    select customer_id, session_date, started_ts, ended_ts, n_events from sessions_before
),

-- A session before and one after are about the same visit where their times overlap.
pairs as (
    select
        coalesce(before.customer_id, after.customer_id) as customer_id,
        coalesce(after.session_date, before.session_date) as session_date,
        before.started_ts as started_ts_before,
        after.started_ts as started_ts_after,
        before.ended_ts as ended_ts_before,
        after.ended_ts as ended_ts_after,
        before.n_events as n_events_before,
        after.n_events as n_events_after,
    from unequal_before as before
    full outer join unequal_after as after
        on before.customer_id = after.customer_id
        and before.started_ts <= after.ended_ts
        and after.started_ts <= before.ended_ts
),

counted as (
    select
        *,
        count(started_ts_before) over (partition by customer_id, started_ts_after) as n_before,
        count(started_ts_after) over (partition by customer_id, started_ts_before) as n_after,
    from pairs
)

select
    customer_id,
    case
        when started_ts_before is null then 'begun'
        when started_ts_after is null then 'ended'
        when n_before > 1 then 'joined'
        when n_after > 1 then 'cut'
        when started_ts_after < started_ts_before or ended_ts_after > ended_ts_before
            then 'extended'
        when started_ts_after > started_ts_before or ended_ts_after < ended_ts_before
            then 'shortened'
        else 'recounted'
    end as change,
    session_date,
    started_ts_before,
    started_ts_after,
    ended_ts_before,
    ended_ts_after,
    n_events_before,
    n_events_after,
from counted
