import os
import time

import pytest

from customer_assets.warehouse.manifest import (
    KEPT_VERSIONS,
    StagedPiece,
    TableStore,
    read_manifest,
    sweep,
)


@pytest.fixture
def store(tmp_path):
    return TableStore(tmp_path / "shop" / "events", partition_by="event_date")


def stage(store, connection, select, rows=1):
    path = store.new_staged_file()
    connection.execute(f"copy ({select}) to '{path}' (format parquet)")
    return StagedPiece(path, rows, code_version="v1")


def test_a_table_never_published_is_empty(store):
    assert store.manifest().pieces == {}
    assert store.files() == []


def test_publishing_names_files_by_their_content(store, connection):
    staged = stage(store, connection, "select 1 as a")
    manifest = store.publish({"2024-01-01": staged})
    piece = manifest.pieces["2024-01-01"]
    assert piece.path == f"event_date=2024-01-01/{piece.content_hash}.parquet"
    assert store.files() == [store.folder / piece.path]
    assert not staged.path.exists()


def test_a_staged_file_is_not_in_view(store, connection):
    stage(store, connection, "select 1 as a")
    assert store.files() == []


def test_other_partitions_stay_as_they_are(store, connection):
    first = store.publish({"2024-01-01": stage(store, connection, "select 1 as a")})
    second = store.publish({"2024-01-02": stage(store, connection, "select 2 as a")})
    assert second.pieces["2024-01-01"] == first.pieces["2024-01-01"]
    assert list(second.pieces) == ["2024-01-01", "2024-01-02"]


def test_equal_rows_have_an_equal_hash(store, connection):
    first = store.publish({"2024-01-01": stage(store, connection, "select 1 as a")})
    second = store.publish({"2024-01-01": stage(store, connection, "select 1 as a")})
    assert second.content_hash == first.content_hash
    # Nothing changed, so nothing is written.
    assert second == first == store.manifest()


def test_rows_in_bulk_hash_the_same_on_any_number_of_threads(store, connection):
    hashes = set()
    for threads in (1, 2, 3):
        connection.execute(f"set threads = {threads}")
        select = "select i % 97 as b, i as a from range(400000) t(i) order by b, a"
        hashes.add(store.publish({"2024-01-01": stage(store, connection, select)}).content_hash)
    assert len(hashes) == 1


def test_withdrawn_partitions_leave(store, connection):
    store.publish({"2024-01-01": stage(store, connection, "select 1 as a")})
    assert store.publish({}, withdrawn=["2024-01-01"]).pieces == {}


def test_previous_manifests_are_kept_up_to_a_limit(store, connection):
    for n in range(KEPT_VERSIONS + 3):
        store.publish({"2024-01-01": stage(store, connection, f"select {n} as a")})
    kept = sorted((store.folder / "history").glob("*.json"))
    assert len(kept) == KEPT_VERSIONS + 1
    assert read_manifest(kept[-1]) == store.manifest()
    previous = read_manifest(kept[-2])
    assert previous.version == store.manifest().version - 1
    assert (store.folder / previous.pieces["2024-01-01"].path).exists()


def test_sweep_deletes_only_old_files_that_nothing_names(store, connection):
    published = store.publish({"2024-01-01": stage(store, connection, "select 1 as a")})
    killed = stage(store, connection, "select 2 as a").path
    shown = stage(store, connection, "select 3 as a").path
    young = stage(store, connection, "select 4 as a").path
    day_ago = time.time() - 86400
    for path in (killed, shown, *store.files()):
        os.utime(path, (day_ago, day_ago))
    assert sweep(store.folder.parent, in_view=[shown]) == [killed]
    assert young.exists()
    assert store.manifest() == published
    assert store.files()[0].exists()
