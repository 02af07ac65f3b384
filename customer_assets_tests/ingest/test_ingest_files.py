"""Files that come late, twice, anew, or go: the tables follow the files that are there."""

import datetime as dt
import os
import shutil
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest_shop import LANDED_AT, Shop, shop_source

from customer_assets import ingest
from customer_assets.ingest import staging
from customer_assets_tests.conftest import NOW, run_source

HEADER = "who,at,what,n,price\n"
STATE = {
    "raw_events": "* exclude source_file",
    "rejected_rows": "* exclude file",
    "landed_files": "file, content_hash, loaded_hash, status, rows_landed, rows_loaded, "
    "rows_rejected, first_date, last_date",
}


def csv(who: str, *days: int) -> str:
    return HEADER + "".join(f"{who},2024-01-{day:02} 10:00:00,view,1,2\n" for day in days)


def statuses(shop: Shop) -> dict[str, str]:
    return dict(shop.rows("landed_files", "file, status"))


def test_a_second_run_stages_nothing(shop: Shop):
    shop.land("a.csv", csv("ann", 5, 6))
    first = shop.run()
    assert [str(day) for day in first.dirty_days] == ["2024-01-05", "2024-01-06"]
    second = shop.run()
    assert (second.staged, second.withdrawn, second.dirty_days) == ({}, {}, [])


def test_a_late_file_makes_only_its_days_dirty(shop: Shop):
    shop.land("a.csv", csv("ann", 5, 6, 7))
    shop.run()
    shop.land("b.csv", csv("bob", 6))
    assert [str(day) for day in shop.run().dirty_days] == ["2024-01-06"]
    assert shop.rows("raw_events", "customer_id") == ["ann", "ann", "ann", "bob"]


def test_the_same_content_counts_once_for_the_first_name(shop: Shop):
    shop.land("b.csv", csv("ann", 5))
    shop.run()
    shop.land("a.csv", csv("ann", 5))
    assert shop.run().dirty_days == []
    assert statuses(shop) == {"a.csv": "loaded", "b.csv": "duplicate"}
    assert shop.accounting() == (1, 1, 0)


def test_a_replaced_file_takes_its_rows_with_it(shop: Shop):
    shop.land("a.csv", csv("ann", 5, 6))
    shop.run()
    shop.land("a.csv", csv("ann", 6, 7))
    assert [day.day for day in shop.run().dirty_days] == [5, 6, 7]
    assert [day.day for day in shop.rows("raw_events", "event_date")] == [6, 7]
    changes = shop.rows("arrivals", "run_id, day(event_date), change, rows")
    assert changes == [
        ("run1", 5, "landed", 1),
        ("run1", 6, "landed", 1),
        ("run2", 5, "withdrawn", 1),
        ("run2", 6, "landed", 1),
        ("run2", 6, "withdrawn", 1),
        ("run2", 7, "landed", 1),
    ]


def test_everything_can_be_withdrawn(shop: Shop):
    shop.land("a.csv", csv("ann", 5) + "x\n")
    shop.run()
    (shop.landing / "a.csv").unlink()
    assert [day.day for day in shop.run().dirty_days] == [5]
    assert [shop.rows(name) for name in STATE] == [[], [], []]
    assert shop.run().staged == {}


def test_a_broken_replacement_keeps_the_previous_version_until_a_good_one(shop: Shop):
    shop.land("a.csv", csv("ann", 5))
    shop.land("b.csv", csv("bob", 6))
    shop.run()
    shop.land("a.csv", "")
    assert shop.run().dirty_days == []
    assert statuses(shop) == {"a.csv": "refused, previous version kept", "b.csv": "loaded"}
    assert shop.accounting() == (2, 2, 0)
    assert shop.run().staged == {}
    shop.land("a.csv", csv("ann", 7))
    assert [day.day for day in shop.run().dirty_days] == [5, 7]
    assert statuses(shop) == {"a.csv": "loaded", "b.csv": "loaded"}


def test_a_kept_version_goes_when_the_configuration_changes_or_the_file_is_withdrawn(shop: Shop):
    for name in ("a.csv", "b.csv"):
        shop.land(name, csv(name, 5))
    shop.run()
    for name in ("a.csv", "b.csv"):
        shop.land(name, "")
    shop.run()
    (shop.landing / "b.csv").unlink()
    shop.run()
    assert shop.rows("raw_events", "customer_id") == ["a.csv"]
    shop.source = shop_source(default_event_type="other")
    shop.run()
    assert shop.rows("raw_events") == []
    (reason,) = shop.rows("landed_files", "reason")
    assert "the configuration has changed" in reason


def test_a_file_moved_to_another_name_stays_loaded(shop: Shop):
    shop.land("a.csv", csv("ann", 5))
    shop.run()
    (shop.landing / "a.csv").rename(shop.landing / "new name [1].csv")
    assert shop.run().dirty_days == []
    assert statuses(shop) == {"new name [1].csv": "loaded"}


def test_a_changed_configuration_reads_everything_again(shop: Shop):
    shop.land("a.csv", csv("ann", 5))
    shop.run()
    shop.source = shop_source(timezone="Asia/Tokyo")
    assert [day.day for day in shop.run().dirty_days] == [5]
    (event_ts,) = shop.rows("raw_events", "event_ts")
    assert event_ts == int(dt.datetime(2024, 1, 5, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000


def test_what_does_not_touch_the_rows_reads_nothing_again(shop: Shop):
    shop.land("a.csv", csv("ann", 5))
    shop.run()
    shop.source = shop_source(session_timeout="1 hour", duplicates="keep", owner="team:x")
    assert shop.run().staged == {}


def test_a_run_that_stopped_between_two_tables_is_made_good(shop: Shop):
    shop.land("a.csv", csv("ann", 5))
    prepared = shop.prepare()
    shop.store("raw_events", "event_date").publish(prepared.staged["raw_events"])
    made_good = shop.run()
    assert {"raw_events", "arrivals", "landed_files"} <= set(made_good.staged)
    assert made_good.dirty_days == [], "the rows of the day were published already"
    assert shop.rows("arrivals", "change, rows") == [("landed", 1)]
    assert shop.run().staged == {}


def test_rows_dated_after_their_file_landed_are_rejected_until_it_lands_later(shop: Shop):
    content = csv("ann", 5, 9)
    shop.land("a.csv", content, dt.datetime(2024, 1, 7, tzinfo=dt.UTC))
    shop.run()
    assert shop.rows("rejected_rows", "row, reason") == [(3, "dated after the file landed")]
    shop.land("a.csv", content, dt.datetime(2024, 1, 10, tzinfo=dt.UTC))
    shop.run()
    assert shop.rows("rejected_rows") == []
    assert shop.accounting() == (2, 2, 0)


def test_a_log_with_an_open_end(shop: Shop):
    shop.source = shop_source(last_day=None, timezone="Pacific/Kiritimati")
    shop.land("a.csv", csv("ann", 5, 9), dt.datetime(2024, 1, 9, 0, tzinfo=dt.UTC))
    shop.run()
    assert [day.day for day in shop.rows("raw_events", "event_date")] == [5, 9]


def test_what_cannot_be_a_file_is_refused_by_name(shop: Shop):
    (shop.landing / "folder.csv").mkdir()
    (shop.landing / "gone.csv").symlink_to(shop.landing / "nowhere")
    os.mkfifo(shop.landing / "pipe.csv")
    shop.land("sub/a.csv", csv("ann", 5))
    shop.land(".hidden.csv", "x")
    shop.source = shop_source(files="**/*.csv")
    shop.run()
    reasons = dict(shop.rows("landed_files", "file, reason"))
    assert reasons["folder.csv"] == "it is a folder"
    assert "No such file" in reasons["gone.csv"]
    assert reasons["pipe.csv"] == "it is no regular file"
    assert statuses(shop)["sub/a.csv"] == "loaded"
    assert ".hidden.csv" not in reasons


@pytest.mark.parametrize(
    "name", ["a [1].csv", "a*b?.csv", "it's.csv", 'say "x".csv', "\u00e9{a}.csv"]
)
def test_names_of_files_mean_nothing(shop: Shop, name):
    shop.land(name, csv("ann", 5) + "x\n")
    shop.land("a1.csv", csv("bob", 6))
    shop.run()
    assert shop.rows("raw_events", "source_file, customer_id") == sorted(
        [("a1.csv", "bob"), (name, "ann")]
    )
    assert shop.rows("rejected_rows", "file, row") == [(name, 3)]


@pytest.mark.parametrize("pattern", ["*", "**/*", "**/*.csv", "sub/*.csv"])
def test_patterns_find_files_and_pass_over_folders(shop: Shop, pattern):
    shop.land("sub/v1.0/a.csv", csv("ann", 5))
    shop.land("sub/b.csv", csv("bob", 5))
    shop.land("c.csv", csv("cid", 5))
    shop.source = shop_source(files=pattern)
    shop.run()
    found = {"*": 1, "**/*": 3, "**/*.csv": 3, "sub/*.csv": 1}
    assert list(statuses(shop).values()) == ["loaded"] * found[pattern]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission_is_refused(shop: Shop):
    shop.land("a.csv", csv("ann", 5)).chmod(0)
    shop.run()
    assert statuses(shop) == {"a.csv": "refused"}


def test_unfinished_files_wait(shop: Shop):
    shop.source = shop_source(files="*.csv")
    shop.land("a.csv.part", csv("ann", 5))
    prepared = shop.run()
    assert prepared.waiting == ["a.csv.part"]
    assert shop.rows("raw_events") == []


def test_a_file_that_grows_waits_and_keeps_its_previous_version(shop: Shop):
    path = shop.land("a.csv", csv("ann", 5))
    shop.run()
    now = dt.datetime.now(dt.UTC)
    shop.land("a.csv", csv("ann", 6), now)
    is_looked_at = threading.Event()

    def grow() -> None:
        days = [6]
        while not is_looked_at.wait(0.05):
            days.append(7)
            path.write_text(csv("ann", *days))

    writer = threading.Thread(target=grow)
    writer.start()
    prepared = shop.prepare(now)
    is_looked_at.set()
    writer.join()
    assert prepared.waiting == ["a.csv"]
    assert [report.status for report in prepared.files] == ["waiting, previous version kept"]
    assert "raw_events" not in prepared.staged
    assert prepared.withdrawn == {}


def test_a_landing_folder_that_is_not_there_harms_nothing(shop: Shop):
    shop.land("a.csv", csv("ann", 5))
    shop.run()
    shutil.rmtree(shop.landing)
    with pytest.raises(ingest.LandingError, match="does not exist"):
        shop.run()
    assert len(shop.rows("raw_events")) == 1


def test_a_column_that_no_file_has_is_an_error_that_names_it(shop: Shop):
    shop.land("a.csv", "who,at,what,n\na,2024-01-05,v,1\n")
    shop.land("b.csv", "who,at,what\na,2024-01-05,v\n")
    with pytest.raises(ingest.LandingError, match=r"'price'.*a\.csv"):
        shop.run()


def test_an_unknown_time_format_is_an_error(shop: Shop):
    shop.source = shop_source(
        columns={"customer_id": "who", "event_at": {"from": "at", "format": "%Q"}}
    )
    shop.land("a.csv", csv("ann", 5))
    with pytest.raises(ingest.TimeFormatError, match="'%Q' is no time format"):
        shop.run()


CONTENTS = [csv("ann", 5, 6), csv("bob", 6, 6, 7), csv("cid", 7) + "short\n", HEADER]
STEPS = st.lists(
    st.tuples(st.sampled_from(["a.csv", "b.csv", "c.csv"]), st.integers(-1, len(CONTENTS) - 1)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_history_ends_as_a_fresh_load_of_the_last_files(tmp_path_factory, connection, steps):
    """Landing, replacing, withdrawing and duplicating, in any order."""
    old = Shop(tmp_path_factory.mktemp("old"), connection)
    for number, (name, content) in enumerate(steps):
        at = LANDED_AT + dt.timedelta(seconds=number)
        if content >= 0:
            old.land(name, CONTENTS[content], at)
        else:
            (old.landing / name).unlink(missing_ok=True)
        old.run()
        assert (
            old.accounting()[0] == sum(old.accounting()[1:]) if old.rows("landed_files") else True
        )
    new = Shop(tmp_path_factory.mktemp("new"), connection)
    shutil.copytree(old.landing, new.landing, dirs_exist_ok=True)
    new.run()
    for name, columns in STATE.items():
        assert old.rows(name, columns) == new.rows(name, columns)
    assert old.store("raw_events").manifest().content_hash == (
        new.store("raw_events").manifest().content_hash
    )


def test_files_are_read_again_by_other_code_and_equal_rows_stay_known(tmp_path, monkeypatch):
    """A change in reading redoes the reading; what comes out the same redoes nothing after it."""
    source = shop_source()
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "a.csv").write_text(
        "who,at,what,n,price\n1,2024-01-01 10:00:00,buy,1,2.50\nx,never,buy,1,2.50\n"
    )
    run = run_source("shop", source, tmp_path / "landing", tmp_path / "home")
    run.ingest()
    run.materialize("events")
    before = run.warehouse.manifest("raw_events").pieces
    monkeypatch.setattr(staging, "ingest_version", lambda *_: "another")
    again = run.ingest()
    after = run.warehouse.manifest("raw_events").pieces
    assert again.dirty_days == []
    assert {piece.code_version for piece in after.values()} == {"another"}
    assert {k: p.content_hash for k, p in after.items()} == {
        k: p.content_hash for k, p in before.items()
    }
    events = run.pipeline.models["events"]
    assert run.warehouse.outdated(events, run.pipeline.parameters(NOW), run.days()) == []


def test_a_link_out_of_the_landing_folder_is_not_followed_unless_that_is_set(shop, monkeypatch):
    outside = shop.folder / "outside.csv"
    outside.write_text(csv("eve", 5))
    (shop.landing / "link.csv").symlink_to(outside)
    (shop.landing / "sub").symlink_to(shop.folder / "elsewhere", target_is_directory=True)
    (shop.folder / "elsewhere").mkdir()
    (shop.folder / "elsewhere" / "b.csv").write_text(csv("eve", 6))
    shop.source = shop_source(files=["*.csv", "sub/*.csv"])
    shop.run()
    found = shop.rows("landed_files", "file, status, reason")
    assert [(file, status) for file, status, _ in found] == [
        ("link.csv", "refused"),
        ("sub/b.csv", "refused"),
    ]
    assert all("a link out of the landing folder" in reason for *_, reason in found)
    assert "eve" not in str(found)
    monkeypatch.setenv("CUSTOMER_ASSETS_FOLLOW_LINKS", "1")
    shop.run()
    assert shop.rows("raw_events", "customer_id") == ["eve", "eve"]


@pytest.mark.parametrize("pattern", ["../*.csv", "/etc/*", "a/../../b.csv", ""])
def test_a_pattern_out_of_the_landing_folder_is_an_error_of_the_configuration(pattern):
    for stated in ({"files": pattern}, {"files": ["*.csv", pattern]}, {"lookups": {"x": pattern}}):
        with pytest.raises(ValueError, match="below the landing folder"):
            shop_source(**stated)


def test_the_columns_of_a_file_and_what_they_were_before(shop: Shop):
    def columns() -> list[tuple[str, str | None, str | None]]:
        return shop.rows("landed_files", "file, columns, previous_columns")

    head, row = "who,at,what,n,price,page", "ann,2024-01-05 10:00:00,view,1,2,home"
    shop.land("a.csv", f"{head}\n{row}\n")
    shop.land("b.jsonl", '{"who": "bob", "at": "2024-01-05 10:00:00", "what": "view"}\n')
    shop.run()
    before = ", ".join(head.split(","))
    assert columns() == [("a.csv", before, None), ("b.jsonl", None, None)]
    shop.land("a.csv", f"{head.replace('page', 'url')}\n{row}\n")
    for _ in range(2):
        # It stays known while the content is the same, also where it is read again.
        shop.run()
        shop.source = shop_source(event_names={"view": "look"}, default_event_type="other")
        assert columns()[0] == ("a.csv", before.replace("page", "url"), before)
