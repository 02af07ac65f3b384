"""A Taobao-shaped log of 31 days: the nine-day sample, one after the other."""

import datetime as dt
from pathlib import Path

import duckdb

from customer_assets.sample import write_sample
from customer_assets.sources import EventLogSource

SAMPLE_DAYS = 9
DAYS = 31
NAMES = ["user_id", "item_id", "category_id", "behavior_type", "timestamp"]
TYPES = ["bigint", "bigint", "bigint", "varchar", "bigint"]


def scan_sql(files: Path) -> str:
    """Return a SELECT that reads every field of the files as its type and keeps nothing."""
    columns = ", ".join(f"'{n}': '{t}'" for n, t in zip(NAMES, TYPES, strict=True))
    values = ", ".join(f"max({name})" for name in NAMES)
    return f"select {values} from read_csv('{files}', header = false, columns = {{{columns}}})"


def write_log(folder: Path, rows: int, seed: int, source: EventLogSource) -> EventLogSource:
    """Write about `rows` events of 31 days below `folder`: 30 days, and the last one apart.

    Returns the source with the days of the log. Customers of one nine-day period are others
    in the next; every third of them comes back.
    """
    first_day, _ = source.day_range()
    sample = folder / "sample"
    write_sample("taobao", sample, rows=rows * SAMPLE_DAYS // DAYS, seed=seed, tell=lambda _: None)
    begin = int(dt.datetime.combine(first_day, dt.time(), dt.timezone(dt.timedelta(hours=8)))
                .timestamp())  # fmt: skip
    last_begin = begin + (DAYS - 1) * 86_400
    columns = ", ".join(f"'{n}': '{t}'" for n, t in zip(NAMES, TYPES, strict=True))
    with duckdb.connect() as connection:
        for name, condition in (
            ("days_1_to_30", f"timestamp < {last_begin}"),
            ("day_31", f"timestamp between {last_begin} and {last_begin + 86_399}"),
        ):
            connection.execute(
                f"""
                copy (
                    select
                        case when user_id % 3 = 0 then user_id else user_id + period * 100000000 end
                            as user_id,
                        item_id, category_id, behavior_type,
                        timestamp + period * {SAMPLE_DAYS * 86_400} as timestamp
                    from read_csv('{sample}/*.csv', header = false, columns = {{{columns}}}),
                        range({-(-DAYS // SAMPLE_DAYS)}) as periods (period)
                    where {condition.replace("timestamp", f"timestamp + period * {SAMPLE_DAYS * 86_400}")}
                    order by user_id, timestamp
                ) to '{folder}/{name}.csv' (header false)
                """
            )
    for path in sample.iterdir():
        path.unlink()
    return source.model_copy(update={"last_day": first_day + dt.timedelta(days=DAYS - 1)})
