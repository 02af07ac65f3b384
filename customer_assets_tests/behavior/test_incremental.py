"""Random histories: what is computed day by day equals the oracle's whole history.

Files land late, twice, or are withdrawn; days are first computed in random order; afterwards
only what a change touches is computed again. CUSTOMER_ASSETS_EXAMPLES says how many histories.
"""

import datetime as dt
import os
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_assets.behavior import funnel, oracle, windows
from customer_assets.behavior.succession import with_succession
from customer_assets.settings import SQL_ROOT
from customer_assets.warehouse.sql_model import read_model

TIMEOUT_US = 1_800_000_000
# Each with a day of 23 and one of 25 hours close to its start.
STARTS = {
    "Europe/London": [dt.date(2017, 3, 24), dt.date(2017, 10, 27)],
    "America/New_York": [dt.date(2018, 3, 9), dt.date(2017, 11, 3)],
    "Asia/Shanghai": [dt.date(2017, 11, 25)],
}
N_DAYS = 4
SESSIONS = read_model(SQL_ROOT / "behavior" / "sessions.sql", "behavior")
STEPS = [("pv",), ("cart", "fav"), ("buy",)]
REPEATED = [("pv",), ("buy",), ("pv",)]
TWICE = [("pv",), ("pv",), ("buy",)]
OVERLAPPING = [("pv", "cart"), ("cart", "buy"), ("pv", "cart")]
BY_FAVOURITE = [("pv",), ("cart",), ("fav",), ("other",), ("buy",)]
OVERLAPPING_BY_FAVOURITE = [("pv", "cart"), ("fav",), ("cart", "buy")]
# Steps, and which of them are optional.
FUNNELS = [
    (STEPS, ()),
    (REPEATED, ()),
    (TWICE, ()),
    (OVERLAPPING, ()),
    (BY_FAVOURITE, (3, 4)),
    (OVERLAPPING_BY_FAVOURITE, (2,)),
]


@st.composite
def moments(draw, start, zone):
    """A time within the days, often at a midnight or exactly a timeout from one."""
    midnight = dt.datetime.combine(
        start + dt.timedelta(days=draw(st.integers(0, N_DAYS))), dt.time(), ZoneInfo(zone)
    )
    second = int(midnight.timestamp())
    near = st.sampled_from([-3601, -1801, -1800, -1, 0, 0, 1, 1799, 1800, 1801, 3600, 5400, 7200])
    steps = st.integers(-47, 47).map(lambda half_hours: half_hours * 1800)
    return second + draw(st.one_of(near, steps, st.integers(-86_400, 86_400)))


@st.composite
def files(draw, start, zone):
    """Some events: single ones, ties, and chains that run over several midnights."""
    customer = st.sampled_from([1, 2])
    kind = st.sampled_from(["pv", "pv", "cart", "fav", "buy", "other"])
    item = st.sampled_from([7, 7, 8, None])
    events = draw(st.lists(st.tuples(customer, moments(start, zone), kind, item), max_size=12))
    if draw(st.booleans()):
        who, first = draw(customer), draw(moments(start, zone))
        gap = draw(st.sampled_from([1500, 1800]))
        events += [(who, first + n * gap, "pv", 7) for n in range(draw(st.integers(40, 120)))]
    return events


@st.composite
def histories(draw):
    zone = draw(st.sampled_from(sorted(STARTS)))
    start = draw(st.sampled_from(STARTS[zone]))
    landed = [draw(files(start, zone)) for _ in range(draw(st.integers(1, 4)))]
    late = draw(st.lists(files(start, zone), max_size=2))
    duplicates = draw(st.lists(st.integers(0, len(landed) - 1), max_size=1))
    withdrawn = draw(st.sets(st.integers(0, len(landed) - 1), max_size=1))
    backfill = draw(st.permutations(range(-2, N_DAYS + 5)))
    changes = [("land", file) for file in late] + [("land", landed[n]) for n in duplicates]
    changes += [("withdraw", landed[n]) for n in withdrawn]
    steps = draw(st.sampled_from(FUNNELS))
    hold = draw(st.sampled_from([None, "item_id"]))
    window = draw(st.sampled_from([1800, 86_400, 2 * 86_400, 90_000]))
    splits = draw(st.sampled_from([False, False, True]))
    return (
        zone,
        start,
        landed,
        draw(st.permutations(changes)),
        backfill,
        (*steps, hold),
        window,
        splits,
    )


class Warehouse:
    """The tables of the engine, each day of which is replaced as a whole."""

    def __init__(self, connection, zone, steps, window):
        self.connection, self.zone, self.window = connection, zone, window
        types, optional, hold = steps
        predicates = tuple((funnel.Condition("event_type", "=", each),) for each in types)
        skipped = frozenset(number - 1 for number in optional)
        definition = funnel.Funnel(predicates, window, "second", optional=skipped, hold=hold)
        self.sql = {
            "session_fragments": model_sql("session_fragments"),
            "sessions": model_sql("sessions"),
            "funnel_entries": funnel.entries_sql({"f": definition}),
        }
        for table in ("all_events", *self.sql):
            connection.execute(f"drop table if exists state_{table}")
        connection.execute(
            "create table state_all_events (customer_id bigint, event_ts bigint, event_at "
            "timestamp, event_date date, event_type varchar, item_id bigint, value decimal(18, 4))"
        )
        self.view("events", "all_events", dt.date(1, 1, 1), dt.date(1, 1, 1))
        for table, day in (("session_fragments", "event_date"), ("funnel_entries", "entry_date")):
            self.create(table)
            self.connection.execute(f"alter table state_{table} rename {day} to day")
        self.view("session_fragments", "session_fragments", dt.date(1, 1, 1), dt.date(1, 1, 1))
        self.create("sessions")
        self.connection.execute("alter table state_sessions rename session_date to day")

    def create(self, table):
        self.connection.execute(f"create table state_{table} as {self.sql[table]} limit 0")

    def view(self, name, table, first, last):
        day = "event_date" if table == "all_events" else "day as event_date"
        where = "event_date" if table == "all_events" else "day"
        exclude = "event_date" if table == "all_events" else "day"
        rows = (
            f"select * exclude ({exclude}), {day} "
            f"from state_{table} where {where} between date '{first}' and date '{last}'"
        )
        if name == "events":
            rows = with_succession(rows, ("event_ts", "event_type", "item_id"))
        self.connection.execute(f"create or replace temp view {name} as {rows}")

    def replace(self, table, days):
        day = {"sessions": "session_date", "funnel_entries": "entry_date"}.get(table, "event_date")
        wanted = ", ".join(f"date '{d}'" for d in days)
        self.connection.execute(f"delete from state_{table} where day in ({wanted})")
        self.connection.execute(
            f"insert into state_{table} by name select * exclude ({day}), {day} as day "
            f"from ({self.sql[table]}) where {day} in ({wanted})"
        )

    def fragment_days(self, day):
        """The days of fragments that the sessions of a day are computed from."""
        hint = SESSIONS.neighbours["session_fragments"]
        back, ahead = hint.days
        last = day + dt.timedelta(days=ahead)
        while self.connection.execute(
            f"select 1 from state_session_fragments where day = ? and {hint.further_while}", [last]
        ).fetchone():
            last += dt.timedelta(days=1)
        return each_day(day + dt.timedelta(days=back), last)

    def compute_fragments(self, day):
        self.view("events", "all_events", day, day)
        self.replace("session_fragments", [day])

    def compute_sessions(self, days):
        for first, last in runs(days):
            first_read, last_read = self.fragment_days(first)[0], self.fragment_days(last)[-1]
            self.view("session_fragments", "session_fragments", first_read, last_read)
            self.replace("sessions", each_day(first, last))

    def compute_entries(self, days):
        for first, last in runs(days):
            last_read = self.window_end_day(last)
            self.view("events", "all_events", first, last_read)
            self.replace("funnel_entries", each_day(first, last))

    def deliver(self, kind, events):
        """Land or withdraw a file: the days it touches are computed again, and no others."""
        rows = [as_row(event, self.zone) for event in events]
        days = {row[3] for row in rows}
        if kind == "land":
            land(self.connection, rows)
        else:
            withdraw(self.connection, rows)
        for day in days:
            self.compute_fragments(day)
        around = {day + dt.timedelta(days=n) for day in days for n in range(-N_DAYS - 4, 2)}
        self.compute_sessions({d for d in around if not days.isdisjoint(self.fragment_days(d))})
        self.compute_entries(
            {
                entry_day
                for entry_day in around
                if any(entry_day <= day <= self.window_end_day(entry_day) for day in days)
            }
        )

    def window_end_day(self, entry_day):
        return windows.window_end_day(entry_day, self.window, self.zone)


def model_sql(name):
    return read_model(SQL_ROOT / "behavior" / f"{name}.sql", "behavior").sql


def as_row(event, zone):
    customer_id, second, event_type, item_id = event
    at = dt.datetime.fromtimestamp(second, ZoneInfo(zone)).replace(tzinfo=None)
    return customer_id, second * 1_000_000, at, at.date(), event_type, item_id


def land(connection, rows):
    """An event that was delivered before is the same event."""
    if rows:
        connection.executemany("insert into state_all_events values (?, ?, ?, ?, ?, ?, 1.5)", rows)
        connection.execute(
            "create or replace table state_all_events as select distinct * from state_all_events"
        )


def withdraw(connection, rows):
    if rows:
        connection.executemany(
            "delete from state_all_events where customer_id = ? and event_ts = ? and event_at = ? "
            "and event_date = ? and event_type = ? and item_id is not distinct from ?",
            rows,
        )


def each_day(first, last):
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def runs(days):
    """Split days into runs of successive ones."""
    found = []
    for day in sorted(days):
        if found and day - found[-1][1] == dt.timedelta(days=1):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


@pytest.fixture(scope="module")
def engine():
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.execute(f"set variable session_timeout_us = {TIMEOUT_US}::bigint")
        connection.execute("set variable purchase_event = 'buy'")
        connection.execute("set variable view_event = 'pv'")
        connection.execute("set variable splits_at_midnight = false")
        yield connection


@settings(
    max_examples=int(os.environ.get("CUSTOMER_ASSETS_EXAMPLES", "8")),
    suppress_health_check=list(HealthCheck),
)
@given(history=histories())
def test_incremental_equals_the_whole_history(engine, history):
    zone, start, landed, changes, backfill, steps, window, splits = history
    engine.execute(f"set variable splits_at_midnight = {splits}")
    warehouse = Warehouse(engine, zone, steps, window)
    for file in landed:
        land(engine, [as_row(event, zone) for event in file])
    days = [start + dt.timedelta(days=n) for n in backfill]
    for day in days:
        warehouse.compute_fragments(day)
    for some in (days[::2], days[1::2]):
        warehouse.compute_entries(some)
        warehouse.compute_sessions(some)
    for kind, file in changes:
        warehouse.deliver(kind, file)

    rows = engine.execute(
        "select customer_id, event_ts, event_date, event_type, item_id from state_all_events"
    ).fetchall()
    events = [oracle.Event(*row[:4], values={"item_id": row[4]}) for row in rows]
    assert engine.execute(
        "select customer_id, started_ts, ended_ts, day, n_events from state_sessions order by all"
    ).fetchall() == [tuple(vars(s).values()) for s in oracle.sessions(events, TIMEOUT_US, splits)]
    entries = engine.execute(
        "select customer_id, day, reached_ts[1:level], held, skipped_steps "
        "from state_funnel_entries order by all"
    ).fetchall()
    types, optional, hold = steps
    wanted = oracle.funnel_entries(events, types, window * 1_000_000, optional=optional, hold=hold)
    assert [(who, day, tuple(reached), held) for who, day, reached, held, _ in entries] == [
        (e.customer_id, e.entry_date, e.reached_ts, None if e.held is None else str(e.held))
        for e in wanted
    ]
    assert [skipped for *_, skipped in entries] == [
        [number for number in optional if number <= len(e.reached_ts)
         and e.reached_ts[number - 1] is None]
        for e in wanted
    ]  # fmt: skip
