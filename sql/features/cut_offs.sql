/* ---
description: >-
  One row per cut-off, the moment beyond which a row of customer_features knows nothing: the end
  of what is known (the last event of the log, of a closed log no earlier than the start of its
  last day), and one, two, three ... prediction horizons before it. It does not matter whether
  anybody bought last: a window that ends with a purchase would be chosen by its outcome. Each has
  at least one horizon of history before it.
key: [cut_off_ts]
requires: [purchase]
parameters:
  last_day_ts: {type: bigint, description: "Start of the last day of a closed log, once it is over, epoch microseconds (UTC); null for an open one."}
  horizon_us: {type: bigint, description: "Prediction horizon, microseconds."}
  n_cut_offs: {type: bigint, description: Most cut-offs with a label.}
columns:
  cut_off_ts: {type: bigint, description: "The moment, epoch microseconds (UTC); itself included."}
  horizons_back: {type: bigint, description: "Horizons from the cut-off to the end of what is known; 0 for that end, whose label is not known yet."}
  is_horizon_over: {type: boolean, description: Whether the horizon after it is over and labels are known.}
checks:
  - expect_column_values_to_be_unique: {column: cut_off_ts}
  - expect_column_values_to_be_between: {column: horizons_back, min_value: 0}
--- */
with log as (
    select
        min(event_ts) as first_ts,
        greatest(max(event_ts), getvariable('last_day_ts')) as last_ts,
    from events
    where customer_id is not null
),

horizons as (
    select unnest(generate_series(1, getvariable('n_cut_offs'))) as horizons_back
),

labelled as (
    select
        log.last_ts - horizons.horizons_back * getvariable('horizon_us') as cut_off_ts,
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
