"""How runs are shown that somebody started on the command line, in this process or in others.

A line per table, `[142/330]`, with rows and seconds; on a terminal a bar per source below them.
What is said of single files and chunks of days is printed on demand only.
"""

import contextlib
import logging
import queue
import threading
from collections.abc import Iterator, Mapping
from logging.handlers import QueueHandler
from multiprocessing.queues import Queue

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from customer_assets.progress import Done, listening, logger

_POLL_SECONDS = 0.2
_STATUS_WIDTH = 40


class Shown(logging.Handler):
    """Prints what runs say: a line per table, with how many of how many are done.

    `totals` are the tables of each source; others are taken up as their runs begin. On a terminal
    a bar per source, with the time that is left at the speed so far, stands below the lines.
    """

    def __init__(self, totals: Mapping[str, int], console: Console, is_verbose: bool) -> None:
        super().__init__()
        self._totals = dict(totals)
        self._n_done = dict.fromkeys(totals, 0)
        self._is_verbose = is_verbose
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[status]}", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks = {
            source: self._bars.add_task(source, total=total, status="")
            for source, total in totals.items()
        }

    def expect(self, source: str, total: int) -> None:
        """Take up a source whose run begins, with so many tables."""
        self._totals[source] = total
        self._tasks[source] = self._bars.add_task(source, total=total, status="")

    def __enter__(self) -> "Shown":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def emit(self, record: logging.LogRecord) -> None:
        if begun := getattr(record, "begun", None):
            self.expect(*begun)
        elif done := getattr(record, "done", None):
            self._count(done)
        elif self._is_verbose or not getattr(record, "is_detail", False):
            self._print(f"  {record.getMessage()}")
        else:
            text = record.getMessage()
            source = text.partition("/")[0].partition(":")[0]
            if source in self._tasks:
                self._bars.update(self._tasks[source], status=text[:_STATUS_WIDTH])

    def _count(self, done: Done) -> None:
        self._n_done[done.source] = self._n_done.get(done.source, 0) + 1
        if done.source in self._tasks:
            self._bars.update(self._tasks[done.source], advance=1, status=done.table)
        if done.status == "up to date" and not self._is_verbose:
            return
        total = sum(self._totals.values())
        n_done = min(sum(self._n_done.values()), total)
        self._print(f"[{n_done:>{len(str(total))}}/{total}] {done.words()}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def shown(totals: Mapping[str, int], is_verbose: bool = False) -> Iterator[Shown]:
    """Show what runs in this process say of these sources, until the block ends."""
    with Shown(totals, Console(), is_verbose) as handler, listening(handler):
        yield handler


def send_to(records: "Queue[logging.LogRecord]") -> None:
    """Send what runs of this process say to the process that started it."""
    logger.setLevel(logging.INFO)
    logger.addHandler(QueueHandler(records))


@contextlib.contextmanager
def receiving(records: "Queue[logging.LogRecord]", handler: logging.Handler) -> Iterator[None]:
    """Give a handler what other processes send, until the block ends and nothing is left.

    Nothing is put into the queue here: a process that was killed may hold it for ever.
    """
    is_over = threading.Event()

    def receive() -> None:
        while True:
            try:
                handler.handle(records.get(timeout=_POLL_SECONDS))
            except queue.Empty:
                if is_over.is_set():
                    return

    thread = threading.Thread(target=receive, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(timeout=5)
