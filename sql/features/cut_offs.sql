/* ---
description: >-
  One row per cut-off, the moment beyond which a row of customer_features knows nothing: the last
  event of the log, and one, two, three ... prediction horizons before the last purchase. Each has
  at least one horizon of history before it.
key: [cut_off_ts]
requires: [purchase]
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
  horizon_us: {type: bigint, description: "Prediction horizon, microseconds."}
  n_cut_offs: {type: bigint, description: Most cut-offs with a label.}
columns:
  cut_off_ts: {type: bigint, description: "The moment, epoch microseconds (UTC); itself included."}
  horizons_back: {type: bigint, description: "Horizons from the cut-off to the last purchase; 0 for the last event, whose label is not known yet."}
  is_horizon_over: {type: boolean, description: Whether the horizon after it is over and labels are known.}
checks:
  - expect_column_values_to_be_unique: {column: cut_off_ts}
  - expect_column_values_to_be_between: {column: horizons_back, min_value: 0}
--- */
with log as (
    select
        min(event_ts) as first_ts,
        max(event_ts) as last_ts,
        max(event_ts) filter (where event_type = getvariable('purchase_event')) as last_purchase_ts,
    from events
    where customer_id is not null
),

horizons as (
    select unnest(generate_series(1, getvariable('n_cut_offs'))) as horizons_back
),

labelled as (
    select
        log.last_purchase_ts - horizons.horizons_back * getvariable('horizon_us') as cut_off_ts,
        horizons.horizons_back,
        log.first_ts,
    from log
    cross join horizons
)

select
    last_ts as cut_off_ts,
    cast(0 as bigint) as horizons_back,
    false as is_horizon_over,
from log
where last_ts is not null
union all
select
    cut_off_ts,
    horizons_back,
    true as is_horizon_over,
from labelled
where cut_off_ts - getvariable('horizon_us') >= first_ts
