"""Alerts: what somebody should know who does not look at the UI, kept as JSON lines and sent once.

An alert names a source, a run, a table and a check, and says in counts what is wrong. It holds no
row of a table, no text of an error and no secret: those stay where they are. `alerts.jsonl` in the
home keeps all of them; those that were not delivered yet are sent in their order, until the other
side takes them. What is told and what is not, `components.alert_sensors` decides.
"""

import datetime as dt
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from customer_assets import settings

# What still holds is told again after so long.
REMIND_AFTER = dt.timedelta(days=7)
_SECONDS = 10


class UndeliveredError(RuntimeError):
    """An alert that the other side did not take. The text says why, and not where it was sent."""


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Alert:
    """One thing to know. `key` is equal for what was told before."""

    key: str
    kind: str
    source: str
    text: str
    run_id: str = ""
    at: str = field(default_factory=_now)


def alerts_file() -> Path:
    return settings.home() / "alerts.jsonl"


def keep(alert: Alert) -> bool:
    """Write an alert down, unless it was within the last week; say whether it is new."""
    since = (dt.datetime.fromisoformat(alert.at) - REMIND_AFTER).isoformat()
    if any(said["key"] == alert.key and said["at"] > since for said, _ in _kept(0)):
        return False
    path = alerts_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(asdict(alert), ensure_ascii=False) + "\n")
        lines.flush()
        os.fsync(lines.fileno())
    return True


def deliver(url: str, after: int) -> Iterator[int]:
    """Send the alerts that stand after a place in the file; yield the place after each.

    Raises UndeliveredError where one was not taken: it and those after it are still to be sent.
    """
    for said, place in _kept(after):
        request = urllib.request.Request(
            url,
            data=json.dumps(said, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json", "User-Agent": "customer_assets"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS):
                pass
        except urllib.error.HTTPError as error:
            raise UndeliveredError(f"it is answered by status {error.code}") from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise UndeliveredError(f"it cannot be sent ({type(reason).__name__})") from None
        yield place


def _kept(after: int) -> Iterator[tuple[dict[str, str], int]]:
    """Yield the alerts that stand after a place in the file, each with the place after it."""
    try:
        content = alerts_file().read_bytes()
    except FileNotFoundError:
        return
    place = after if after <= len(content) else 0
    for line in content[place:].splitlines(keepends=True):
        place += len(line)
        try:
            said = json.loads(line)
        except ValueError:
            continue  # A line that was cut by a crash says nothing any more.
        yield said, place
