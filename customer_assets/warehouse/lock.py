"""One writer per source at a time."""

import contextlib
import fcntl
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from customer_assets.warehouse.process import Process

LOCK = ".lock"


@contextlib.contextmanager
def writer_lock(
    source_folder: Path, holder: str, tell: Callable[[str], None] = print
) -> Iterator[None]:
    """Hold the source's lock; wait, and say for whom, while another process holds it.

    The system releases the lock when its process dies, so a killed run blocks nobody.
    `holder` is what others read while they wait, for example the run's id; the lock's file says
    too which process that is, on which host and since when.
    """
    source_folder.mkdir(parents=True, exist_ok=True)
    with (source_folder / LOCK).open("a+") as file:
        told = ""
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                file.seek(0)
                other = _in_words(file.read())
                if other != told:
                    tell(f"{source_folder.name}: waiting for {other}, which is writing")
                    told = other
                time.sleep(0.2)
        file.truncate(0)
        json.dump({"holder": holder, **Process.current().as_tags()}, file)
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def lock_holder(source_folder: Path) -> str | None:
    """Return who holds the lock of a source; a name that a dead process left there is none."""
    path = source_folder / LOCK
    if not path.is_file():
        return None
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _in_words(file.read())
    return None


def _in_words(text: str) -> str:
    try:
        document = json.loads(text)
        process = Process.of(document)
        return f"{document['holder']} ({process})" if process else str(document["holder"])
    except (ValueError, KeyError, TypeError):
        return "another run"
