"""`make dev`: Dagster's web server, daemon and code server under one small supervisor.

What dies is started again, and who ends the supervisor ends all three with what they started. The
same three stand in docs/deploy/ as units of systemd, which is the supervisor there; the code is
held there by a process that cannot reload it, and that systemd starts anew.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from customer_assets import settings

LOCATION = "customer_assets"
CODE_SERVER = "code server"
SOCKET = "code.sock"

_LOOK_EVERY_SECONDS = 1.0
# What dies again and again is started after growing pauses.
_LONGEST_PAUSE_SECONDS = 60.0
_SOUND_AFTER_SECONDS = 120.0
_SECONDS_TO_STOP = 10.0
# The code server starts another process, which holds the code.
_CODE_WITHIN_SECONDS = 60.0


def run_dev(port: int) -> int:
    """Serve the UI on a port of this machine until somebody ends it; return the exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="customer-assets-") as folder:
        services: list[Service] = []
        try:
            for name, command in commands(Path(folder), port).items():
                services.append(Service(name, command))
                if name == CODE_SERVER:
                    services[0].await_file(Path(folder) / SOCKET)
            while True:
                for service in services:
                    service.look_after()
                time.sleep(_LOOK_EVERY_SECONDS)
        except KeyboardInterrupt:
            return 0
        finally:
            stop(services)


def commands(folder: Path, port: int) -> Mapping[str, Sequence[str]]:
    """Return the three commands; `folder` takes the socket between them, for this user only."""
    socket, workspace = folder / SOCKET, folder / "workspace.yaml"
    workspace.write_text(
        f"load_from: [{{grpc_server: {{socket: {socket}, host: localhost, "
        f"location_name: {LOCATION}}}}}]\n"
    )
    bin_folder = Path(sys.executable).parent
    return {
        CODE_SERVER: [
            str(bin_folder / "dagster"), "code-server", "start", "--socket", str(socket),
            "--module-name", "customer_assets.definitions", "--location-name", LOCATION,
            "--working-directory", str(settings.project()),
            "--use-python-environment-entry-point",
        ],
        "web server": [
            sys.executable, "-m", "customer_assets.webserver", "--workspace", str(workspace),
            "--host", "127.0.0.1", "--port", str(port),
        ],
        "daemon": [str(bin_folder / "dagster-daemon"), "run", "--workspace", str(workspace)],
    }  # fmt: skip


class Service:
    """One of the commands: started, looked after, ended with all that it started."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self._command = command
        self._pause = 0.0
        self._start()

    def _start(self) -> None:
        self._started = time.monotonic()
        # In a session of its own, so that its group is all that it started.
        self.process = subprocess.Popen(
            self._command, start_new_session=True, cwd=settings.project()
        )

    def look_after(self) -> None:
        """Start the command again if it ended, after a pause where it ended soon."""
        lived = time.monotonic() - self._started
        is_up = self.process.poll() is None and not self._is_left_alone(lived)
        if is_up or lived < self._pause:
            return
        is_sound = lived > _SOUND_AFTER_SECONDS
        self._pause = 0.0 if is_sound else min(max(2 * self._pause, 1.0), _LONGEST_PAUSE_SECONDS)
        print(f"customer_assets: the {self.name} ended; it is started again", file=sys.stderr)
        self.signal(signal.SIGKILL)
        self.process.wait()
        self._start()

    def await_file(self, file: Path) -> None:
        """Wait until the command made a file; those that ask it for something find it then."""
        while not file.exists():
            self.look_after()
            time.sleep(_LOOK_EVERY_SECONDS / 10)

    def _is_left_alone(self, lived: float) -> bool:
        """Say whether the code server lost the process that holds the code, which it does not
        start again itself."""
        children = Path(f"/proc/{self.process.pid}/task")
        if self.name != CODE_SERVER or lived < _CODE_WITHIN_SECONDS or not children.is_dir():
            return False
        return not any(file.read_text().strip() for file in children.glob("*/children"))

    def signal(self, number: int) -> None:
        """Send a signal to the command and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def stop(services: Sequence[Service]) -> None:
    """End services: by request, and after some seconds by force."""
    for service in services:
        service.signal(signal.SIGTERM)
    deadline = time.monotonic() + _SECONDS_TO_STOP
    for service in services:
        with contextlib.suppress(subprocess.TimeoutExpired):
            service.process.wait(max(0.0, deadline - time.monotonic()))
        service.signal(signal.SIGKILL)
        service.process.wait()
