"""Days that are over beside the days before them: which of them stand out, and which wait.

A function of the counts of all days and of what the source says: the same whatever landed when. A
day is compared with the same weekdays of the eight weeks before it, where there are four of them,
else with the days of four weeks, where there are three. Counts are compared by their square roots,
whose spread is the same for few and for many. What one customer did is one event of chance, however
many rows it has: an order of 700 lines makes no strange day. A day that is held back is no measure
for later ones.

What is no matter of one day (a file that is refused, a day without rows) stands in `findings`.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from customer_assets.sources import EventLogSource
from customer_assets.warehouse.manifest import DamagedFileError, read_json, write_atomically
from customer_assets.warehouse.quoting import literal

ACCEPTED = "accepted.json"
# What is left of the counts where the same rows came in several files; all, where these are kept.
_ONCE = "qualify row_number() over (partition by d.event_date, d.n order by d.content_hash) = 1"

_COUNTS = """
create or replace temp table judged_counts as
with parts as (
    select d.content_hash, d.event_date
    from day_counts as d
    where d.measure = 'digest' {once}
),
-- Rejected rows without a readable day are of the days of their file, each by its rows.
undated as (
    select content_hash, sum(n) as n_undated
    from day_counts where measure = 'rejected' and event_date is null group by content_hash
),
rows_of_file as (
    select content_hash, sum(n) as n_rows
    from day_counts where measure = 'rows' group by content_hash
)
select event_date, measure, subject,
    -- Of a typical customer's rows the mean over files, by the days of which they tell.
    if(measure = 'rows_of_customer', avg(n) / 100, sum(n))::double as n
from (
    select c.event_date, c.measure, c.subject, c.n
    from day_counts as c semi join parts using (content_hash, event_date)
    where c.measure <> 'digest'
    union all
    select c.event_date, 'rejected', '', undated.n_undated * c.n / rows_of_file.n_rows
    from day_counts as c
    join undated using (content_hash) join rows_of_file using (content_hash)
    where c.measure = 'rows'
) as counted
where event_date between $first_day and $last_complete_day
group by event_date, measure, subject
"""

_FINDINGS = """
with days as (
    select r.event_date, r.n, coalesce(c.n, 0) as customers,
        -- Rows, where each customer has as many as a typical one; all of them, if nobody is known.
        coalesce(c.n * k.n, r.n) as size, coalesce(k.n, 1) as rows_of_customer
    from judged_counts as r
    left join judged_counts as c on c.event_date = r.event_date and c.measure = 'customers'
    left join judged_counts as k on k.event_date = r.event_date and k.measure = 'rows_of_customer'
    where r.measure = 'rows'
),
earlier as (
    select
        d.event_date, b.event_date as before_date, b.n as n_before, b.size as size_before,
        b.rows_of_customer, b.n / greatest(b.customers, 1) as rows_per_customer,
        dayofweek(b.event_date) = dayofweek(d.event_date) as is_same_weekday,
        d.event_date - b.event_date <= 28 as is_near
    from days as d
    join days as b on b.event_date between d.event_date - 56 and d.event_date - 1
    where b.event_date >= $since and d.event_date >= $since
    and not list_contains($held, b.event_date)
),
measures as (
    select event_date, count(*) filter (is_same_weekday) >= 4 as has_weekdays
    from earlier group by event_date
    having has_weekdays or count(*) filter (is_near) >= 3
),
chosen as (
    select earlier.event_date, before_date, n_before, size_before, rows_of_customer,
        rows_per_customer,
        count(*) over (partition by earlier.event_date) as n_days
    from earlier join measures using (event_date)
    where case when has_weekdays then is_same_weekday else is_near end
),
-- Rows of the whole day.
of_rows as (
    select chosen.event_date, d.n, d.size, median(n_before) as usual,
        median(sqrt(size_before)) as root,
        -- Of independent customers the square root of the sum spreads by half their root.
        greatest(1.4826 * mad(sqrt(size_before)), 0.35 * sqrt(median(chosen.rows_of_customer)))
            as spread
    from chosen join days as d on d.event_date = chosen.event_date
    group by chosen.event_date, d.n, d.size
),
away as (
    select event_date, n, usual, abs(sqrt(size) - root) / spread as spreads,
        if(n > usual, least(n / usual, size / (root * root)),
            least(usual / n, root * root / size)) as factor
    from of_rows
),
-- How many customers a number of rows stands for.
per_customer as (
    select event_date, greatest(median(rows_per_customer), 1) as n_rows
    from chosen group by event_date
),
counted_rows as (
    select event_date, if(n > usual, 'many_rows', 'few_rows') as finding, '' as subject,
        if(factor >= $error_factor and spreads >= $error_spreads, 'error', 'warn') as severity,
        n as observed, usual,
        format('{:,d} rows, where {:,d} are usual', n::bigint, round(usual)::bigint) as explanation
    from away where factor >= $warn_factor and spreads >= $warn_spreads
),
-- Event types that are not there any more, or were never there.
types as (select event_date, subject, n from judged_counts where measure = 'event_type'),
usual_types as (
    select chosen.event_date, t.subject, median(sqrt(t.n)) as root, min(t.n) as fewest,
        sum(t.n) / sum(sum(t.n)) over (partition by chosen.event_date) as share
    from chosen join types as t on t.event_date = chosen.before_date
    group by chosen.event_date, t.subject, chosen.n_days
    having count(*) >= 0.9 * chosen.n_days
),
gone_types as (
    select u.event_date, 'event_type_gone' as finding, u.subject,
        if(u.share >= 0.2, 'error', 'warn') as severity,
        coalesce(t.n, 0) as observed, u.root * u.root as usual,
        format('{:,d} rows of the event type {}, where {:,d} are usual', coalesce(t.n, 0)::bigint,
            left(u.subject, 80), round(u.root * u.root)::bigint) as explanation
    from usual_types as u
    left join types as t on t.event_date = u.event_date and t.subject = u.subject
    join per_customer as p on p.event_date = u.event_date
    where coalesce(t.n, 0) <= u.root * u.root / 20
    and (u.root * u.root / p.n_rows >= 5 or u.fewest >= 10)
),
first_seen as (
    select subject, min(event_date) as first_date from types
    where not list_contains($held, event_date) group by subject
),
new_types as (
    select t.event_date, 'event_type_new' as finding, t.subject,
        if(t.n / d.n >= 0.2, 'error', 'warn') as severity,
        t.n as observed, 0 as usual,
        format('{:,d} rows of the event type {}, which no day before has', t.n::bigint,
            left(t.subject, 80)) as explanation
    from types as t join days as d using (event_date)
    join measures using (event_date)
    left join first_seen as s on s.subject = t.subject
    where t.event_date <= coalesce(s.first_date, t.event_date)
    and exists (
        select 1 from days as b where b.event_date < t.event_date
        and not list_contains($held, b.event_date) having count(*) >= 3
    )
),
-- The hours of the day: the clock that is behind another by so many hours.
hours as (
    select event_date, subject::bigint as h, n / sum(n) over (partition by event_date) as share
    from judged_counts where measure = 'hour'
),
usual_hours as (
    select chosen.event_date, h, sum(share) / any_value(n_days) as share
    from chosen join hours on hours.event_date = chosen.before_date
    group by chosen.event_date, h
),
common as (
    select h.event_date, k, sum(least(h.share, u.share)) as overlap
    from hours as h
    join usual_hours as u on u.event_date = h.event_date
    join (select unnest(range(24)) as k) as shifts on (u.h + k) % 24 = h.h
    group by h.event_date, k
),
-- How alike the days before are among themselves.
alike as (
    select event_date, median(overlap) as overlap, min(overlap) as least_alike
    from (
        select chosen.event_date, before_date, sum(least(h.share, u.share)) as overlap
        from chosen join hours as h on h.event_date = chosen.before_date
        join usual_hours as u on u.event_date = chosen.event_date and u.h = h.h
        group by chosen.event_date, before_date
    ) as each group by event_date
),
shifts as (
    select event_date, arg_max(k, overlap) as k, max(overlap) as at_best,
        coalesce(max(overlap) filter (k = 0), 0) as as_it_is
    from common group by event_date
),
shifted_hours as (
    select event_date, 'hours_shifted' as finding, '' as subject,
        if(as_it_is <= 0.5 * alike.overlap, 'error', 'warn') as severity,
        if(k > 12, k - 24, k)::double as observed, 0 as usual,
        format('its hours fit those of the days before if the clock is {} by {:d} hours: is the '
            || 'zone right?', if(k > 12, 'put on', 'put back'), least(k, 24 - k)) as explanation
    from shifts join alike using (event_date) join days using (event_date)
    where k between 3 and 21 and n >= 20
    and as_it_is <= 0.6 * alike.overlap and as_it_is <= least_alike - 0.1
    and at_best >= as_it_is + 0.3
),
-- How much of a column is filled, and of identifiers, how many are whole numbers.
shares as (
    select c.event_date, c.measure, c.subject, d.n as n_of,
        c.n / if(c.measure = 'filled', d.n, nullif(f.n, 0)) as share
    from (
        select event_date, measure, subject, n from judged_counts
        where measure in ('filled', 'whole_number')
        union all by name
        -- A column without a value on a day is counted nowhere.
        select d.event_date, m.measure, m.subject, 0 as n
        from days as d cross join (
            select distinct measure, subject from judged_counts
            where measure in ('filled', 'whole_number')
        ) as m
        anti join judged_counts as j
            on j.event_date = d.event_date and j.measure = m.measure and j.subject = m.subject
    ) as c
    join days as d using (event_date)
    left join judged_counts as f
        on f.event_date = c.event_date and f.measure = 'filled' and f.subject = c.subject
),
usual_shares as (
    select chosen.event_date, s.measure, s.subject, median(s.share) as share,
        min(s.share) as least_share, max(s.share) as most_share
    from chosen join shares as s on s.event_date = chosen.before_date
    where s.share is not null
    group by chosen.event_date, s.measure, s.subject
),
moved_shares as (
    select s.event_date, s.measure, s.subject, s.share, u.share as usual,
        least(n_of / p.n_rows, nullif(d.customers, 0)) as n_customers, u.least_share, u.most_share
    from shares as s join usual_shares as u using (event_date, measure, subject)
    join per_customer as p using (event_date)
    join days as d using (event_date)
    where s.share is not null and n_of >= 10
),
columns_changed as (
    select event_date,
        if(share < usual, 'column_empty', 'column_filled') as finding, subject,
        if(usual >= 0.5 and share <= 0.1, 'error', 'warn') as severity,
        share as observed, usual,
        format('{:.0f} % of the rows have a value in {}, where {:.0f} % are usual', 100 * share,
            subject, 100 * usual) as explanation
    from moved_shares
    where measure = 'filled' and (
        -- Orders of guests come as they come; that nobody is known is another matter.
        n_customers >= 10 and (subject <> 'customer_id' or share <= 0.1)
        and (share <= least_share - 0.25 or share >= most_share + 0.25)
        or n_customers * usual >= 5 and share = 0 and least_share > 0
    )
    union all
    select event_date, 'identifiers_changed', subject, 'error', share, usual,
        format('{:.0f} % of the values of {} are whole numbers, where {:.0f} % are usual',
            100 * share, subject, 100 * usual)
    from moved_shares
    where measure = 'whole_number' and (share <= least_share - 0.8 or share >= most_share + 0.8)
),
-- Rows that cannot be read.
rejected as (
    select event_date, coalesce(r.n, 0) / (coalesce(r.n, 0) + d.n) as share, r.n
    from days as d
    left join (select * from judged_counts where measure = 'rejected') as r using (event_date)
),
usual_rejected as (
    select chosen.event_date, median(r.share) as share, 1.4826 * mad(r.share) as spread
    from chosen join rejected as r on r.event_date = chosen.before_date
    group by chosen.event_date
),
rows_rejected as (
    select event_date, 'rows_rejected' as finding, '' as subject,
        if(r.share >= $rejected_share, 'error', 'warn') as severity,
        r.share as observed, u.share as usual,
        format('{:.0f} % of its rows are rejected{}', 100 * r.share,
            if(u.share is null, '', format(', where {:.0f} % are usual', 100 * u.share))
        ) as explanation
    from rejected as r left join usual_rejected as u using (event_date)
    where r.share >= $warn_rejected_share and r.n >= 5
    and r.share >= coalesce(u.share + greatest(6 * u.spread, $warn_rejected_share), 0)
),
found as (
    select * from counted_rows union all by name
    select * from gone_types union all by name
    select * from new_types union all by name
    select * from shifted_hours union all by name
    select * from columns_changed union all by name
    select * from rows_rejected
)
select
    event_date, finding, subject, severity, observed::double as observed, usual::double as usual,
    explanation, list_contains($accepted, event_date) as is_accepted,
    severity = 'error' and not list_contains($accepted, event_date) as is_held
from found order by event_date, finding, subject
"""

Row = tuple[Any, ...]


def judge(
    connection: duckdb.DuckDBPyConnection,
    source: EventLogSource,
    counts: Iterable[Path],
    last_complete_day: dt.date,
    accepted: Mapping[dt.date, int],
) -> list[Row]:
    """Return the rows of day_findings, in the order of its key.

    `counts` are the Parquet files of day_counts; `accepted` are days that a run accepted, each
    with the checksum of the rows that it had.
    """
    if not _see(connection, counts):
        return []
    expected = source.expected
    first, _ = source.day_range()
    once = _ONCE if source.duplicates == "remove" else ""
    days = {"first_day": first, "last_complete_day": last_complete_day}
    connection.execute(_COUNTS.replace("{once}", once), days)
    said = {dt.date.fromisoformat(str(day)) for day in source.accept}
    if accepted:
        now = _checksums(connection)
        said |= {day for day, checksum in accepted.items() if now.get(day) == checksum}
    told = {
        "since": dt.date.fromisoformat(str(expected.since)) if expected.since else first,
        "error_factor": expected.error_factor,
        "warn_factor": expected.warn_factor,
        "error_spreads": expected.error_spreads,
        "warn_spreads": expected.warn_spreads,
        "rejected_share": expected.rejected_share,
        "warn_rejected_share": expected.warn_rejected_share,
        "accepted": sorted(said),
    }
    held: list[dt.date] = []
    while True:
        rows = connection.execute(_FINDINGS, {**told, "held": held}).fetchall()
        # What is held is no measure: each round settles at least one day more than the last.
        again = sorted({row[0] for row in rows if row[-1]})
        if again == held:
            return rows
        held = again


def day_checksums(
    connection: duckdb.DuckDBPyConnection, counts: Iterable[Path]
) -> dict[dt.date, int]:
    """Return a checksum of the rows of each day, from the files of day_counts."""
    return _checksums(connection) if _see(connection, counts) else {}


def _see(connection: duckdb.DuckDBPyConnection, counts: Iterable[Path]) -> bool:
    """Make a view of the files of day_counts; say whether there are any."""
    files = ", ".join(literal(path) for path in counts)
    if files:
        connection.execute(
            "create or replace temp view day_counts as "
            f"from read_parquet([{files}], hive_partitioning = false)"
        )
    return bool(files)


def _checksums(connection: duckdb.DuckDBPyConnection) -> dict[dt.date, int]:
    return dict(
        connection.execute(
            "select event_date, (sum(n) % 4_611_686_018_427_387_904)::bigint from day_counts "
            "where measure in ('digest', 'rejected') and event_date is not null group by event_date"
        ).fetchall()
    )


def read_accepted(source_folder: Path) -> dict[dt.date, int]:
    """Return the days that runs accepted, each with the checksum of the rows that it had."""
    try:
        said = read_json(source_folder / ACCEPTED) or {}
        return {dt.date.fromisoformat(day): int(checksum) for day, checksum in said.items()}
    except (DamagedFileError, ValueError, AttributeError, TypeError):
        return {}


def remember_accepted(source_folder: Path, accepted: Mapping[dt.date, int]) -> None:
    said = {day.isoformat(): checksum for day, checksum in sorted(accepted.items())}
    write_atomically(source_folder / ACCEPTED, json.dumps(said))
