/* ---
description: >-
  One row per finding about what came and what did not: files that are refused or empty, rows
  rejected, days that stand out or are missing. The first line of the report tells the newest.
key: [event_date, finding, subject]
parameters:
  first_day: {type: date, description: First day of the log.}
  last_complete_day: {type: date, description: Last day that is over.}
  holidays: {type: "date[]", description: Days on which nothing is expected.}
  accepted_days: {type: "date[]", description: Days that are right as the source says.}
  expects_every_day: {type: boolean, description: Whether days without rows are looked for.}
  rejected_share: {type: double, description: Share of rejected rows that is an error.}
  warn_rejected_share: {type: double, description: Share of rejected rows that warns.}
engine: duckdb
columns:
  event_date: {type: date, description: "Day that it is about; of a file, the day on which it landed, of its columns, its last day."}
  finding: {type: varchar, description: "Those of day_findings; day_missing, file_refused, file_empty, nothing_read, file_rows_rejected, file_columns_changed, withdrawal_waits or nonexistent_hour."}
  subject: {type: varchar, description: "Event type, column or file that it is about; else empty."}
  severity: {type: varchar, description: error or warn.}
  explanation: {type: varchar, description: What came and what was to be expected.}
  is_held: {type: boolean, description: Whether the rows of the day wait.}
  is_accepted: {type: boolean, description: Whether somebody said that it is right.}
  is_recent: {type: boolean, description: "Whether it is of the last seven days that are over, or later."}
checks:
  - expect_column_values_to_be_in_set: {column: severity, value_set: [error, warn]}
  - unexpected_rows_expectation:
      name: nothing_is_wrong_with_what_came
      blocks: false
      description: No file is refused, no day is held back, nothing waits for a yes.
      unexpected_rows_query: select * from {batch} where severity = 'error' and not is_accepted
  - unexpected_rows_expectation:
      name: nothing_stands_out_lately
      severity: warn
      description: No day of the last week is missing or unlike the days before it.
      unexpected_rows_query: >-
        select * from {batch} where severity = 'warn' and is_recent and not is_accepted
--- */
with of_days as (
    select
        event_date,
        finding,
        subject,
        severity,
        explanation,
        is_held,
        is_accepted,
    from day_findings
),

files as (
    select
        *,
        cast(coalesce(modified_at, changed_at) as date) as landed_date,
    from landed_files
),

of_files as (
    select
        landed_date as event_date,
        case
            when status like 'refused%' then 'file_refused'
            when rows_landed = 0 then 'file_empty'
            else 'nothing_read'
        end as finding,
        file as subject,
        case when status like 'loaded%' and rows_landed = 0 then 'warn' else 'error' end as severity,
        case
            when status like 'refused%' then file || ' is refused: ' || reason
            when rows_landed = 0 then file || ' holds no row'
            else file || ': none of its ' || rows_landed || ' rows could be read'
        end as explanation,
    from files
    where status like 'refused%' or (status = 'loaded' and rows_loaded = 0)
    union all
    select
        landed_date as event_date,
        'nonexistent_hour' as finding,
        file as subject,
        'warn' as severity,
        file || ': ' || n_missing_times || ' rows have a time that the zone skips when the clocks '
        || 'change: is the zone right?' as explanation,
    from files
    where n_missing_times > 0
    union all
    select
        max(landed_date) as event_date,
        'withdrawal_waits' as finding,
        '' as subject,
        'error' as severity,
        min(reason) as explanation,
    from files
    where status = 'gone, rows kept'
    having count(*) > 0
),

read_rows as (
    select
        content_hash,
        sum(case when measure = 'rejected' then n else 0 end) as n_rejected,
        sum(n) as n_rows,
    from day_counts
    where measure in ('rows', 'rejected')
    group by content_hash
),

shares as (
    select
        files.landed_date,
        files.file,
        read_rows.n_rejected,
        cast(read_rows.n_rejected as double) / read_rows.n_rows as rejected_share,
    from files
    inner join read_rows on files.loaded_hash = read_rows.content_hash
    where files.status = 'loaded' and files.rows_loaded > 0
),

usual_shares as (
    select
        median(rejected_share) as rejected_share,
        mad(rejected_share) as spread,
    from shares
    having count(*) >= 4
),

of_rejected_rows as (
    select
        shares.landed_date as event_date,
        'file_rows_rejected' as finding,
        shares.file as subject,
        case when shares.rejected_share >= getvariable('rejected_share') then 'error' else 'warn' end
            as severity,
        shares.file || ': ' || cast(shares.n_rejected as bigint) || ' of its rows are rejected, '
        || cast(round(100 * shares.rejected_share) as bigint) || ' %' as explanation,
    from shares
    left join usual_shares on true
    where
        shares.n_rejected >= 5
        and shares.rejected_share >= getvariable('warn_rejected_share')
        and shares.rejected_share >= coalesce(
            usual_shares.rejected_share
            + greatest(6 * 1.4826 * usual_shares.spread, getvariable('warn_rejected_share')),
            0
        )
),

-- The files of a kind in the order of their days: each is held against those before it.
with_columns as (
    select
        file,
        columns,
        previous_columns,
        coalesce(kind, '') as file_kind,
        coalesce(last_date, landed_date) as data_date,
        landed_date,
        row_number() over (
            partition by coalesce(kind, '') order by coalesce(last_date, landed_date), file
        ) as n,
    from files
    where status = 'loaded' and columns is not null
),

column_names as (
    select distinct
        file,
        file_kind,
        n,
        lower(trim(column_name)) as column_name,
    from (
        select
            file,
            file_kind,
            n,
            unnest(string_split(columns, ', ')) as column_name,
        from with_columns
    ) as listed
),

previous_names as (
    select distinct
        file,
        lower(trim(column_name)) as column_name,
    from (
        select
            file,
            unnest(string_split(previous_columns, ', ')) as column_name,
        from with_columns
    ) as listed
),

changed_columns as (
    select
        with_columns.file,
        first_files.column_name,
        'new' as change,
    from (
        select
            file_kind,
            column_name,
            min(n) as n,
        from column_names
        group by file_kind, column_name
    ) as first_files
    inner join with_columns
        on first_files.file_kind = with_columns.file_kind and first_files.n = with_columns.n
    where with_columns.n > 3 and with_columns.previous_columns is null
    union all
    select
        with_columns.file,
        earlier.column_name,
        'gone' as change,
    from with_columns
    inner join column_names as earlier
        on
            with_columns.file_kind = earlier.file_kind
            and earlier.n between with_columns.n - 3 and with_columns.n - 1
    left join column_names as own
        on with_columns.file = own.file and earlier.column_name = own.column_name
    where with_columns.n > 3 and with_columns.previous_columns is null and own.file is null
    group by with_columns.file, earlier.column_name
    having count(*) = 3
    union all
    select
        coalesce(own.file, previous.file) as file,
        coalesce(own.column_name, previous.column_name) as column_name,
        case when own.file is null then 'gone' else 'new' end as change,
    from (
        select column_names.*
        from column_names
        semi join previous_names on column_names.file = previous_names.file
    ) as own
    full join previous_names as previous
        on own.file = previous.file and own.column_name = previous.column_name
    where own.file is null or previous.file is null
),

of_changed_columns as (
    select
        coalesce(
            case when with_columns.previous_columns is null then with_columns.data_date end,
            with_columns.landed_date
        ) as event_date,
        'file_columns_changed' as finding,
        with_columns.file as subject,
        'warn' as severity,
        with_columns.file || ': its columns are not those of before: '
        || left(
            string_agg(
                changed_columns.change || ' is ' || left(changed_columns.column_name, 80),
                ', ' order by changed_columns.change, changed_columns.column_name
            ), 400
        ) as explanation,
    from changed_columns
    inner join with_columns on changed_columns.file = with_columns.file
    group by
        with_columns.file,
        with_columns.previous_columns,
        with_columns.data_date,
        with_columns.landed_date
),

days_with_rows as (
    select event_date
    from day_counts
    where measure = 'rows'
    group by event_date
),

span as (
    select
        greatest(min(event_date), getvariable('first_day')) as first_date,
        getvariable('last_complete_day') as last_date,
    from days_with_rows
),

dates as (
    select
        date '1970-01-01' + cast(day_index as integer) as calendar_date,
    from (
        select
            unnest(
                generate_series(
                    datediff('day', date '1970-01-01', first_date),
                    datediff('day', date '1970-01-01', last_date)
                )
            ) as day_index,
        from span
        where last_date >= first_date
    ) as numbered
),

trading_days as (
    select
        dates.calendar_date,
        days_with_rows.event_date is not null as has_rows,
    from dates
    left join days_with_rows on dates.calendar_date = days_with_rows.event_date
    where not list_contains(getvariable('holidays'), dates.calendar_date)
),

days_before as (
    select
        missing.calendar_date,
        earlier.has_rows,
        dayofweek(earlier.calendar_date) = dayofweek(missing.calendar_date) as is_same_weekday,
        missing.calendar_date - earlier.calendar_date <= 28 as is_near,
    from trading_days as missing
    inner join trading_days as earlier
        on earlier.calendar_date between missing.calendar_date - 56 and missing.calendar_date - 1
    where not missing.has_rows and getvariable('expects_every_day')
),

usual_days as (
    select
        calendar_date,
        count(*) filter (where is_same_weekday) as n_weekdays,
        avg(cast(has_rows as integer)) filter (where is_same_weekday) as weekday_share,
        count(*) filter (where is_near) as n_near,
        avg(cast(has_rows as integer)) filter (where is_near) as near_share,
    from days_before
    group by calendar_date
),

of_missing_days as (
    select
        calendar_date as event_date,
        'day_missing' as finding,
        '' as subject,
        'warn' as severity,
        'no row came, where such days have some' as explanation,
    from usual_days
    where
        case
            when n_weekdays >= 4 then weekday_share >= 0.8
            else n_near >= 3 and near_share >= 0.95
        end
),

found as (
    select * from of_files
    union all
    select * from of_rejected_rows
    union all
    select * from of_changed_columns
    union all
    select * from of_missing_days
),

findings as (
    select * from of_days
    union all
    select
        event_date,
        finding,
        subject,
        severity,
        explanation,
        false as is_held,
        list_contains(getvariable('accepted_days'), event_date) as is_accepted,
    from found
)

select
    event_date,
    finding,
    subject,
    severity,
    explanation,
    is_held,
    is_accepted,
    event_date > getvariable('last_complete_day') - 7 as is_recent,
from findings
