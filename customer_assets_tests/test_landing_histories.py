"""Random histories of a landing folder: the STATE tables know only the files that are there now.

After each change only what is outdated is computed again; at the end every table equals that of
a warehouse which never saw anything but the last set of files. CUSTOMER_ASSETS_EXAMPLES says how
many histories, and lets every table take part.
"""

import dataclasses
import datetime as dt
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from customer_assets.planning import plan
from customer_assets.sources import EventLogSource
from customer_assets.warehouse.source_warehouse import SourceWarehouse
from customer_assets_tests.conftest import SourceRun, run_source

EXAMPLES = os.environ.get("CUSTOMER_ASSETS_EXAMPLES")
# Those that read other days than their own, and one of each other kind; with what they need.
TABLES = [
    "sessions",
    "session_paths",
    "daily_paths",
    "daily_transitions",
    "definition_sensitivity",
    "funnel",
    "retention",
    "orders",
    "accounting",
]
# The clock of the zone goes back in the night to the 26th; the 28th is not over at NOON.
ZONE = ZoneInfo("Europe/Berlin")
FIRST = dt.datetime(2025, 10, 24, tzinfo=ZONE)
NOON = dt.datetime(2025, 10, 28, 12, tzinfo=dt.UTC)
DAY = 86_400
LONG_AFTER = dt.datetime(2025, 12, 1, tzinfo=dt.UTC)
AMID = dt.datetime(2025, 10, 26, 1, 30, tzinfo=dt.UTC)
HEADER = "who,at,what,item,order,price\n"


def source(duplicates: str) -> EventLogSource:
    times = "epoch_seconds" if duplicates == "remove" else "iso"
    return EventLogSource.model_validate(
        {
            "files": "*.csv",
            "columns": {
                "customer_id": {"from": "who", "type": "bigint"},
                "event_at": {"from": "at", "format": times},
                "event_type": "what",
                "item_id": "item",
                "order_id": "order",
                "value": "price",
            },
            "purchase_event": "buy",
            "view_event": "view",
            "timezone": ZONE.key,
            "first_day": FIRST.date(),
            "duplicates": duplicates,
            "funnels": {"purchase": {"steps": ["view", "buy"], "window": "1 day"}},
        }
    )


def line(duplicates: str, second: int, who: str = "1", what: str = "view,a,,") -> str:
    """Return a line of the log at a second after FIRST."""
    moment = int(FIRST.timestamp()) + second
    local = dt.datetime.fromtimestamp(moment, ZONE).strftime("%Y-%m-%d %H:%M:%S")
    return f"{who},{moment if duplicates == 'remove' else local},{what}\n"


@st.composite
def lines(draw, duplicates):
    """Lines of a log: often at a midnight, at the clock change, or a session's timeout apart."""
    near = st.sampled_from([-1801, -1800, -1, 0, 1800, 3600, 5400, 7200, 9000, 43_200])
    second = draw(st.integers(-1, 5)) * DAY + draw(near)
    who = draw(st.sampled_from(["1", "2", ""]))
    what = draw(
        st.sampled_from(["view,a,,", "view,b,,", "buy,a,o1,5", "buy,b,o2,2.50", "view,a,,x"])
    )
    return line(duplicates, second, who, what)


def told_histories(duplicates):
    """Histories of a few steps that chance would seldom find."""
    before, midnight, after = (line(duplicates, DAY + second) for second in (-1500, 0, 1500))
    late = line(duplicates, 3 * DAY, what="buy,a,o1,5")
    return [
        # A late file joins two sessions over a midnight; without it they part again.
        [
            ("land", "a", [before], LONG_AFTER),
            ("land", "b", [after], LONG_AFTER),
            ("land", "c", [midnight], LONG_AFTER),
            ("withdraw", 2),
        ],
        # A copy comes first by its name, and landed before its last row was dated.
        [("land", "b", [before, late], LONG_AFTER), ("duplicate", 0, "a", AMID)],
        # The file that counted for its copy goes.
        [
            ("land", "a", [before, before], LONG_AFTER),
            ("duplicate", 0, "b", LONG_AFTER),
            ("withdraw", 0),
        ],
        # A purchase matures into the funnel of a day before; its own day ends later.
        [
            ("land", "a", [line(duplicates, 3 * DAY + 43_200)], LONG_AFTER),
            ("land", "b", [line(duplicates, 4 * DAY, what="buy,a,o1,5")], LONG_AFTER),
            ("sleep",),
        ],
    ]


def changes(duplicates):
    """One thing that happens to a landing folder, as the name of a method and its arguments."""
    name, which = st.sampled_from("abcdef"), st.integers(0, 5)
    content = st.lists(lines(duplicates), max_size=14)
    landed_at = st.sampled_from([LONG_AFTER, LONG_AFTER, AMID])
    kinds = [
        st.tuples(st.just("land"), name, content, landed_at),
        st.tuples(st.just("land"), name, content, landed_at),
        st.tuples(st.just("withdraw"), which),
        st.tuples(st.just("rename"), which, name),
        st.tuples(st.just("duplicate"), which, name, landed_at),
        st.tuples(st.just("sleep")),
    ]
    if duplicates == "remove":
        kinds.append(st.tuples(st.just("split"), which, name, st.integers(1, 13)))
    return st.one_of(kinds)


@dataclass
class Landing:
    """A landing folder, and what may happen to it; a name that is taken is replaced."""

    folder: Path
    now: dt.datetime = NOON
    landed_at: dict[str, dt.datetime] = field(default_factory=dict)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def lines(self, name: str) -> list[str]:
        return (self.folder / name).read_text().splitlines(keepends=True)[1:]

    def write(
        self, name: str, lines: list[str], landed_at: dt.datetime, newline: str = "\n"
    ) -> None:
        path = self.folder / name
        path.write_text(HEADER + "".join(lines), newline=newline)
        os.utime(path, (landed_at.timestamp(), landed_at.timestamp()))
        self.landed_at[name] = landed_at

    def land(self, letter, lines, landed_at):
        self.write(f"{letter}.csv", lines, landed_at)

    def withdraw(self, which):
        if name := self._chosen(which):
            (self.folder / name).unlink()
            del self.landed_at[name]

    def rename(self, which, letter):
        if name := self._chosen(which):
            (self.folder / name).rename(self.folder / f"{letter}.csv")
            self.landed_at[f"{letter}.csv"] = self.landed_at.pop(name)

    def duplicate(self, which, letter, landed_at):
        if name := self._chosen(which):
            self.write(f"{letter}.csv", self.lines(name), landed_at)

    def split(self, which, letter, n):
        rest = f"{letter}.csv"
        if (name := self._chosen(which)) and rest not in self.landed_at:
            lines, landed_at = self.lines(name), self.landed_at[name]
            self.write(name, lines[:n], landed_at)
            self.write(rest, lines[n:], landed_at)

    def sleep(self):
        self.now += dt.timedelta(days=1)

    def in_one_file(self, folder: Path) -> "Landing":
        """Return a folder that holds what counts here in one file for each time of landing."""
        folder.mkdir()
        whole = Landing(folder, self.now)
        counted = {}
        for name in self.names():
            counted.setdefault(tuple(self.lines(name)), self.landed_at[name])
        for landed_at in set(counted.values()):
            lines = [line for each, at in counted.items() if at == landed_at for line in each]
            # Two files of equal bytes would count once.
            newline = "\n" if landed_at == LONG_AFTER else "\r\n"
            whole.write(f"{landed_at.date()}.csv", lines, landed_at, newline)
        return whole

    def _chosen(self, which: int) -> str | None:
        names = self.names()
        return names[which % len(names)] if names else None


class UnauditedWarehouse(SourceWarehouse):
    """Publishes without checks: they have tests of their own, and take most of the time."""

    def checks(self, name):
        return []


def opened(duplicates: str, landing: Landing, home: Path) -> SourceRun:
    run = run_source("log", source(duplicates), landing.folder, home)
    models = run.pipeline.models
    if not EXAMPLES:
        needed = set(TABLES)
        for model in reversed(models.values()):
            needed.update(model.inputs if model.name in needed else ())
        models = {name: model for name, model in models.items() if name in needed}
    tables = {name: run.pipeline.tables[name] for name in [*run.pipeline.raw_tables, *models]}
    run.pipeline = dataclasses.replace(run.pipeline, models=models, tables=tables)
    run.warehouse = UnauditedWarehouse(run.warehouse.folder, run.warehouse.engine, tables)
    run.now = landing.now
    return run


def refresh(run, now: dt.datetime) -> None:
    """Ingest, then redo the partitions that the plan names and that still differ by then."""
    run.now = now
    run.ingest()
    parameters, days = run.pipeline.parameters(now), run.days()
    for planned in plan(run.pipeline, run.warehouse, parameters, days):
        model = run.pipeline.models[planned.name]
        outdated = run.warehouse.outdated(model, parameters, planned.days)
        if outdated:
            redone = planned.days and [dt.date.fromisoformat(day) for day in outdated]
            run.materialize(model.name, days=redone)
    assert plan(run.pipeline, run.warehouse, parameters, days) == []


def fresh_state(duplicates: str, landing: Landing, home: Path) -> dict[str, str]:
    run = opened(duplicates, landing, home)
    run.ingest()
    run.materialize()
    return dict(run.state())


def check_history(duplicates: str, history: list[tuple]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        landing = Landing(Path(folder) / "landing")
        landing.folder.mkdir()
        run = opened(duplicates, landing, Path(folder) / "home")
        for kind, *arguments in history:
            getattr(landing, kind)(*arguments)
            refresh(run, landing.now)
        state = dict(run.state())
        assert state == fresh_state(duplicates, landing, Path(folder) / "fresh")
        if duplicates == "remove":
            whole = landing.in_one_file(Path(folder) / "whole")
            in_one = fresh_state(duplicates, whole, Path(folder) / "in_one")
            # Where in its file a row stood is another matter.
            assert state | {"rejected_rows": ""} == in_one | {"rejected_rows": ""}


@pytest.mark.parametrize("duplicates", ["remove", "keep"])
def test_any_history_ends_like_a_fresh_load(duplicates):
    def check(history):
        check_history(duplicates, history)

    for history in told_histories(duplicates):
        check = example(history)(check)
    check = given(st.lists(changes(duplicates), min_size=3, max_size=7))(check)
    settings(
        max_examples=int(EXAMPLES or 2),
        derandomize=not EXAMPLES,
        suppress_health_check=list(HealthCheck),
    )(check)()
