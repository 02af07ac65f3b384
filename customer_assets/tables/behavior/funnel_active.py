"""---
description: >-
  One row per funnel, day and value of its breakdown: how many were active on the day with that
  value, of whom share_of_active of the funnel is the share.
partition_by: event_date
key: [funnel, event_date, breakdown]
requires: [funnel]
parameters:
  leaves_out_bots: {type: boolean, description: Whether days of suspected bots are left out.}
columns:
  funnel: {type: varchar, description: Name of the funnel.}
  event_date: {type: date, description: "Day, business time."}
  breakdown:
    type: varchar
    description: Value of the breakdown attribute; null where there is none.
  n_active: {type: bigint, description: Different customers with an event of that value.}
checks:
  - expect_column_values_to_be_between: {column: n_active, min_value: 1}
---
"""

from customer_assets.behavior import funnel
from customer_assets.sources import EventLogSource


def sql(source: EventLogSource) -> str:
    return funnel.active_sql(
        {name: funnel.of_source(stated) for name, stated in source.funnels.items()}
    )
