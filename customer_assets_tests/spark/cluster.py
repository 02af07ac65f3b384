"""A Spark of this machine for tests: started on loopback, ended by the ids of its processes.

`cluster`: a master, two workers and a Connect server, each a process of its own. `local`: the
Connect server alone, which computes too. `.ci/spark` brings what is needed into `.spark`: of the
server's package its programs alone, since its modules and the client's have the same names.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from customer_assets import settings
from customer_assets.spark.session import Cluster
from customer_assets.warehouse.engine import RemoteError

HOME = settings.PROJECT_ROOT / ".spark"
UP_WITHIN_SECONDS = 90
# A compiler's work would not pay for tables of some thousand rows, nor would many partitions.
# The code of the first compiler alone is given 48 MB otherwise, and is swept all the time.
_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xss4m -XX:ReservedCodeCacheSize=200m"
SMALL = {
    "spark.ui.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # Without generated code it is looked up in a cache that is emptied with each row.
    "spark.sql.subexpressionElimination.enabled": "false",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.sql.autoBroadcastJoinThreshold": "10485760",
}
_MASTER = ["bin/spark-class", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1"]
_WORKER = ["bin/spark-class", "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1"]
_WORKER += ["--cores", "1", "--memory", "1g"]
_CONNECT = [
    "bin/spark-submit",
    "--class",
    "org.apache.spark.sql.connect.service.SparkConnectServer",
]
_LOOPBACK = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.connect.grpc.binding.address": "127.0.0.1",
}


class NoSparkError(RuntimeError):
    """There is no Spark here, or it does not start. The text says what to do."""


@dataclass
class Process:
    """A process of the cluster, known by its id."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """End it at once, as a machine that loses its power."""
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass
class TestCluster:
    """The processes of a Spark, and the address of its Connect server."""

    __test__ = False

    folder: Path
    is_local: bool = False
    settings: Mapping[str, str] = field(default_factory=lambda: SMALL)
    memory: str = "1g"
    port: int = 0
    processes: list[Process] = field(default_factory=list)
    _master: str = "local[2]"

    @property
    def address(self) -> str:
        return f"sc://127.0.0.1:{self.port}"

    @property
    def workers(self) -> list[Process]:
        return [each for each in self.processes if each.name.startswith("worker")]

    @property
    def server(self) -> Process:
        return next(each for each in self.processes if each.name == "connect")

    def start(self) -> None:
        """Start all processes. Raises NoSparkError where the server is not up in time."""
        home()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        if not self.is_local:
            port = free_port()
            self._master = f"spark://127.0.0.1:{port}"
            self._spawn(
                "master",
                [*_MASTER, "--port", str(port), "--webui-port", str(free_port())],
            )
            _wait_for(lambda: _listens(port), "the master", self.processes[-1])
            for _ in range(2):
                self.start_worker()
        self.start_server()

    def start_worker(self) -> None:
        name = f"worker{len(self.workers) + 1}"
        self._spawn(
            name,
            [
                *_WORKER,
                "--webui-port",
                str(free_port()),
                "--work-dir",
                str(self.folder / name),
                self._master,
            ],
        )

    def start_server(self) -> None:
        """Start the Connect server, again if it was killed, at the port that it had."""
        self.processes = [each for each in self.processes if each.process.poll() is None]
        # One without memory left would neither compute nor end.
        java = _JAVA if self.settings is SMALL else "-XX:+ExitOnOutOfMemoryError"
        said = {
            **self.settings,
            **_LOOPBACK,
            "spark.connect.grpc.binding.port": str(self.port),
            "spark.driver.extraJavaOptions": java,
            "spark.executor.memory": "700m",
            "spark.executor.extraJavaOptions": java,
            "spark.sql.warehouse.dir": str(self.folder / "spark-warehouse"),
        }
        options = [word for key, value in said.items() for word in ("--conf", f"{key}={value}")]
        self._spawn("connect", [*_CONNECT, "--master", self._master, *options, "spark-internal"])
        _wait_for(self._version, "the Connect server", self.server)

    def _version(self) -> bool:
        """Say whether the server answers, not only listens."""
        cluster = Cluster(self.address, seconds=UP_WITHIN_SECONDS)
        try:
            return bool(cluster.version())
        except RemoteError:
            return False
        finally:
            cluster.close()

    def stop(self) -> None:
        for each in reversed(self.processes):
            each.end()
        self.processes.clear()

    def _spawn(self, name: str, command: Sequence[str]) -> None:
        log = self.folder / f"{name}.log"
        environment = {
            **os.environ,
            "SPARK_HOME": str(home()),
            "SPARK_LOCAL_IP": "127.0.0.1",
            # It is the Connect server's heap too.
            "SPARK_DAEMON_MEMORY": self.memory if name == "connect" else "256m",
            "SPARK_DAEMON_JAVA_OPTS": _JAVA,
            "SPARK_NO_DAEMONIZE": "1",
            "SPARK_LOCAL_DIRS": str(self.folder / "local"),
        }
        with log.open("ab") as out:
            process = subprocess.Popen(
                [str(home() / command[0]), *command[1:]],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(Process(name, process, log))


def home() -> Path:
    """Return the folder of Spark. Raises NoSparkError."""
    if not (HOME / ".version").exists():
        raise NoSparkError(f"there is no Spark in {HOME}: `.ci/spark` brings it")
    return HOME


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _wait_for(is_up: Callable[[], bool], what: str, process: Process) -> None:
    deadline = time.monotonic() + UP_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if process.process.poll() is not None:
            break
        if is_up():
            return
        time.sleep(0.2)
    said = process.log.read_text(errors="replace")[-2000:]
    raise NoSparkError(f"{what} did not start within {UP_WITHIN_SECONDS} seconds:\n{said}")
