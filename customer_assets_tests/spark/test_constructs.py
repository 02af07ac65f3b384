"""What the translation lets pass is the same on Spark, construct by construct, on hard values."""

from pathlib import Path

import duckdb
import pytest

from customer_assets.spark.session import Cluster, Input
from customer_assets.spark.translate import Translation, spark_type
from customer_assets.warehouse.sql_model import load_macros
from customer_assets.warehouse.table import Column, Table
from customer_assets.warehouse.versions import parsed
from customer_assets_tests.spark.cluster import TestCluster

COLUMNS = {
    "id": "bigint",
    "k": "bigint",
    "x": "bigint",
    "d": "date",
    "t": "timestamp",
    "m": "decimal(18,4)",
    "s": "varchar",
    "f": "boolean",
}
# Sundays, midnights and what lies before 1970; hours that Europe skips and repeats; 2^31; ties.
ROWS = """
    (1, 1, 5, date '2011-03-27', timestamp '2011-03-27 01:30:00', 0.0001, 'straße', true),
    (2, 1, null, date '2011-10-30', timestamp '2011-10-30 01:30:00', -2.5, null, null),
    (3, 1, -7, null, null, null, 'Zoë', false),
    (4, 1, 5, date '1969-12-28', timestamp '1969-12-28 23:59:59.999999', 999999999999.9999, '',
        true),
    (5, 2, 2147483647, date '2000-02-29', timestamp '2000-02-29 00:00:00', 1.005, '漢字', false),
    (6, 2, 2147483648, date '2000-03-01', timestamp '2000-03-01 00:00:00.000001', 0, 'a%b_c', null),
    (7, 2, -2147483649, date '1900-01-07', timestamp '1900-01-07 12:00:00', -0.0001, 'é', null),
    (8, 3, null, null, null, null, null, null),
    (9, null, 0, date '2026-10-25', timestamp '2026-10-25 02:30:00', 7, 'ABC''d"', true)
"""
STATEMENTS = {
    "rows": """
        select
            id,
            date_diff('day', date '2000-01-03', d) as days,
            date_diff('day', t, date '2000-01-03') as days_of_time,
            date_diff('day', date '2000-01-03', d) % 7 + 1 as weekday,
            extract(hour from t) * 3600000000 + extract(minute from t) * 60000000 as clock_us,
            extract(second from t) as seconds,
            hour(t) as hours,
            year(d) * 12 + month(d) as months,
            cast(date_trunc('month', t) as date) as month_start,
            cast(date_trunc('week', d) as date) as week_start,
            last_day(d) as month_end,
            d + 6 as later,
            d - cast(id as integer) as earlier,
            cast(t as date) as day_of_time,
            x % 7 as remainder,
            x // 7 as quotient,
            cast(floor(x / 7) as bigint) as below,
            cast(floor(sqrt(cast(abs(x) as double)) * 1000 + 0.5) as bigint) as root,
            abs(m) as size,
            -m as negative,
            cast(m * 2 as decimal(18, 4)) as twice,
            greatest(x, id) as largest,
            least(x, id, 3) as smallest,
            coalesce(m, 0) as known,
            nullif(s, '') as text_or_null,
            substr(s, 2) as rest,
            lpad(s, 5, '0') as padded,
            lpad(cast(id as varchar), 9, '0') as numbered,
            translate(s, 'éa"', 'eA') as translated,
            md5(s) as hashed,
            s || '-' || cast(x as varchar) as joined,
            concat('<', s, '>') as joined_known,
            cast(d as varchar) as day_text,
            cast(f as varchar) as flag_text,
            s like '%b_c' as is_like,
            regexp_matches(s, '(stra|ABC)') as is_found,
            x between -10 and 10 as is_near,
            x is not distinct from id as is_same,
            x in (5, null) as is_five,
            case when f then 'yes' when not f then 'no' end as answer,
            row_number() over (order by s, id) as by_text,
            row_number() over (order by s desc, id) as by_text_down,
            rank() over (order by x desc) as place,
            dense_rank() over (partition by k order by d) as day_place,
            lag(x) over (partition by k order by id) as before,
            lead(t, 2) over (order by id) as after,
            cast(sum(m) over (partition by k order by id) as decimal(18, 4)) as so_far,
            min(x) over (
                order by id rows between 1 following and unbounded following
            ) as least_after,
            max(case when f then d end) over (order by t, id) as last_true_day,
        from hard
    """,
    "groups": """
        select
            k,
            list_sort(list(x)) as numbers,
            list_sort(list(s)) as texts,
            arg_min(x, id) as first_number,
            arg_max(s, id) as last_text,
            arg_min(t, x) filter (where f and id <> 4) as time_of_least,
            count(*) as n,
            count(x) as n_known,
            count(distinct s) as n_texts,
            count(*) filter (where f) as n_true,
            cast(sum(m) filter (where id <> 4) as decimal(18, 4)) as total,
            cast(sum(x) as bigint) as total_number,
            min(s) as first_text,
            max(d) as last_day,
            bool_or(f) as is_any,
            bool_and(f) as is_all,
            string_agg(s, '|' order by id) as words,
        from hard
        group by k
    """,
    "series": "select id, unnest(generate_series(id, 4)) as n from hard",
    "none": """
        select
            count(*) as n,
            cast(sum(x) as bigint) as total,
            string_agg(s, ',' order by id) as words,
            list_sort(list(x)) as numbers,
        from hard
        where id > 100
    """,
    # What a recommendation weighs: no last digit of a power or a logarithm is seen.
    "weights": """
        with counts as (select unnest(generate_series(1, 20000)) as n),
        ranks as (select unnest(generate_series(1, 30)) as r)
        select
            r,
            n,
            cast(floor(1000000 * pow(0.95, r - 1) * (1 + ln(n)) + 0.5) as bigint) as weight,
        from counts
        cross join ranks
    """,
}


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_a_construct_has_the_same_rows(spark: TestCluster, tmp_path: Path, name: str):
    hard = Table(
        name="hard",
        layer="staging",
        description="Hard values.",
        key=["id"],
        columns={c: Column(type=kind, description=c) for c, kind in COLUMNS.items()},
    )
    with duckdb.connect() as connection:
        load_macros(connection)
        named = ", ".join(f"cast({c} as {kind}) as {c}" for c, kind in COLUMNS.items())
        rows = f"select {named} from (values {ROWS}) as hard ({', '.join(COLUMNS)})"
        file = tmp_path / "hard.parquet"
        connection.execute(f"copy ({rows}) to '{file}'")
        connection.execute(f"create view hard as from '{file}'")
        connection.execute(f"create table here as {STATEMENTS[name]}")
        described = connection.execute("describe here").fetchall()
        types = {column: kind.lower() for column, kind, *_ in described}
        text = Translation(tmp_path / "hard.sql", 1, {"hard": hard}).of(
            parsed(STATEMENTS[name]), {}
        )
        cluster = Cluster(spark.address, seconds=300)
        read = {c: str(spark_type(kind)) for c, kind in COLUMNS.items()}
        wanted = {c: str(spark_type(kind)) for c, kind in types.items()}
        cluster.write({"hard": Input(read, [file], "hard_files")}, text, wanted, tmp_path / "parts")
        cluster.close()
        connection.execute(f"create view there as from '{tmp_path}/parts/*.parquet'")
        differ = []
        for column in types:
            by = ["id"] if "id" in types else [c for c in ("k", "r", "n") if c in types]
            columns = ", ".join(dict.fromkeys([*by, column]))
            for one, other in (("here", "there"), ("there", "here")):
                rows = f"select {columns} from {one} except all select {columns} from {other}"
                only = connection.execute(f"{rows} limit 3").fetchall()
                if only:
                    differ.append(f"{column} only {one}: {only}")
        assert not differ, "\n".join(differ)
