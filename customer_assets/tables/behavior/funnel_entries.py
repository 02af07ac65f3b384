"""---
description: >-
  One row per funnel, actor and day on which the actor entered the funnel: the best attempt
  among the entries of that day, followed to the end of its window.
key: [funnel, customer_id, entry_date, session_ts]
partition_by: entry_date
requires: [funnel]
columns:
  funnel: {type: varchar, description: Name of the funnel.}
  customer_id: {type: source, description: Who.}
  session_ts:
    type: bigint
    description: Start of the session, where a session is the actor; else null.
  entry_date:
    type: date
    description: Day of the entry event, business time; with modes that of the session.
  breakdown: {type: varchar, description: 'The breakdown attribute of the entry event, if any.'}
  n_steps: {type: bigint, description: Steps of the funnel.}
  window_us:
    type: bigint
    description: Conversion window, microseconds; of one in events, what it lasts at most.
  held:
    type: varchar
    description: What the events of the attempt share, where the funnel holds a column; else null.
  level: {type: bigint, description: 'The deepest step reached, from 1.'}
  skipped_steps:
    type: "bigint[]"
    description: Optional steps before the deepest one that were passed by.
  reached_ts:
    type: "bigint[]"
    description: Time of each step, epoch microseconds; null where not reached or passed by.
checks:
  - expect_column_values_to_not_be_null: {column: customer_id}
  - expect_column_values_to_be_between: {column: level, min_value: 1}
  - expect_compound_columns_to_be_unique:
      column_list: [funnel, customer_id, entry_date, session_ts]
---
"""

import functools

from customer_assets.behavior import funnel
from customer_assets.behavior.windows import window_end_day
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.header import Neighbours


def sql(source: EventLogSource) -> str:
    funnels = {name: funnel.of_source(stated) for name, stated in source.funnels.items()}
    instant = ("event_ts", "sequence") if source.columns.sequence else ("event_ts",)
    return funnel.entries_sql(funnels, instant)


def neighbours(source: EventLogSource) -> dict[str, Neighbours]:
    longest = max(stated.window_seconds for stated in source.funnels.values())
    # A window over a day of 23 hours ends an hour later by the clock.
    widest = -(-longest // 86_400) + 1
    until = functools.partial(window_end_day, window_seconds=longest, timezone=source.timezone)
    found = {"events": Neighbours(days=(0, widest), until=until)}
    if any(stated.actor == "session" for stated in source.funnels.values()):
        found["sessions"] = Neighbours(days=(-1, widest), until=until)
    return found
