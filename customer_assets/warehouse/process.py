"""Which process does something, told from any other that had its number before or since."""

import os
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process of a host. `started` is equal for the same process only, also after a reboot."""

    host: str
    pid: int
    started: str

    @staticmethod
    def current() -> "Process":
        return Process(socket.gethostname(), os.getpid(), _started(os.getpid()))

    @staticmethod
    def of(document: Mapping[str, object], prefix: str = "") -> "Process | None":
        """Return the process that `as_tags` describes; None where it is not described."""
        try:
            return Process(
                str(document[f"{prefix}host"]),
                int(str(document[f"{prefix}pid"])),
                str(document[f"{prefix}started"]),
            )
        except (KeyError, ValueError):
            return None

    def as_tags(self, prefix: str = "") -> dict[str, str]:
        return {f"{prefix}{name}": str(value) for name, value in asdict(self).items()}

    def is_gone(self) -> bool:
        """Say whether the process has ended; of another host's nothing is known."""
        return self.host == socket.gethostname() and _started(self.pid) != self.started

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def _started(pid: int) -> str:
    """Return when a process began, as the system counts; "" where it is not there any more."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    if not boot.is_file():
        listed = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return listed.stdout.strip()
    try:
        # The name of the command, in parentheses, may hold spaces.
        state, *numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else f"{boot.read_text().strip()} {numbers[18]}"
