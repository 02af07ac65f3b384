"""---
description: >-
  One row per session and column that the source breaks down by: its value at the session's first
  event, filed under the day on which the session starts.
partition_by: session_date
key: [customer_id, started_ts, attribute]
requires: [breakdowns]
columns:
  customer_id: {type: source, description: Who.}
  session_date: {type: date, description: "Day on which the session starts, business time."}
  started_ts: {type: bigint, description: "First event of the session, epoch microseconds."}
  attribute: {type: varchar, description: Column of the events.}
  attribute_value:
    type: varchar
    description: Its value at the first event; null where it has none.
checks:
  - expect_compound_columns_to_be_unique: {column_list: [customer_id, started_ts, attribute]}
---
"""

from customer_assets.sources import EventLogSource
from customer_assets.warehouse.quoting import literal, quoted

# Of row_number() = 1 DuckDB 1.5.6 makes a plan that fails where explain joins it with itself:
# "Failed to cast expression to type", from the optimizer top_n_window_elimination.
_FIRST_EVENTS = """with first_events as (
    select
        sessions.customer_id,
        sessions.session_date,
        sessions.started_ts,
{columns}
        events.event_number,
        min(events.event_number) over (
            partition by sessions.customer_id, sessions.started_ts
        ) as first_number,
    from sessions
    inner join events
        on sessions.customer_id = events.customer_id
        and sessions.started_ts = events.event_ts
    where events.event_number is not null
)

"""
_OF_COLUMN = """select
    customer_id,
    session_date,
    started_ts,
    {name} as attribute,
    cast({alias} as varchar) as attribute_value,
from first_events
where event_number = first_number"""


def sql(source: EventLogSource) -> str:
    names = list(dict.fromkeys(source.breakdowns))
    columns = "\n".join(
        f"        events.{quoted(name)} as value_{number}," for number, name in enumerate(names)
    )
    parts = [
        _OF_COLUMN.format(name=literal(name), alias=f"value_{number}")
        for number, name in enumerate(names)
    ]
    return _FIRST_EVENTS.format(columns=columns) + "\nunion all\n".join(parts)
