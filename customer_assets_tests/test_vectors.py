"""Other systems' own test cases, answered through the SQL that the assets run.

The folder is named by CUSTOMER_ASSETS_VECTORS, by default `../shared/vectors` beside the
checkout; its README.md is the form. What the form does not know fails: a kind, field, operator
or semantics outside it is an error here and never a skipped case.
"""

import datetime as dt
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from customer_assets.behavior import cohorts, funnel
from customer_assets.settings import PROJECT_ROOT, SQL_ROOT
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.sql_model import load_macros, read_model
from customer_assets_tests.conftest import add_succession

FOLDER = Path(
    os.environ.get("CUSTOMER_ASSETS_VECTORS") or PROJECT_ROOT.parent / "shared" / "vectors"
)
Case = Mapping[str, Any]

# Fields that say where a case is from, or repeat in words what others say.
PROVENANCE = {"id", "source", "notes", "tier", "definition", "known_upstream_limit"}


class UnknownFormError(AssertionError):
    """A case that the form in README.md does not describe."""


def demand_known(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    if unknown := set(given) - set(known) - PROVENANCE:
        raise UnknownFormError(f"{what}: {', '.join(sorted(unknown))} is not in the form")


def load(name: str, kinds: Iterable[str]) -> list[tuple[str, Case]]:
    path = FOLDER / name
    if not path.exists():
        return []
    document = json.loads(path.read_text())
    demand_known(name, document, {"about", *kinds})
    return [(kind, case) for kind in kinds for case in document.get(kind, [])]


FILES = {
    "funnel_cases.json": ("cases",),
    "retention_cases.json": ("matrices",),
    "behaviour_cases.json": ("lifecycle", "stickiness", "paths", "transitions", "sessions"),
}
if FOLDER.is_dir():
    demand_known(str(FOLDER), (path.name for path in FOLDER.glob("*.json")), FILES)
TESTS = {
    "cases": "test_funnel",
    "matrices": "test_retention",
    "lifecycle": "test_lifecycle",
    "stickiness": "test_stickiness",
    "paths": "test_paths",
    "transitions": "test_transitions",
    "sessions": "test_sessions",
}
CASES = [case for name, kinds in FILES.items() for case in load(name, kinds)]


def of_kind(kind: str) -> pytest.MarkDecorator:
    cases = [case for found, case in CASES if found == kind]
    if not cases:
        reason = f"no {kind} under {FOLDER}: set CUSTOMER_ASSETS_VECTORS"
        return pytest.mark.parametrize("case", [pytest.param(None, marks=pytest.mark.skip(reason))])
    return pytest.mark.parametrize("case", cases, ids=lambda case: case["id"])


def summary(passed: Sequence[str]) -> Iterator[str]:
    """Yield how many cases of which kind were read and answered, by the tests that passed."""
    for kind, test in TESTS.items():
        n_read = sum(found == kind for found, _ in CASES)
        n_passed = sum(f"test_vectors.py::{test}[" in nodeid for nodeid in passed)
        yield f"vectors: {kind}: {n_passed} of {n_read} passed"


@pytest.fixture
def connection() -> Iterable[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        load_macros(connection)
        yield connection


def stamp(text: str | int) -> int:
    """Return epoch microseconds of a text, UTC where it names no zone; a number as it is."""
    if isinstance(text, int):
        return text
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return int((moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) / dt.timedelta(microseconds=1))


def business_time(event_ts: int, zone: str) -> dt.datetime:
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=event_ts)
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def put_events(
    connection: duckdb.DuckDBPyConnection, events: list[Case], zone: str = "UTC"
) -> None:
    """Present a case's events as the table `events`: `user` and `event` under our names."""
    attributes = sorted({key for event in events for key in event} - {"user", "ts", "event"})
    kinds = {"event": "event_type", **{name: name for name in attributes}}
    columns = {"customer_id": "varchar", "event_ts": "bigint", "event_at": "timestamp"}
    columns |= {"event_date": "date", "sequence": "bigint"}
    for name, column in kinds.items():
        values = [event.get(name) for event in events if event.get(name) is not None]
        whole = bool(values) and all(isinstance(value, int) for value in values)
        columns[column] = "bigint" if whole else "varchar"
    described = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
    connection.execute(f"create or replace table events ({described}, value decimal(18, 4))")
    rows = []
    for sequence, event in enumerate(events):
        event_ts = stamp(event["ts"])
        # Numbers are in a unit of their own and may lie beyond any calendar.
        number = isinstance(event["ts"], int)
        at = dt.datetime(1970, 1, 1) if number else business_time(event_ts, zone)
        own = [event.get(name) for name in kinds]
        rows.append([event["user"], event_ts, at, at.date(), sequence, *own, None])
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"insert into events values ({marks})", rows)


def run_model(
    connection: duckdb.DuckDBPyConnection, name: str, **parameters: Any
) -> list[dict[str, Any]]:
    """Run `sql/behavior/<name>.sql`, keep its result as the table of that name, return it."""
    model = read_model(SQL_ROOT / "behavior" / f"{name}.sql", "behavior")
    # What the form does not know is off, as it is by default.
    told = {"bot_events_per_day": None, "leaves_out_bots": False, "splits_at_midnight": False}
    for parameter, column in model.parameters.items():
        value = literal((told | parameters)[parameter])
        connection.execute(f"set variable {parameter} = cast({value} as {column.type})")
    connection.execute(f"create or replace table {name} as {model.sql}")
    return rows_of(connection, f"select * from {name}")


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    result = connection.execute(sql)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


# -- funnels ----------------------------------------------------------------------------------

FUNNEL_FIELDS = {
    "semantics", "modes", "steps", "window", "window_unit", "window_inclusive", "exclusions",
    "actor", "breakdown", "timezones", "events", "expected",
}  # fmt: skip
FUNNEL_EXPECTED = {
    "level_by_user", "empty_total", "step_counts", "users_by_step", "share_of_all_paths",
    "share_of_previous_step", "avg_seconds_from_previous", "median_seconds_from_previous",
    "step_counts_by_segment", "share_of_previous_step_by_segment",
}  # fmt: skip


def predicate(step: Case) -> funnel.Predicate:
    if "and" in step:
        demand_known("step", step, {"and"})
        return tuple(condition for part in step["and"] for condition in predicate(part))
    demand_known("step", step, {"col", "op", "value"})
    if step["op"] == "=" and step["value"] == "*":
        return ()
    if step["op"] not in ("=", ">=", "<=", "is null"):
        raise UnknownFormError(f"operator {step['op']!r} is not in the form")
    column = "event_type" if step["col"] == "event" else step["col"]
    values = () if step["op"] == "is null" else (step["value"],)
    return (funnel.Condition(column, step["op"], values),)


def definition(case: Case) -> funnel.Funnel:
    if case["semantics"] not in funnel.DIALECT_OF:
        raise UnknownFormError(f"semantics {case['semantics']!r} is not in the form")
    if case.get("actor", "user") not in ("user", "session"):
        raise UnknownFormError(f"actor {case['actor']!r} is not in the form")
    exclusions = []
    for exclusion in case.get("exclusions") or []:
        demand_known("exclusion", exclusion, {"event", "from_step", "to_step"})
        spoils = (funnel.Condition("event_type", "=", (exclusion["event"],)),)
        exclusions.append(funnel.Exclusion(spoils, exclusion["from_step"], exclusion["to_step"]))
    return funnel.Funnel(
        steps=tuple(predicate(step) for step in case["steps"]),
        window=case.get("window"),
        window_unit=case["window_unit"],
        window_inclusive=case.get("window_inclusive", True),
        dialect=funnel.DIALECT_OF[case["semantics"]],  # type: ignore[arg-type]
        modes=frozenset(case.get("modes") or []),
        exclusions=tuple(exclusions),
        breakdown="breakdown" if case.get("breakdown") else None,
    )


def funnel_report(
    connection: duckdb.DuckDBPyConnection, case: Case, actor: str, by_day: bool = False
) -> list[dict[str, Any]]:
    """Compute `funnel_entries` of all history, then `funnel` from it; return the latter."""
    asked = definition(case)
    numbers = any(isinstance(event["ts"], int) for event in case["events"])
    ordered = case["semantics"] == "ordered_one_event_per_step"
    sql = funnel.attempts_sql(
        asked,
        by_day=by_day,
        actor=(actor,),
        instant=("event_ts", "sequence") if ordered else ("event_ts",),
        ticks_per_unit=1 if numbers else None,
    )
    connection.execute(f"create or replace table attempts as {sql}")
    reached = ", ".join(f"step_{k}_ts" for k in range(1, len(asked.steps) + 1))
    connection.execute(
        f"create or replace table funnel_entries as select 'case' as funnel, {actor} as "
        "customer_id, null::bigint as session_ts, "
        "coalesce(entry_date, date '1970-01-01') as entry_date, breakdown::varchar as breakdown, "
        f"{len(asked.steps)} as n_steps, null::bigint as window_us, level, []::bigint[] as "
        f"skipped_steps, [{reached}] as reached_ts from attempts"
    )
    steps = funnel.steps_sql({"case": asked}, {"case": [str(step) for step in asked.steps]})
    connection.execute(f"create or replace table funnel_steps as {steps}")
    connection.execute(
        f"create or replace table customer_day as "
        f"select distinct {actor} as customer_id, date '1970-01-01' as event_date, "
        "false as is_suspected_bot from events"
    )
    connection.execute(
        "create or replace table funnel_active as select 'case' as funnel, event_date, "
        "null::varchar as breakdown, count(*) as n_active from customer_day group by event_date"
    )
    return run_model(connection, "funnel", last_complete_day="1970-01-01", short_days=[])


def per_step(rows: list[dict[str, Any]], column: str, n_steps: int, empty: Any) -> list[Any]:
    values = {row["step"]: row[column] for row in rows}
    return [values.get(step, empty) for step in range(1, n_steps + 1)]


def check_funnel(connection: duckdb.DuckDBPyConnection, case: Case, zone: str) -> None:
    expected = case["expected"]
    n_steps = len(case["steps"])
    actor = "session" if case.get("actor") == "session" else "customer_id"
    put_events(connection, case["events"], zone)
    connection.execute("alter table events add column breakdown varchar")
    rows = funnel_report(connection, case, actor)
    levels = dict(connection.execute(f"select {actor}, level from attempts").fetchall())
    if "empty_total" in expected:
        assert rows == []
        assert levels == {}
    if "level_by_user" in expected:
        users = {str(event["user"]) for event in case["events"]}
        assert {user: levels.get(user, 0) for user in users} == expected["level_by_user"]
    if "step_counts" in expected:
        assert per_step(rows, "n_reached", n_steps, 0) == expected["step_counts"]
    if "users_by_step" in expected:
        reached = [
            sorted(user for user, level in levels.items() if level >= step)
            for step in range(1, n_steps + 1)
        ]
        assert reached == [sorted(users) for users in expected["users_by_step"]]
    if "share_of_all_paths" in expected:
        shares = per_step(rows, "share_of_active", n_steps, 0.0)
        assert shares == pytest.approx(expected["share_of_all_paths"])
    if "share_of_previous_step" in expected:
        assert shares_of_previous(connection, rows, actor, n_steps) == pytest.approx(
            expected["share_of_previous_step"]
        )
    for measure in ("avg", "median"):
        if f"{measure}_seconds_from_previous" in expected:
            column = f"{'mean' if measure == 'avg' else measure}_seconds_from_previous"
            wanted = expected[f"{measure}_seconds_from_previous"]
            assert per_step(rows, column, len(wanted), None) == pytest.approx(wanted)
    for name in ("step_counts_by_segment", "share_of_previous_step_by_segment"):
        for segment, wanted in expected.get(name, {}).items():
            own = segment_report(connection, case, actor, segment, expected[name])
            if name == "step_counts_by_segment":
                assert per_step(own, "n_reached", n_steps, 0) == wanted
            else:
                assert shares_of_previous(connection, own, actor, n_steps) == pytest.approx(wanted)
    if not case.get("modes"):
        check_entry_days(connection, case, actor, levels)


def shares_of_previous(
    connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]], actor: str, n_steps: int
) -> list[float]:
    """The first share is of all paths there; 0/0, null in ours, is 0.0 there."""
    shares = per_step(rows, "conversion_from_previous", n_steps, None)
    shares[0] = per_step(rows, "share_of_active", 1, 0.0)[0]
    return [share or 0.0 for share in shares]


def segment_report(
    connection: duckdb.DuckDBPyConnection,
    case: Case,
    actor: str,
    segment: str,
    segments: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """The funnel of one value of the breakdown, `REST` being all that are not named."""
    named = ", ".join(literal(name) for name in segments if name != "REST")
    value = quoted(case["breakdown"])
    connection.execute(
        f"update events set breakdown = case when {value} in ({named}) then {value} else 'REST' end"
    )
    rows = funnel_report(connection, case, actor)
    return [row for row in rows if row["breakdown"] == segment]


def check_entry_days(
    connection: duckdb.DuckDBPyConnection, case: Case, actor: str, levels: dict[str, int]
) -> None:
    """The deepest of an actor's entry days is the actor's best attempt."""
    funnel_report(connection, case, actor, by_day=True)
    by_day = connection.execute(f"select {actor}, max(level) from attempts group by 1").fetchall()
    assert dict(by_day) == levels


@of_kind("cases")
def test_funnel(connection: duckdb.DuckDBPyConnection, case: Case) -> None:
    demand_known("funnel case", case, FUNNEL_FIELDS)
    demand_known("expected", case["expected"], FUNNEL_EXPECTED)
    for zone in case.get("timezones") or ["UTC"]:
        check_funnel(connection, case, zone)


# -- retention --------------------------------------------------------------------------------

RETENTION_FIELDS = {
    "period", "week_start", "timezone", "first_interval_start", "intervals", "cohort_mode",
    "target_event", "return_event", "unbounded", "min_occurrences", "target_filter",
    "return_filter", "global_filter", "breakdown", "breakdown_on", "events", "expected",
}  # fmt: skip
PERIODS = ("hour", "day", "week", "month")
EPOCH = dt.date(1970, 1, 1)


def interval_of(moment: dt.datetime, period: str) -> dt.date:
    """The day that an event belongs to; hours are numbered as if each were a day."""
    if period != "hour":
        return moment.date()
    return EPOCH + (moment - dt.datetime(1970, 1, 1)) // dt.timedelta(hours=1) * dt.timedelta(1)


def local_time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def asked_period(case: Case) -> str:
    """The period that our tables know: numbered hours are days."""
    if case["period"] not in PERIODS:
        raise UnknownFormError(f"period {case['period']!r} is not in the form")
    return "day" if case["period"] == "hour" else str(case["period"])


def week_start(case: Case) -> str:
    """Where a case of weeks names no start, its system's own default holds."""
    return case.get("week_start") or "sunday"


def put_dated_events(connection: duckdb.DuckDBPyConnection, case: Case, zone: str) -> None:
    put_events(connection, case["events"], zone)
    if case["period"] == "hour":
        connection.execute(
            "update events set event_date = date '1970-01-01' "
            "+ (epoch_us(event_at) // 3600000000)::integer"
        )


def put_calendar(
    connection: duckdb.DuckDBPyConnection, case: Case, first: dt.date, last: dt.date
) -> list[dt.date]:
    """Build `calendar` from first to last; return the starts of the case's intervals."""
    run_model(
        connection,
        "calendar",
        first_day=first,
        last_complete_day=last,
        week_start=week_start(case),
    )
    starts = connection.execute(
        "select distinct interval_start from calendar where period = ? order by 1",
        [asked_period(case)],
    )
    return [start for (start,) in starts.fetchall()]


def last_day_of(case: Case, first: dt.date) -> dt.date:
    """The last day of a case's last interval."""
    n = case["intervals"]
    if case["period"] == "week":
        shift = 0 if week_start(case) == "monday" else 1
        start = first - dt.timedelta((first.weekday() + shift) % 7)
        return start + dt.timedelta(7 * n - 1)
    if case["period"] == "month":
        months = first.year * 12 + first.month - 1 + n
        return dt.date(months // 12, months % 12 + 1, 1) - dt.timedelta(1)
    return first + dt.timedelta(n - 1)


def filtered(conditions: Case | None) -> funnel.Predicate:
    return tuple(
        funnel.Condition(column, "=", (value,)) for column, value in (conditions or {}).items()
    )


def event_named(name: str | None) -> funnel.Predicate:
    return () if name in (None, "*") else (funnel.Condition("event_type", "=", (name,)),)


@of_kind("matrices")
def test_retention(connection: duckdb.DuckDBPyConnection, case: Case) -> None:
    demand_known("retention case", case, RETENTION_FIELDS)
    demand_known("expected", case["expected"], {"matrix", "matrix_by"})
    if case["cohort_mode"] not in ("recurring", "first_ever", "first_matching"):
        raise UnknownFormError(f"cohort_mode {case['cohort_mode']!r} is not in the form")
    put_dated_events(connection, case, case.get("timezone") or "UTC")
    add_missing_attributes(connection, case)
    first = interval_of(local_time(case["first_interval_start"]), case["period"])
    starts = put_calendar(connection, case, first, last_day_of(case, first))
    assert len(starts) == case["intervals"]
    connection.execute(
        f"set variable min_occurrences = {int(case.get('min_occurrences') or 1)}::bigint"
    )
    connection.execute(f"set variable retention_intervals = {int(case['intervals'])}::bigint")
    activity = cohorts.Activity(
        target=event_named(case["target_event"]),
        returns=event_named(case["return_event"]),
        target_filter=filtered(case.get("target_filter")),
        returns_filter=filtered(case.get("return_filter")),
        every=filtered(case.get("global_filter")),
        breakdown=case.get("breakdown"),
        cohort_mode=case["cohort_mode"],
    )
    sql = cohorts.retention_sql(SQL_ROOT / "behavior" / "retention.sql", activity)
    measure = "unbounded" if case.get("unbounded") else "n_day"
    rows = [
        row
        for row in rows_of(connection, sql)
        if row["period"] == asked_period(case)
        and row["cohort_mode"] == case["cohort_mode"]
        and row["measure"] == measure
    ]
    expected = case["expected"].get("matrix_by") or {"all": case["expected"]["matrix"]}
    for value, matrix in expected.items():
        cells = {
            (starts.index(row["cohort_start"]), row["from_interval"]): row["n_retained_customers"]
            for row in rows
            if row["activity"] == value
        }
        n = case["intervals"]
        # Ours is null beyond the range, and has no row of a cohort that nobody is in.
        assert all(value is None for (i, k), value in cells.items() if i + k >= n)
        assert [[cells.get((i, k)) or 0 for k in range(len(matrix[0]))] for i in range(n)] == matrix


def add_missing_attributes(connection: duckdb.DuckDBPyConnection, case: Case) -> None:
    """A filter or breakdown may name an attribute that no event of the case carries."""
    named = {case["breakdown"]} if case.get("breakdown") else set()
    for filter_name in ("target_filter", "return_filter", "global_filter"):
        named |= set(case.get(filter_name) or {})
    present = {column[0] for column in connection.execute("from events limit 0").description}
    for name in sorted(named - present):
        connection.execute(f"alter table events add column {quoted(name)} varchar")


# -- lifecycle and stickiness -----------------------------------------------------------------


def put_customer_days(connection: duckdb.DuckDBPyConnection, case: Case, event: str | None) -> None:
    put_dated_events(connection, case, case.get("timezone") or "UTC")
    if event not in (None, "*"):
        connection.execute("delete from events where event_type != ?", [event])
    add_succession(connection, "event_ts", "sequence")
    run_model(connection, "customer_day", purchase_event=None, view_event=None)


def asked_range(case: Case) -> tuple[dt.date, dt.date]:
    first, last = (local_time(case[name]) for name in ("date_from", "date_to"))
    return interval_of(first, case["period"]), interval_of(last, case["period"])


@of_kind("lifecycle")
def test_lifecycle(connection: duckdb.DuckDBPyConnection, case: Case) -> None:
    known = {"period", "date_from", "date_to", "timezone", "week_start", "event", "events"}
    demand_known("lifecycle case", case, {*known, "expected"})
    demand_known("expected", case["expected"], {"new", "returning", "resurrecting", "dormant"})
    put_customer_days(connection, case, case.get("event"))
    first, last = (
        interval_of(local_time(case[k]), case["period"]) for k in ("date_from", "date_to")
    )
    (earliest,) = connection.execute("select min(event_date) from events").fetchone()  # type: ignore[misc]
    put_calendar(connection, case, min(first, earliest or first), last)
    (start,) = connection.execute(  # type: ignore[misc]
        "select interval_start from calendar where period = ? and calendar_date = ?",
        [asked_period(case), first],
    ).fetchone()
    rows = [
        row
        for row in run_model(connection, "lifecycle")
        if row["period"] == asked_period(case) and row["interval_start"] >= start
    ]
    rows.sort(key=lambda row: row["interval_start"])
    for name, counts in case["expected"].items():
        sign = -1 if name == "dormant" else 1
        assert [sign * row[f"n_{name}"] for row in rows] == counts, name


@of_kind("stickiness")
def test_stickiness(connection: duckdb.DuckDBPyConnection, case: Case) -> None:
    known = {"period", "date_from", "date_to", "timezone", "week_start", "event", "events"}
    demand_known("stickiness case", case, {*known, "expected"})
    demand_known("expected", case["expected"], {"users_by_number_of_active_intervals"})
    put_customer_days(connection, case, case.get("event"))
    first, last = (
        interval_of(local_time(case[k]), case["period"]) for k in ("date_from", "date_to")
    )
    put_calendar(connection, case, first, last)
    ours = {
        str(row["n_active_intervals"]): row["n_customers"]
        for row in run_model(connection, "stickiness")
        if row["period"] == asked_period(case)
    }
    wanted = case["expected"]["users_by_number_of_active_intervals"]
    assert ours == {number: users for number, users in wanted.items() if users}


# -- sessions, paths and transitions ----------------------------------------------------------


@of_kind("sessions")
def test_sessions(connection: duckdb.DuckDBPyConnection, case: Case) -> None:
    known = {"timeout_microseconds", "timestamps_microseconds", "expected_session_index"}
    demand_known("sessions case", case, {*known, "expected_sessions"})
    stamps = case["timestamps_microseconds"]
    put_events(connection, [{"user": "u", "ts": ts, "event": "e"} for ts in stamps])
    connection.execute(
        "update events set event_at = make_timestamp(event_ts), "
        "event_date = make_timestamp(event_ts)::date"
    )
    add_succession(connection, "event_ts")
    parameters = {"session_timeout_us": case["timeout_microseconds"]}
    parameters |= {"purchase_event": None, "view_event": None}
    run_model(connection, "session_fragments", **parameters)
    sessions = sorted(
        (row["started_ts"], row["ended_ts"])
        for row in run_model(connection, "sessions", **parameters)
    )
    assert len(sessions) == case["expected_sessions"]
    index = [
        next(i for i, (start, end) in enumerate(sessions, 1) if start <= ts <= end) for ts in stamps
    ]
    assert index == case["expected_session_index"]


@of_kind("paths")
def test_paths(connection: duckdb.DuckDBPyConnection, case: Case) -> None:
    demand_known("paths case", case, {"session_timeout_minutes", "events", "expected"})
    demand_known("expected", case["expected"], {"edges"})
    events = [
        {"user": event["user"], "ts": event["ts"], "event": event["node"]}
        for event in case["events"]
    ]
    put_events(connection, events)
    add_succession(connection, "event_ts", "sequence")
    timeout_us = int(case["session_timeout_minutes"] * 60_000_000)
    run_model(connection, "session_paths", session_timeout_us=timeout_us)
    ours = connection.execute(
        "select step || '_' || from_event, (step + 1) || '_' || to_event, sum(n_sessions)::bigint "
        "from session_paths group by all"
    ).fetchall()
    assert sorted(ours) == sorted(tuple(edge) for edge in case["expected"]["edges"])


TRANSITION_MEASURES = {
    "count", "total", "share_of_total", "proba_out", "proba_in", "per_actor_divisor", "difference",
}  # fmt: skip


@of_kind("transitions")
def test_transitions(connection: duckdb.DuckDBPyConnection, case: Case) -> None:
    demand_known(
        "transitions case", case, {"actor", "labels", "breakdown", "values", "events", "expected"}
    )
    demand_known("expected", case["expected"], TRANSITION_MEASURES)
    expected = case["expected"]
    breakdown = case.get("breakdown")
    if breakdown is not None:
        attribute, first, second = compared_values(case)
        named = [event for event in case["events"] if event.get(attribute) == first]
        others = [
            event
            for event in case["events"]
            if (event.get(attribute) == second)
            or (second.strip("<>") == "REST" and event.get(attribute) != first)
        ]
        ours = [
            transition_matrix(connection, case, events, "n_transitions")
            for events in (named, others)
        ]
        difference = [
            [a - b for a, b in zip(*rows, strict=True)] for rows in zip(*ours, strict=True)
        ]
        assert difference == (expected.get("difference") or expected["count"])
        return
    counts = transition_matrix(connection, case, case["events"], "n_transitions")
    total = sum(map(sum, counts))
    actors = {event[case["actor"]] for event in case["events"]}
    if "count" in expected:
        assert counts == expected["count"]
    if "total" in expected:
        assert total == expected["total"] == len(case["events"]) + len(actors)
    if "share_of_total" in expected:
        shares = [[n / total for n in row] for row in counts]
        assert flat(shares) == pytest.approx(flat(expected["share_of_total"]))
    if "per_actor_divisor" in expected:
        assert len(actors) == expected["per_actor_divisor"]
    for name, column in (("proba_out", "share_of_from"), ("proba_in", "share_of_to")):
        if name in expected:
            ours = transition_matrix(connection, case, case["events"], column)
            assert flat(ours) == pytest.approx(flat(expected[name]))


def compared_values(case: Case) -> tuple[str, str, str]:
    """The attribute of a difference and its two values, the first minus the second."""
    breakdown = case["breakdown"]
    if isinstance(breakdown, str):
        values = case.get("values") or []
    elif isinstance(breakdown, list):
        breakdown, *values = breakdown
    else:
        demand_known("breakdown", breakdown, {"attribute", "values"})
        breakdown, values = breakdown["attribute"], breakdown["values"]
    if len(values) != 2:
        raise UnknownFormError(f"{len(values)} values of a breakdown: a difference has two")
    return breakdown, values[0], values[1]


def flat(matrix: list[list[Any]]) -> list[Any]:
    return [cell for row in matrix for cell in row]


def transition_matrix(
    connection: duckdb.DuckDBPyConnection, case: Case, events: list[Case], column: str
) -> list[list[Any]]:
    """Count in the order of the labels; one endless session for each actor."""
    if case["actor"] not in ("user", "session"):
        raise UnknownFormError(f"actor {case['actor']!r} is not in the form")
    put_events(connection, [{**event, "user": event[case["actor"]]} for event in events])
    add_succession(connection, "event_ts", "sequence")
    run_model(connection, "daily_transitions", session_timeout_us=10**17)
    cells = {
        (row["from_event"], row["to_event"]): row[column]
        for row in run_model(connection, "transitions")
    }
    ours = {"path_start": "(start)", "path_end": "(end)"}
    labels = [ours.get(label, label) for label in case["labels"]]
    assert {label for pair in cells for label in pair} <= set(labels)
    return [[cells.get((a, b), 0) for b in labels] for a in labels]


def test_unknown_forms_fail_loudly() -> None:
    with pytest.raises(UnknownFormError, match="no_such_field"):
        demand_known("case", {"no_such_field": 1}, {"events"})
    with pytest.raises(UnknownFormError, match="!="):
        predicate({"col": "event", "op": "!=", "value": 1})
    with pytest.raises(UnknownFormError, match="semantics"):
        definition({"semantics": "mixpanel", "steps": []})
