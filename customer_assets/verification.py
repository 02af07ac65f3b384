"""Whether what was computed day by day equals a computation over all events at once.

Compares sessions, funnel entries and first sight of customers, as published, with those of the
independent oracle (`behavior.oracle`), which is given every published event of a customer.
Tables and days that are outdated are no claim, so they are left out, and said to be. Does not
belong here: how anything is computed. Knows no Dagster.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from customer_assets.behavior import oracle
from customer_assets.behavior.funnel import DIALECT_OF
from customer_assets.generation import VERIFIED, open_shown
from customer_assets.pipeline import Pipeline
from customer_assets.planning import plan, ranges_text
from customer_assets.project import read_pipeline
from customer_assets.sources import EventLogSource, parse_duration
from customer_assets.warehouse.engine import Relation, relation_sql
from customer_assets.warehouse.model import Model
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.source_warehouse import SourceWarehouse

COLUMNS = {
    "table": "Table that differs.",
    "customer_id": "Who.",
    "key": "Which row of the customer: the start of a session; funnel and entry day.",
    "column": "Column that differs; `rows` where one side has a row more.",
    "incremental": "What is published.",
    "oracle": "What follows from all events at once.",
}
# Events that the oracle is given at a time; an event takes about half a kilobyte there.
BATCH_EVENTS = 200_000
# The oracle follows each entry through all events of its customer.
MOST_EVENTS_IN_A_FUNNEL = 10_000

_CUSTOMERS = "verified_customers"

# A row: customer, key within the customer, and the measures to compare.
_Row = tuple[Any, ...]
_MEASURES = {
    "sessions": ("session_date", "ended_ts", "n_events"),
    "funnel_entries": ("level", "reached_ts", "held"),
    "first_seen": ("first_event_ts",),
}
_PUBLISHED_ROWS = {
    "sessions": "cast(started_ts as varchar), session_date, ended_ts, n_events",
    "funnel_entries": "funnel || ' ' || cast(entry_date as varchar), level, reached_ts, held",
    "first_seen": "'', first_event_ts",
}


@dataclass(frozen=True)
class Published:
    """What is to be compared: the files of one moment, and the days that must be right.

    `relations` has the events, and the compared tables without their outdated days; `left_out`
    says in words what is not compared.
    """

    source: EventLogSource
    warehouse: SourceWarehouse
    relations: Mapping[str, Relation]
    days: Mapping[str, frozenset[dt.date]]
    left_out: Sequence[str]

    @property
    def has_claims(self) -> bool:
        """Say whether any table is published and not outdated."""
        return len(self.relations) > 1


@dataclass(frozen=True)
class Verified:
    """What comparing some customers showed: `compared` counts rows by table.

    `n_long` counts the customers with too many events for the oracle's funnel.
    """

    n_customers: int
    n_events: int
    n_long: int
    compared: Mapping[str, int]
    differences: pl.DataFrame

    @property
    def left_out(self) -> list[str]:
        if not self.n_long:
            return []
        most = f"{MOST_EVENTS_IN_A_FUNNEL:,}"
        return [f"funnel_entries of {self.n_long:,} customers with more than {most} events"]


def differences(
    pipeline: Pipeline[EventLogSource],
    warehouse: SourceWarehouse,
    parameters: Mapping[str, Any],
    *,
    customers: int | None,
) -> pl.DataFrame:
    """Return where the published tables and the oracle differ; empty where they are equal.

    `customers`: how many to compare, always the same ones; None for all. Columns: COLUMNS, all
    text.
    """
    published = read_published(pipeline, warehouse, parameters)
    return merged(verify(published, customers)).differences


def read_published(
    pipeline: Pipeline[EventLogSource], warehouse: SourceWarehouse, parameters: Mapping[str, Any]
) -> Published:
    """Return what is published of a warehouse and not outdated.

    A run that publishes meanwhile would be seen half done: the caller holds the writer lock, or
    reads what readers are shown.
    """
    last_day = dt.date.fromisoformat(parameters["last_complete_day"])
    days = sorted(_published_days(warehouse, "events"))
    wanted = replace(pipeline, models=_models_behind(pipeline, VERIFIED))
    outdated = {table.name: table.days for table in plan(wanted, warehouse, parameters, days)}
    relations = {"events": warehouse.relation("events")}
    compared: dict[str, frozenset[dt.date]] = {}
    funnels = _compared_funnels(pipeline.source)
    left_out = [
        f"funnel {name}: the oracle knows only dialect ordered, customers as actors, steps of "
        "event types and windows in time"
        for name in pipeline.source.funnels
        if name not in funnels
    ]
    for name in VERIFIED:
        if name not in pipeline.models or (name == "funnel_entries" and not funnels):
            continue
        stale = outdated.get(name, [])
        if stale is None:
            left_out.append(f"{name}: it is outdated")
        elif pipeline.tables[name].partition_by is None:
            relations[name] = warehouse.relation(name)
        else:
            if stale:
                left_out.append(f"{name}: outdated days {ranges_text(stale)}")
            mine = _published_days(warehouse, name).intersection(days).difference(stale)
            compared[name] = frozenset(day for day in mine if day <= last_day)
            if compared[name]:
                relations[name] = warehouse.relation(name, sorted(compared[name]))
    return Published(pipeline.source, warehouse, relations, compared, left_out)


def verify(published: Published, customers: int | None) -> Iterator[Verified]:
    """Compare customers with the oracle, in batches of about BATCH_EVENTS events.

    Memory is that of a batch, or of the customer with the most events.
    """
    connection = published.warehouse.engine.connection
    selected = _customers_sql(published, customers)
    connection.execute(f"create or replace temp table {_CUSTOMERS} as {selected}")
    try:
        batches = published.warehouse.query(
            f"select batch, count(*) from {_CUSTOMERS} group by batch order by batch"
        )
        for batch, n_customers in batches.rows():
            yield _verify_batch(published, batch, n_customers)
    finally:
        connection.execute(f"drop table {_CUSTOMERS}")


def merged(batches: Iterable[Verified]) -> Verified:
    """Return all batches as one."""
    done = list(batches)
    compared: dict[str, int] = defaultdict(int)
    for batch in done:
        for table, count in batch.compared.items():
            compared[table] += count
    return Verified(
        n_customers=sum(batch.n_customers for batch in done),
        n_events=sum(batch.n_events for batch in done),
        n_long=sum(batch.n_long for batch in done),
        compared=dict(compared),
        differences=pl.concat([_frame([]), *(batch.differences for batch in done)]),
    )


def verify_source(source_name: str, customers: int | None, tell: Callable[[str], None]) -> bool:
    """Verify a source; `tell` is told each difference and a summary. Return whether all agrees.

    Raises UnknownSourceError, and ValueError where there is nothing to compare.
    """
    pipeline = read_pipeline(source_name)
    if not isinstance(pipeline.source, EventLogSource):
        raise ValueError(f"{source_name} is a customer table: nothing in it is incremental")
    parameters = pipeline.parameters(dt.datetime.now(dt.UTC))
    with open_shown(pipeline) as warehouse:
        published = read_published(pipeline, warehouse, parameters)
        if not published.has_claims:
            raise ValueError(
                f"nothing to verify, refresh {source_name} first: "
                f"{'; '.join(published.left_out) or 'nothing is published'}"
            )
        return _told(source_name, published, customers, tell)


def _told(
    name: str, published: Published, customers: int | None, tell: Callable[[str], None]
) -> bool:
    batches = []
    different = dict.fromkeys(VERIFIED, 0)
    for batch in verify(published, customers):
        for table, who, key, column, ours, theirs in batch.differences.iter_rows():
            different[table] += 1
            tell(f"{table}: customer {who!r} {key}: {column}: published {ours}, oracle {theirs}")
        batches.append(replace(batch, differences=batch.differences.clear()))
    all_of_it = merged(batches)
    tell(f"{name}: {all_of_it.n_customers:,} customers with {all_of_it.n_events:,} events")
    for table, count in all_of_it.compared.items():
        tell(f"{table}: {count:,} rows compared, {different[table]:,} differences")
    for what in [*published.left_out, *all_of_it.left_out]:
        tell(f"not compared: {what}")
    return not any(different.values())


def _models_behind(pipeline: Pipeline[EventLogSource], names: Iterable[str]) -> dict[str, Model]:
    """Return the models that lead from events to some tables, in order of need."""
    needed = set(names)
    for model in reversed(list(pipeline.models.values())):
        if model.name in needed:
            needed.update(model.inputs)
    needed.discard("events")
    return {name: model for name, model in pipeline.models.items() if name in needed}


def _published_days(warehouse: SourceWarehouse, name: str) -> set[dt.date]:
    return {dt.date.fromisoformat(day) for day in warehouse.manifest(name).days()}


def _compared_funnels(source: EventLogSource) -> list[str]:
    return [
        name
        for name, stated in source.funnels.items()
        if DIALECT_OF.get(stated.dialect, stated.dialect) == "ordered"
        and stated.actor == "customer"
        and not stated.has_conditions
        and stated.window_events is None
    ]


def _customers_sql(published: Published, customers: int | None) -> str:
    """Return a SELECT of the customers to compare: their events, and the batch that each is in.

    Customers of the compared tables take part too: one without an event is a difference.
    """
    imports = ",\n".join(
        f"{name} as ({relation_sql(relation)})" for name, relation in published.relations.items()
    )
    known = "\nunion all\n".join(
        f"select customer_id, {int(name == 'events')} as n_events from {name}"
        for name in published.relations
    )
    # The same customers each time, and no sort of ids is favoured.
    sample = f"order by md5(cast(customer_id as varchar)), customer_id limit {customers}"
    return f"""
        with {imports},
        known as ({known}),
        counted as (
            select customer_id, sum(n_events) as n_events
            from known
            where customer_id is not null
            group by customer_id
            {sample if customers is not None else ""}
        ),
        running as (
            select
                customer_id,
                n_events,
                sum(n_events) over (
                    order by customer_id rows between unbounded preceding and current row
                ) as n_so_far
            from counted
        )
        select
            customer_id,
            cast(n_events as bigint) as n_events,
            cast((n_so_far - n_events) // {BATCH_EVENTS} as bigint) as batch
        from running
    """


def _verify_batch(published: Published, batch: int, n_customers: int) -> Verified:
    query = published.warehouse.query
    of_batch = f"select customer_id from {_CUSTOMERS} where batch = {batch}"
    is_long = f"n_events > {MOST_EVENTS_IN_A_FUNNEL}"

    def rows(name: str, columns: str, condition: str = "true") -> list[_Row]:
        return query(
            f"select customer_id, {columns} from ({relation_sql(published.relations[name])}) "
            f"where customer_id in ({of_batch}) and {condition}"
        ).rows()

    sequence = ", sequence" if published.source.columns.sequence else ""
    columns = f"event_ts, event_date, event_type{sequence}"
    passive = published.source.passive_events
    acts = f"event_type not in ({', '.join(map(literal, passive))})" if passive else "true"
    funnels_compared = _compared_funnels(published.source)
    holds = sorted({hold for f in funnels_compared if (hold := published.source.funnels[f].hold)})
    columns += ", null" * (not sequence) + "".join(f", {quoted(hold)}" for hold in holds)
    events = [
        oracle.Event(customer, ts, day, kind, number, dict(zip(holds, held, strict=True)))
        for customer, ts, day, kind, number, *held in rows("events", columns, acts)
    ]
    long = frozenset(row[0] for row in query(f"{of_batch} and {is_long}").rows())
    funnels = ", ".join(map(literal, funnels_compared))
    conditions = {
        "funnel_entries": f"funnel in ({funnels}) and customer_id not in ({of_batch} and {is_long})"
    }
    compared: dict[str, int] = {}
    found: list[tuple[str, ...]] = []
    for name in VERIFIED:
        if name not in published.relations:
            continue
        ours = _by_key(rows(name, _PUBLISHED_ROWS[name], conditions.get(name, "true")))
        theirs = _by_key(_oracle_rows(name, published, events, long))
        compared[name] = len(ours.keys() | theirs.keys())
        found += _unequal(name, ours, theirs)
    return Verified(n_customers, len(events), len(long), compared, _frame(found))


def _oracle_rows(
    name: str, published: Published, events: Sequence[oracle.Event], long: Collection[Any]
) -> Iterator[_Row]:
    source, days = published.source, published.days.get(name, frozenset())
    if name == "first_seen":
        for customer_id, event_ts in oracle.first_seen(events).items():
            yield customer_id, "", event_ts
    elif name == "sessions":
        timeout_us = _microseconds(source.session_timeout)
        for found in oracle.sessions(events, timeout_us, source.split_sessions_at_midnight):
            if found.session_date in days:
                yield (
                    found.customer_id, str(found.started_ts),
                    found.session_date, found.ended_ts, found.n_events,
                )  # fmt: skip
    else:
        short = [event for event in events if event.customer_id not in long]
        for funnel in _compared_funnels(source):
            stated = source.funnels[funnel]
            for entry in oracle.funnel_entries(
                short,
                stated.event_types(),
                stated.window_seconds * 1_000_000,
                optional=stated.optional_steps,
                hold=stated.hold,
            ):
                if entry.entry_date in days:
                    reached = entry.reached_ts
                    missing = len(stated.steps) - len(reached)
                    key = f"{funnel} {entry.entry_date}"
                    held = None if entry.held is None else str(entry.held)
                    yield entry.customer_id, key, len(reached), [*reached, *[None] * missing], held


def _microseconds(duration: str) -> int:
    return parse_duration(duration) * 1_000_000


def _by_key(rows: Iterable[_Row]) -> dict[tuple[Any, str], list[_Row]]:
    """Return measures by customer and key: a list, since a key that occurs twice is wrong."""
    found: dict[tuple[Any, str], list[_Row]] = defaultdict(list)
    for customer_id, key, *measures in rows:
        found[customer_id, key].append(tuple(measures))
    return found


def _unequal(
    table: str,
    ours: Mapping[tuple[Any, str], list[_Row]],
    theirs: Mapping[tuple[Any, str], list[_Row]],
) -> Iterator[tuple[str, ...]]:
    for customer_id, key in ours.keys() | theirs.keys():
        mine, wanted = ours.get((customer_id, key), []), theirs.get((customer_id, key), [])
        if mine == wanted:
            continue
        where = (table, str(customer_id), key)
        if len(mine) != len(wanted):
            yield *where, "rows", str(len(mine)), str(len(wanted))
            continue
        for column, value, other in zip(_MEASURES[table], mine[0], wanted[0], strict=True):
            if value != other:
                yield *where, column, str(value), str(other)


def _frame(rows: Iterable[tuple[str, ...]]) -> pl.DataFrame:
    return pl.DataFrame(sorted(rows), dict.fromkeys(COLUMNS, pl.String), orient="row")
