"""A session on a Spark cluster, through Spark Connect: the one module that imports pyspark.

It is opened when the first table asks for it, and opened anew once where it was lost. Whatever
happens, an answer comes: a server that is gone is told of within ten seconds, a statement that
takes longer than it may is interrupted. Does not belong here: what is asked (`translate`), and
what becomes of the rows (`engine`).
"""

import contextlib
import importlib
import importlib.util
import re
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from customer_assets.warehouse.engine import EngineError, RemoteError

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

T = TypeVar("T")

# The first Spark whose rows were compared with DuckDB's.
OLDEST = (4, 2)
_PROBE_SECONDS = 2.0
# How long an interrupted statement may take to end before it is left to itself.
_GRACE_SECONDS = 10.0
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    # What runs over or cannot be cast is an error, as in DuckDB, no null.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    # A table has a file a day: their names are known, nobody has to look for them.
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "1000000",
    # A view is what it was understood as, and is not read anew for each thing asked of it.
    "spark.sql.legacy.storeAnalyzedPlanForView": "true",
}
# No table has this name.
_RESULT = "the result"
# A session that the server does not know any more, since it was started again or threw it away.
_LOST = ("INVALID_HANDLE.", "SESSION_CLOSED", "NO_ACTIVE_SESSION")


class _LostError(Exception):
    """The server does not answer, or knows the session no more."""


@dataclass(frozen=True)
class Input:
    """The files of a view, its columns as Spark writes their types, and what is selected of them.

    `select` reads from the view `source`; None: all columns as they stand.
    """

    columns: Mapping[str, str]
    files: Sequence[Path]
    source: str
    select: str | None = None


def import_client() -> None:
    """Import pyspark's client, whatever program this is.

    A process whose main module has no file, as `python -c` or a worker of another program, pyspark
    takes for one that tests its documentation, and ends it.
    """
    main = sys.modules["__main__"]
    has_file = hasattr(main, "__file__")
    if not has_file:
        main.__file__ = __file__
    try:
        with _quiet():
            importlib.import_module("pyspark.sql.connect.session")
    finally:
        if not has_file:
            del main.__file__


class Cluster:
    """A Spark cluster at an address such as `sc://host:15002`, and one session on it.

    `seconds` is how long one statement may take, `opened_within` a session to open. The cluster
    reads and writes the same paths as this process: they lie on a file system that all of its
    machines have mounted.
    """

    def __init__(self, address: str, seconds: float, opened_within: float = 8.0) -> None:
        self.address = address
        self.seconds = seconds
        self.opened_within = opened_within
        self._session: SparkSession | None = None
        self._opening: SparkSession | None = None

    @property
    def host(self) -> str:
        """Return host and port; what else an address holds may be secret."""
        found = re.match(r"sc://([^/;]+)", self.address)
        host = found[1] if found else self.address
        return host if ":" in host else f"{host}:15002"

    def write(
        self, inputs: Mapping[str, Input], statement: str, columns: Mapping[str, str], folder: Path
    ) -> dict[str, Any]:
        """Write the rows of a statement as Parquet files into a folder; say what wrote them.

        `inputs` are its views by name, `columns` the types that its columns must have; a narrower
        whole number becomes a wider one. Raises RemoteError.
        """
        started = time.monotonic()
        try:
            said = self._tried(inputs, statement, columns, folder)
        except _LostError:
            # The server may have been started again: one new session, one more try.
            self.close()
            try:
                said = self._tried(inputs, statement, columns, folder)
            except _LostError as error:
                self.close()
                raise self._no_answer(str(error)) from None
        return {**said, "seconds_on_spark": round(time.monotonic() - started, 3)}

    def version(self) -> str:
        """Return the version of the server. Raises RemoteError where it does not answer."""
        try:
            return self._session_in_time().version
        except _LostError as error:
            raise self._no_answer(str(error)) from None

    def close(self) -> None:
        """End the session; a server that is gone is not waited for."""
        session, self._session = self._session, None
        if session is not None:
            self._end(session, releases=self._answers())

    def _end(self, session: "SparkSession", releases: bool) -> None:
        with contextlib.suppress(Exception), _quiet():
            session.release_session_on_close = releases
            session.stop()

    def _tried(
        self, inputs: Mapping[str, Input], statement: str, columns: Mapping[str, str], folder: Path
    ) -> dict[str, Any]:
        """Return what `write` returns. Raises RemoteError, and _LostError where it may go again."""
        session = self._session_in_time()
        try:
            return self._bounded(
                lambda: self._write(session, inputs, statement, columns, folder), self.seconds
            )
        except TimeoutError:
            raise RemoteError(
                f"Spark at {self.host} took longer than {self.seconds:g} seconds and was "
                "interrupted; nothing was published. CUSTOMER_ASSETS_SPARK_SECONDS gives more. "
                f"{self._way_out}"
            ) from None

    def _session_in_time(self) -> "SparkSession":
        if self._session is None:
            self._import_client()
        try:
            return self._bounded(self._opened, self.opened_within)
        except TimeoutError:
            if self._opening is not None:
                # What it waits for ends with its connection.
                self._end(self._opening, releases=False)
            raise self._no_answer("somebody listens there, and says nothing") from None

    def _write(
        self,
        session: "SparkSession",
        inputs: Mapping[str, Input],
        statement: str,
        columns: Mapping[str, str],
        folder: Path,
    ) -> dict[str, Any]:
        for name, each in inputs.items():
            rows = _read(session, each)
            if each.select is not None:
                rows.createOrReplaceTempView(each.source)
                rows = session.sql(each.select)
            rows.createOrReplaceTempView(name)
        session.sql(f"create or replace temporary view `{_RESULT}` as {statement}")
        rows = session.table(f"`{_RESULT}`")
        found = dict(rows.dtypes)
        wrong = [
            f"{name} is {found.get(name, 'not selected')} on Spark, not {kind}"
            for name, kind in columns.items()
            if found.get(name) not in (kind, *_NARROWER.get(kind, ()))
        ]
        if wrong:
            raise EngineError("; ".join(wrong))
        selected = [rows[name].cast(kind).alias(name) for name, kind in columns.items()]
        rows.select(*selected).write.mode("overwrite").parquet(_uri(folder))
        return {
            "engine": f"spark {session.version}",
            "spark_server": self.host,
            "spark_application": session.conf.get("spark.app.id", ""),
        }

    def _import_client(self) -> None:
        """Import what speaks with a server that is there, before its time begins to run."""
        if importlib.util.find_spec("pyspark") is None:
            raise RemoteError(
                "CUSTOMER_ASSETS_ENGINE names a Spark server, and there is no client for it here: "
                "pip install 'customer_assets[spark]'"
            )
        if not self._answers():
            raise _LostError("nobody listens there")
        import_client()

    def _opened(self) -> "SparkSession":
        if self._session is not None:
            return self._session
        from pyspark.sql.connect.client.retries import DefaultPolicy
        from pyspark.sql.connect.session import SparkSession

        session = SparkSession.builder.remote(self.address).create()
        # As it comes, the client asks a server that is gone for ten minutes. What is asked here
        # takes three seconds, and is asked twice: for the rows, then to let go of them.
        policy = DefaultPolicy(max_retries=4, initial_backoff=200, max_backoff=1000)
        session.client.set_retry_policies([policy])
        self._opening = session
        try:
            self._demand_version(session.version)
            for name, value in _SETTINGS.items():
                session.conf.set(name, value)
        except BaseException:
            self._end(session, releases=False)
            raise
        self._session = session
        return session

    def _answers(self) -> bool:
        host, _, port = self.host.rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), _PROBE_SECONDS):
                return True
        except OSError:
            return False

    def _demand_version(self, version: str) -> None:
        from pyspark import __version__ as client

        at_least = max(OLDEST, _release(client))
        if _release(version)[0] != at_least[0] or _release(version) < at_least:
            raise RemoteError(
                f"The server at {self.host} is Spark {version}; Spark {at_least[0]}.{at_least[1]} "
                f"or a later {at_least[0]}.x is needed, since the client here is {client}. "
                f"{self._way_out}"
            )

    def _bounded(self, work: Callable[[], T], seconds: float) -> T:
        """Return what some work returns. Raises TimeoutError where it takes longer, and ends it."""
        outcome: Future[T] = Future()

        def run() -> None:
            try:
                outcome.set_result(self._explained(work))
            except BaseException as error:
                outcome.set_exception(error)

        # A call that never comes back must not keep the process from ending.
        thread = threading.Thread(target=run, daemon=True)
        with _quiet():
            thread.start()
            thread.join(seconds)
            if thread.is_alive():
                self._interrupt(thread)
                raise TimeoutError
            return outcome.result()

    def _interrupt(self, thread: threading.Thread) -> None:
        session, self._session = self._session, None
        if session is not None:
            stop = threading.Thread(target=_ignoring_errors(session.interruptAll), daemon=True)
            stop.start()
            stop.join(_GRACE_SECONDS)
            thread.join(_GRACE_SECONDS)

    def _explained(self, work: Callable[[], T]) -> T:
        """Return what some work returns; tell errors of the connection from those of Spark."""
        import grpc
        from pyspark.errors import PySparkException

        try:
            return work()
        except grpc.RpcError as error:
            raise _LostError(str(error.code())) from None
        except PySparkException as error:
            said = str(error)
            condition = error.getCondition() or ""
            status = getattr(error, "getGrpcStatusCode", lambda: None)()
            is_gone = status in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
            if is_gone or condition.startswith(_LOST) or not self._answers():
                raise _LostError(said.splitlines()[0] if said else condition) from None
            # What follows the first lines are frames of the server.
            words = " ".join(said.split("JVM stacktrace:")[0].split())[:600]
            raise RemoteError(f"Spark at {self.host}: {words}") from None

    def _no_answer(self, why: str) -> RemoteError:
        return RemoteError(f"Spark at {self.host} does not answer ({why}). {self._way_out}")

    @property
    def _way_out(self) -> str:
        return (
            "Start the server and run again, or unset CUSTOMER_ASSETS_ENGINE to compute on this "
            "machine: the rows are the same."
        )


# Whole numbers that become a wider one.
_NARROWER = {"bigint": ("int", "smallint", "tinyint")}


def _read(session: "SparkSession", each: Input) -> Any:
    schema = ", ".join(f"`{name}` {kind}" for name, kind in each.columns.items())
    if not each.files:
        return session.createDataFrame([], schema)
    # Days are folders `event_date=...`, of which no column is to be made.
    reader = session.read.schema(schema).option("recursiveFileLookup", "true")
    return reader.parquet(*(_uri(file, is_pattern=True) for file in each.files))


def _uri(path: Path, *, is_pattern: bool = False) -> str:
    text = path.resolve().as_posix()
    return "file://" + (re.sub(r"([\\*?\[\]{}])", r"\\\1", text) if is_pattern else text)


def _release(version: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _ignoring_errors(call: Callable[[], Any]) -> Callable[[], None]:
    def run() -> None:
        with contextlib.suppress(Exception):
            call()

    return run


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the client's warnings to itself: of retries, which an error tells of, and of pandas,
    which is not used."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\[RETRIES_EXCEEDED\]")
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        yield
