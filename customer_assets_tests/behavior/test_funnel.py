"""The funnel builder: its text for a plain funnel, what it refuses, ties and session actors."""

import datetime as dt
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_assets import sources
from customer_assets.behavior import funnel
from customer_assets.behavior.funnel import Condition, Exclusion, Funnel, FunnelError
from customer_assets_tests.conftest import add_succession
from customer_assets_tests.evidence.statement import sql_table

GOLDEN = Path(__file__).parent / "purchase_funnel.sql"
PURCHASE = sources.Funnel(steps=["pv", ["cart", "fav"], "buy"], window="7 days")


def of_types(*steps, **definition):
    predicates = tuple(
        (Condition("event_type", "=", (step,) if isinstance(step, str) else step),)
        for step in steps
    )
    return Funnel(predicates, **{"window": 10, "window_unit": "second", **definition})


def levels(definition, events, **options):
    """Return the level of each actor; events are (customer, second, type)."""
    with duckdb.connect() as connection:
        connection.execute(
            "create table events (customer_id bigint, event_ts bigint, event_date date, "
            "event_type varchar, session_id varchar)"
        )
        connection.executemany(
            "insert into events values (?, ?::bigint * 1000000, date '1970-01-01', ?, ?)",
            [(*event, None)[:4] for event in events],
        )
        sql = funnel.attempts_sql(definition, **options)
        return {row[0]: row[3] for row in connection.execute(sql).fetchall()}


def test_sql_of_the_purchase_funnel_is_as_recorded():
    # After a wanted change: write the text to the file and read the difference.
    assert funnel.entries_sql({"purchase": funnel.of_source(PURCHASE)}) + "\n" == GOLDEN.read_text()


def test_a_buy_and_a_view_in_one_second_convert():
    events = [(1, 5, "buy"), (1, 5, "pv")]
    assert levels(of_types("pv", "buy"), events) == {1: 2}
    assert levels(of_types("pv", "buy", dialect="strict_increase"), events) == {1: 1}
    earlier = [*events, (1, 4, "pv")]
    assert levels(of_types("pv", "buy", dialect="strict_increase"), earlier) == {1: 2}


def test_one_event_takes_one_step_also_at_one_instant():
    alternating = of_types("pv", "buy", "pv")
    assert levels(alternating, [(1, 5, "pv"), (1, 5, "buy")]) == {1: 2}
    assert levels(alternating, [(1, 5, "pv"), (1, 5, "buy"), (1, 5, "pv")]) == {1: 3}
    assert levels(of_types("pv", "pv", dialect="clickhouse"), [(1, 5, "pv")]) == {1: 2}


def test_steps_that_share_event_types_are_shared_out_as_well_as_can_be():
    overlapping = of_types(("cart", "fav"), "fav", ("cart", "fav"))
    assert levels(overlapping, [(1, 5, "fav"), (1, 5, "cart"), (1, 5, "cart")]) == {1: 3}
    assert levels(overlapping, [(1, 5, "cart"), (1, 5, "cart")]) == {1: 1}


def test_exclusive_window_and_unlimited_window():
    events = [(1, 0, "pv"), (1, 10, "buy")]
    assert levels(of_types("pv", "buy"), events) == {1: 2}
    assert levels(of_types("pv", "buy", window_inclusive=False), events) == {1: 1}
    late = [(1, 0, "pv"), (1, 10**6, "buy")]
    assert levels(of_types("pv", "buy", window=None, window_unit="none"), late) == {1: 2}


def test_strict_allows_nothing_between():
    strict = of_types("pv", "buy", dialect="strict")
    assert levels(strict, [(1, 0, "pv"), (1, 1, "share"), (1, 2, "buy")]) == {1: 1}
    assert levels(strict, [(1, 0, "pv"), (1, 2, "share"), (1, 2, "buy")]) == {1: 2}


@settings(max_examples=40)
@given(
    dialect=st.sampled_from(["ordered", "clickhouse"]),
    events=st.lists(
        st.tuples(
            st.just(1), st.integers(0, 12), st.sampled_from(["pv", "pv", "cart", "buy", "other"])
        ),
        max_size=12,
    ),
)
def test_events_that_succession_tells_to_be_idle_change_nothing(dialect, events):
    definition = of_types("pv", ("cart", "buy"), "buy", window=4, dialect=dialect)
    with duckdb.connect() as connection:
        connection.execute(
            "create table events as select unnest(cast(? as struct(customer_id bigint, "
            "second bigint, event_type varchar)[]), recursive := true)",
            [[dict(zip(("customer_id", "second", "event_type"), e, strict=True)) for e in events]],
        )
        connection.execute(
            "alter table events add column event_ts bigint; alter table events add column "
            "event_date date; update events set event_ts = second * 1000000, "
            "event_date = date '1970-01-01' + cast(second // 7 as integer)"
        )
        add_succession(connection)
        with_and_without = [
            connection.execute(funnel.attempts_sql(definition, has_succession=known)).fetchall()
            for known in (True, False)
        ]
    assert sorted(with_and_without[0]) == sorted(with_and_without[1])


def test_unordered_takes_distinct_steps_in_any_order():
    unordered = of_types("pv", "cart", "pv", dialect="unordered")
    assert levels(unordered, [(1, 0, "cart"), (1, 1, "pv")]) == {1: 2}
    assert levels(unordered, [(1, 0, "cart"), (1, 1, "pv"), (1, 10, "pv")]) == {1: 3}
    assert levels(unordered, [(1, 0, "cart"), (1, 1, "pv"), (1, 11, "pv")]) == {1: 2}


def test_exclusion_in_events_window():
    definition = of_types(
        "pv", "buy", window=3, window_unit="events",
        exclusions=(Exclusion((Condition("event_type", "=", ("bot",)),), 0, 1),),
    )  # fmt: skip
    events = [(1, 0, "pv"), (1, 1, "bot"), (1, 2, "buy"), (2, 0, "pv"), (2, 1, "x"), (2, 2, "buy")]
    assert levels(definition, events) == {2: 2}


def test_sessions_as_actors_do_not_convert_across():
    sessions = sources.Funnel(steps=["pv", "buy"], window="1 day", actor="session")
    with duckdb.connect() as connection:
        connection.execute(
            "create table events as select *, 1 as event_number from "
            "(values (1, 0, date '1970-01-01', 'pv'), "
            "(1, 9000000000, date '1970-01-01', 'buy')) as e "
            "(customer_id, event_ts, event_date, event_type)"
        )
        connection.execute(
            "create table sessions as select customer_id, event_date as session_date, "
            "event_ts as started_ts, event_ts as ended_ts from events"
        )
        sql = funnel.entries_sql({"f": funnel.of_source(sessions)})
        assert connection.execute(sql).fetchall() == [
            ("f", 1, 0, connection.execute("select date '1970-01-01'").fetchone()[0], None, 2,
             86_400_000_000, None, 1, [], [0, None])
        ]  # fmt: skip


def test_modes_judge_a_session_up_to_the_end_of_its_next_day():
    stated = {"steps": ["pv", "cart", "buy"], "window": "1 day", "dialect": "clickhouse"}
    with pytest.raises(FunnelError, match="session"):
        funnel.of_source(sources.Funnel(**stated, modes=["strict_order"]))
    definition = funnel.of_source(sources.Funnel(**stated, modes=["strict_order"], actor="session"))
    days = ("pv", 0), ("share", 0), ("cart", 0), ("pv", 1), ("cart", 1), ("buy", 2)
    with duckdb.connect() as connection:
        connection.execute(
            "create table sessions as select 1 as customer_id, date '1970-01-01' + n::integer as "
            "session_date, n * 100 as started_ts, n * 100 + 99 as ended_ts from range(3) r (n)"
        )
        connection.execute(
            "create table events (customer_id bigint, event_ts bigint, event_date date, "
            "event_type varchar, event_number bigint)"
        )
        connection.executemany(
            "insert into events select 1, ?, date '1970-01-01' + ?::integer, ?, 1",
            [(100 * (n // 3) + n, day, kind) for n, (kind, day) in enumerate(days)],
        )
        sql = funnel.entries_sql({"f": definition})
        found = connection.execute(f"select session_ts, entry_date::varchar, level from ({sql})")
        assert sorted(found.fetchall()) == [(0, "1970-01-01", 1), (100, "1970-01-02", 3)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"dialect": "mixpanel"},
        {"modes": frozenset({"strict_order"})},
        {"window_unit": "fortnight"},
        {"window": None},
        {"exclusions": (Exclusion((), 1, 1),)},
        {"breakdown": 'x" from secrets --'},
    ],
)
def test_a_wrong_definition_is_refused(wrong):
    with pytest.raises(FunnelError):
        of_types("pv", "buy", **wrong)


def test_allow_reentry_without_strict_order_has_no_effect():
    alone = sources.Funnel(steps=["pv", "buy"], window="1 day", dialect="clickhouse",
                           modes=["allow_reentry"])  # fmt: skip
    plain = alone.model_copy(update={"modes": []})
    assert funnel.of_source(alone) == funnel.of_source(plain)


def test_modes_cannot_be_cut_by_entry_day():
    with pytest.raises(FunnelError, match="entry day"):
        funnel.attempts_sql(of_types("pv", dialect="clickhouse", modes=frozenset({"strict_order"})))


def test_values_are_literals_and_columns_are_checked():
    quote = of_types("o'pv", "buy")
    assert levels(quote, [(1, 0, "o'pv"), (1, 1, "buy")]) == {1: 2}
    with pytest.raises(FunnelError, match="column"):
        Condition("event_type = 'x' or 1", "=", ("pv",))


DAY = 86_400


@pytest.mark.parametrize(
    ("stated", "wanted"),
    [
        # Customer 1 buys as the third event after the entry, 2 as the second, 3 a month later.
        ({"window": "2 events"}, {1: 1, 2: 2, 3: 1}),
        ({"window": "3 events"}, {1: 2, 2: 2, 3: 1}),
        ({"window": "3 events in 60 days"}, {1: 2, 2: 2, 3: 2}),
        ({"window": "3 events in 1 second"}, {1: 1, 2: 1, 3: 1}),
        ({"window": "3 events in 60 days", "dialect": "unordered"}, {1: 2, 2: 2, 3: 2}),
        ({"window": "3 events", "dialect": "unordered"}, {1: 2, 2: 2, 3: 1}),
        ({"window": "3 events", "dialect": "clickhouse"}, {1: 2, 2: 2, 3: 1}),
        ({"window": "3 events in 60 days", "exclusions": [{"event": "x"}]}, {2: 2, 3: 2}),
    ],
)
def test_a_window_in_events_counts_what_a_customer_did(stated, wanted):
    events = [(1, 0, "pv"), (1, 1, "x"), (1, 2, "x"), (1, 3, "buy"),
              (2, 0, "pv"), (2, 1, "pay"), (2, 2, "buy"),
              (3, 0, "pv"), (3, 31 * DAY, "buy")]  # fmt: skip
    definition = funnel.of_source(sources.Funnel(steps=["pv", "buy"], **stated))
    assert levels(definition, events) == wanted


def test_what_excludes_after_a_window_in_events_is_over_spoils_nothing():
    stated = sources.Funnel(
        steps=["pv", "buy"], window="9 events in 1 day", exclusions=[{"event": "x"}]
    )
    events = [(1, 0, "pv"), (1, 2 * DAY, "x"), (2, 0, "pv"), (2, DAY, "x")]
    assert levels(funnel.of_source(stated), events) == {1: 1}


@pytest.mark.parametrize("wrong", ["0 events", "5 events in 0 days", "5 events in", "5 clicks"])
def test_a_wrong_window_in_events_is_refused(wrong):
    with pytest.raises(ValueError, match="event"):
        sources.Funnel(steps=["pv", "buy"], window=wrong)


def test_modes_judge_no_window_in_events():
    stated = sources.Funnel(steps=["pv", "buy"], window="5 events", dialect="clickhouse",
                            modes=["strict_order"], actor="session")  # fmt: skip
    with pytest.raises(FunnelError, match="window in time"):
        funnel.of_source(stated)


def entries(stated, events):
    """Return level, times in seconds and what is held of each customer's entry.

    Events are (customer, second, type, item).
    """
    with duckdb.connect() as connection:
        connection.execute(
            "create table events (customer_id bigint, event_ts bigint, event_type varchar, "
            "item_id varchar, event_date date)"
        )
        connection.executemany(
            "insert into events values (?, ?::bigint * 1000000, ?, ?, date '1970-01-01')", events
        )
        add_succession(connection)
        sql = funnel.entries_sql({"f": funnel.of_source(sources.Funnel(**stated))})
        rows = connection.execute(f"select customer_id, level, reached_ts, held from ({sql})")
        return {
            who: (level, [ts if ts is None else ts // 1_000_000 for ts in times], held)
            for who, level, times, held in rows.fetchall()
        }


def test_what_a_funnel_holds_is_the_same_at_each_step():
    stated = {"steps": ["view", ["cart", "fav"], "buy"], "window": "1 day"}
    events = [
        # One who puts a cup in the cart and buys the mug; one who goes all the way with the mug
        # while looking at cups; and views that are of nothing.
        (1, 0, "view", "mug"), (1, 1, "view", "cup"), (1, 2, "cart", "cup"), (1, 3, "buy", "mug"),
        (2, 0, "view", "mug"), (2, 1, "view", "cup"), (2, 2, "fav", "mug"), (2, 9, "buy", "mug"),
        (3, 0, "view", None), (3, 1, "cart", None),
    ]  # fmt: skip
    assert entries(stated, events)[1] == (3, [1, 2, 3], None)
    assert entries(stated | {"hold": "item_id"}, events) == {
        1: (2, [1, 2, None], "cup"),
        2: (3, [0, 2, 9], "mug"),
    }


def test_an_optional_step_changes_nobody_s_conversion():
    stated = {
        "steps": ["view", "cart", {"event": "fav", "optional": True}, "buy"],
        "window": "1 minute",
        "hold": "item_id",
    }
    events = [
        (1, 0, "view", "a"), (1, 1, "cart", "a"), (1, 2, "buy", "a"), (1, 3, "fav", "a"),
        (2, 0, "view", "a"), (2, 1, "cart", "a"), (2, 2, "fav", "a"), (2, 3, "buy", "a"),
        (3, 0, "view", "a"), (3, 1, "fav", "a"), (3, 2, "buy", "a"),
        (4, 0, "view", "a"), (4, 1, "cart", "a"), (4, 2, "fav", "b"), (4, 70, "fav", "a"),
        (5, 0, "view", "a"), (5, 1, "cart", "a"), (5, 9, "fav", "a"),
    ]  # fmt: skip
    assert entries(stated, events) == {
        1: (4, [0, 1, None, 2], "a"),
        2: (4, [0, 1, 2, 3], "a"),
        3: (1, [0, None, None, None], "a"),
        4: (2, [0, 1, None, None], "a"),
        5: (3, [0, 1, 9, None], "a"),
    }


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"steps": ["a", {"event": "b", "optional": True}]}, "first and the last"),
        ({"steps": ["a", {"event": "a", "optional": True}, "b"]}, "another step too"),
        ({"steps": ["a", {"event": "c", "optional": "no"}, "b"]}, "true or false"),
        (
            {"steps": ["a", {"event": "c", "optional": True}, "b"], "dialect": "strict"},
            "no optional steps",
        ),
        (
            {
                "steps": ["a", {"event": "c", "optional": True}, "b"],
                "exclusions": [{"event": "x", "after_step": 2}],
            },
            "not optional",
        ),
    ],
)
def test_a_wrong_optional_step_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        funnel.of_source(sources.Funnel(**{"window": "1 day", **wrong}))


def test_times_are_those_of_kaplan_and_meier():
    """Half of the entries are followed for less than the window; customers enter alike."""
    random = np.random.default_rng(7)
    n, day = 600, 86_400
    start = random.integers(0, 20 * day, n)
    takes = np.where(random.random(n) < 0.5, random.exponential(2 * day, n).astype(int), 10**9)
    window, end = 7 * day, 20 * day
    spans = np.minimum(takes, np.minimum(window, end - start))
    reached = takes <= spans
    entries = pl.DataFrame(
        {
            "funnel": "f", "customer_id": np.arange(n) // 3, "session_ts": None,
            "entry_date": dt.date(2024, 1, 1), "breakdown": None, "n_steps": 2,
            "window_us": window * 1_000_000, "level": 1 + reached, "skipped_steps": [[]] * n,
            "reached_ts": [
                [int(s) * 10**6, int(s + t) * 10**6 if yes else None]
                for s, t, yes in zip(start, takes, reached, strict=True)
            ],
        },
        schema_overrides={"session_ts": pl.Int64, "breakdown": pl.String,
                          "skipped_steps": pl.List(pl.Int64)},
    )  # fmt: skip
    steps = pl.DataFrame({"funnel": "f", "step": [1, 2], "is_optional": False})
    bots = pl.DataFrame(schema={"customer_id": pl.Int64, "event_date": pl.Date,
                                "is_suspected_bot": pl.Boolean})  # fmt: skip
    rows = sql_table(
        "behavior/funnel_times",
        {"funnel_entries": entries, "funnel_steps": steps, "customer_day": bots},
        {"leaves_out_bots": False, "complete_until_ts": end * 10**6},
    ).sort("to_seconds")
    for row in rows.iter_rows(named=True):
        left = 1.0
        for at in sorted({int(t) for t in spans[reached] if t <= row["to_seconds"]}):
            left *= 1 - (reached & (spans == at)).sum() / (spans >= at).sum()
        assert row["reached_share"] == pytest.approx(1 - left)
        assert row["reached_share_low"] <= row["reached_share"] <= row["reached_share_high"]
    last = rows.row(-1, named=True)
    truth = 0.5 * (1 - np.exp(-3.5))
    assert last["reached_share_low"] < truth < last["reached_share_high"]
    # Who is not waited for any longer did not say no: the plain share is far too low.
    assert reached.mean() < last["reached_share_low"]
    assert rows["n_reached"].sum() == reached.sum()
    assert rows["n_open"].sum() == (~reached & (spans < window)).sum()
