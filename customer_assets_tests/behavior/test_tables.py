"""The tables of `sql/behavior`: rows in, rows out."""

import datetime as dt

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_assets.behavior.parameters import parameters
from customer_assets.settings import SQL_ROOT
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.quoting import literal
from customer_assets.warehouse.sql_model import load_macros, read_model
from customer_assets_tests.conftest import add_succession

D = [dt.date(2017, 11, 25) + dt.timedelta(days=n) for n in range(9)]
SOURCE = EventLogSource(
    files="*.csv",
    columns={"customer_id": "user_id", "event_at": "time"},
    timezone="Asia/Shanghai",
    first_day="2017-11-25",
    last_day="2017-12-03",
    view_event="pv",
    purchase_event="buy",
    funnels={"purchase": {"steps": ["pv", ["cart", "fav"], "buy"], "window": "2 days"}},
)


@pytest.fixture
def run():
    """Return a function that computes tables in order and returns the rows of the last."""
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        load_macros(connection)

        def run_models(*names, **changed):
            values = parameters(SOURCE, D[8]) | changed
            for name in names:
                model = read_model(SQL_ROOT / "behavior" / f"{name}.sql", "behavior")
                for parameter, column in model.parameters.items():
                    value = f"cast({literal(values[parameter])} as {column.type})"
                    connection.execute(f"set variable {parameter} = {value}")
                connection.execute(f"create or replace table {name} as {model.sql}")
            columns = connection.execute(f"from {names[-1]} limit 0").description
            rows = connection.execute(f"from {names[-1]} order by all").fetchall()
            return [dict(zip([c[0] for c in columns], row, strict=True)) for row in rows]

        run_models.connection = connection
        yield run_models


def put(run, *events):
    """Present events: (customer, day number, 'HH:MM[:SS]' business time, type[, item])."""
    run.connection.execute(
        "create or replace table events (customer_id bigint, event_at timestamp, event_type "
        "varchar, item_id bigint, value decimal(18, 4), event_date date, event_ts bigint)"
    )
    run.connection.executemany(
        "insert into events select ?, ?::date + ?::time, ?, ?, 1.5, null, null",
        [
            (who, D[0] + dt.timedelta(days=day), at, kind, *(item or [None]))
            for who, day, at, kind, *item in events
        ],
    )
    run.connection.execute(
        "update events set event_date = event_at::date, "
        "event_ts = epoch_us(event_at) - 8 * 3600000000"
    )
    add_succession(run.connection)


def pick(rows, *columns):
    return [tuple(row[column] for column in columns) for row in rows]


def test_the_example_of_the_definitions(run):
    """Late events at 01:10, then 01:35, extend a session over midnight and join the next."""
    events = [(1, 0, "23:45", "pv"), (1, 0, "23:58", "pv"), (1, 1, "00:20", "pv")]
    events += [(1, 1, "00:47", "pv"), (1, 1, "02:00", "pv")]
    columns = ("session_date", "n_events", "n_fragments")
    put(run, *events)
    rows = run("session_fragments", "sessions")
    assert pick(rows, *columns) == [(D[0], 4, 2), (D[1], 1, 1)]
    put(run, *events, (1, 1, "01:10", "pv"))
    assert pick(run("session_fragments", "sessions"), *columns) == [(D[0], 5, 2), (D[1], 1, 1)]
    put(run, *events, (1, 1, "01:10", "pv"), (1, 1, "01:35", "pv"))
    assert pick(run("session_fragments", "sessions"), *columns) == [(D[0], 7, 2)]


def test_an_equal_gap_stays_and_a_greater_one_splits(run):
    put(run, (1, 0, "10:00:00", "pv"), (1, 0, "10:30:00", "pv"), (1, 0, "11:00:01", "pv"))
    assert pick(run("session_fragments", "sessions"), "n_events") == [(2,), (1,)]


def test_sessions_may_end_at_midnight(run):
    put(run, (1, 0, "23:50", "pv"), (1, 1, "00:05", "buy"), (1, 1, "00:10", "buy"))
    tables = ("session_fragments", "sessions")
    assert pick(run(*tables, splits_at_midnight=True), "session_date", "n_events") == [
        (D[0], 1), (D[1], 2),
    ]  # fmt: skip
    starts = [row for row in run("daily_transitions", splits_at_midnight=True)
              if row["from_event"] == "(start)"]  # fmt: skip
    assert pick(starts, "event_date", "to_event") == [(D[0], "pv"), (D[1], "buy")]
    assert run("session_paths", splits_at_midnight=True) == []
    assert len(run("session_paths")) == 1


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"session_timeout": "0 seconds"}, "longer than nothing"),
        ({"session_timeout": "1 day"}, "a day or longer"),
        ({"horizon": "0 days"}, "longer than nothing"),
        ({"funnels": {"f": {"steps": ["pv"], "window": "0 days"}}}, "longer than nothing"),
    ],
)
def test_a_time_that_is_none_is_refused_where_it_is_stated(wrong, why):
    with pytest.raises(ValueError, match=why):
        EventLogSource.model_validate(SOURCE.model_dump(by_alias=True) | wrong)


def test_session_changes_say_what_became_of_a_session(run):
    put(run, (1, 0, "10:00", "pv"), (1, 0, "11:00", "pv"), (2, 0, "10:00", "pv"),
        (3, 0, "10:00", "pv"), (4, 0, "10:00", "pv"), (4, 0, "10:20", "pv"))  # fmt: skip
    run("session_fragments", "sessions")
    run.connection.execute("create table sessions_before as from sessions")
    put(run, (1, 0, "10:00", "pv"), (1, 0, "10:30", "pv"), (1, 0, "11:00", "pv"),
        (2, 0, "10:00", "pv"), (2, 0, "09:50", "pv"), (4, 0, "10:00", "pv"),
        (5, 0, "10:00", "pv"))  # fmt: skip
    run("session_fragments", "sessions")
    run.connection.execute("create table sessions_after as from sessions")
    assert pick(run("session_changes"), "customer_id", "change") == [
        (1, "joined"), (1, "joined"), (2, "extended"), (3, "ended"), (4, "shortened"), (5, "begun"),
    ]  # fmt: skip


def test_daily_traffic(run):
    put(run, (1, 0, "10:00", "pv"), (1, 0, "10:01", "buy"), (2, 0, "10:00", "pv"),
        (None, 0, "10:00", "pv"), (1, 1, "10:00", "pv"), (3, 1, "10:00", "pv"))  # fmt: skip
    rows = run("customer_day", "hourly_traffic", "session_fragments", "sessions", "first_seen",
               "daily_traffic")  # fmt: skip
    columns = ("event_date", "n_events", "n_page_views", "n_customers", "page_views_per_customer")
    assert pick(rows, *columns) == [(D[0], 4, 3, 2, 1.0), (D[1], 2, 2, 2, 1.0)]
    columns = ("n_sessions", "bounce_rate", "n_new_customers", "n_returning_customers")
    assert pick(rows, *columns) == [(2, 0.5, 2, 0), (2, 1.0, 1, 1)]
    # Wilson's interval of 1 in 2, by hand.
    assert rows[0]["bounce_rate_low"] == pytest.approx(0.09453, abs=1e-5)
    assert rows[0]["bounce_rate_high"] == pytest.approx(0.90547, abs=1e-5)


def test_customers_of_30_days_are_distinct_and_null_while_the_log_is_younger(run):
    days = [(1, 0), (1, 1), (1, 29), (1, 30), (3, 31), (2, 0), (2, 29)]
    put(run, *[(who, day, "10:00", "pv") for who, day in days])
    rows = run("customer_day", "hourly_traffic", "session_fragments", "sessions", "first_seen",
               "daily_traffic")  # fmt: skip
    columns = ("n_customers", "n_customers_30_days", "customers_per_30_days")
    assert pick(rows, *columns) == [
        (2, None, None), (1, None, None), (2, 2, 1.0), (1, 2, 0.5), (1, 3, 1 / 3),
    ]  # fmt: skip


def test_suspected_bots_are_listed_and_left_out_of_rates_on_request(run):
    put(run, *[(1, 0, f"10:{minute:02}", "pv") for minute in range(5)], (2, 0, "10:00", "pv"),
        (2, 1, "10:00", "pv"), (1, 1, "10:00", "pv"))  # fmt: skip
    tables = ("calendar", "customer_day", "hourly_traffic", "session_fragments", "sessions",
              "first_seen")  # fmt: skip
    run(*tables, bot_events_per_day=4)
    assert pick(run("suspected_bots"), "customer_id", "event_date", "n_events") == [(1, D[0], 5)]
    for leaves_out, customers, bounces, day_2 in ((False, 2, 0.5, (2, 2)), (True, 1, 1.0, (2, 1))):
        told = {"leaves_out_bots": leaves_out}
        (row, _) = run("daily_traffic", **told)
        assert (row["n_customers"], row["bounce_rate"]) == (customers, bounces)
        assert row["n_page_views"] == 6
        row = run("lifecycle", **told)[1]
        assert (row["n_active"], row["n_returning"]) == day_2
        cells = run("retention", **told)
        wanted = {"activity": "event", "period": "day", "cohort_mode": "recurring"}
        cell = retention_cells(cells, **wanted, measure="n_day")[D[0], 1]
        assert (cell["n_cohort_customers"], cell["n_retained_customers"]) == (customers, customers)
        assert run("retention_hourly", **told)[0]["n_cohort_customers"] == customers


def test_hourly_traffic_numbers_weekdays_from_monday(run):
    put(run, (1, 0, "23:59", "pv"), (2, 0, "23:00", "pv"), (2, 0, "23:01", "pv"))
    columns = ("weekday", "hour", "event_type", "n_events", "n_customers")
    assert pick(run("hourly_traffic"), *columns) == [(6, 23, "pv", 3, 2)]


def test_lifecycle_and_stickiness(run):
    put(run, (1, 0, "10:00", "pv"), (1, 1, "10:00", "pv"), (1, 3, "10:00", "pv"),
        (2, 1, "10:00", "pv"))  # fmt: skip
    rows = [row for row in run("calendar", "customer_day", "lifecycle") if row["period"] == "day"]
    columns = ("n_new", "n_returning", "n_resurrecting", "n_dormant")
    assert pick(rows, *columns)[:5] == [
        (1, 0, 0, 0), (1, 1, 0, 0), (0, 0, 0, 2), (0, 0, 1, 0), (0, 0, 0, 1),
    ]  # fmt: skip
    rows = [row for row in run("stickiness") if row["period"] == "day"]
    columns = ("n_active_intervals", "n_customers", "n_customers_at_least")
    assert pick(rows, *columns) == [(1, 1, 2), (3, 1, 1)]


def retention_cells(rows, **wanted):
    chosen = [row for row in rows if wanted.items() <= row.items()]
    return {(row["cohort_start"], row["from_interval"]): row for row in chosen}


def test_retention_measures_and_what_is_not_observable(run):
    put(run, (1, 0, "10:00", "pv"), (1, 3, "10:00", "pv"), (2, 0, "10:00", "pv"),
        (2, 8, "10:00", "buy"))  # fmt: skip
    rows = run("calendar", "customer_day", "first_seen", "retention")
    first = {"activity": "event", "period": "day", "cohort_mode": "first_ever"}
    n_day = retention_cells(rows, **first, measure="n_day")
    assert [n_day[D[0], k]["n_retained_customers"] for k in range(9)] == [2, 0, 0, 1, 0, 0, 0, 0, 1]
    unbounded = retention_cells(rows, **first, measure="unbounded")
    retained = [unbounded[D[0], k]["n_retained_customers"] for k in range(9)]
    assert retained == [2, 2, 2, 2, 1, 1, 1, 1, 1]
    bracket = retention_cells(rows, **first, measure="bracket")
    assert [bracket[D[0], k]["n_retained_customers"] for k in (1, 8)] == [1, 1]
    assert [bracket[D[0], k]["is_mature"] for k in (1, 8)] == [True, False]
    later = retention_cells(rows, **(first | {"cohort_mode": "recurring"}), measure="n_day")
    assert later[D[3], 5]["n_retained_customers"] == 0
    assert later[D[3], 5]["is_newest_complete"]
    assert later[D[3], 6]["n_retained_customers"] is None


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes=st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(0, 4 * 1440)), min_size=1))
def test_hours_after_the_first_event_equal_a_count_of_events(run, minutes):
    put(run, *[(who, at // 1440, f"{at // 60 % 24:02}:{at % 60:02}", "pv") for who, at in minutes])
    rows = run("customer_day", "session_fragments", "first_seen", "retention_hourly")
    first = {who: min(at for other, at in minutes if other == who) for who, _ in minutes}
    for row in rows:
        length, k = row["interval_hours"] * 60, row["from_interval"]
        cohort = {who: at for who, at in first.items() if D[at // 1440] == row["cohort_date"]}
        back = {who for who, at in minutes if who in cohort and (at - cohort[who]) // length == k}
        open_at = 9 * 1440
        begun = min(cohort.values()) + k * length < open_at
        assert row["n_retained_customers"] == (len(back) if begun else None)
        assert row["is_mature"] == (max(cohort.values()) + (k + 1) * length <= open_at)


def test_retention_of_purchases_by_first_purchase_and_by_first_event(run):
    put(run, (1, 0, "10:00", "pv"), (1, 1, "10:00", "buy"), (1, 2, "10:00", "buy"))
    rows = run("calendar", "customer_day", "first_seen", "retention")
    purchase = {"activity": "purchase", "period": "day", "measure": "n_day"}
    matching = retention_cells(rows, **purchase, cohort_mode="first_matching")
    assert [matching[D[1], k]["n_retained_customers"] for k in range(3)] == [1, 1, 0]
    ever = retention_cells(rows, **purchase, cohort_mode="first_ever")
    assert [ever[D[0], k]["n_retained_customers"] for k in range(3)] == [1, 1, 1]


def test_calendar_weeks_start_where_the_source_says(run):
    for week_start, start in (("monday", D[2]), ("sunday", D[1])):
        rows = run("calendar", week_start=week_start)
        assert {"week": start}.items() <= {
            row["period"]: row["interval_start"] for row in rows if row["calendar_date"] == D[5]
        }.items()


def test_transitions_count_starts_and_ends(run):
    put(run, (1, 0, "23:50", "pv"), (1, 1, "00:05", "buy"), (1, 1, "02:00", "pv"))
    columns = ("from_event", "to_event", "n_transitions")
    assert pick(run("daily_transitions", "transitions"), *columns) == [
        ("(start)", "pv", 2), ("buy", "(end)", 1), ("pv", "(end)", 1), ("pv", "buy", 1),
    ]  # fmt: skip


def test_paths_to_purchase_stop_at_the_first_one(run):
    put(run, (1, 0, "10:00", "pv", 7), (1, 0, "10:01", "fav", 7), (1, 0, "10:02", "buy", 7),
        (1, 0, "10:03", "cart", 7), (1, 1, "10:00", "buy", 7), (2, 0, "10:00", "buy", 7),
        (2, 0, "10:00", "pv", 7), (2, 0, "10:00", "pv", 8), (3, 0, "10:00", "pv", 9),
        (3, 8, "10:00", "buy", 9))  # fmt: skip
    columns = ("path", "n_item_purchases", "rank")
    assert pick(run("daily_paths", "paths"), *columns) == [
        ("buy", 1, 1), ("pv > buy", 1, 2), ("pv > fav > buy", 1, 3),
    ]  # fmt: skip


def test_event_ratios_are_of_rows(run):
    put(run, (1, 0, "10:00", "pv"), (1, 0, "10:01", "pv"), (1, 0, "10:02", "cart"),
        (1, 0, "10:03", "fav"), (1, 0, "10:04", "fav"))  # fmt: skip
    rows = run("hourly_traffic", "event_ratios")
    ratios = {(row["numerator_events"], row["denominator_events"]): row["ratio"] for row in rows}
    assert ratios["cart+fav", "pv"] == 1.5
    assert ratios["cart", "pv"] == 0.5


def test_a_table_over_several_days_is_the_union_over_each(run):
    put(run, (1, 0, "23:50", "pv"), (1, 1, "00:05", "cart"), (1, 1, "00:10", "buy"),
        (1, 1, "23:59", "pv"), (2, 2, "00:01", "pv"), (1, 2, "00:01", "fav"))  # fmt: skip
    run.connection.execute("create table all_events as from events")
    for name, day in (("session_fragments", "event_date"), ("customer_day", "event_date"),
                      ("hourly_traffic", "event_date"), ("daily_transitions", "event_date"),
                      ("session_paths", "session_date")):  # fmt: skip
        run.connection.execute("create or replace table events as from all_events")
        whole = run(name)
        parts = []
        for wanted in D[:3]:
            run.connection.execute(
                "create or replace table events as from all_events where event_date between "
                "?::date - 1 and ?::date + 1", [wanted, wanted],
            )  # fmt: skip
            parts += [row for row in run(name) if row[day] == wanted]
        assert sorted(map(repr, parts)) == sorted(map(repr, whole)), name


def test_the_same_events_under_several_definitions(run):
    put(run, (1, 0, "10:00", "buy"), (1, 0, "10:20", "buy"), (1, 0, "11:00", "pv"),
        (2, 1, "07:00", "pv"))  # fmt: skip
    run.connection.execute("alter table events add column n_copies bigint default 2")
    run.connection.execute("alter table events add column occurrence bigint default 1")
    counts = {
        (row["event_date"], row["measure"], row["definition"]): row["n"]
        for row in run(
            "customer_day", "hourly_traffic", "daily_transitions", "definition_sensitivity"
        )
    }
    minutes = ("15 minutes", "30 minutes", "60 minutes")
    assert [counts[D[0], "sessions", timeout] for timeout in minutes] == [3, 2, 1]
    assert counts[D[0], "events", "business day"] == 3
    assert counts[D[0], "events", "UTC day"] == 4
    assert counts[D[0], "rows", "duplicates kept"] == 6
    assert counts[D[0], "purchases", "distinct customers"] == 1
