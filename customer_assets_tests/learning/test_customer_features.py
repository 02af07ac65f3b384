"""Features of a cut-off know what had happened by then, and labels what came right after."""

import datetime as dt
import itertools
import statistics
from operator import itemgetter

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_assets import settings as project
from customer_assets.pipeline import pipeline_of
from customer_assets.tables.features.event_log import leakage_check
from customer_assets.warehouse.places import read_models
from customer_assets.warehouse.source_warehouse import ChecksFailedError
from customer_assets.warehouse.sql_model import load_macros
from customer_assets_tests import click_log
from customer_assets_tests.conftest import read_source, run_source
from customer_assets_tests.customer_tables.customer_table_run import shipped_source

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
START = 1_511_539_200_000_000  # 2017-11-24 16:00 UTC
MODELS = read_models(project.table_roots(), "", "event_log")
EVENT_COLUMNS = {
    "customer_id": pl.Int64,
    "event_ts": pl.Int64,
    "event_type": pl.String,
    "item_id": pl.Int64,
    "order_id": pl.String,
    "value": pl.Decimal(18, 4),
}
PARAMETERS = {
    "purchase_event": "'buy'",
    "return_event": "'refund'",
    "view_event": "'pv'",
    "horizon_us": f"{DAY}::bigint",
    "session_timeout_us": f"{30 * MINUTE}::bigint",
    "last_day_ts": "null::bigint",
    "order_key": "'number_and_customer'",
    "values_are_net": "false",
    "n_cut_offs": "3::bigint",
}


def event(customer, at, kind="pv", item=1, order=None, value=None):
    return (customer, START + at, kind, item, order, value)


def features(events, features_sql=MODELS["customer_features"].sql, parameters=None):
    """Compute cut-offs, features and their leakage check from events; return the connection."""
    connection = duckdb.connect(config={"threads": 1})
    load_macros(connection)
    connection.register("log", pl.DataFrame(events, EVENT_COLUMNS, orient="row").to_arrow())
    connection.execute(
        "create table events as select *, make_timestamp(event_ts) as event_at, "
        "make_timestamp(event_ts)::date as event_date, null::bigint as category_id, "
        "null::bigint as quantity, 1 as event_number from log"
    )
    for name, value in (PARAMETERS | (parameters or {})).items():
        connection.execute(f"set variable {name} = {value}")
    for name in ("cut_offs", "order_lines"):
        connection.execute(f"create table {name} as {MODELS[name].sql}")
    connection.execute(f"create table customer_features as {features_sql}")
    return connection


def labels(connection):
    rows = connection.sql(
        "select horizons_back, customer_id, is_buyer_within_horizon "
        "from customer_features join cut_offs using (cut_off_ts)"
    )
    return {(back, customer): label for back, customer, label in rows.fetchall()}


LOGS = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.one_of(
            st.integers(0, 4 * DAY),
            st.sampled_from([0, DAY, 2 * DAY, 3 * DAY, 3 * DAY + 30 * MINUTE, 3 * DAY + 1]),
        ),
        st.sampled_from(["pv", "cart", "buy", "buy", "refund"]),
        st.integers(1, 3),
        st.sampled_from([None, "a", "b"]),
        st.sampled_from([None, 5, 7]),
    ).map(lambda drawn: event(*drawn)),
    min_size=1,
    max_size=25,
)


def orders_of(log, until):
    """Count orders by the default order_key: number and day, or within an hour; else the day."""
    last: dict[str, int] = {}
    n = len({e[1] // DAY for e in log if e[2] == "buy" and not e[4] and e[1] <= until})
    for at, number in sorted((e[1], e[4]) for e in log if e[2] == "buy" and e[4]):
        before = last.get(number, -DAY)
        n += at <= until and at // DAY != before // DAY and at - before > HOUR
        last[number] = at
    return n


@settings(max_examples=25)
@given(LOGS)
def test_a_row_is_what_a_plain_count_of_the_events_before_it_gives(log):
    connection = features(log)
    rows = connection.sql("select * from customer_features").pl()
    cut_offs = [ts for (ts,) in connection.sql("select cut_off_ts from cut_offs").fetchall()]
    expected = {(t, e[0]) for t in cut_offs for e in log if e[1] <= t}
    assert {(row["cut_off_ts"], row["customer_id"]) for row in rows.to_dicts()} == expected
    for row in rows.to_dicts():
        t = row["cut_off_ts"]
        known = [e[1:] for e in log if e[0] == row["customer_id"] and e[1] <= t]
        known.sort(key=itemgetter(0))
        bought = [e for e in known if e[1] == "buy"]
        gaps = [b[0] - a[0] for a, b in itertools.pairwise(known)]
        assert row["n_events"] == len(known)
        assert row["n_order_lines"] == len(bought)
        assert row["has_purchased"] == bool(bought)
        assert row["n_items"] == len({e[2] for e in known})
        assert row["n_orders"] == orders_of([e for e in log if e[0] == row["customer_id"]], t)
        assert row["n_sessions"] == 1 + sum(gap > 30 * MINUTE for gap in gaps)
        assert row["n_events_last_7_days"] == sum(e[0] > t - 7 * DAY for e in known)
        assert row["n_recent_others"] == sum(e[1] == "cart" and e[0] > t - DAY for e in known)
        assert row["event_recency_days"] == pytest.approx((t - known[-1][0]) / DAY)
        if any(e[4] is not None for e in known):
            returned = sum(e[4] or 0 for e in known if e[1] == "refund")
            assert row["gross_monetary"] == sum(e[4] or 0 for e in bought)
            assert row["returned_value"] == returned
            assert row["monetary"] == row["gross_monetary"] - returned
        if len(gaps) > 1:
            hours = [gap // 1_000_000 / 3600 for gap in gaps]
            found = row["std_hours_between_events"]
            assert found == pytest.approx(statistics.stdev(hours), abs=1e-3, rel=1e-3)
        later = [e for e in log if e[0] == row["customer_id"] and t < e[1] <= t + DAY]
        label = any(e[2] == "buy" for e in later)
        assert row["is_buyer_within_horizon"] in (None, label)


@settings(max_examples=12)
@given(LOGS)
def test_rows_after_a_cut_off_change_nothing_at_it(log):
    connection = features(log)
    found = connection.sql(
        leakage_check.sql(read_source("taobao"), MODELS["customer_features"])
    ).fetchall()
    assert all(row[2:] == (0, 0, "") for row in found), found


def test_the_label_window_leaves_out_its_start_and_takes_in_its_end():
    log = [event(9, 0), event(9, 3 * DAY, "buy")]
    log += [event(1, HOUR), event(1, 2 * DAY, "buy")]
    log += [event(2, HOUR), event(2, 2 * DAY + 1, "buy")]
    log += [event(3, HOUR), event(3, 3 * DAY, "buy")]
    found = labels(features(log))
    assert [found[1, customer] for customer in (1, 2, 3)] == [False, True, True]
    assert [found[2, customer] for customer in (1, 2, 3)] == [True, False, False]
    assert found[0, 1] is None


def test_each_cut_off_has_a_horizon_before_it_and_only_the_last_event_has_no_label():
    log = [event(1, 0), event(1, 3 * DAY, "buy"), event(1, 3 * DAY + HOUR)]
    rows = features(log).sql("from cut_offs order by cut_off_ts desc").fetchall()
    assert [(ts - START, back, over) for ts, back, over in rows] == [
        (3 * DAY + HOUR, 0, False),
        (2 * DAY + HOUR, 1, True),
        (DAY + HOUR, 2, True),
    ]


def test_of_a_closed_log_the_cut_offs_go_back_from_its_last_day():
    log = [event(1, 0, "buy"), event(1, 3 * DAY)]
    end = {"last_day_ts": f"{START + 5 * DAY}::bigint"}
    rows = features(log, parameters=end).sql("from cut_offs order by cut_off_ts desc").fetchall()
    assert [(ts - START) // DAY for ts, _, _ in rows] == [5, 4, 3, 2]


def test_without_a_purchase_there_are_features_and_nobody_is_a_buyer():
    found = features([event(1, 0), event(1, 3 * DAY)]).sql(
        "from customer_features order by cut_off_ts desc"
    )
    rows = found.pl().to_dicts()
    assert [(r["n_events"], r["has_purchased"], r["is_buyer_within_horizon"]) for r in rows] == [
        (2, False, None), (1, False, False), (1, False, False)
    ]  # fmt: skip
    assert (rows[0]["recency_days"], rows[0]["monetary"], rows[0]["funnel_depth"]) == (
        None,
        None,
        1,
    )


def test_habits_are_shares_and_entropies():
    # A Saturday morning twice and a Monday evening.
    log = [event(1, at) for at in (18 * HOUR, 19 * HOUR, 3 * DAY + 4 * HOUR)]
    row = features(log).sql("from customer_features").pl().row(0, named=True)
    assert row["weekend_share"] == row["morning_share"] == pytest.approx(2 / 3)
    assert row["evening_share"] == pytest.approx(1 / 3)
    assert row["weekday_entropy"] == row["day_part_entropy"] == pytest.approx(0.6365, abs=1e-4)


def leaking(sql):
    """The features with a mistake: each cut-off also adds up the horizon after it."""
    honest = "inner join slices on slices.slice_ts <= cut_offs.cut_off_ts"
    assert honest in sql
    return sql.replace(honest, honest + " + getvariable('horizon_us')")


def test_features_that_leak_are_not_published(tmp_path):
    path = tmp_path / "sql" / "features" / "customer_features.sql"
    path.parent.mkdir(parents=True)
    shipped = project.SQL_ROOT / "features" / "customer_features.sql"
    path.write_text(leaking(shipped.read_text()))
    click_log.land(tmp_path / "landing", "log.csv", click_log.clicks_of_a_week([1, 2, 3]))
    source = read_source("taobao")
    roots = (*project.table_roots(), tmp_path / "sql")
    run = run_source("taobao", source, tmp_path / "landing", tmp_path / "home", roots)
    run.ingest()
    # The rows of a leak look sound by themselves: only its recency would be below zero.
    leak = run.warehouse.tables["customer_features"]
    run.warehouse.tables["customer_features"] = leak.model_copy(update={"checks": []})
    run.materialize("events", "cut_offs", "customer_features")
    with pytest.raises(ChecksFailedError, match="n_changed_values"):
        run.materialize("leakage_check")
    assert not run.warehouse.manifest("leakage_check").pieces


def customer_features(name, **values):
    """Compute a customer table's features of one customer; what is not given is null."""
    pipeline = pipeline_of(name, shipped_source(name))
    columns = pipeline.tables["customers"].columns
    connection = duckdb.connect()
    described = ", ".join(f'"{column}" {said.type}' for column, said in columns.items())
    connection.execute(f"create table customers ({described})")
    marks = ", ".join("?" for _ in values)
    connection.execute(
        f"insert into customers ({', '.join(values)}) values ({marks})", list(values.values())
    )
    rows = connection.sql(pipeline.models["customer_features"].sql).pl()
    assert all(t.is_numeric() or t in (pl.Boolean, pl.String) for t in rows.dtypes), rows.schema
    return rows.row(0, named=True)


def test_one_click_months_are_compared():
    row = customer_features(
        "one_click",
        customer_id=1,
        revenue_before_previous_month=100,
        revenue_previous_month=300,
        revenue_current_month=600,
        minutes_previous_month=0,
        minutes_current_month=0,
    )
    assert row["revenue_change"] == pytest.approx(1 / 3)
    assert row["revenue_earlier_change"] == pytest.approx(1 / 2)
    assert row["revenue_against_earlier"] == pytest.approx(1 / 2)
    assert row["minutes_change"] == 0
    assert row["revenue_per_minute"] is row["label"] is None


def test_course_platform_times_become_numbers():
    row = customer_features(
        "course_platform",
        customer_id=1,
        first_order_time=dt.datetime(2020, 5, 10, 19, 30),
        login_day=4,
        login_time=10,
        login_diff_time=10,
        distance_day=30,
        learn_num=0,
        finish_num=2,
        add_friend=1,
        add_group=3,
        ppt=2,
        task=5,
    )
    assert (row["first_order_hour"], row["first_order_weekday"]) == (19, 7)
    assert (row["login_time_per_day"], row["login_rhythm"]) == (2.5, 0.75)
    assert (row["n_contacts"], row["n_page_views"], row["n_page_kinds"]) == (2, 7, 2)
    assert row["finished_share"] is None
    assert row["has_logged_in"]
