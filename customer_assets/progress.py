"""What a run says of how far it is: a line in its log per table that is done.

The line carries a `Done`, by which whoever started the run counts and shows it (`progress_bars`).
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

logger = logging.getLogger("customer_assets")

Status = Literal["published", "up to date", "failed"]


@dataclass(frozen=True)
class Done:
    """A table with which a step is done; `warned` are the checks that failed and do not block."""

    source: str
    table: str
    status: Status
    rows: int | None = None
    seconds: float | None = None
    warned: tuple[str, ...] = ()

    def words(self) -> str:
        """Return a line about it: `shop/orders: 20,712 rows, 1.4 s`."""
        said: list[str] = [self.status] if self.status != "published" else []
        plural = "row" if self.rows == 1 else "rows"
        said += [f"{self.rows:,} {plural}"] if self.rows is not None else []
        said += [f"{self.seconds:.1f} s"] if self.seconds is not None else []
        said += [f"warned: {', '.join(self.warned)}"] if self.warned else []
        return f"{self.source}/{self.table}: {', '.join(said)}"


def tell_done(done: Done) -> None:
    """Say that a step is done with a table."""
    level = logging.ERROR if done.status == "failed" else logging.INFO
    logger.log(level, done.words(), extra={"done": done})


def tell_begun(source: str, n_tables: int) -> None:
    """Say to whoever shows the progress of a run that it begins, and how many tables it makes."""
    logger.info("%s: %s tables", source, n_tables, extra={"begun": (source, n_tables)})


def tell_detail(text: str) -> None:
    """Say what only somebody wants to know who looks on: a file that was read, a chunk of days."""
    logger.info(text, extra={"is_detail": True})


class Collected(logging.Handler):
    """Keeps what a run says of its tables; of one that is done twice the last."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, Done] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if done := getattr(record, "done", None):
            self.tables[done.table] = done


@contextlib.contextmanager
def listening(handler: logging.Handler) -> Iterator[None]:
    """Give a handler what runs of this process say, until the block ends."""
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
