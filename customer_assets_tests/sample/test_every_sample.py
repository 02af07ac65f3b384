"""What holds for the samples of all sources."""

import datetime as dt
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from customer_assets.sample import SOURCES, write_sample
from customer_assets.sample.files import SAMPLES, sample_contents, written_whole
from customer_assets.warehouse.manifest import file_hash

SMALL = {
    "online_retail": 1_000,
    "taobao": 5_000,
    "course_platform": 500,
    "one_click": 100,
    "web_shop": 3_000,
}
UNTIL = dt.date(2026, 11, 22)


def digest(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def write_small(source: str, folder: Path, seed: int = 1) -> dict[str, str]:
    write_sample(source, folder, rows=SMALL[source], seed=seed, until=UNTIL, tell=lambda _: None)
    return digest(folder)


@pytest.mark.parametrize("source", SOURCES)
def test_same_arguments_same_bytes_other_seed_other_bytes(source, tmp_path):
    first = write_small(source, tmp_path / "a")
    assert write_small(source, tmp_path / "b") == first
    assert set(write_small(source, tmp_path / "c", seed=2).values()).isdisjoint(first.values())


def test_one_thread_writes_the_same_bytes_as_many(samples, tmp_path):
    script = (
        "import datetime, pathlib, sys\n"
        "from customer_assets.sample import write_sample\n"
        "for source in ('taobao', 'course_platform', 'web_shop'):\n"
        "    write_sample(source, pathlib.Path(sys.argv[1]) / source,\n"
        "                 until=datetime.date(2026, 11, 22))\n"
    )
    environment = os.environ | {"POLARS_MAX_THREADS": "1"}
    subprocess.run([sys.executable, "-c", script, tmp_path], env=environment, check=True)
    for source in ("taobao", "course_platform", "web_shop"):
        assert digest(tmp_path / source) == digest(samples[source])


@pytest.mark.parametrize("source", SOURCES)
def test_tells_what_it_wrote_and_returns_the_files(source, tmp_path):
    told = []
    paths = write_sample(source, tmp_path, rows=SMALL[source], until=UNTIL, tell=told.append)
    assert len(told) == 1
    assert told[0].startswith(source)
    assert sorted(tmp_path.iterdir()) == sorted([*paths, tmp_path / SAMPLES])


@pytest.mark.parametrize("source", SOURCES)
def test_too_few_rows_for_the_quirks_are_refused(source, tmp_path):
    with pytest.raises(ValueError, match="at least"):
        write_sample(source, tmp_path, rows=0)
    assert not list(tmp_path.iterdir())


def test_unknown_source_is_refused(tmp_path):
    with pytest.raises(ValueError, match="there are: online_retail, taobao"):
        write_sample("amazon", tmp_path)


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("old")

    def write_half():
        with written_whole(path) as part:
            part.write_text("ne")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_sample_is_known_by_its_content(tmp_path):
    (path, *_) = write_sample("one_click", tmp_path, rows=100, tell=lambda _: None)
    write_sample("one_click", tmp_path, rows=100, tell=lambda _: None)
    content = file_hash(path)
    known = sample_contents(tmp_path)
    assert len(known) == len((tmp_path / SAMPLES).read_text().splitlines()) == 4
    assert content in known
    path.write_bytes(path.read_bytes() + b"\r\n")
    assert file_hash(path) not in sample_contents(tmp_path)
    assert sample_contents(tmp_path / "nowhere") == frozenset()
