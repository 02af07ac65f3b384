"""What is counted of a landed file while it is read: the measures by which its days are judged.

One aggregate over the pieces just written, so that nobody reads the log again to judge it. What
follows from the counts stands in `judging`.
"""

from collections.abc import Sequence
from pathlib import Path

from customer_assets.ingest.raw_tables import raw_events_of, stored_event_columns
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.quoting import literal, quoted

# Columns that say what `rows` and `event_type` say already.
_NOT_COUNTED = {"event_ts", "event_at", "event_date", "event_type", "source_file", "sequence"}
_IDENTIFIERS = ("customer_id", "item_id", "category_id", "order_id")
# Rows that the source itself leaves out are no fault of the day.
_STATED = "starts_with(reason, 'rule ') or starts_with(reason, 'before the first day')"


def counts_sql(
    source: EventLogSource, content: str, days: Sequence[Path], rejected: Path | None
) -> str:
    """Return the SELECT of day_counts of one content.

    `days` are Parquet files of its raw events, `rejected` that of its rejected rows.
    """
    parts = [_of_events(source, days)] if days else []
    if rejected is not None:
        parts.append(
            "select event_date, 'rejected' as measure, '' as subject, count(*)::bigint as n "
            f"from read_parquet({literal(rejected)}) where not ({_STATED}) group by event_date"
        )
    counted = " union all ".join(f"({part})" for part in parts)
    columns = "event_date, measure, subject, n"
    if not parts:
        counted = "select null::date as event_date, '' as measure, '' as subject, 0::bigint as n"
    return (
        f"select {literal(content)} as content_hash, {columns} from ({counted}) "
        "where n <> 0 order by event_date, measure, subject"
    )


def _of_events(source: EventLogSource, days: Sequence[Path]) -> str:
    kinds = {n: c.type for n, c in stored_event_columns(source).items() if n not in _NOT_COUNTED}
    texts = [name for name in _IDENTIFIERS if kinds.get(name) == "varchar"]
    sums = {("rows", ""): "count(*)"}
    sums |= {("filled", name): f"count({quoted(name)})" for name in kinds}
    sums |= {
        ("whole_number", name): f"count(try_cast({quoted(name)} as hugeint))" for name in texts
    }
    # The same rows, delivered again in another file, are told by their checksum.
    digest = "sum(hash(customer_id, event_ts, event_type, item_id) % 1_000_000_007)"
    sums["digest", ""] = digest
    listed = ", ".join(f"{sql}::bigint as c{i}" for i, sql in enumerate(sums.values()))
    events = raw_events_of(source, days)
    by_column = " union all ".join(
        f"select event_date, {literal(measure)} as measure, {literal(subject)} as subject, "
        f"sum(c{i})::bigint as n from counted group by event_date"
        for i, (measure, subject) in enumerate(sums)
    )
    return (
        "with counted as materialized (select event_date, event_type, "
        f"hour(event_at) as event_hour, {listed} "
        f"from ({events}) "
        "group by event_date, event_type, event_hour) "
        f"{by_column} union all "
        "select event_date, 'event_type', event_type, sum(c0)::bigint from counted "
        "group by event_date, event_type union all "
        "select event_date, 'hour', event_hour::varchar, sum(c0)::bigint from counted "
        "group by event_date, event_hour union all "
        "select event_date, unnest(['customers', 'rows_of_customer']), '', "
        "unnest([count(*), round(100 * median(n_rows))::bigint]) "
        "from (select event_date, count(*) as n_rows "
        f"from ({events}) "
        "where customer_id is not null group by event_date, customer_id) group by event_date"
    )
