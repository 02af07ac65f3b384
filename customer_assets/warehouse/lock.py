"""One writer per source at a time."""

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def writer_lock(
    source_folder: Path, holder: str, tell: Callable[[str], None] = print
) -> Iterator[None]:
    """Hold the source's lock; wait, and say for whom, while another process holds it.

    The system releases the lock when its process dies, so a killed run blocks nobody.
    `holder` is what others read while they wait, for example the run's id.
    """
    source_folder.mkdir(parents=True, exist_ok=True)
    with (source_folder / ".lock").open("a+") as file:
        told = ""
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                file.seek(0)
                other = file.read().strip() or "another run"
                if other != told:
                    tell(f"{source_folder.name}: waiting for {other}, which is writing")
                    told = other
                time.sleep(0.2)
        file.truncate(0)
        file.write(holder)
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
