"""The main tables of a Taobao-shaped log as a script makes them that is written for it alone.

Belongs here: what the product is held against. It reads a file, removes duplicates, and stores
events, customer days and sessions as Parquet; it keeps no accounts, checks nothing, and begins
anew each time.
"""

from pathlib import Path

import duckdb

from customer_assets_tests.bench import logs

# Of each table the columns in which both must agree, row by row.
COLUMNS = {
    "events": "customer_id, event_ts, event_at, event_date, event_type, item_id, category_id, "
    "n_copies",
    "customer_day": "customer_id, event_date, n_events, n_views, n_purchases, first_event_ts, "
    "last_event_ts",
    "sessions": "customer_id, session_date, started_ts, ended_ts, n_events, n_views, n_purchases",
}
_EVENTS = """
copy (
    select
        user_id as customer_id,
        timestamp * 1000000 as event_ts,
        make_timestamp((timestamp + 28800) * 1000000) as event_at,
        cast(make_timestamp((timestamp + 28800) * 1000000) as date) as event_date,
        behavior_type as event_type,
        item_id,
        category_id,
        count(*) as n_copies,
    from {log}
    where timestamp >= {first_second} and timestamp < {first_second} + {n_days} * 86400
    group by all
    order by event_date, customer_id, event_ts, event_type, item_id, category_id
) to '{folder}/events' (format parquet, partition_by (event_date))
"""
_CUSTOMER_DAY = """
copy (
    select
        customer_id,
        event_date,
        count(*) as n_events,
        count(*) filter (where event_type = 'pv') as n_views,
        count(*) filter (where event_type = 'buy') as n_purchases,
        min(event_ts) as first_event_ts,
        max(event_ts) as last_event_ts,
    from events
    group by customer_id, event_date
) to '{folder}/customer_day' (format parquet, partition_by (event_date))
"""
_SESSIONS = """
copy (
    with gaps as (
        select
            *,
            event_ts - lag(event_ts) over (partition by customer_id order by event_ts) as gap_us,
        from events
    ),
    numbered as (
        select
            *,
            sum(case when gap_us is null or gap_us > 1800000000 then 1 else 0 end)
                over (partition by customer_id order by event_ts) as session_number,
        from gaps
    )
    select
        customer_id,
        min(event_date) as session_date,
        min(event_ts) as started_ts,
        max(event_ts) as ended_ts,
        count(*) as n_events,
        count(*) filter (where event_type = 'pv') as n_views,
        count(*) filter (where event_type = 'buy') as n_purchases,
    from numbered
    group by customer_id, session_number
) to '{folder}/sessions' (format parquet, partition_by (session_date))
"""


def write_tables(connection: duckdb.DuckDBPyConnection, log: Path, folder: Path) -> None:
    """Write the tables of a log, each into a folder of its name below `folder`."""
    folder.mkdir(parents=True)
    told = {
        "log": logs.read_sql(log),
        "folder": folder,
        "first_second": logs.FIRST_SECOND,
        "n_days": logs.SAMPLE_DAYS,
    }
    connection.execute(_EVENTS.format(**told))
    connection.execute(
        f"create or replace temp view events as from read_parquet('{folder}/events/**/*.parquet')"
    )
    for statement in (_CUSTOMER_DAY, _SESSIONS):
        connection.execute(statement.format(**told))


def checksum(connection: duckdb.DuckDBPyConnection, table: str, relation: str) -> tuple[int, str]:
    """Return the number of rows of a table and the sum of their hashes."""
    columns = COLUMNS[table]
    found = connection.execute(
        f"select count(*), sum(hash({columns}))::varchar from (select {columns} from {relation})"
    ).fetchall()
    return found[0]
